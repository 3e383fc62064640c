package session

import (
	"errors"
	"io"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// listKey looks at the visitor's key.
func (e *Engine) listKey() bool {
	if !e.collecting() {
		return false
	}
	e.begin(TaskImport, ListKey{}, func(t *task) outcome {
		lease, err := e.cfg.Devices.Key(t.work)
		if err != nil {
			return outcome{err: err, kind: kiosk.KindKey}
		}
		defer lease.Close()
		files, err := lease.Device.List(t.work, e.cfg.MaxKeyFiles)
		if err = lease.Report(err); err != nil {
			return outcome{err: t.why(err), kind: kiosk.KindKey}
		}
		return outcome{then: func() {
			e.keys = &KeyListing{Files: files}
		}}
	})
	return true
}

// bring adds the pages of a file on the key.
func (e *Engine) bring(id string) bool {
	if !e.collecting() || e.keys == nil {
		return false
	}
	i := slices.IndexFunc(e.keys.Files, func(f kiosk.KeyFile) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	file := e.keys.Files[i]
	e.begin(TaskImport, Import{File: id}, func(t *task) outcome {
		b, err := t.copyFromKey(file)
		if err != nil {
			kind := kiosk.KindKey
			if c := kiosk.CodeOf(err); c == kiosk.CodeFileTooBig || c == kiosk.CodeSpoolFull {
				kind = ""
			}
			return outcome{err: t.why(err), kind: kind}
		}
		oid := newID()
		if err := t.do(func() {
			e.visit.Origins[oid] = &origin{Blob: b, Name: file.Name, Paper: e.visit.paper().ID}
			e.save()
		}); err != nil {
			return outcome{err: err}
		}
		o := t.read(oid)
		o.then = func() { e.broughtIn(t, id) }
		return o
	})
	return true
}

func (e *Engine) broughtIn(t *task, file string) {
	e.count(Event{Kind: EventImported, Count: t.added, Took: e.since(t.started)})
	if e.keys != nil && file != "" {
		// A new value: the old one was published.
		e.keys = &KeyListing{Files: e.keys.Files, Added: append(slices.Clone(e.keys.Added), file)}
	}
}

// copyFromKey takes the whole file into the spool: the key may be pulled then.
func (t *task) copyFromKey(file kiosk.KeyFile) (spool.Blob, error) {
	tooBig := &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "session: import"}
	if file.Size > t.e.cfg.MaxFile {
		return spool.Blob{}, tooBig
	}
	lease, err := t.e.cfg.Devices.Key(t.work)
	if err != nil {
		return spool.Blob{}, err
	}
	defer lease.Close()
	rc, err := lease.Device.Open(t.work, file.ID)
	if err != nil {
		return spool.Blob{}, lease.Report(err)
	}
	b, err := t.e.cfg.Spool.Put(io.LimitReader(rc, t.e.cfg.MaxFile+1))
	if err = errors.Join(err, rc.Close()); err != nil {
		if kiosk.CodeOf(err) == kiosk.CodeSpoolFull {
			return spool.Blob{}, err
		}
		return spool.Blob{}, lease.Report(err)
	}
	if b.Size > t.e.cfg.MaxFile {
		_ = t.e.cfg.Spool.Remove(b.ID) // the wipe would
		return spool.Blob{}, tooBig
	}
	return b, nil
}

// read makes pages of a file in the spool, those that are not there yet.
func (t *task) read(oid string) outcome {
	var o origin
	var lang string
	if err := t.do(func() {
		t.e.visit.Origins[oid].Tries++
		o, lang = *t.e.visit.Origins[oid], t.e.visit.Lang
		t.e.save() // a file that ends the agent is not tried for ever
	}); err != nil {
		return outcome{err: err}
	}
	in := kiosk.Input{
		Name: o.Name, Size: o.Blob.Size, Language: lang,
		Open: func() (io.ReadCloser, error) { return t.e.cfg.Spool.Open(o.Blob.ID) },
	}
	err := t.e.cfg.Documents.Import(t.work, in, func(p kiosk.Page) error {
		if p.Index < o.Next {
			return nil
		}
		return t.addPage(oid, p)
	})
	derr := t.do(func() {
		// Finished, too, when it failed or was cancelled: the pages that came
		// stay, and nobody continues by themselves.
		t.e.visit.Origins[oid].Done = true
		t.e.save()
	})
	if err = t.why(errors.Join(err, derr)); err != nil {
		return outcome{err: err, final: t.added > 0}
	}
	return outcome{}
}

func (t *task) addPage(oid string, p kiosk.Page) error {
	ver, err := t.keep(p)
	if err != nil {
		return err
	}
	made := page{Ready: true, version: ver, Changes: p.Changes, Turned: p.Turned, Origin: oid, Index: p.Index}
	var source *spool.Blob
	if p.Source != nil {
		b, err := t.put(p.Source)
		if err != nil {
			return err
		}
		source = &b
	}
	full := false
	err = t.do(func() {
		v := t.e.visit
		o := v.Origins[oid]
		to := v.paperByID(o.Paper)
		if full = to == nil || v.pageCount() >= t.e.cfg.MaxPages; full {
			return
		}
		id := newID()
		v.Pages[id] = &made
		t.e.views.add(id, &made)
		t.e.addLeaf(t, to, id)
		o.Next, o.Pages = p.Index+1, max(o.Pages, p.Total, p.Index+1)
		t.done, t.total = p.Index+1, p.Total
		old := o.Blob.ID
		if source != nil {
			o.Blob = *source
		}
		t.e.changed()
		if source != nil { // the journal does not name it any more
			_ = t.e.cfg.Spool.Remove(old) // the wipe would
		}
	})
	if err == nil && full {
		err = errFull
	}
	return err
}
