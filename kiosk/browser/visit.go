package browser

import (
	"context"
	"errors"
	"image"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"pointnum/kiosk"
)

// visit is a portal in use. Its process is replaced when it breaks.
type visit struct {
	b     *Browser
	o     kiosk.BrowseOptions
	home  string
	allow func(string) bool

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup
	signal chan struct{} // something changed

	mu        sync.Mutex
	proc      *process   // nil while it is being replaced
	over      []*process // that broke; their folders hold downloads still
	closed    bool
	stopped   kiosk.BrowserStop
	foreign   string // the host that was refused last
	restarted int
	choice    *choice
	downloads []*download
	takenOut  []io.Closer // downloads that were handed out
	prints    int
	touches   int
	touched   time.Time // when the last of them was counted
	zoom      int
	place     image.Rectangle
	addresses [2]string // shown last in each tab

	closing  sync.Mutex
	finished bool
}

var _ kiosk.Browsing = (*visit)(nil)

// open starts a visit in a process that is ready.
func (b *Browser) open(ctx context.Context, o kiosk.BrowseOptions, home string, allow func(string) bool) (*visit, error) {
	p, err := b.take(ctx)
	if err != nil {
		return nil, err
	}
	v := &visit{b: b, o: o, home: home, allow: allow, zoom: minZoom, signal: make(chan struct{}, 1)}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	v.work.Go(v.follow)
	pg := v.adopt(p)
	if pg == nil {
		err = &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: open"}
	} else {
		err = v.showIn(ctx, p, pg, o.Address, p.show)
	}
	if err != nil {
		return nil, errors.Join(err, v.end())
	}
	v.mu.Lock()
	v.stopped = ""
	v.mu.Unlock()
	v.work.Go(v.watch)
	v.changed()
	return v, nil
}

// adopt makes a spare process the visit's.
func (v *visit) adopt(p *process) *page {
	v.mu.Lock()
	v.proc = p
	v.mu.Unlock()
	p.mu.Lock()
	p.visit = v
	sessions := slices.Collect(maps.Values(p.sessions))
	pg := p.frontLocked()
	p.mu.Unlock()
	for _, s := range sessions {
		if s.page != nil {
			p.language(s)
		}
	}
	if pg != nil {
		p.size(pg)
	}
	return pg
}

// current gives what the visitor sees now.
func (v *visit) current() (*process, *page, error) {
	v.mu.Lock()
	p, closed := v.proc, v.closed
	v.mu.Unlock()
	if closed {
		return nil, nil, badRequest("visit", "it is over")
	}
	if p != nil {
		if pg := p.frontPage(); pg != nil {
			return p, pg, nil
		}
	}
	return nil, nil, &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: visit", Err: errors.New("it is being started again")}
}

// changed has the state told to whoever follows.
func (v *visit) changed() {
	select {
	case v.signal <- struct{}{}:
	default:
	}
}

// follow tells the state, each time it differs.
func (v *visit) follow() {
	var last kiosk.BrowserState
	for first := true; ; {
		select {
		case <-v.signal:
		case <-v.ctx.Done():
			return
		}
		s := v.state()
		if v.o.Follow == nil || (!first && reflect.DeepEqual(s, last)) {
			continue
		}
		first = false
		last = s
		v.o.Follow(s)
	}
}

// state is a snapshot.
func (v *visit) state() kiosk.BrowserState {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := kiosk.BrowserState{
		Stopped: v.stopped, Restarted: v.restarted, Print: v.prints, Touches: v.touches, Zoom: v.zoom, Tabs: 1,
		Loading: v.proc == nil,
	}
	if v.stopped == kiosk.StopForeign {
		s.StoppedAt = v.foreign
	}
	if v.choice != nil {
		c := v.choice.FileChoice
		c.Formats = slices.Clone(c.Formats)
		s.Choice = &c
	}
	for _, d := range v.downloads {
		s.Downloads = append(s.Downloads, d.Download)
	}
	if v.proc != nil {
		v.proc.describe(&s)
	}
	return s
}

// touch counts that somebody touched a page. Each frame tells of its own.
func (v *visit) touch() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := time.Now(); now.Sub(v.touched) >= touchBeat {
		v.touches++
		v.touched = now
	}
}

// describe adds what the process knows.
func (p *process) describe(s *kiosk.BrowserState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Mailbox = p.front == mailboxTab
	if len(p.tabs[mailboxTab]) > 0 {
		s.Tabs = 2
	}
	pg := p.frontLocked()
	if pg == nil {
		s.Loading = true
		return
	}
	s.Loading, s.CanBack, s.Host = pg.loading, pg.canBack, hostOf(pg.url)
	for _, kind := range pg.focus {
		if kind != "" {
			s.Typing = kiosk.FieldKind(kind)
		}
	}
}

// pageShown notes that a page is there.
func (v *visit) pageShown(p *process, pg *page, restored bool) {
	p.mu.Lock()
	tab, address := pg.tab, pg.url
	p.mu.Unlock()
	v.mu.Lock()
	if v.proc == p {
		if !restored {
			v.stopped = ""
		}
		if address != "about:blank" {
			v.addresses[tab] = address
		}
	}
	v.mu.Unlock()
	p.resize(pg)
	v.changed()
}

// pageGone: a page was closed, by itself, by Back or by a key.
func (v *visit) pageGone(p *process, pg *page) {
	p.mu.Lock()
	empty := len(p.tabs[pg.tab]) == 0
	if empty && pg.tab == mailboxTab {
		p.front = portalTab
	}
	p.mu.Unlock()
	if empty && pg.tab == portalTab {
		v.reopen(p)
		return
	}
	v.showFront(p)
}

// Close ends the browser and erases all it had; see kiosk.Browsing. After an
// error it may be called again, and tries again.
func (v *visit) Close(context.Context) error {
	// ctx is not looked at: half an erasure is none.
	v.closing.Lock()
	defer v.closing.Unlock()
	if v.finished {
		return nil
	}
	if err := v.end(); err != nil {
		return err
	}
	v.finished = true
	v.b.finish()
	return nil
}

// end erases every process that the visit had.
func (v *visit) end() error {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.cancel()
	v.work.Wait() // for a process that is just taking over, too
	v.mu.Lock()
	all := v.over
	if v.proc != nil {
		all = append(all, v.proc)
	}
	v.mu.Unlock()
	var errs []error
	for _, p := range all {
		errs = append(errs, v.b.erase(p))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range v.takenOut {
		errs = append(errs, r.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	v.proc, v.over, v.downloads, v.choice, v.addresses = nil, nil, nil, nil, [2]string{}
	v.takenOut = nil
	return nil
}
