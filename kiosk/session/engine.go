package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/watch"
)

// Engine runs visits, one after the other. One goroutine, Run's, owns all
// state; the others hand it functions. Reading the state or a page's picture
// never waits for it.
type Engine struct {
	cfg   Config
	state watch.Value[State]
	lamp  watch.Value[bool]
	views views

	requests chan request
	calls    chan func()
	finished chan outcome
	done     chan struct{} // closed when Run ends
	workers  sync.WaitGroup

	// Below: the actor's own.
	ctx     context.Context // Run's; the actor's goroutines end with it
	screen  Screen          // while there is no visit
	lang    string          // while there is no visit
	help    bool            // while there is no visit
	coming  bool            // somebody is on their way to whoever called
	host    Host
	wiped   bool
	browse  *browse // the portal in use; nil while there is none
	held    *held   // the browser to close, unless it is closed already
	unclean bool    // the last try to close it did not hold
	reading *reading
	quiet   <-chan struct{} // closed once the last reading has ended; nil before the first
	visit   *visit          // nil between visits
	restore bool
	keys    *KeyListing
	phone   *phone // the visitor's; nil while none was invited
	task    *task
	again   Action // what Retry does
	ending  Reason // the visit is being ended; "" not
	stuck   bool   // the task in hand did not end with its visit
	slots   slots

	touched  time.Time // somebody was there
	acted    time.Time // the same, by a touch
	warned   time.Time // the end of the visit, once a warning is shown
	shown    time.Time // the goodbye or the broken screen came up
	canceled time.Time // the task in hand was told to end because the visit ends
	saved    time.Time
}

type request struct {
	action Action
	reply  chan error
}

// heartbeat is how often a visit's journal is written though nothing changed:
// it tells a restarted agent how long nobody was served.
const heartbeat = 20 * time.Second

// New makes an engine and finds a visit again that a crash cut short: with
// every finished page, and State.Restore set. The State is right from the
// start; nothing moves before Run.
func New(cfg Config) (*Engine, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, screen: ScreenWelcome, lang: cfg.Lang,
		requests: make(chan request), calls: make(chan func()),
		finished: make(chan outcome, 1), done: make(chan struct{}),
	}
	e.views.clear()
	e.touched = cfg.Now()
	e.acted = e.touched
	if err := e.find(); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	e.publish()
	return e, nil
}

// State holds what a screen shows. It is set again after each change.
func (e *Engine) State() *watch.Value[State] { return &e.state }

// Do hands an action over and returns once it was accepted, with its first
// effect in the State, or refused. What takes longer goes on as State.Task.
// Errors: CodeBadRequest when the action makes no sense now (nothing
// changed), CodeOutOfOrder when the engine does not run any more, ctx's cause.
func (e *Engine) Do(ctx context.Context, a Action) error {
	r := request{action: a, reply: make(chan error, 1)}
	select {
	case e.requests <- r:
		return <-r.reply
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.done:
		return &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "session: the engine has stopped"}
	}
}

// Run serves visits until ctx ends; then the visit in hand ends and is wiped.
// It returns nil when that wipe was verified. It may be called once.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.ctx = ctx
	var followers sync.WaitGroup
	followers.Go(func() { e.followDevices(ctx) })
	followers.Go(func() { e.followSensors(ctx) })
	e.touched = e.cfg.Now()
	e.resume()
	e.loop(ctx)
	cancel()
	err := e.shutdown()
	followers.Wait()
	return err
}

func (e *Engine) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(max(0, e.next().Sub(e.cfg.Now())))
		select {
		case <-ctx.Done():
			return
		case r := <-e.requests:
			r.reply <- e.handle(r.action)
		case f := <-e.calls:
			f()
		case o := <-e.finished:
			e.finish(o)
		case <-timer.C:
			e.tick()
		}
	}
}

// call runs f in the actor's goroutine and waits for it, unless ctx ends
// first.
func (e *Engine) call(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	var err error
	guarded := func() {
		defer close(ran)
		// It may have ended while we waited for our turn.
		if err = context.Cause(ctx); err == nil {
			f()
		}
	}
	select {
	case e.calls <- guarded:
		<-ran
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// shutdown ends the task in hand and wipes. A driver that does not let go is
// not waited for before the wipe, and wiped after once more.
func (e *Engine) shutdown() error {
	if e.visit != nil && e.ending == "" {
		e.count(e.endedEvent(ReasonShutdown))
	}
	late := false
	if e.task != nil {
		e.task.cancel(errLeft)
		t := time.NewTimer(e.cfg.Grace)
		defer t.Stop()
		select {
		case o := <-e.finished:
			e.hold(o)
		case <-t.C:
			late = true
			e.cfg.Log.Error("task does not end", "task", e.task.kind)
		}
	}
	e.forget()
	err := e.erase()
	if late {
		e.workers.Wait()
		e.hold(<-e.finished)
		err = errors.Join(err, e.erase())
	}
	e.workers.Wait()
	e.screen, e.wiped = ScreenGoodbye, err == nil
	if err != nil {
		e.screen = ScreenBroken
		err = fmt.Errorf("session: shutdown: %w", err)
	}
	e.publish()
	return err
}

// erase closes the browser, then wipes the spool.
func (e *Engine) erase() error {
	open := e.silence(e.quiet)
	if e.held != nil {
		open = errors.Join(open, e.held.close(e.ctx, e.closing()))
	}
	_, err := e.cfg.Spool.Wipe()
	return errors.Join(open, err)
}

// hold takes over a browser that a task opened, however the task ended.
func (e *Engine) hold(o outcome) {
	if o.held != nil {
		e.held = o.held
	}
}

// forget drops all that the agent itself knows of the visit.
func (e *Engine) forget() {
	e.hush()
	e.dropBrowse()
	if p := e.dropPhone(); p != nil {
		e.workers.Go(func() { p.close(e) })
	}
	e.visit, e.task, e.keys, e.again, e.restore = nil, nil, nil, nil, false
	e.lang, e.help, e.coming, e.ending = e.cfg.Lang, false, false, ""
	e.warned, e.canceled = time.Time{}, time.Time{}
	e.views.clear()
	e.cfg.Documents.Forget()
	e.lamp.Set(false)
}

func (e *Engine) count(ev Event) { e.cfg.OnEvent(ev) }

// endedEvent says how the visit in hand ended.
func (e *Engine) endedEvent(why Reason) Event {
	v := e.visit
	return Event{Kind: EventEnded, Reason: why, Lang: v.Lang, Delivered: v.Delivered, Took: e.since(v.Started)}
}

func (e *Engine) since(t time.Time) time.Duration { return e.cfg.Now().Sub(t) }

// changed makes a change last and shows it, in that order.
func (e *Engine) changed() {
	e.save()
	e.publish()
}

// publish shows the present state.
func (e *Engine) publish() { e.state.Set(e.now()) }

// now is the present state.
func (e *Engine) now() State {
	s := State{
		Screen: e.screen, Lang: e.lang, Help: e.help, Wiped: e.wiped,
		Scanner: e.slots.of(kiosk.KindScanner), Printer: e.slots.of(kiosk.KindPrinter),
		ReceiptPrinter: e.slots.of(kiosk.KindReceipt), Key: e.slots.of(kiosk.KindKey),
		Browser: e.cfg.Browser != nil && !e.unclean,
		Voice:   e.cfg.Voice != nil, Reading: e.reading != nil,
		Phones: e.cfg.Phone != nil,
		Coming: e.coming, Message: e.host.Message, Paused: e.host.Paused, Closed: e.host.Closed,
	}
	if e.screen == ScreenBroken {
		s.Fault = &Fault{Code: kiosk.CodeOutOfOrder, Task: TaskWipe}
	}
	if v := e.visit; v != nil {
		s.Screen, s.Visit, s.Lang, s.Help = v.Screen, v.ID, v.Lang, v.Help
		s.Documents, s.Current = v.documents(), v.Current
		p := v.paper()
		s.CanUndo, s.CanRedo = len(p.Edits) > 0, len(p.Undone) > 0
		s.Fault, s.Keys, s.Receipt = v.Fault, e.keys, v.Receipt
		s.IdleWarning, s.Restore, s.Browse = e.warned, e.restore, e.publicBrowse()
		s.Phone = e.publicPhone()
	}
	s.Speaks = s.Voice && e.cfg.Voice.Speaks(s.Lang)
	if e.task != nil {
		s.Task = e.task.public()
	}
	if e.ending != "" {
		s.Fault, s.Browse = nil, nil
		s.Task = &Task{Kind: TaskWipe, Started: e.canceled}
	}
	return s
}
