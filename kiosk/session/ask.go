package session

import (
	"context"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
)

// ask puts the next question over the page: what it waits for comes first.
func (b *browse) ask() {
	if b.asking != AskNothing {
		return
	}
	switch {
	case b.state.Choice != nil && b.state.Choice.ID != b.answered:
		b.asking = AskFile
	case b.state.Print > b.prints:
		b.asking, b.prints = AskPrint, b.state.Print
	}
}

// askFor puts a question of the visitor's over the page, or theirs away.
func (e *Engine) askFor(b *browse, a Ask) bool {
	switch {
	case b.asking == AskFile: // the page waits: AttachDocument or RefuseChoice
		return false
	case a == AskNothing:
		had := b.asking != AskNothing
		b.asking = AskNothing
		b.ask()
		return had
	case a == AskRefused && b.last == nil:
		return false
	case a != AskPrint && a != AskMailbox && a != AskRefused:
		return false
	}
	b.asking = a
	return true
}

// refuseChoice gives the page nothing.
func (e *Engine) refuseChoice(b *browse) bool {
	c := b.state.Choice
	if b.asking != AskFile || c == nil ||
		!b.send("refuse", func(ctx context.Context) error { return b.held.Refuse(ctx, c.ID) }) {
		return false
	}
	b.answer(c.ID)
	return true
}

// answer notes that a choice is not open any more, whatever an older state
// still says.
func (b *browse) answer(choice string) {
	b.answered = choice
	if b.asking == AskFile {
		b.asking = AskNothing
	}
	b.ask()
}

// addForChoice adds a paper while the page waits.
func (e *Engine) addForChoice(b *browse) bool {
	v := e.visit
	if b.asking != AskFile {
		return false
	}
	if len(v.paper().Leaves) > 0 {
		if e.full() {
			v.Fault = &Fault{Code: kiosk.CodeSpoolFull}
			return true
		}
		v.addPaper()
	}
	v.Screen, v.Fault = ScreenScan, nil
	return true
}

func (e *Engine) openMailbox(b *browse, id string) bool {
	address := e.cfg.Mailbox(id)
	if address == "" || b.asking != AskMailbox && b.asking != AskNothing ||
		!b.pass(command{"mailbox", func(ctx context.Context) error { return b.held.OpenMailbox(ctx, address) }, OpenMailbox{id}}) {
		return false
	}
	b.asking = AskNothing
	b.ask()
	return true
}

// wanted is what a field takes of one document.
type wanted struct {
	kiosk.Target
	known   bool
	formats []kiosk.Format // all it takes
	total   int64          // of all files; 0 unknown
}

// wanted joins what the page says of its field and what the catalogue says of
// the portal: of two facts the stricter holds. A limit of the catalogue that
// nobody read gives way to what the page says.
func (e *Engine) wanted(b *browse, c kiosk.FileChoice, p *paper) wanted {
	t, known, ok := e.cfg.Portals.Target(b.portal, p.Kind)
	if !ok {
		t = kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: portal.UnknownMax, AimBytes: portal.UnknownAim, MaxFiles: 1}
	}
	w := wanted{Target: t, known: known, total: c.MaxTotal, formats: []kiosk.Format{t.Format}}
	if c.MaxBytes > 0 {
		if !known || c.MaxBytes < w.MaxBytes {
			w.MaxBytes = c.MaxBytes
		}
		w.known = true
	}
	w.MaxFiles = 1
	if c.Multiple {
		w.MaxFiles = e.cfg.MaxPages
		if c.MaxFiles > 0 {
			w.MaxFiles = c.MaxFiles
		}
		if known && t.MaxFiles > 1 {
			w.MaxFiles = min(w.MaxFiles, t.MaxFiles)
		}
	}
	if len(c.Formats) > 0 {
		w.formats = c.Formats
	}
	w.Format = w.formatFor(t.Format, len(p.Leaves))
	w.AimBytes = portal.UnknownAim
	w.share(len(p.Leaves))
	return w
}

// share keeps all files of so many pages within their common limit.
func (w *wanted) share(pages int) {
	if w.total > 0 {
		w.MaxBytes = min(w.MaxBytes, w.total/int64(w.filesFor(pages)))
	}
	w.AimBytes = min(w.AimBytes, w.MaxBytes)
}

// formatFor is the format to make of so many pages: the catalogue's best, then
// a PDF, which holds them all, then the page's best.
func (w wanted) formatFor(best kiosk.Format, pages int) kiosk.Format {
	order := append([]kiosk.Format{best, kiosk.FormatPDF}, w.formats...)
	for _, f := range order {
		if slices.Contains(w.formats, f) && w.holds(f, pages) {
			return f
		}
	}
	return w.formats[0] // which can't be done; the engine says so
}

// holds says whether so many pages go into as many files as the field takes.
func (w wanted) holds(f kiosk.Format, pages int) bool {
	return f == kiosk.FormatPDF || f == kiosk.FormatTIFF || pages <= w.MaxFiles
}

// filesFor is into how many files so many pages go.
func (w wanted) filesFor(pages int) int {
	if w.Format == kiosk.FormatPDF || w.Format == kiosk.FormatTIFF {
		return 1
	}
	return max(1, min(pages, w.MaxFiles))
}

// takes says whether what was made before is what would be made for the field.
// chosen: its format is the visitor's own choice, which holds where the field
// takes it or says nothing.
func (w wanted) takes(r *result, chosen, silent bool) bool {
	if r == nil || len(r.Files) == 0 || len(r.Files) > w.MaxFiles || w.total > 0 && r.bytes() >= w.total {
		return false
	}
	for _, f := range r.Files {
		if f.Size >= w.MaxBytes { // "less than"
			return false
		}
	}
	return r.Format == w.Format || chosen && (silent || slices.Contains(w.formats, r.Format))
}
