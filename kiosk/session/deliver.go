package session

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// paperBytes limits the PDF that is made only to be printed.
const paperBytes = 100e6

// retryPrint prints again under the name of the last try.
type retryPrint struct{}

func (retryPrint) action() {}

// refs are a paper's pages for the document engine.
func (e *Engine) refs(p *paper) []kiosk.PageRef {
	open := func(id string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return e.cfg.Spool.Open(id) }
	}
	inputs := make(map[string]*kiosk.Input)
	var refs []kiosk.PageRef
	for _, l := range p.Leaves {
		pg := e.visit.Pages[l.Page]
		ver := pg.shown(l.AsIs)
		ref := kiosk.PageRef{Open: open(ver.Master.ID), Size: ver.Master.Size, DPI: ver.DPI,
			Turn: l.Turn, Index: pg.Index, Kind: ver.Kind}
		if !l.AsIs {
			ref.Turned = pg.Turned
			ref.Changed = slices.ContainsFunc(pg.Changes, func(c kiosk.Change) bool { return c != kiosk.ChangeTurned })
		}
		if ver.Packed != nil {
			ref.Packed, ref.PackedSize = open(ver.Packed.ID), ver.Packed.Size
		}
		if o := e.visit.Origins[pg.Origin]; o != nil {
			if inputs[pg.Origin] == nil {
				inputs[pg.Origin] = &kiosk.Input{Name: o.Name, Open: open(o.Blob.ID), Size: o.Blob.Size}
			}
			ref.Origin, ref.OriginPages = inputs[pg.Origin], o.Pages
		}
		refs = append(refs, ref)
	}
	return refs
}

// choose makes the file that a portal takes.
func (e *Engine) choose(a Choose) bool {
	p := e.visit.paper()
	target, known, ok := e.cfg.Portals.Target(a.Portal, a.Kind)
	if !ok || e.visit.Screen != ScreenPortal || !e.ready(p) {
		return false
	}
	e.clearResult(p)
	p.Portal, p.Kind = a.Portal, a.Kind
	refs := e.refs(p)
	e.begin(TaskConvert, a, func(t *task) outcome {
		r, err := t.convert(refs, target, known)
		if err != nil {
			return outcome{err: t.why(err)}
		}
		return outcome{then: func() { e.converted(t, p, r) }}
	})
	return true
}

// convert makes files of pages and puts them into the spool.
func (t *task) convert(refs []kiosk.PageRef, target kiosk.Target, known bool) (*result, error) {
	c, err := t.e.cfg.Documents.Convert(t.work, refs, target, func(done, total int) {
		t.progress(done, total, "")
	})
	if err != nil {
		return nil, err
	}
	r := &result{Format: target.Format, MaxBytes: target.MaxBytes, Known: known, Passed: c.Passed}
	for _, f := range c.Files {
		b, err := t.put(f.Data)
		if err != nil {
			return nil, err
		}
		r.Format = f.Format
		r.Pages += f.Pages
		r.Files = append(r.Files, b)
	}
	if len(r.Files) == 0 {
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "session: nothing converted"}
	}
	return r, nil
}

func (e *Engine) ready(p *paper) bool {
	return len(p.Leaves) > 0 && !slices.ContainsFunc(p.Leaves,
		func(l leaf) bool { return !e.visit.Pages[l.Page].Ready })
}

func (e *Engine) converted(t *task, p *paper, r *result) {
	p.Result = r
	e.visit.Screen, e.visit.Receipt = ScreenResult, false
	r.Name = e.nameFor(p, r.Format)
	e.views.addFiles(p)
	e.count(Event{Kind: EventConverted, Paper: p.Kind, Count: r.Pages, Took: e.since(t.started)})
}

// nameFor is the name of a paper's file.
func (e *Engine) nameFor(p *paper, f kiosk.Format) string {
	s := e.now()
	s.Current = slices.Index(e.visit.Papers, p)
	return fileName(e.cfg.Name(s), f)
}

// fileName makes a name that any key and any portal takes.
func fileName(name string, f kiosk.Format) string {
	name = strings.TrimSuffix(name, f.Ext())
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, name)
	if name = name[:min(len(name), 60)]; name == "" {
		name = "document"
	}
	return name + f.Ext()
}

// nameOf is the name of one of a result's files.
func (r *result) nameOf(i int) string {
	if len(r.Files) == 1 {
		return r.Name
	}
	ext := r.Format.Ext()
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(r.Name, ext), i+1, ext)
}

// delivering is true where papers are handed over: on their own screen, and
// where a portal gave one.
func (e *Engine) delivering() bool {
	return e.visit.Screen == ScreenResult || e.visit.Screen == ScreenBrowse
}

// saveToKey puts the current paper's files on the key, those that a try before
// did not.
func (e *Engine) saveToKey() bool {
	p := e.visit.paper()
	if !e.delivering() || p.Result == nil {
		return false
	}
	r := *p.Result // a copy for the worker
	e.begin(TaskSave, SaveToKey{}, func(t *task) outcome {
		lease, err := e.cfg.Devices.Key(t.work)
		if err != nil {
			return outcome{err: err, kind: kiosk.KindKey}
		}
		defer lease.Close()
		for i := len(r.Saved); i < len(r.Files); i++ {
			t.progress(i, len(r.Files), "")
			name, err := t.saveFile(lease.Device, r.nameOf(i), r.Files[i])
			if err != nil {
				return outcome{err: t.why(lease.Report(err)), kind: kiosk.KindKey}
			}
			if err := t.do(func() {
				p.Result.Saved = append(slices.Clone(p.Result.Saved), name)
				e.save()
			}); err != nil {
				return outcome{err: err}
			}
		}
		_ = lease.Report(nil)
		return outcome{then: func() {
			p.Result.OnKey, p.Result.Saved = p.Result.Saved, nil
			e.delivered(p)
			e.count(Event{Kind: EventSaved, Count: len(p.Result.Files), Took: e.since(t.started)})
		}}
	})
	return true
}

func (t *task) saveFile(key kiosk.Key, name string, b spool.Blob) (string, error) {
	rc, err := t.e.cfg.Spool.Open(b.ID)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	return key.Save(t.work, name, rc, b.Size)
}

// delivered notes that something new was handed over: the receipt printed
// before does not say so.
func (e *Engine) delivered(p *paper) {
	p.Result.Delivered, e.visit.Delivered = true, true
	e.visit.Receipt = false
}

// print prints the current paper, as a new job.
func (e *Engine) print() bool {
	if r := e.visit.paper().Result; r != nil {
		r.PrintJob = ""
	}
	return e.printUnder()
}

// printUnder prints under the name of the last try, if there is one: the
// driver finds the job again and never prints it twice.
func (e *Engine) printUnder() bool {
	p := e.visit.paper()
	if !e.delivering() || p.Result == nil {
		return false
	}
	if !e.mayPrint(p.Result.Pages) {
		e.visit.Fault = &Fault{Code: kiosk.CodeQuota, Kind: kiosk.KindPrinter, Task: TaskPrint}
		return true
	}
	if p.Result.PrintJob == "" {
		p.Result.PrintJob = newID()
	}
	r := *p.Result // a copy for the worker
	refs := e.refs(p)
	e.begin(TaskPrint, retryPrint{}, func(t *task) outcome { return t.printOut(p, r, refs) })
	return true
}

// printOut prints a paper's result under the name of its job.
func (t *task) printOut(p *paper, r result, refs []kiosk.PageRef) outcome {
	e := t.e
	// The actor takes this after it journaled the job: from here on a crash
	// leaves a job that may be out.
	t.progress(0, r.Pages, "")
	pdf, err := t.printable(p, r, refs)
	if err != nil {
		return outcome{err: t.why(err)}
	}
	lease, err := e.cfg.Devices.Printer(t.work)
	if err != nil {
		return outcome{err: err, kind: kiosk.KindPrinter}
	}
	defer lease.Close()
	req := kiosk.PrintRequest{
		ID: r.PrintJob, MediaType: kiosk.FormatPDF.MediaType(), Size: pdf.Size, Pages: r.Pages,
		Open: func() (io.ReadCloser, error) { return e.cfg.Spool.Open(pdf.ID) },
	}
	err = lease.Report(lease.Device.Print(t.work, req, func(pp kiosk.PrintProgress) {
		var waiting kiosk.Code
		if len(pp.Conditions) > 0 {
			waiting = pp.Conditions[0]
		}
		t.progress(pp.Pages, r.Pages, waiting)
	}))
	if err != nil {
		return outcome{err: t.why(err), kind: kiosk.KindPrinter}
	}
	return outcome{then: func() {
		p.Result.Printed, p.Result.PrintJob = true, ""
		e.visit.Sides += r.Pages
		e.delivered(p)
		e.count(Event{Kind: EventPrinted, Count: r.Pages, Took: e.since(t.started)})
	}}
}

// printable is the one PDF to print: the result, or one made of the pages.
func (t *task) printable(p *paper, r result, refs []kiosk.PageRef) (spool.Blob, error) {
	switch {
	case r.Format == kiosk.FormatPDF && len(r.Files) == 1:
		return r.Files[0], nil
	case r.Paper != nil:
		return *r.Paper, nil
	}
	target := kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: paperBytes}
	c, err := t.e.cfg.Documents.Convert(t.work, refs, target, nil)
	if err != nil {
		return spool.Blob{}, err
	}
	if len(c.Files) != 1 {
		return spool.Blob{}, &kiosk.Error{Code: kiosk.CodeInternal, Op: "session: one file to print"}
	}
	b, err := t.put(c.Files[0].Data)
	if err != nil {
		return spool.Blob{}, err
	}
	return b, t.do(func() {
		p.Result.Paper = &b
		t.e.save()
	})
}

// printReceipt prints the visit's proof.
func (e *Engine) printReceipt() bool {
	if !e.visit.hasResult() {
		return false
	}
	receipt := e.cfg.Receipt(e.now(), e.cfg.Now())
	e.begin(TaskReceipt, PrintReceipt{}, func(t *task) outcome {
		lease, err := e.cfg.Devices.Receipt(t.work)
		if err != nil {
			return outcome{err: err, kind: kiosk.KindReceipt}
		}
		defer lease.Close()
		if err := lease.Report(lease.Device.PrintReceipt(t.work, receipt)); err != nil {
			return outcome{err: t.why(err), kind: kiosk.KindReceipt}
		}
		return outcome{then: func() {
			e.visit.Receipt = true
			e.count(Event{Kind: EventReceipt, Count: 1, Took: e.since(t.started)})
		}}
	})
	return true
}

// why is the reason of an error: the task's end, where that came first.
func (t *task) why(err error) error {
	if err != nil && t.work.Err() != nil {
		return context.Cause(t.work)
	}
	return err
}
