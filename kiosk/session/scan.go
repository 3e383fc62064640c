package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

var errFull = &kiosk.Error{Code: kiosk.CodeSpoolFull, Op: "session: add page"}

func (e *Engine) scan() bool {
	if !e.collecting() {
		return false
	}
	e.keys = nil
	e.begin(TaskScan, Scan{}, func(t *task) outcome {
		s := &scanning{task: t, raw: make(chan string, e.cfg.MaxPages)}
		return s.run()
	})
	return true
}

// scanning is one scan: pages are made ready while the next ones come.
type scanning struct {
	*task
	raw chan string // pages that came, to be made ready; has room for all

	// The first page that could not be made ready. It and those behind it are
	// fed again, so that the order stays right.
	bad      string
	badErr   error
	badSheet int
}

func (s *scanning) run() outcome {
	lease, err := s.e.cfg.Devices.Scanner(s.work)
	if err != nil {
		return outcome{err: err, kind: kiosk.KindScanner}
	}
	var preparer sync.WaitGroup
	preparer.Go(s.prepare)
	err = lease.Report(s.feed(lease.Device))
	lease.Close()
	close(s.raw)
	preparer.Wait()

	if err != nil && s.work.Err() != nil {
		err = context.Cause(s.work) // however the driver put it
	}
	if s.bad != "" {
		err = s.badErr
	}
	if derr := s.do(func() { s.account(err) }); derr != nil {
		return outcome{err: derr}
	}
	o := outcome{err: err, kind: kiosk.KindScanner, sheet: s.badSheet}
	if c := kiosk.CodeOf(err); c == kiosk.CodeSpoolFull || s.bad != "" && c != kiosk.CodeBadPage {
		o.kind = "" // nothing the scanner could help
	}
	return o
}

// account takes over what a scan brought.
func (s *scanning) account(err error) {
	if s.bad != "" {
		s.e.dropFrom(s.task, s.bad)
	}
	if s.added == 0 {
		return
	}
	s.e.count(Event{Kind: EventScanned, Count: s.added, Took: s.e.since(s.started)})
	if err == nil || s.halted {
		s.e.visit.Screen = ScreenReview
	}
}

// feed takes pages from the scanner until it has no more.
func (s *scanning) feed(dev kiosk.Scanner) error {
	job, err := dev.Scan(s.work, s.e.cfg.Scan)
	if err != nil {
		return err
	}
	defer job.Close()
	for n := 0; ; n++ {
		raw, err := job.Next()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return &kiosk.Error{Code: kiosk.CodeFeederEmpty, Op: "session: scan"}
			}
			return nil
		}
		if err != nil {
			return err
		}
		blob, err := s.e.cfg.Spool.Put(raw)
		if err != nil {
			return err
		}
		id, err := s.addRaw(blob, raw)
		if err != nil {
			return err
		}
		s.raw <- id
	}
}

// addRaw makes a page of what the scanner sent: kept, not ready yet.
func (s *scanning) addRaw(b spool.Blob, raw kiosk.RawPage) (string, error) {
	id, full := newID(), false
	err := s.do(func() {
		if full = s.e.visit.pageCount() >= s.e.cfg.MaxPages; full {
			return
		}
		s.e.visit.Pages[id] = &page{Raw: &b, RawDPI: raw.DPI, Sheet: raw.Sheet}
		s.e.addLeaf(s.task, s.e.visit.paper(), id)
		s.done++
		s.e.changed()
	})
	if err == nil && full {
		err = errFull
		_ = s.e.cfg.Spool.Remove(b.ID) // the wipe would
	}
	return id, err
}

// addLeaf puts a page at the end of a paper. All of a task's pages are one
// change.
func (e *Engine) addLeaf(t *task, p *paper, id string) {
	e.clearResult(p)
	if t.added == 0 {
		p.do(edit{Op: editAdd, At: len(p.Leaves), Leaves: []leaf{{Page: id}}})
	} else {
		p.grow(leaf{Page: id})
	}
	t.added++
}

// dropFrom takes a page of a scan and those behind it away again.
func (e *Engine) dropFrom(t *task, id string) {
	p := e.visit.paper()
	i := p.find(id)
	if i < 0 {
		return
	}
	n := len(p.Leaves) - i
	for _, l := range p.Leaves[i:] {
		e.dropPage(l.Page)
	}
	p.shrink(n)
	t.added -= n
}

func (e *Engine) dropPage(id string) {
	pg := e.visit.Pages[id]
	delete(e.visit.Pages, id)
	e.views.drop(id)
	for _, b := range pg.blobs() {
		_ = e.cfg.Spool.Remove(b.ID) // the wipe would
	}
}

// prepare makes the pages ready that came. The first that can't be ends the
// scan.
func (s *scanning) prepare() {
	for id := range s.raw {
		if s.bad != "" || s.ctx.Err() != nil {
			continue
		}
		sheet, err := s.prepareRaw(id)
		if err != nil {
			s.bad, s.badErr, s.badSheet = id, err, sheet
			s.halt(err)
		}
	}
}

// prepareRaw makes one scanned page ready and returns its sheet.
func (t *task) prepareRaw(id string) (sheet int, err error) {
	var raw page
	var lang string
	if err := t.do(func() {
		pg := t.e.visit.Pages[id]
		pg.Tries++
		raw, lang = *pg, t.e.visit.Lang
		t.e.save() // a page that ends the agent is not tried for ever
	}); err != nil {
		return 0, err
	}
	in := kiosk.Input{
		Open: func() (io.ReadCloser, error) { return t.e.cfg.Spool.Open(raw.Raw.ID) },
		Size: raw.Raw.Size, Scanned: true, DPI: raw.RawDPI, Language: lang,
	}
	got := false
	err = t.e.cfg.Documents.Import(t.ctx, in, func(p kiosk.Page) error {
		if got {
			return nil // a scanner sends one page at a time
		}
		got = true
		made, err := t.keep(p)
		if err != nil {
			return err
		}
		return t.do(func() {
			pg := t.e.visit.Pages[id]
			pg.version, pg.Changes, pg.Turned, pg.Index, pg.Ready = made, p.Changes, p.Turned, p.Index, true
			old := t.e.dropRaw(pg)
			t.e.views.add(id, pg)
			t.e.changed()
			old()
		})
	})
	if err == nil && !got {
		err = &kiosk.Error{Code: kiosk.CodeFileEmpty, Op: "session: prepare"}
	}
	switch kiosk.CodeOf(err) {
	case kiosk.CodeFileEmpty, kiosk.CodeFileUnknown, kiosk.CodeFileBroken, kiosk.CodeFileBlank,
		kiosk.CodeFileTooBig, kiosk.CodeFileUnsupported:
		// What is wrong with a file is for somebody who brought one.
		err = &kiosk.Error{Code: kiosk.CodeBadPage, Op: "session: prepare", Sheet: raw.Sheet, Err: err}
	}
	return raw.Sheet, err
}

// keep puts a page's pictures into the spool.
func (t *task) keep(p kiosk.Page) (version, error) {
	made := version{DPI: p.DPI, Kind: p.Kind, Findings: p.Findings}
	parts := []struct {
		to   *spool.Blob
		data []byte
	}{{&made.Master, p.Image}, {&made.Preview, p.Preview}, {&made.Thumb, p.Thumb}}
	if len(p.Packed) > 0 {
		made.Packed = new(spool.Blob)
		parts = append(parts, struct {
			to   *spool.Blob
			data []byte
		}{made.Packed, p.Packed})
	}
	for i, part := range parts {
		b, err := t.put(part.data)
		if err != nil {
			for _, kept := range parts[:i] {
				_ = t.e.cfg.Spool.Remove(kept.to.ID) // the wipe would
			}
			return version{}, err
		}
		*part.to = b
	}
	return made, nil
}

// put keeps something in the spool. Where there is no room for it, the ways
// back make some.
func (t *task) put(data []byte) (spool.Blob, error) {
	b, err := t.e.cfg.Spool.Put(bytes.NewReader(data))
	if kiosk.CodeOf(err) != kiosk.CodeSpoolFull {
		return b, err
	}
	if err := t.do(t.e.dropRaws); err != nil {
		return spool.Blob{}, err
	}
	return t.e.cfg.Spool.Put(bytes.NewReader(data))
}
