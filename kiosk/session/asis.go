package session

import (
	"errors"
	"io"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// errGot ends an import that has given the page that was wanted.
var errGot = errors.New("session: the page came")

// asIs shows the other version of a page, and makes it when it is wanted for
// the first time.
func (e *Engine) asIs(a AsIs) bool {
	if !e.collecting() {
		return false
	}
	p := e.visit.paper()
	i := p.find(a.Page)
	if i < 0 {
		return false
	}
	pg := e.visit.Pages[a.Page]
	switch {
	case !pg.Ready || !e.visit.hasWayBack(pg):
		return false
	case p.Leaves[i].AsIs == a.On:
		return true
	case !a.On || pg.Came != nil:
		e.swap(p, a.Page)
		return true
	}
	in, index := e.cameFrom(pg)
	e.begin(TaskAsIs, a, func(t *task) outcome {
		made, err := t.readAsIs(in, index)
		if err != nil {
			return outcome{err: t.why(err)}
		}
		return outcome{then: func() {
			pg.Came = &made
			// What it was made of is not needed any more.
			old := e.dropRaw(pg)
			e.views.add(a.Page, pg)
			e.swap(p, a.Page)
			old()
		}}
	})
	return true
}

// swap puts the other version of a page in its place.
func (e *Engine) swap(p *paper, id string) {
	i := p.find(id)
	ed := edit{Op: editAsIs, At: i}
	if slices.Contains(e.visit.Pages[id].Changes, kiosk.ChangeTurned) {
		// Its versions stand differently: a turn of one means nothing to the
		// other, which begins as it is.
		ed.To = (360 - p.Leaves[i].Turn) % 360
	}
	p.do(ed)
	e.clearResult(p)
	e.visit.Fault = nil
}

// hasWayBack says whether a page was changed on its way in and can be had as
// it came.
func (v *visit) hasWayBack(p *page) bool {
	return len(p.Changes) > 0 && (p.Came != nil || p.Raw != nil || v.Origins[p.Origin] != nil)
}

// cameFrom is what a page is made of, as it came, and its place there.
func (e *Engine) cameFrom(p *page) (in kiosk.Input, index int) {
	open := func(b spool.Blob) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return e.cfg.Spool.Open(b.ID) }
	}
	in = kiosk.Input{Language: e.visit.Lang, AsIs: true}
	if p.Raw != nil {
		in.Open, in.Size, in.Scanned, in.DPI = open(*p.Raw), p.Raw.Size, true, p.RawDPI
		return in, 0
	}
	o := e.visit.Origins[p.Origin]
	in.Name, in.Open, in.Size = o.Name, open(o.Blob), o.Blob.Size
	return in, p.Index
}

// readAsIs makes one page of an input ready. It reads those before it, too.
func (t *task) readAsIs(in kiosk.Input, index int) (version, error) {
	var made version
	got := false
	err := t.e.cfg.Documents.Import(t.work, in, func(p kiosk.Page) (err error) {
		t.progress(p.Index+1, index+1, "")
		if p.Index != index {
			return nil
		}
		if made, err = t.keep(p); err != nil {
			return err
		}
		got = true
		if p.Index+1 < p.Total {
			return errGot
		}
		return nil
	})
	switch {
	case got: // whatever comes behind it
		return made, nil
	case err == nil:
		err = &kiosk.Error{Code: kiosk.CodeInternal, Op: "session: the page did not come again"}
	case in.Scanned && t.work.Err() == nil && kiosk.CodeOf(err) != kiosk.CodeSpoolFull:
		// What is wrong with a file is for somebody who brought one.
		err = &kiosk.Error{Code: kiosk.CodeInternal, Op: "session: as it came", Err: err}
	}
	return version{}, err
}

// dropRaw gives up what a scanned page was made of, unless it is the way back
// and there is room for it. The blob goes when the function it returns is
// called, once the journal does not name it any more.
func (e *Engine) dropRaw(p *page) (remove func()) {
	if p.Raw == nil || len(p.Changes) > 0 && p.Came == nil && e.rawBytes() <= e.cfg.MaxRaw {
		return func() {}
	}
	old := p.Raw.ID
	p.Raw = nil
	return func() { _ = e.cfg.Spool.Remove(old) } // the wipe would
}

// rawBytes is what the ways back of scanned pages take.
func (e *Engine) rawBytes() (n int64) {
	for _, p := range e.visit.Pages {
		if p.Ready && p.Raw != nil {
			n += p.Raw.Size
		}
	}
	return n
}

// dropRaws gives up the ways back of all scanned pages: what is made of them
// comes first.
func (e *Engine) dropRaws() {
	var old []string
	for _, p := range e.visit.Pages {
		if p.Ready && p.Raw != nil {
			old = append(old, p.Raw.ID)
			p.Raw = nil
		}
	}
	if len(old) == 0 {
		return
	}
	e.cfg.Log.Warn("no room for pages as they came", "pages", len(old))
	e.save()
	for _, id := range old {
		_ = e.cfg.Spool.Remove(id) // the wipe would
	}
}

// loseCame gives up a page as it came. The page stays as it was made ready;
// the history of its paper can't be replayed.
func (e *Engine) loseCame(id string) {
	e.cfg.Log.Error("page as it came lost")
	e.visit.Pages[id].Came = nil
	for _, p := range e.visit.Papers {
		if !p.uses(id) {
			continue
		}
		p.Leaves = slices.Clone(p.Leaves)
		if i := p.find(id); i >= 0 && p.Leaves[i].AsIs {
			p.Leaves[i].AsIs = false
			e.clearResult(p)
		}
		p.Edits, p.Undone = nil, nil
	}
}
