// Package portal is the catalogue of what visitors come for: the public
// portals, what each of their fields takes, the kinds of papers, and what
// happens after a paper was sent. It is a file of facts (catalogue.yaml) with
// a source, a date and a confidence for each; a place may replace it without
// a build.
//
// A limit that nobody has verified is never shown as the portal's rule: the
// kiosk then makes a file small enough for every portal known (see
// UnknownAim and UnknownMax) and says so.
package portal

import (
	"slices"

	"pointnum/kiosk"
)

// What the kiosk makes when a field's limit is not known: one PDF a paper,
// light enough for the strictest public services whose limit was verified.
const (
	UnknownAim int64 = 1_000_000
	UnknownMax int64 = 2_000_000
)

// Confidence says how sure a fact is.
type Confidence string

// The confidences, the surest first.
const (
	Verified  Confidence = "V" // read on the portal itself, in its code or in the law
	Secondary Confidence = "S" // somebody else says so
	Deduced   Confidence = "D" // our own choice
	Unknown   Confidence = "U" // nobody could find out
)

// Catalogue is a whole file of facts. It is not changed after it was loaded;
// it may be read from any goroutine.
type Catalogue struct {
	Updated string   // the day of the last change, "2026-11-21"
	Kinds   []Kind   // in the order in which the screen shows them
	Portals []Portal // in the order in which the screen shows them
	// Services are what portals send people to; Portal.With names them.
	Services  []Service
	Mailboxes []Mailbox // in the order in which the screen shows them
}

// Text is a sentence in several languages, by BCP 47 tag. French is always
// there.
type Text map[string]string

// In returns the text in a language ("ar", "en-GB"), in that language without
// its region, or in French.
func (t Text) In(lang string) string {
	if s := t[lang]; s != "" {
		return s
	}
	for i, c := range lang {
		if c == '-' {
			if s := t[lang[:i]]; s != "" {
				return s
			}
		}
	}
	return t["fr"]
}

// Kind is a kind of paper.
type Kind struct {
	ID       string  // "tax_notice"; stable, the fleet counts it
	Official string  // the French word that the portals use: "Avis d’imposition"
	Gloss    Text    // what it is, in plain words
	Picture  string  // name of a Phosphor icon
	Checks   []Check // what to look at before sending it
}

// Check is a question to ask before a paper is sent: the usual reasons for
// which papers are refused.
type Check struct {
	ID      string // "both_sides"
	Text    Text
	Picture string // name of a Phosphor icon
}

// Portal is a public service's place for papers.
type Portal struct {
	ID       string // "caf"; stable, the fleet counts it
	Official string // the name as its own pages write it
	Gloss    Text   // what it is for, in plain words
	Picture  string // name of a Phosphor icon
	// Address is its https start page, on one of its hosts. Empty when nobody
	// is sure of it: then it can't be opened in the kiosk.
	Address string
	// Hosts are its domain names; each stands for its sub-domains too. Empty
	// when nobody is sure of them.
	Hosts []string
	With  []string // the services it sends people to, by their IDs; see Catalogue.Hosts

	Source     string     // where Address, Hosts and With were read
	Checked    string     // when; empty when nobody read them
	Confidence Confidence // empty when it has no address and nobody said

	Next  Text   // what happens after a paper was sent, and what to watch
	Phone string // as people dial it, "32 30"; empty when nobody is sure of it
	// Fields are what it takes: one for every kind of paper, and others for
	// some kinds.
	Fields []Field
}

// Field is what a portal takes in one of its upload fields.
type Field struct {
	ID       string
	Name     Text           // as the visitor may read it on the portal
	Kinds    []string       // the kinds of papers it is for; empty for all others
	Formats  []kiosk.Format // the best first; never empty
	MaxBytes int64          // per file, the strict reading; 0 when nobody knows
	MaxFiles int            // 0 when nobody knows
	MaxTotal int64          // all files of a request together; 0 when nobody knows

	Source     string // where the fact was read
	Checked    string // when, "2026-01-15" or "2026-01"; empty when nobody knows
	Confidence Confidence
}

// Portal finds a portal by its ID.
func (c *Catalogue) Portal(id string) (*Portal, bool) {
	i := slices.IndexFunc(c.Portals, func(p Portal) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Portals[i], true
}

// Kind finds a kind of paper by its ID.
func (c *Catalogue) Kind(id string) (*Kind, bool) {
	i := slices.IndexFunc(c.Kinds, func(k Kind) bool { return k.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Kinds[i], true
}

// Target says what file to make of a kind of paper for a portal. known is
// true when the size limit is the portal's own published rule and may be
// shown as such. ok is false when the catalogue has no such portal or kind.
func (c *Catalogue) Target(portal, kind string) (t kiosk.Target, known, ok bool) {
	p, ok := c.Portal(portal)
	if !ok {
		return kiosk.Target{}, false, false
	}
	if _, ok := c.Kind(kind); !ok {
		return kiosk.Target{}, false, false
	}
	f := p.Field(kind)
	return f.Target(), f.Known(), true
}

// Field returns what the portal takes for a kind of paper: the field that
// names the kind, else the one for all others. It is nil for a Portal that
// was not loaded and has neither.
func (p *Portal) Field(kind string) *Field {
	var other *Field
	for i := range p.Fields {
		f := &p.Fields[i]
		if slices.Contains(f.Kinds, kind) {
			return f
		}
		if len(f.Kinds) == 0 {
			other = f
		}
	}
	return other
}

// Known is true when MaxBytes is the portal's own rule: a size that somebody
// read there or that others report. A size we chose is not.
func (f *Field) Known() bool {
	return f != nil && f.MaxBytes > 0 && (f.Confidence == Verified || f.Confidence == Secondary)
}

// Target says what file to make for the field. Even under a generous limit
// the aim stays at UnknownAim: light files arrive on slow lines, and a
// portal's real limit can be below the one it shows.
func (f *Field) Target() kiosk.Target {
	t := kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: UnknownMax, AimBytes: UnknownAim, MaxFiles: 1}
	if f == nil {
		return t
	}
	if len(f.Formats) > 0 {
		t.Format = f.Formats[0]
	}
	if f.MaxBytes > 0 && (f.Known() || f.MaxBytes < t.MaxBytes) {
		t.MaxBytes = f.MaxBytes
	}
	if f.MaxTotal > 0 {
		t.MaxBytes = min(t.MaxBytes, f.MaxTotal)
	}
	t.AimBytes = min(t.AimBytes, t.MaxBytes)
	// A PDF holds a whole paper; only pictures need a file a page.
	if t.Format != kiosk.FormatPDF {
		t.MaxFiles = max(f.MaxFiles, 1)
	}
	return t
}
