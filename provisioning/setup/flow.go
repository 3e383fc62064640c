package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/watch"
)

// Options are what a Flow needs. Machine, Base, Path, Enrol, Enrolled, Test
// and Print must be set. The functions are called from one goroutine at a
// time, and end early when their ctx does.
type Options struct {
	Machine Machine
	// Base is what the configuration that is written has beside what setup
	// asks: a former one, or config.Default.
	Base *config.Config
	Path string // of kiosk.yaml
	Conf string // folder of the technician's file; "" none
	// Langs are the languages that the screens have.
	Langs []string
	// Enrol gives a code to a server and keeps the identity that it buys.
	Enrol func(ctx context.Context, e Enrolment) (Enrolled, error)
	// Enrolled says who the kiosk is already; false for nobody.
	Enrolled func() (Enrolled, bool)
	// Test tries a kiosk of this configuration and tells each line as it
	// comes out. What does not work is in the lines.
	Test func(ctx context.Context, c *config.Config, tell func(Line)) error
	// Print prints the sheet on every printer of the configuration.
	Print func(ctx context.Context, c *config.Config, st State) error
	// Blank has used secrets taken out of the technician's file; nil where
	// there is none.
	Blank func(ctx context.Context, b Blank) error
	// Installer puts the system on a disk; nil where that is not offered.
	Installer Installer
	Now       func() time.Time // nil is time.Now
	Log       *slog.Logger     // nil drops
	Times     Times
}

// Times are how long things take; zero ones have a default.
type Times struct {
	Settle time.Duration // for a network to come up by itself; 20 s
	Retry  time.Duration // between two looks while something is missing; 10 s
	Linger time.Duration // that "ready" stays when nobody touches it; 20 s
	Note   time.Duration // the same while a code on it is on no sheet; 10 min
}

// Enrolment is what is needed to get an identity.
type Enrolment struct {
	Server, Code string
	Proxy        string // as Network.Proxy
	CA           string // path of PEM certificates; "" none
}

// Flow is a setup under way. One goroutine, Run's, owns all state; the others
// hand it actions.
type Flow struct {
	o     Options
	state watch.Value[State]

	requests chan request
	calls    chan func()
	finished chan outcome
	done     chan struct{}
	worker   sync.WaitGroup
	serial   sync.Mutex // held by the task that runs

	// Below: Run's own.
	st      State
	network Network // as it was asked for since the start, and what is known of before
	ca      string  // path of network.CA; "" none
	links   bool    // the machine keeps a Wi-Fi or an address that a setup asked for
	conf    *Conf   // nil without a technician's file, or once it was left
	blank   Blank   // what is to be taken out of it, and could not yet
	cancel  context.CancelFunc
	turn    int       // of the task in hand: others' outcomes are too late
	again   time.Time // when to do the step's task again by itself; zero not
	touched bool
	tested  bool
	held    bool // the first step waits for a person, though a file leads
	given   bool // the technician's code came from the file, and is kept
}

type request struct {
	action Action
	reply  chan error
}

type outcome struct {
	turn  int
	apply func()
}

// New makes a flow that goes on where a former one was cut off.
func New(o Options) (*Flow, error) {
	if o.Machine == nil || o.Base == nil || o.Path == "" || o.Enrol == nil || o.Enrolled == nil || o.Test == nil || o.Print == nil {
		return nil, errors.New("setup: Machine, Base, Path, Enrol, Enrolled, Test and Print must be set")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, t := range []struct {
		at *time.Duration
		d  time.Duration
	}{{&o.Times.Settle, 20 * time.Second}, {&o.Times.Retry, 10 * time.Second}, {&o.Times.Linger, 20 * time.Second}, {&o.Times.Note, 10 * time.Minute}} {
		if *t.at == 0 {
			*t.at = t.d
		}
	}
	f := &Flow{o: o, requests: make(chan request), calls: make(chan func()), finished: make(chan outcome), done: make(chan struct{})}
	f.st = State{Step: StepLanguage, Lang: o.Base.Languages[0], Percent: -1}
	f.st.Host.Place = o.Base.Place
	f.st.Host.Server = o.Base.Fleet.Server
	f.network.Proxy = o.Base.Fleet.Proxy
	if err := f.restore(); err != nil {
		return nil, err
	}
	f.readConf()
	if _, err := config.LoadFile(o.Path); err == nil {
		f.st.Before = true
	}
	f.findDisks()
	f.state.Set(f.shown())
	return f, nil
}

// readConf reads the technician's file, if there is one.
func (f *Flow) readConf() {
	if f.o.Conf == "" {
		return
	}
	f.st.Network.CAs = certificates(f.o.Conf)
	c, err := LoadConf(f.o.Conf)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		f.st.Wrong = problemText(err)
		f.o.Log.Warn("the technician's file is not right") // its text may hold a password
		return
	}
	f.conf, f.st.Auto = c, true
	if c.Place.Name != "" {
		f.st.Host.Place = c.Place
	}
	if c.Server != "" {
		f.st.Host.Server = c.Server
	}
}

// State holds what a screen shows. It is set again after each change.
func (f *Flow) State() *watch.Value[State] { return &f.state }

// Do hands an action over and returns once it was accepted or refused; what
// takes longer goes on as State.Task. Errors: kiosk.CodeBadRequest when it
// makes no sense now (nothing changed), kiosk.CodeOutOfOrder after the end,
// ctx's cause.
func (f *Flow) Do(ctx context.Context, a Action) error {
	r := request{action: a, reply: make(chan error, 1)}
	select {
	case f.requests <- r:
		return <-r.reply
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-f.done:
		return &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "setup: it has ended"}
	}
}

// Run leads through the setup and returns nil once the kiosk is ready and its
// configuration written, or ctx's cause. It may be called once.
func (f *Flow) Run(ctx context.Context) error {
	defer close(f.done)
	ctx, stop := context.WithCancel(ctx)
	defer f.worker.Wait()
	defer stop()
	if r, ok := f.o.Machine.(Router); ok && (f.network.Proxy != "" || f.network.CA != nil) {
		if err := r.Route(f.network.Proxy, f.network.CA); err != nil {
			f.fail(TaskJoin, err)
		}
	}
	f.enter(ctx)
	f.publish()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !f.st.Ended {
		wait := time.Hour
		if !f.again.IsZero() {
			wait = max(0, f.again.Sub(f.o.Now()))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case r := <-f.requests:
			err := f.handle(ctx, r.action)
			f.publish() // before the answer: who asked sees what came of it
			r.reply <- err
			continue
		case call := <-f.calls:
			call()
		case o := <-f.finished:
			if o.turn == f.turn {
				f.st.Task, f.st.Percent, f.st.Now, f.cancel = "", -1, "", nil
				o.apply()
			}
		case <-timer.C:
			f.tick(ctx)
		}
		f.publish()
	}
	return nil
}

// shown is a copy of the state that nobody changes.
func (f *Flow) shown() State {
	st := f.st
	st.Devices = append([]Device(nil), st.Devices...)
	st.Lines = append([]Line(nil), st.Lines...)
	return st
}

func (f *Flow) publish() { f.state.Set(f.shown()) }

// work runs do beside the actor. What it returns is run by the actor, whatever
// became of the task.
func (f *Flow) work(run context.Context, t Task, do func(ctx context.Context) func()) {
	ctx, cancel := context.WithCancel(run)
	f.cancel, f.again = cancel, time.Time{}
	f.turn++
	turn := f.turn
	f.st.Task, f.st.Percent, f.st.Now, f.st.Fault = t, -1, "", nil
	f.worker.Go(func() {
		defer cancel()
		f.serial.Lock() // one that was dropped may still have to end
		defer f.serial.Unlock()
		select {
		case f.finished <- outcome{turn, do(ctx)}:
		case <-run.Done():
		}
	})
}

// drop ends a look whose outcome nobody waits for any more.
func (f *Flow) drop() {
	if f.cancel != nil {
		f.cancel()
	}
	f.turn++
	f.st.Task, f.st.Percent, f.st.Now, f.cancel, f.again = "", -1, "", nil, time.Time{}
}

// tell runs a change of the state in the actor, while a task goes on.
func (f *Flow) tell(ctx context.Context, change func()) {
	select {
	case f.calls <- change:
	case <-ctx.Done():
	}
}

// fail keeps why a task ended. What the technician cancelled is no fault.
func (f *Flow) fail(t Task, err error) {
	f.o.Log.Warn("setup: not done", "task", t, "err", err)
	if kiosk.CodeOf(err) == kiosk.CodeCanceled {
		return
	}
	f.st.Fault = &Fault{Task: t, Code: kiosk.CodeOf(err), Detail: err.Error()}
}

// tick does again by itself what waits for the world: a cable, a device that
// is switched on; or leaves the last screen.
func (f *Flow) tick(ctx context.Context) {
	if f.again.IsZero() || f.o.Now().Before(f.again) {
		return
	}
	f.again = time.Time{}
	if f.st.Step == StepDone {
		f.end()
		return
	}
	f.enter(ctx)
}

// later has the step's task done again after a while.
func (f *Flow) later() { f.again = f.o.Now().Add(f.o.Times.Retry) }

func refused(format string, args ...any) error {
	return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "setup", Err: fmt.Errorf(format, args...)}
}
