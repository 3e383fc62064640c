package session

import (
	"context"
	"image"
	"slices"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/watch"
)

const (
	// openTimeout is for a portal's first page, a browser that has to start
	// again included.
	openTimeout = time.Minute
	// commandTimeout is for one move or key in a page; the browser has limits
	// of its own for each.
	commandTimeout = time.Minute
	// pageAlone is how long what pages do counts as a sign of the visitor
	// though nobody touches them or the kiosk's own bar: a page that loads itself
	// again and again must not hold a visit for ever.
	pageAlone = 15 * time.Minute
	// maxText is what one TypeText may hold, in bytes.
	maxText = 1000
	// maxCommands may wait for a page that is slow.
	maxCommands = 64
)

// reopenPortal opens a portal anew, whatever became of the one before.
type reopenPortal struct{ portal string }

func (reopenPortal) action() {}

// held is a Browsing that has to be closed. Closing it again after it held
// does nothing.
type held struct {
	kiosk.Browsing
	mu     sync.Mutex
	closed bool
}

// close ends the browser. The visit's end does not cut it short; limit does.
func (h *held) close(ctx context.Context, limit time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := h.Close(ctx)
	h.closed = err == nil
	return err
}

// browse is a portal in use. The fields below the channels are the actor's;
// none is ever journaled.
type browse struct {
	portal string
	held   *held
	ctx    context.Context // ends with the portal
	end    context.CancelFunc
	follow *watch.Value[kiosk.BrowserState]
	place  watch.Value[image.Rectangle]
	cmds   chan command

	state    kiosk.BrowserState
	asking   Ask
	answered string // the choice that was answered last
	prints   int    // of state.Print, those that were asked about
	tried    map[string]bool
	last     *given
	lighter  string // the document that Lighter made again; its format stays
	waiting  bool   // for a code
}

// command is something for the page. what is for the log, again what Retry
// does when there is no network; nil where the page itself says so.
type command struct {
	what  string
	do    func(context.Context) error
	again Action
}

// openPortal opens a portal, or leads back to it.
func (e *Engine) openPortal(portal string, anew bool) bool {
	v := e.visit
	if e.cfg.Browser == nil || e.unclean || e.keys != nil {
		return false
	}
	address := e.cfg.Address(portal)
	if address == "" {
		return false
	}
	if e.browse != nil && e.browse.portal == portal && !anew {
		return e.goTo(ScreenBrowse)
	}
	old := e.held
	e.dropBrowse()
	v.Portal, v.Browsing = portal, true
	o := kiosk.BrowseOptions{Portal: portal, Address: address, Lang: v.Lang}
	e.begin(TaskOpen, reopenPortal{portal}, func(t *task) outcome {
		closed := func() { v.Browsing = false }
		if old != nil {
			if err := old.close(t.ctx, e.closing()); err != nil {
				return outcome{err: err, failed: func() { closed(); e.notClosed(err) }}
			}
		}
		ctx, cancel := context.WithTimeoutCause(t.work, openTimeout,
			&kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "session: open a portal"})
		defer cancel()
		follow := new(watch.Value[kiosk.BrowserState])
		o.Follow = follow.Set
		b, err := e.cfg.Browser.Open(ctx, o)
		if err != nil {
			return outcome{err: t.why(err), failed: closed}
		}
		h := &held{Browsing: b}
		return outcome{held: h, then: func() { e.opened(t, portal, h, follow) }}
	})
	return true
}

// opened shows a portal that has its first page.
func (e *Engine) opened(t *task, portal string, h *held, follow *watch.Value[kiosk.BrowserState]) {
	if t.halted { // it came just before
		e.closePortal()
		return
	}
	b := &browse{portal: portal, held: h, follow: follow, cmds: make(chan command, maxCommands), tried: map[string]bool{}}
	b.ctx, b.end = context.WithCancel(e.ctx)
	e.browse = b
	e.visit.Screen = ScreenBrowse
	e.count(Event{Kind: EventPortal, Portal: portal, Took: e.since(t.started)})
	e.workers.Go(func() { e.followPages(b) })
	e.workers.Go(func() { e.serve(b) })
	e.workers.Go(func() { e.followPlace(b) })
}

// dropBrowse forgets a portal in use; its browser is still to be closed.
func (e *Engine) dropBrowse() {
	if e.browse != nil {
		e.browse.end()
		e.browse = nil
	}
}

// closePortal ends the browser in the background: the visitor goes on with
// their papers meanwhile.
func (e *Engine) closePortal() {
	h, v := e.held, e.visit
	e.dropBrowse()
	e.dropEmpty()
	v.Browsing, v.Fault = false, nil
	v.Screen = v.home()
	e.workers.Go(func() {
		err := h.close(e.ctx, e.closing())
		if err != nil {
			_ = e.call(e.ctx, func() { e.notClosed(err); e.publish() }) // the end of the visit tries again
		}
	})
}

// notClosed notes that something of a portal may be left. The visitor, whose
// it is, goes on; the end of the visit tries again, and nobody else gets the
// kiosk before that held.
func (e *Engine) notClosed(err error) {
	e.unclean = true
	e.cfg.Log.Error("portal browser not closed", "code", kiosk.CodeOf(err), "err", err)
	e.count(Event{Kind: EventFault, Code: kiosk.CodeOutOfOrder, Task: TaskWipe})
}

// closing limits the closing of the browser: within the time after which a
// wipe counts as failed.
func (e *Engine) closing() time.Duration { return e.cfg.Grace * 2 / 3 }

// home is where a visitor without a portal is.
func (v *visit) home() Screen {
	if v.paper().Result != nil {
		return ScreenResult
	}
	return ScreenScan
}

// followPages takes over what the browser tells. It never makes the browser
// wait.
func (e *Engine) followPages(b *browse) {
	var seq uint64
	for {
		s, next, err := b.follow.Wait(b.ctx, seq)
		if err != nil {
			return
		}
		seq = next
		if e.call(b.ctx, func() { e.seen(b, s) }) != nil {
			return
		}
	}
}

func (e *Engine) seen(b *browse, s kiosk.BrowserState) {
	if e.browse != b || e.ending != "" {
		return
	}
	touched := s.Touches != b.state.Touches
	e.hushPage(b.state, s)
	b.state = s
	b.prints = min(b.prints, s.Print) // a browser that was started again counts anew
	if s.Choice == nil || s.Choice.ID != b.answered {
		b.answered = ""
	}
	if s.Choice == nil && b.asking == AskFile {
		b.asking = AskNothing // the page gave it up
	}
	b.ask()
	// Under a warning the page is covered: what moves in it is no visitor.
	switch {
	case !e.warned.IsZero():
	case touched:
		e.touch()
	case e.since(e.acted) < pageAlone:
		e.touched = e.cfg.Now()
		e.visit.Restarts = 0
	}
	e.takeDownload()
	e.publish()
}

// serve passes on what is for the pages, in order.
func (e *Engine) serve(b *browse) {
	for {
		select {
		case <-b.ctx.Done():
			return
		case c := <-b.cmds:
			ctx, cancel := context.WithTimeout(b.ctx, commandTimeout)
			err := c.do(ctx)
			cancel()
			if err != nil && b.ctx.Err() == nil {
				_ = e.call(b.ctx, func() { e.commandFailed(b, c, kiosk.CodeOf(err)) })
			}
		}
	}
}

// send passes a command on, unless too many wait already.
func (b *browse) send(what string, do func(context.Context) error) bool {
	return b.pass(command{what: what, do: do})
}

func (b *browse) pass(c command) bool {
	select {
	case b.cmds <- c:
		return true
	default:
		return false
	}
}

// commandFailed logs no error text: it might quote a page.
func (e *Engine) commandFailed(b *browse, c command, code kiosk.Code) {
	e.cfg.Log.Warn("portal browser did not obey", "command", c.what, "code", code)
	if e.browse != b || e.task != nil || e.ending != "" {
		return
	}
	switch {
	case code == kiosk.CodeBrowserBroken:
		e.again = reopenPortal{b.portal}
	case code == kiosk.CodeNoNetwork && c.again != nil:
		e.again = c.again
	default:
		return
	}
	e.visit.Fault = &Fault{Code: code, Task: TaskOpen, Retry: true}
	e.count(Event{Kind: EventFault, Code: code, Task: TaskOpen})
	e.changed()
}

// followPlace keeps the window where the screen wants it.
func (e *Engine) followPlace(b *browse) {
	var seq uint64
	for {
		r, next, err := b.place.Wait(b.ctx, seq)
		if err != nil {
			return
		}
		seq = next
		ctx, cancel := context.WithTimeout(b.ctx, commandTimeout)
		err = b.held.Place(ctx, r)
		cancel()
		if err != nil && b.ctx.Err() == nil {
			e.cfg.Log.Warn("portal window not placed", "code", kiosk.CodeOf(err))
		}
	}
}

// actInPortal does what needs an open portal.
func (e *Engine) actInPortal(a Action) bool {
	b := e.browse
	if b == nil {
		return false
	}
	switch a := a.(type) {
	case ClosePortal:
		e.closePortal()
		return true
	case WaitForCode:
		b.waiting = a.On
		return true
	}
	if e.visit.Screen != ScreenBrowse {
		return false
	}
	switch a := a.(type) {
	case AttachDocument:
		return e.attach(a)
	case RefuseChoice:
		return e.refuseChoice(b)
	case AddForChoice:
		return e.addForChoice(b)
	case AskFor:
		return e.askFor(b, a.Ask)
	case Lighter:
		return e.lighten(a)
	case OpenMailbox:
		return e.openMailbox(b, a.Mailbox)
	case PrintPage:
		return e.printPage()
	case takeOne:
		return e.take(a.id)
	}
	return b.asking == AskNothing && e.inPage(b, a)
}

// inPage moves and types in the page.
func (e *Engine) inPage(b *browse, a Action) bool {
	switch a := a.(type) {
	case BrowserDo:
		known := slices.Contains([]kiosk.BrowserCommand{kiosk.BrowserBack, kiosk.BrowserReload, kiosk.BrowserHome,
			kiosk.BrowserPortal, kiosk.BrowserMailbox, kiosk.BrowserLarger, kiosk.BrowserSmaller}, a.Command)
		if !known || a.Command == kiosk.BrowserMailbox && b.state.Tabs < 2 {
			return false
		}
		return b.send(string(a.Command), func(ctx context.Context) error { return b.held.Do(ctx, a.Command) })
	case TypeText:
		return a.Text != "" && len(a.Text) <= maxText &&
			b.send("type", func(ctx context.Context) error { return b.held.Type(ctx, a.Text) })
	case PressKey:
		known := slices.Contains([]string{"Backspace", "Enter", "Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"}, a.Key)
		return known && b.send("press", func(ctx context.Context) error { return b.held.Press(ctx, a.Key) })
	}
	return false
}

// public is what screens see of it.
func (e *Engine) publicBrowse() *Browse {
	b := e.browse
	if b == nil {
		return nil
	}
	p := &Browse{Portal: b.portal, BrowserState: b.state, Asking: b.asking, Waiting: b.waiting}
	if b.last != nil {
		if last := e.visit.paperByID(b.last.paper); last != nil {
			p.Lighter, p.Others = true, e.others(b, last)
		}
	}
	if b.state.Stopped == kiosk.StopForeign {
		if id := e.cfg.PortalAt(b.state.StoppedAt); id != b.portal {
			p.Elsewhere = id
		}
	}
	if c := p.Choice; c != nil {
		if c.ID == b.answered {
			p.Choice = nil
			return p
		}
		paper := e.visit.paper()
		w := e.wanted(b, *c, paper)
		if b.lighter == paper.ID && w.takes(paper.Result, true, len(c.Formats) == 0) {
			w.Format = paper.Result.Format // which the visitor chose
		}
		p.Target, p.Known = w.Target, w.known
	}
	return p
}

// dropEmpty takes an empty paper that was begun by mistake out.
func (e *Engine) dropEmpty() {
	if p := e.visit.paper(); len(p.Leaves)+len(p.Edits)+len(p.Undone) == 0 {
		e.visit.drop(p)
	}
}
