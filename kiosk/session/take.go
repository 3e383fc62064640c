package session

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// takeOne takes a download that is there.
type takeOne struct{ id string }

func (takeOne) action() {}

// takeDownload takes what a portal gave, as soon as nothing else is in hand.
func (e *Engine) takeDownload() {
	b, v := e.browse, e.visit
	if b == nil || e.task != nil || e.ending != "" || v.Fault != nil || v.Screen != ScreenBrowse {
		return
	}
	for _, d := range b.state.Downloads {
		if d.Done && !b.tried[d.ID] {
			e.take(d.ID)
			return
		}
	}
}

// take makes a document of a download.
func (e *Engine) take(id string) bool {
	b := e.browse
	i := slices.IndexFunc(b.state.Downloads, func(d kiosk.Download) bool { return d.ID == id && d.Done })
	if i < 0 {
		return false
	}
	b.tried[id] = true
	if e.full() {
		e.visit.Fault = &Fault{Code: kiosk.CodeSpoolFull, Task: TaskTake}
		return true
	}
	d := b.state.Downloads[i]
	e.begin(TaskTake, takeOne{id}, func(t *task) outcome {
		rc, err := b.held.Take(t.work, id)
		if err != nil {
			return outcome{err: t.why(err)}
		}
		blob, err := t.copyIn(rc)
		var p *paper
		if err == nil {
			p, err = t.adopt(blob, d.Name, b.portal)
		}
		if err != nil {
			return outcome{err: t.why(err), final: true} // it is not in the browser any more
		}
		return outcome{then: func() {
			if b.asking == AskNothing {
				b.asking = AskTaken
			}
			e.count(Event{Kind: EventTaken, Count: len(p.Leaves), Took: e.since(t.started)})
		}}
	})
	return true
}

// full says that the visit takes no further document.
func (e *Engine) full() bool {
	return len(e.visit.Papers) >= e.cfg.MaxDocuments || e.visit.pageCount() >= e.cfg.MaxPages
}

// copyIn puts a whole file into the spool.
func (t *task) copyIn(rc io.ReadCloser) (spool.Blob, error) {
	b, err := t.e.cfg.Spool.Put(io.LimitReader(rc, t.e.cfg.MaxFile+1))
	if err = errors.Join(err, rc.Close()); err != nil {
		return spool.Blob{}, err
	}
	if b.Size > t.e.cfg.MaxFile {
		_ = t.e.cfg.Spool.Remove(b.ID) // the wipe would
		return spool.Blob{}, &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "session: take"}
	}
	return b, nil
}

// adopt makes a document of a file that a portal gave: its pages as those of
// any file, and a result that is the file itself where that can be printed
// and kept. It becomes the current one. Half a document is none.
func (t *task) adopt(blob spool.Blob, name, portal string) (*paper, error) {
	r, err := t.asItCame(blob)
	if err != nil {
		return nil, err
	}
	p, oid := &paper{ID: newID(), From: portal}, newID()
	if err := t.do(func() {
		t.e.visit.Papers = append(t.e.visit.Papers, p)
		t.e.visit.Origins[oid] = &origin{Blob: blob, Name: name, Paper: p.ID}
		t.e.save()
	}); err != nil {
		return nil, err
	}
	err = t.read(oid).err
	if err == nil && r == nil {
		r, err = t.asPDF(p)
	}
	if err != nil {
		_ = t.do(func() { t.e.disown(p, oid) }) // else it is wiped
		return nil, err
	}
	return p, t.do(func() {
		r.Pages = len(p.Leaves)
		p.Result = r
		t.added = 0     // they are no pages that a fault would keep
		t.e.dropEmpty() // the one that each visit begins with
		t.e.visit.show(p)
		r.Name = t.e.nameFor(p, r.Format)
		t.e.views.addFiles(p)
		t.e.changed()
	})
}

// asItCame is a result that is a file of a portal's, byte for byte: signatures
// and codes in it stay good. It is nil for formats that not every printer and
// reader knows.
func (t *task) asItCame(blob spool.Blob) (*result, error) {
	rc, err := t.e.cfg.Spool.Open(blob.ID)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	in := bufio.NewReader(rc)
	head, _ := in.Peek(8) // what can't be read is no format
	for _, f := range []struct {
		magic  string
		format kiosk.Format
	}{{"%PDF-", kiosk.FormatPDF}, {"\xff\xd8\xff", kiosk.FormatJPEG}, {"\x89PNG", kiosk.FormatPNG}} {
		if !bytes.HasPrefix(head, []byte(f.magic)) {
			continue
		}
		b, err := t.e.cfg.Spool.Put(in)
		return &result{Format: f.format, Files: []spool.Blob{b}, MaxBytes: t.e.cfg.MaxFile, Passed: true}, err
	}
	return nil, nil
}

// asPDF is a result made of a document's pages, to print and to keep.
func (t *task) asPDF(p *paper) (*result, error) {
	var refs []kiosk.PageRef
	if err := t.do(func() { refs = t.e.refs(p) }); err != nil {
		return nil, err
	}
	return t.convert(refs, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: paperBytes}, false)
}

// disown takes a document that did not become whole out again.
func (e *Engine) disown(p *paper, oid string) {
	for _, l := range p.Leaves {
		e.dropPage(l.Page)
	}
	if o := e.visit.Origins[oid]; o != nil {
		delete(e.visit.Origins, oid)
		_ = e.cfg.Spool.Remove(o.Blob.ID) // the wipe would
	}
	e.visit.drop(p)
	if e.task != nil {
		e.task.added = 0
	}
	e.changed()
}

// printPage prints the portal's page in front: it becomes a document, which is
// then printed as any other.
func (e *Engine) printPage() bool {
	b := e.browse
	if b.asking != AskPrint && b.asking != AskNothing {
		return false
	}
	if e.full() {
		e.visit.Fault = &Fault{Code: kiosk.CodeSpoolFull, Task: TaskPrint}
		return true
	}
	b.asking = AskNothing
	b.ask()
	e.begin(TaskPrint, PrintPage{}, func(t *task) outcome {
		pdf, err := b.held.Print(t.work)
		if err != nil {
			return outcome{err: t.why(err)}
		}
		blob, err := t.put(pdf)
		if err != nil {
			return outcome{err: err}
		}
		p, err := t.adopt(blob, "", b.portal)
		if err != nil {
			return outcome{err: t.why(err)}
		}
		var r result
		if err := t.do(func() {
			p.Result.PrintJob = newID()
			r = *p.Result
			e.again = retryPrint{} // never the page again: this may be out
			e.save()
		}); err != nil {
			return outcome{err: err}
		}
		return t.printOut(p, r, nil)
	})
	return true
}
