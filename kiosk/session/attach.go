package session

import (
	"io"
	"slices"

	"pointnum/kiosk"
)

// given is what a page took last: what Lighter makes lighter.
type given struct {
	paper  string
	choice kiosk.FileChoice
	format kiosk.Format
	bytes  int64 // of the largest file
}

// attach gives a document to the field that waits.
func (e *Engine) attach(a AttachDocument) bool {
	b, c := e.browse, e.browse.state.Choice
	p := e.visit.paperByID(a.Document)
	if b.asking != AskFile || c == nil || p == nil || !e.ready(p) {
		return false
	}
	choice, w, refs := *c, e.wanted(b, *c, p), e.refs(p)
	var r *result // nil: it has to be made
	if w.takes(p.Result, b.lighter == p.ID, len(choice.Formats) == 0) {
		copied := *p.Result
		r = &copied
	}
	e.visit.show(p)
	e.begin(TaskAttach, a, func(t *task) outcome {
		if r == nil {
			made, err := t.convertFor(p, refs, w)
			if err != nil {
				return outcome{err: t.why(err)}
			}
			r = made
		}
		if err := b.held.Attach(t.work, choice.ID, e.attachments(r)); err != nil {
			err = t.why(err)
			return outcome{err: err, failed: func() {
				if kiosk.CodeOf(err) == kiosk.CodeBadRequest { // the page does not wait any more
					b.answer(choice.ID)
				}
			}}
		}
		return outcome{then: func() { e.attached(t, b, p, choice, r) }}
	})
	return true
}

// convertFor makes a document again for a field. What it was before is
// replaced: the visitor sees what the portal gets.
func (t *task) convertFor(p *paper, refs []kiosk.PageRef, w wanted) (*result, error) {
	r, err := t.convert(refs, w.Target, w.known)
	if err != nil {
		return nil, err
	}
	if w.total > 0 && r.bytes() >= w.total || len(r.Files) > w.MaxFiles {
		return nil, &kiosk.Error{Code: kiosk.CodeCannotFit, Op: "session: all files of a field"}
	}
	var made result
	err = t.do(func() {
		if old := p.Result; old != nil {
			r.OnKey, r.Printed, r.OnPhone, r.Delivered = old.OnKey, old.Printed, old.OnPhone, old.Delivered
		}
		t.e.clearResult(p)
		r.Name = t.e.nameFor(p, r.Format)
		p.Result = r
		made = *r
		t.e.views.addFiles(p)
		t.e.changed()
	})
	return &made, err
}

// attachments are a result's files as a page gets them.
func (e *Engine) attachments(r *result) []kiosk.Attachment {
	var files []kiosk.Attachment
	for i, f := range r.Files {
		files = append(files, kiosk.Attachment{Name: r.nameOf(i), Size: f.Size,
			Open: func() (io.ReadCloser, error) { return e.cfg.Spool.Open(f.ID) }})
	}
	return files
}

// attached notes what a page took.
func (e *Engine) attached(t *task, b *browse, p *paper, c kiosk.FileChoice, r *result) {
	p.Attached = append(slices.Clone(p.Attached),
		Attached{Portal: b.portal, At: e.cfg.Now(), Format: r.Format, Bytes: r.bytes(), Files: len(r.Files)})
	g := &given{paper: p.ID, choice: c, format: r.Format}
	for _, f := range r.Files {
		g.bytes = max(g.bytes, f.Size)
	}
	b.last, b.lighter = g, ""
	b.answer(c.ID)
	e.delivered(p)
	e.count(Event{Kind: EventAttached, Portal: b.portal, Count: len(r.Files), Took: e.since(t.started)})
}

// others are the formats that the paper attached last can be made of instead.
func (e *Engine) others(b *browse, p *paper) []kiosk.Format {
	w := e.wanted(b, b.last.choice, p)
	if len(b.last.choice.Formats) == 0 {
		w.formats = []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG}
	}
	var out []kiosk.Format
	for _, f := range w.formats {
		if f != b.last.format && w.holds(f, len(p.Leaves)) {
			out = append(out, f)
		}
	}
	return out
}

// lighten makes the last attached document again for a portal that refused
// it. The visitor then touches the field again; the document is the one in
// front there, and goes as it was made here.
func (e *Engine) lighten(a Lighter) bool {
	b := e.browse
	if b.asking != AskRefused || b.last == nil {
		return false
	}
	p := e.visit.paperByID(b.last.paper)
	if p == nil || !e.ready(p) {
		return false
	}
	w := e.wanted(b, b.last.choice, p)
	if a.Format != "" && a.Format != b.last.format {
		if !slices.Contains(e.others(b, p), a.Format) {
			return false
		}
		w.Format = a.Format
		w.share(len(p.Leaves))
	} else {
		w.Format = b.last.format
		w.MaxBytes = min(w.MaxBytes, b.last.bytes/2)
		w.AimBytes = min(w.AimBytes, w.MaxBytes)
	}
	refs := e.refs(p)
	e.visit.show(p)
	e.begin(TaskAttach, a, func(t *task) outcome {
		r, err := t.convertFor(p, refs, w)
		if err != nil {
			return outcome{err: t.why(err)}
		}
		return outcome{then: func() {
			b.lighter = p.ID
			g := *b.last
			g.format, g.bytes = r.Format, 0
			for _, f := range r.Files {
				g.bytes = max(g.bytes, f.Size)
			}
			b.last = &g
			b.asking = AskNothing
			b.ask()
		}}
	})
	return true
}
