package ui

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/ui/i18n"
)

// maxCode is how many bytes a receipt's QR code holds: few enough that its
// squares stay large on narrow paper.
const maxCode = 150

// Receipt composes the visit's proof in the state's language: what was made,
// for whom, what became of it and what is left to do. It holds no name, no
// number and no login; official words stay in French, as the portals write
// them, with a gloss.
func Receipt(catalogue *portal.Catalogue, place Place, st session.State, now time.Time) kiosk.Receipt {
	texts, err := i18n.Load()
	if err != nil {
		panic(err) // the built-in texts: a test reads them
	}
	l := texts.Language(st.Lang)
	r := &receipt{l: l, catalogue: catalogue, unsent: map[string]bool{}}
	r.head(place, now)
	for i, d := range st.Documents {
		if len(d.Pages) > 0 {
			r.document(i+1, d)
		}
	}
	r.tail(place)
	return kiosk.Receipt{Lang: l.Tag, RTL: l.RTL(), Items: r.items}
}

// receipt collects the lines of one receipt.
type receipt struct {
	l         *i18n.Language
	catalogue *portal.Catalogue
	items     []kiosk.ReceiptItem
	portals   []*portal.Portal // those that a file was made for, each once
	unsent    map[string]bool  // those that a file is still to be sent to
}

func (r *receipt) text(s string) { r.items = append(r.items, kiosk.ReceiptItem{Text: i18n.Plain(s)}) }

func (r *receipt) bold(s string) {
	r.items = append(r.items, kiosk.ReceiptItem{Text: i18n.Plain(s), Bold: true})
}

func (r *receipt) centre(s string) {
	r.items = append(r.items, kiosk.ReceiptItem{Text: i18n.Plain(s), Align: kiosk.AlignCenter})
}

func (r *receipt) pair(label, value string) {
	r.items = append(r.items, kiosk.ReceiptItem{Pair: [2]string{label, i18n.Plain(value)}})
}

func (r *receipt) rule() { r.items = append(r.items, kiosk.ReceiptItem{Rule: true}) }

func (r *receipt) space() { r.items = append(r.items, kiosk.ReceiptItem{}) }

func (r *receipt) head(place Place, now time.Time) {
	if place.Name != "" {
		r.items = append(r.items, kiosk.ReceiptItem{Text: place.Name, Bold: true, Align: kiosk.AlignCenter})
	}
	for line := range strings.Lines(place.Address) {
		r.centre(strings.TrimSpace(line))
	}
	r.space()
	r.items = append(r.items, kiosk.ReceiptItem{
		Text: r.l.T("receipt", "title"), Bold: true, Large: true, Align: kiosk.AlignCenter})
	r.centre(r.l.Date(now))
}

// document tells of one paper: what it is, for whom, what became of it.
func (r *receipt) document(n int, d session.Document) {
	r.rule()
	r.text(r.l.T("receipt", "paper", "n", strconv.Itoa(n)))
	if k, ok := r.catalogue.Kind(d.Kind); ok {
		r.bold(k.Official)
		if gloss := k.Gloss.In(r.l.Tag); gloss != "" {
			r.text(gloss)
		}
	}
	p, known := r.catalogue.Portal(d.Portal)
	if known {
		r.pair(r.l.T("receipt", "for"), p.Official)
	}
	if from, ok := r.catalogue.Portal(d.From); ok {
		r.text("- " + r.l.T("receipt", "came", "portal", from.Official))
	}
	if d.Result == nil {
		r.pair(r.l.T("receipt", "pages"), strconv.Itoa(len(d.Pages)))
		if !r.attached(d) {
			r.text("- " + r.l.T("receipt", "unfinished"))
		}
		return
	}
	r.pair(r.l.T("receipt", "pages"), strconv.Itoa(d.Result.Pages))
	r.pair(r.l.T("receipt", "size"), r.l.Size(d.Result.Bytes))
	if len(d.Result.OnKey) > 0 {
		r.text("- " + r.l.T("receipt", "saved"))
	}
	if d.Result.Printed {
		r.text("- " + r.l.T("receipt", "printed"))
	}
	if d.Result.OnPhone {
		r.text("- " + r.l.T("receipt", "phoned"))
	}
	if !r.attached(d) && !d.Result.Delivered {
		r.text("- " + r.l.T("receipt", "nothing"))
	}
	if known {
		r.after(p)
		_, given := givenTo(&d, p.ID)
		r.unsent[p.ID] = r.unsent[p.ID] || !given
	}
}

// attached tells which portals a document was given to and when; false when
// it was given to none.
func (r *receipt) attached(d session.Document) bool {
	var to []*portal.Portal
	for _, a := range d.Attached {
		if p, ok := r.catalogue.Portal(a.Portal); ok {
			r.text("- " + r.l.T("receipt", "given", "portal", p.Official, "time", r.l.Time(a.At)))
			to = append(to, p)
		}
	}
	for _, p := range to {
		r.after(p)
	}
	return len(d.Attached) > 0
}

// after tells, once for each portal, what comes after a paper was sent there.
func (r *receipt) after(p *portal.Portal) {
	if next := p.Next.In(r.l.Tag); next != "" && !slices.Contains(r.portals, p) {
		r.space()
		r.bold(r.l.T("receipt", "next"))
		r.text(next)
	}
	if !slices.Contains(r.portals, p) {
		r.portals = append(r.portals, p)
	}
}

// tail tells what is left to do, whom to ask, and that nothing was kept.
func (r *receipt) tail(place Place) {
	if len(r.portals) > 0 {
		r.rule()
		r.bold(r.l.T("receipt", "todo"))
		for _, p := range r.portals {
			if r.unsent[p.ID] {
				r.text("[ ] " + r.l.T("receipt", "send", "portal", p.Official))
			}
		}
		r.text("[ ] " + r.l.T("receipt", "confirm"))
	}
	if code := r.code(place); code != "" {
		r.space()
		r.items = append(r.items, kiosk.ReceiptItem{QR: code, Align: kiosk.AlignCenter})
	}
	r.rule()
	if place.Phone != "" || place.Hours != "" {
		r.bold(r.l.T("receipt", "questions"))
		if place.Phone != "" {
			r.pair(r.l.T("help", "phone"), place.Phone)
		}
		for line := range strings.Lines(place.Hours) {
			r.text(strings.TrimSpace(line))
		}
		r.space()
	}
	r.items = append(r.items, kiosk.ReceiptItem{
		Text: r.l.T("receipt", "kept"), Bold: true, Align: kiosk.AlignCenter})
	r.centre(r.l.T("receipt", "thanks"))
}

// code is what the QR code says: the address of the portal when there is just
// one and it is known, else whom to ask.
func (r *receipt) code(place Place) string {
	if len(r.portals) == 1 && len(r.portals[0].Hosts) > 0 {
		return "https://" + r.portals[0].Hosts[0] + "/"
	}
	lines := []string{place.Name, place.Phone}
	for _, p := range r.portals {
		lines = append(lines, p.Official)
	}
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	code := strings.Join(lines, "\n")
	for len(code) > maxCode && len(lines) > 1 {
		lines = lines[:len(lines)-1]
		code = strings.Join(lines, "\n")
	}
	return code
}

// FileName names the current document's file after its kind of paper:
// "avis-d-imposition". It is ASCII without extension, and says nothing of the
// visitor.
func FileName(catalogue *portal.Catalogue, st session.State) string {
	const otherwise = "document"
	d := st.Doc()
	if d == nil {
		return otherwise
	}
	k, ok := catalogue.Kind(d.Kind)
	if !ok {
		return otherwise
	}
	if name := slug(k.Official); name != "" {
		return name
	}
	return otherwise
}

// slug keeps letters without their accents, and digits; all else is a hyphen.
func slug(s string) string {
	s = strings.NewReplacer("œ", "oe", "Œ", "oe", "æ", "ae", "Æ", "ae").Replace(s)
	var b strings.Builder
	for _, c := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, c):
		case c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)):
			b.WriteRune(unicode.ToLower(c))
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
