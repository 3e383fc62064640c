// Package i18n holds every text that a visitor reads, one PO file a language
// (po/fr.po is the source), and the picture of every fault.
//
// A message's id is a name, its context (msgctxt) is the screen it is on.
// Values are put in by name, "{n}", so that a translation may order them as
// its grammar wants. Digits are always Latin: that is how they stand on the
// visitor's papers.
//
// A new language is one more file: po/TAG.po with the ids of fr.po, its own
// name and direction in the context "language". The tests say what is missing.
package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leonelquinteros/gotext"
)

//go:embed po/*.po
var files embed.FS

// Source is the language that texts are written in first, and shown in when
// another one is asked for that we do not have.
const Source = "fr"

// Texts are the texts of all languages. It may be used from any goroutine.
type Texts struct {
	languages map[string]*Language
	tags      []string
}

// Language is one language's texts. It may be used from any goroutine.
type Language struct {
	Tag  string // BCP 47
	Name string // in its own script
	Dir  string // "ltr" or "rtl"

	po *gotext.Po
	// plain are the texts without plural forms. The library's own question
	// whether one is translated asks for the form of 1, which in Arabic they
	// do not have.
	plain  map[string]map[string]*gotext.Translation
	source *Language // the French texts; nil in French itself
}

// Load reads the built-in texts.
func Load() (*Texts, error) {
	sub, err := fs.Sub(files, "po")
	if err != nil {
		return nil, fmt.Errorf("i18n: %w", err)
	}
	return LoadFS(sub)
}

// LoadFS reads the texts of a folder: one TAG.po a language, fr.po among them.
func LoadFS(dir fs.FS) (*Texts, error) {
	names, err := fs.Glob(dir, "*.po")
	if err != nil {
		return nil, fmt.Errorf("i18n: %w", err)
	}
	t := &Texts{languages: map[string]*Language{}}
	for _, name := range names {
		raw, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("i18n: %w", err)
		}
		po := gotext.NewPo()
		po.Parse(raw)
		tag := strings.TrimSuffix(path.Base(name), ".po")
		l := &Language{Tag: tag, po: po, plain: po.GetDomain().GetCtxTranslations()}
		l.Name, l.Dir = l.T("language", "name"), l.T("language", "dir")
		if l.Dir != "rtl" && l.Dir != "ltr" {
			return nil, fmt.Errorf("i18n: %s: language.dir is %q", name, l.Dir)
		}
		t.languages[tag] = l
		t.tags = append(t.tags, tag)
	}
	source := t.languages[Source]
	if source == nil {
		return nil, fmt.Errorf("i18n: %s.po is missing", Source)
	}
	for tag, l := range t.languages {
		if tag != Source {
			l.source = source
		}
	}
	slices.Sort(t.tags)
	return t, nil
}

// Tags lists the languages there are, in alphabetical order.
func (t *Texts) Tags() []string { return slices.Clone(t.tags) }

// Has is true when there are texts in exactly this language.
func (t *Texts) Has(tag string) bool { return t.languages[tag] != nil }

// Language gives the texts of a language, of the language without its region
// ("en-GB"), or French ones. It never is nil.
func (t *Texts) Language(tag string) *Language {
	if l := t.languages[tag]; l != nil {
		return l
	}
	base, _, _ := strings.Cut(tag, "-")
	if l := t.languages[base]; l != nil {
		return l
	}
	return t.languages[Source]
}

// RTL is true for languages that are written from right to left.
func (l *Language) RTL() bool { return l.Dir == "rtl" }

// own gives the language's own text, "" when it has none.
func (l *Language) own(screen, id string) string {
	if t := l.plain[screen][id]; t != nil {
		return t.Trs[0]
	}
	return ""
}

// T gives a text of a screen. values are pairs of a name and what takes its
// place. A text the language does not have is shown in French, and by its id
// when nobody has it: a test keeps that from happening.
func (l *Language) T(screen, id string, values ...string) string {
	text := l.own(screen, id)
	if text == "" && l.source != nil {
		text = l.source.own(screen, id)
	}
	if text == "" {
		text = id
	}
	return l.fill(text, values)
}

// N gives a text in the form that goes with a number; "{n}" is the number.
func (l *Language) N(screen, id string, n int, values ...string) string {
	po := l.po
	if l.source != nil && !po.IsTranslatedNC(id, n, screen) {
		po = l.source.po
	}
	// Put in here and not by the library: forms without a number ("one page"
	// in Arabic) would show its complaint about an argument too many.
	text := po.GetNC(id, id, n, screen)
	return l.fill(text, append([]string{"n", strconv.Itoa(n)}, values...))
}

// Isolates keep the direction of an inserted word from turning its sentence
// around (Unicode UAX #9): "Caf" in an Arabic sentence.
const (
	isolateStart = "\u2068"
	isolateEnd   = "\u2069"
)

func (l *Language) fill(text string, values []string) string {
	if len(values) == 0 {
		return text
	}
	pairs := make([]string, 0, len(values))
	for i := 0; i+1 < len(values); i += 2 {
		v := values[i+1]
		if _, err := strconv.Atoi(v); err != nil && l.RTL() {
			v = isolateStart + v + isolateEnd
		}
		pairs = append(pairs, "{"+values[i]+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Size says how big a file is, rounded up so that it never promises less than
// it is: "0,8 Mo", "1 Ko" at least.
func (l *Language) Size(bytes int64) string {
	const kilo, mega = 1_000, 1_000_000
	if bytes < 100*kilo {
		n := max(1, (bytes+kilo-1)/kilo)
		return l.T("number", "kilobytes", "n", strconv.FormatInt(n, 10))
	}
	tenths := (bytes + mega/10 - 1) / (mega / 10)
	s := strconv.FormatInt(tenths/10, 10)
	if r := tenths % 10; r != 0 && tenths < 1000 {
		s += l.T("number", "decimal") + strconv.FormatInt(r, 10)
	}
	return l.T("number", "megabytes", "n", s)
}

// Date gives a day and a time in words, in t's own zone.
func (l *Language) Date(t time.Time) string {
	return l.T("date", "format",
		"weekday", l.T("date", strings.ToLower(t.Weekday().String())),
		"day", strconv.Itoa(t.Day()),
		"month", l.T("date", strings.ToLower(t.Month().String())),
		"year", strconv.Itoa(t.Year()),
		"hour", strconv.Itoa(t.Hour()),
		"minute", fmt.Sprintf("%02d", t.Minute()))
}

// Time gives the time of a day in t's own zone.
func (l *Language) Time(t time.Time) string {
	return l.T("date", "time", "hour", strconv.Itoa(t.Hour()), "minute", fmt.Sprintf("%02d", t.Minute()))
}

// Plain takes the invisible isolates out of a text, for printers.
func Plain(text string) string {
	return strings.NewReplacer(isolateStart, "", isolateEnd, "").Replace(text)
}
