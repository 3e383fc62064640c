package session

import (
	"encoding/json"
	"slices"

	"pointnum/kiosk"
)

const (
	// maxTries is how often a page that ended the agent is tried.
	maxTries = 2
	// maxRestarts is how often a visit is brought back while nobody acts.
	maxRestarts = 5
)

// save writes the journal. Without it a crash loses the visit, which goes on
// nevertheless.
func (e *Engine) save() {
	if e.visit == nil {
		return
	}
	v := e.visit
	v.Alive, v.Task, v.Added = e.cfg.Now(), "", 0
	e.saved = v.Alive
	if e.task != nil {
		v.Task, v.Added = e.task.kind, e.task.added
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = e.cfg.Spool.SaveState(data)
	}
	if err != nil {
		e.cfg.Log.Error("visit not journaled", "err", err)
	}
}

// find looks for a visit that a crash cut short. One that nobody may want any
// more is wiped: the next visitor must not see it.
func (e *Engine) find() error {
	data, err := e.cfg.Spool.LoadState()
	if err != nil {
		return err
	}
	v := &visit{}
	switch {
	case data == nil:
		if e.cfg.Spool.Usage().Blobs == 0 {
			return nil
		}
		v = nil
	case json.Unmarshal(data, v) != nil || !v.sound():
		e.cfg.Log.Error("journal not understood")
		v = nil
	case v.Ending != "" || v.Restarts >= maxRestarts || e.since(v.Alive).Abs() > e.cfg.Idle:
		v = nil
	}
	if v == nil {
		e.count(Event{Kind: EventEnded, Reason: ReasonStale})
		_, err := e.cfg.Spool.Wipe()
		return err
	}
	v.Restarts++
	e.visit, e.restore = v, true
	e.checkBlobs()
	e.interrupted()
	for id, pg := range v.Pages {
		if pg.Ready {
			e.views.add(id, pg)
		}
	}
	for _, p := range v.Papers {
		e.views.addFiles(p)
	}
	e.lamp.Set(v.Help)
	e.count(Event{Kind: EventRestored, Count: v.pageCount()})
	return e.dropOrphans()
}

// sound says whether a journal can be this program's: each name leads
// somewhere.
func (v *visit) sound() bool {
	if v.ID == "" || v.Current < 0 || v.Current >= len(v.Papers) || v.Pages == nil || v.Origins == nil {
		return false
	}
	for _, p := range v.Papers {
		if p == nil {
			return false
		}
		for _, l := range p.Leaves {
			if v.Pages[l.Page] == nil {
				return false
			}
		}
	}
	return true
}

// checkBlobs gives up what is not in the spool as it was written.
func (e *Engine) checkBlobs() {
	v := e.visit
	for _, p := range v.Papers {
		for _, b := range p.Result.blobs() {
			if e.cfg.Spool.Check(b) != nil {
				e.clearResult(p)
				break
			}
		}
	}
	for id, o := range v.Origins {
		if e.cfg.Spool.Check(o.Blob) != nil {
			delete(v.Origins, id) // its pages have their masters
		}
	}
	for id, pg := range v.Pages {
		if pg.Raw != nil && e.cfg.Spool.Check(*pg.Raw) != nil {
			pg.Raw = nil
		}
		good := pg.Raw != nil
		if pg.Ready {
			good = e.intact(&pg.version)
		}
		if pg.Came != nil && !e.intact(pg.Came) {
			e.loseCame(id)
		}
		if !good || !pg.Ready && pg.Tries >= maxTries {
			e.cfg.Log.Error("page lost", "ready", pg.Ready, "tries", pg.Tries)
			e.losePage(id)
		}
	}
}

// intact says whether a version of a page is in the spool as it was written.
func (e *Engine) intact(v *version) bool {
	if v.Packed != nil && e.cfg.Spool.Check(*v.Packed) != nil {
		v.Packed = nil // it is made again of the master
	}
	return e.cfg.Spool.Check(v.Master) == nil && e.cfg.Spool.Check(v.Preview) == nil &&
		e.cfg.Spool.Check(v.Thumb) == nil
}

// uses says whether a page is in a paper or in its history.
func (p *paper) uses(id string) bool {
	return p.find(id) >= 0 || slices.ContainsFunc(slices.Concat(p.Edits, p.Undone), func(ed edit) bool {
		return slices.ContainsFunc(ed.Leaves, func(l leaf) bool { return l.Page == id })
	})
}

// losePage takes a page out for good. The history of its paper can't be
// replayed without it.
func (e *Engine) losePage(id string) {
	for _, p := range e.visit.Papers {
		if !p.uses(id) {
			continue
		}
		p.Leaves = slices.DeleteFunc(p.Leaves, func(l leaf) bool { return l.Page == id })
		p.Edits, p.Undone = nil, nil
		e.clearResult(p)
		if e.visit.Fault == nil {
			e.visit.Fault = &Fault{Code: kiosk.CodeBadPage, Kind: kiosk.KindScanner, Task: TaskScan,
				Sheet: e.visit.Pages[id].Sheet}
		}
	}
	delete(e.visit.Pages, id)
}

// interrupted shows what a crash stopped. Nothing goes on by itself: nobody
// may stand there, and paper must not come out twice.
func (e *Engine) interrupted() {
	e.interruptedTask()
	v := e.visit
	if !v.Browsing {
		return
	}
	// The portal died with the agent; its papers are all here.
	v.Browsing = false
	if v.Screen == ScreenBrowse {
		v.Screen = v.home()
	}
	if v.Fault != nil && v.Fault.Code == kiosk.CodeJobUnknown {
		return // paper that may come out is told first
	}
	v.Fault = &Fault{Code: kiosk.CodeBrowserBroken, Task: TaskOpen}
	e.again = e.againFor(TaskOpen)
	v.Fault.Retry = e.again != nil
}

func (e *Engine) interruptedTask() {
	v := e.visit
	if v.Fault != nil && v.Task == "" {
		e.again = e.againFor(v.Fault.Task)
		v.Fault.Retry = v.Fault.Retry && e.again != nil
		return
	}
	f := &Fault{Code: kiosk.CodeInternal, Task: v.Task, Kept: v.Added}
	switch v.Task {
	case TaskScan:
		f.Kind, f.Retry = kiosk.KindScanner, true
	case TaskConvert:
		f.Retry = true
		v.Screen = ScreenPortal
	case TaskSave:
		f.Kind, f.Retry = kiosk.KindKey, true
	case TaskReceipt:
		f.Kind, f.Retry = kiosk.KindReceipt, true
	case TaskPrint:
		// It may be out, or come out yet: a person looks.
		f.Code, f.Kind = kiosk.CodeJobUnknown, kiosk.KindPrinter
	default: // an import's pages come back by being made ready again; AsIs can be asked for again
		return
	}
	v.Fault = f
	e.again = e.againFor(f.Task)
}

// againFor is what Retry does after a restart.
func (e *Engine) againFor(kind TaskKind) Action {
	switch kind {
	case TaskScan:
		return Scan{}
	case TaskConvert:
		p := e.visit.paper()
		return Choose{Portal: p.Portal, Kind: p.Kind}
	case TaskSave:
		return SaveToKey{}
	case TaskPrint:
		return retryPrint{}
	case TaskReceipt:
		return PrintReceipt{}
	case TaskOpen:
		if e.cfg.Browser != nil && e.cfg.Address(e.visit.Portal) != "" {
			return OpenPortal{Portal: e.visit.Portal}
		}
	}
	return nil
}

// dropOrphans removes blobs that the journal does not know: they came in the
// moment of the crash.
func (e *Engine) dropOrphans() error {
	ids, err := e.cfg.Spool.IDs()
	if err != nil {
		return err
	}
	known := e.visit.blobs()
	for _, id := range ids {
		if !known[id] {
			if err := e.cfg.Spool.Remove(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// resume makes ready what came before a crash and was not.
func (e *Engine) resume() {
	if e.visit == nil {
		return
	}
	var raw, files []string
	for _, p := range e.visit.Papers {
		for _, l := range p.Leaves {
			if !e.visit.Pages[l.Page].Ready {
				raw = append(raw, l.Page)
			}
		}
	}
	for id, o := range e.visit.Origins {
		if !o.Done && o.Tries < maxTries {
			files = append(files, id)
		}
	}
	e.save()
	if len(raw)+len(files) == 0 {
		return
	}
	fault, again := e.visit.Fault, e.again
	e.begin(TaskImport, nil, func(t *task) outcome {
		o := t.resume(raw, files)
		o.then = func() { e.visit.Fault, e.again = fault, again }
		return o
	})
	e.task.total = len(raw)
	e.changed()
}

func (t *task) resume(raw, files []string) outcome {
	for _, id := range raw {
		if _, err := t.prepareRaw(id); err != nil {
			if err := t.do(func() { t.e.losePage(id) }); err != nil {
				return outcome{err: err}
			}
		}
		_ = t.do(func() { t.done++; t.e.changed() })
	}
	for _, id := range files {
		if err := t.do(func() { t.added = 0 }); err != nil { // each file is a change of its own
			return outcome{err: err}
		}
		if o := t.read(id); o.err != nil {
			return o
		}
	}
	return outcome{}
}
