package i18n_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/leonelquinteros/gotext"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// message is one entry of a PO file.
type message struct {
	forms  map[int]string
	plural bool
}

// catalog reads a language's entries by "screen/id".
func catalog(t *testing.T, tag string) map[string]message {
	t.Helper()
	raw, err := os.ReadFile("po/" + tag + ".po")
	if err != nil {
		t.Fatal(err)
	}
	po := gotext.NewPo()
	po.Parse(raw)
	all := map[string]message{}
	for screen, ids := range po.GetDomain().GetCtxTranslations() {
		for id, tr := range ids {
			if id == "" {
				continue // the library leaves an empty one behind in each context
			}
			all[screen+"/"+id] = message{forms: tr.Trs, plural: tr.PluralID != ""}
		}
	}
	return all
}

func tags(t *testing.T) []string {
	t.Helper()
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return texts.Tags()
}

// forms is the number of plural forms that CLDR gives a language (integers).
var forms = map[string]int{"fr": 2, "en": 2, "ar": 6}

func TestLanguagesHaveTheSameTexts(t *testing.T) {
	source := catalog(t, i18n.Source)
	for _, tag := range tags(t) {
		own := catalog(t, tag)
		if forms[tag] == 0 {
			t.Errorf("%s: say how many plural forms it has", tag)
		}
		for id, want := range source {
			got, ok := own[id]
			if !ok {
				t.Errorf("%s: %s is missing", tag, id)
				continue
			}
			if got.plural != want.plural {
				t.Errorf("%s: %s: plural %t, want %t", tag, id, got.plural, want.plural)
			}
			count := 1
			if want.plural {
				count = forms[tag]
			}
			if len(got.forms) != count {
				t.Errorf("%s: %s has %d forms, want %d", tag, id, len(got.forms), count)
			}
			for n, text := range got.forms {
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s: %s[%d] is empty", tag, id, n)
				}
			}
		}
		for id := range own {
			if _, ok := source[id]; !ok {
				t.Errorf("%s: %s is not in the source", tag, id)
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func TestPlaceholdersAreTheSame(t *testing.T) {
	source := catalog(t, i18n.Source)
	for _, tag := range tags(t) {
		for id, m := range catalog(t, tag) {
			want := placeholders(source[id].forms[len(source[id].forms)-1])
			for n, text := range m.forms {
				got := placeholders(text)
				// "one page" in Arabic has no number in it.
				if m.plural && tag != i18n.Source {
					for _, p := range got {
						if !slices.Contains(want, p) {
							t.Errorf("%s: %s[%d] has %s", tag, id, n, p)
						}
					}
					continue
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %s[%d] has %v, want %v", tag, id, n, got, want)
				}
			}
		}
	}
}

func placeholders(s string) []string {
	found := placeholder.FindAllString(s, -1)
	slices.Sort(found)
	return found
}

func TestNothingIsFuzzy(t *testing.T) {
	for _, tag := range tags(t) {
		raw, err := os.ReadFile("po/" + tag + ".po")
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(raw), "\n") {
			if strings.HasPrefix(line, "#,") && strings.Contains(line, "fuzzy") {
				t.Errorf("%s.po:%d: somebody must look at this translation", tag, n+1)
			}
			if strings.HasPrefix(line, "#~") {
				t.Errorf("%s.po:%d: left-over", tag, n+1)
			}
		}
	}
}

func TestEveryTextIsThereAndUsed(t *testing.T) {
	asked := used(t)
	have := catalog(t, i18n.Source)
	for id := range asked {
		if _, ok := have[id]; !ok {
			t.Errorf("%s is asked for and missing", id)
		}
	}
	// A code's text may be said apart for each kind of device.
	special := regexp.MustCompile(`^fault/([a-z_]+)\.(scanner|printer|receipt|key)\.(what|do)$`)
	for id := range have {
		if m := special.FindStringSubmatch(id); m != nil && asked["fault/"+m[1]+"."+m[3]] {
			continue
		}
		if !asked[id] {
			t.Errorf("%s is not used", id)
		}
	}
}

func TestEveryFaultHasTextAndPicture(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	internal := texts.Language("fr").Fault(kiosk.CodeInternal, "").What
	for _, tag := range texts.Tags() {
		l := texts.Language(tag)
		seen := map[string]string{}
		for _, code := range constants(t, "../../kiosk/error.go", "Code") {
			for _, kind := range append(constants(t, "../../kiosk/device.go", "Kind"), "") {
				f := l.Fault(kiosk.Code(code), kiosk.Kind(kind))
				if f.What == "" || f.Do == "" || f.Device == "" || f.Picture == "" || f.Badge == "" {
					t.Errorf("%s: %s of %q: %+v", tag, code, kind, f)
				}
				if f.What == internal && code != string(kiosk.CodeInternal) {
					t.Errorf("%s of %q has no text of its own", code, kind)
				}
				if kind == "" {
					if other := seen[f.What]; other != "" {
						t.Errorf("%s: %s and %s say the same", tag, code, other)
					}
					seen[f.What] = code
				}
			}
		}
	}
	fr := texts.Language("fr")
	if fr.Fault(kiosk.CodePaperJam, kiosk.KindScanner).Do == fr.Fault(kiosk.CodePaperJam, kiosk.KindPrinter).Do {
		t.Error("a scanner's jam is told as a printer's")
	}
	if got := fr.Fault("no_such_code", ""); got.What != internal {
		t.Errorf("an unknown code is told as %q", got.What)
	}
}

// Plain words: short sentences, no word of the trade.
func TestFrenchIsPlain(t *testing.T) {
	jargon := regexp.MustCompile(`(?i)\b(numéris\w+|upload\w*|télévers\w+|formats?|octets?|résolution|dpi|périphériques?|session|erreur|valider|cliquez|répertoire|dossier)\b`)
	for id, m := range catalog(t, i18n.Source) {
		for _, text := range m.forms {
			// A technician is told what to make on a PC.
			if word := jargon.FindString(text); word != "" && !strings.HasPrefix(id, "technique/") {
				t.Errorf("%s: %q in %q", id, word, text)
			}
			for _, sentence := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".!?", r) }) {
				if n := len(strings.Fields(sentence)); n > 14 {
					t.Errorf("%s: %d words in a sentence: %q", id, n, sentence)
				}
			}
			if strings.ContainsAny(text, `'"`) {
				t.Errorf("%s: straight quotes in %q", id, text)
			}
			if regexp.MustCompile(`[^\x{00a0}\x{202f}\s][?!;:»]| [?!;»]`).MatchString(strings.NewReplacer("http:", "").Replace(text)) {
				t.Errorf("%s: no narrow or unbroken space before the sign in %q", id, text)
			}
		}
	}
}

func TestPlurals(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tag  string
		n    int
		want string
	}{
		{"fr", 0, "0 page"}, {"fr", 1, "1 page"}, {"fr", 2, "2 pages"},
		{"en", 0, "0 pages"}, {"en", 1, "1 page"},
		{"ar", 1, "صفحة واحدة"}, {"ar", 2, "صفحتان"}, {"ar", 3, "3 صفحات"}, {"ar", 11, "11 صفحة"}, {"ar", 100, "100 صفحة"},
	} {
		if got := texts.Language(c.tag).N("result", "pages", c.n); got != c.want {
			t.Errorf("%s: %d pages: got %q, want %q", c.tag, c.n, got, c.want)
		}
	}
}

func TestSizesAreInWordsAndNeverTooSmall(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	fr := texts.Language("fr")
	for bytes, want := range map[int64]string{
		0: "1 Ko", 1: "1 Ko", 1_000: "1 Ko", 1_001: "2 Ko", 99_999: "100 Ko", 100_001: "0,2 Mo", 760_000: "0,8 Mo",
		1_000_000: "1 Mo", 1_000_001: "1,1 Mo", 5_000_000: "5 Mo", 123_400_000: "123 Mo",
	} {
		if got := strings.ReplaceAll(fr.Size(bytes), "\u00a0", " "); got != want {
			t.Errorf("%d bytes: got %q, want %q", bytes, got, want)
		}
	}
	if got := texts.Language("ar").Size(760_000); !strings.Contains(got, "0,8") {
		t.Errorf("Arabic: got %q, want Latin digits", got)
	}
}

func TestDatesAreInWords(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 8, 1, 9, 5, 0, 0, time.UTC)
	for tag, want := range map[string]string{
		"fr": "samedi 1 août 2026, 9 h 05", "en": "Saturday 1 August 2026, 9:05", "ar": "السبت 1 أغسطس 2026، الساعة 9:05",
	} {
		if got := i18n.Plain(texts.Language(tag).Date(at)); strings.ReplaceAll(got, "\u00a0", " ") != want {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
}

func TestLanguageFallsBack(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{"fr": "fr", "en-GB": "en", "ar-DZ": "ar", "xx": "fr", "": "fr"} {
		if got := texts.Language(asked).Tag; got != want {
			t.Errorf("%q: got %q, want %q", asked, got, want)
		}
	}
	if !texts.Language("ar").RTL() || texts.Language("en").RTL() {
		t.Error("wrong directions")
	}
	if got := texts.Language("ar").T("result", "fits", "portal", "CAF", "limit", "5"); !strings.Contains(got, "\u2068CAF\u2069") {
		t.Errorf("a French word in Arabic is not kept apart: %q", got)
	}
}

func TestTextsMustHaveASource(t *testing.T) {
	head := "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n"
	dir := "msgctxt \"language\"\nmsgid \"dir\"\nmsgstr \"ltr\"\n"
	for name, files := range map[string]fstest.MapFS{
		"no French":    {"en.po": {Data: []byte(head + dir)}},
		"no direction": {"fr.po": {Data: []byte(head)}},
		"nothing":      {},
	} {
		if _, err := i18n.LoadFS(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	few, err := i18n.LoadFS(fstest.MapFS{"fr.po": {Data: []byte(head + dir + "\nmsgctxt \"a\"\nmsgid \"b\"\nmsgstr \"c\"\n")}, "en.po": {Data: []byte(head + dir)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := few.Language("en").T("a", "b"); got != "c" {
		t.Errorf("a missing text: got %q, want the French one", got)
	}
	if got := few.Language("en").T("a", "none"); got != "none" {
		t.Errorf("a text nobody has: got %q, want its id", got)
	}
}

func BenchmarkText(b *testing.B) {
	texts, err := i18n.Load()
	if err != nil {
		b.Fatal(err)
	}
	l := texts.Language("ar")
	for b.Loop() {
		l.N("review", "lead", 3)
	}
}
