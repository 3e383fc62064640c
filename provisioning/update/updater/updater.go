// Package updater takes a kiosk from one release to the next: it fetches what
// the host or a technician ordered, waits until the place is closed, has root
// write it beside the release that runs, starts the machine anew, and sees
// whether the new one is well or the old one came back.
//
//	idle → fetching → waiting → installing → trying → done
//	                                            └────→ returned
//
// What it has to know over restarts is on the disk before it acts on it. A
// power cut at any moment leaves a kiosk that goes on, or that has forgotten
// an order and says so; never one that takes what it should not.
package updater

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/watch"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/fetch"
)

// Options are what an updater needs. All but Rate, Log, Free and Pace are.
type Options struct {
	Dir  string // of what is fetched and kept; only the agent's
	Keys []ed25519.PublicKey
	Arch string // as Go calls it
	// Version is that of the image that runs; "" on another system, which
	// refuses all orders.
	Version string
	Boot    string // names this start of the machine
	Loader  string // the boot loader's kernels; one that can't be read is as none
	// Source is where a release comes from.
	Source func(provisioning.UpdateOrder) (fetch.Source, error)
	// Install has root write a release of Dir beside the one that runs, and
	// returns what it said.
	Install func(ctx context.Context, version string) (said string, err error)
	Reboot  func(context.Context) error
	Busy    func() bool // a visit goes on
	Night   func() bool // the place is closed, and for long enough: see Night
	Now     func() time.Time
	// Rate is for fetching, in bytes a second; nil is half a megabyte, as fast
	// as can when a technician waits, and
	// less during a visit.
	Rate func() int64
	Log  *slog.Logger
	Free func(dir string) (int64, error) // see fetch.Options
	Pace Pace
}

// Pace says how often things are looked at; zero values mean what is said.
type Pace struct {
	Look   time.Duration // is it night; half a minute
	Trying time.Duration // is the new one well; 2 s
	Reboot time.Duration // until a restart is asked for again; 3 minutes
	Retry  time.Duration // after the first fault, then twice as long each time; a minute
	Most   time.Duration // between two tries; 6 hours
}

func (p Pace) withDefaults() Pace {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&p.Look, 30 * time.Second}, {&p.Trying, 2 * time.Second}, {&p.Reboot, 3 * time.Minute}, {&p.Retry, time.Minute}, {&p.Most, 6 * time.Hour}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return p
}

// Rates of fetching, in bytes a second.
const (
	freeRate = 512 << 10
	nowRate  = 64 << 20 // a technician waits
	busyRate = 64 << 10 // a visitor needs the line
)

// errChanged ends the work on an order that is no more in force.
var errChanged = errors.New("updater: the order has changed")

// Updater is a kiosk's. New makes one.
type Updater struct {
	o     Options
	state watch.Value[provisioning.UpdateState]
	wake  chan struct{}

	mu         sync.Mutex
	k          kept
	confirmed  string // the highest version that ran well; "" none
	healthy    bool   // in this start of the machine
	installing bool   // root writes
	stop       context.CancelCauseFunc
	detail     string // of the state's code

	// Of Run's goroutine alone.
	ready string    // the version that is there, whole
	tries int       // in vain, one after the other
	asked time.Time // for a restart
}

// New reads what is kept. Files that a power cut or a fault of the disk spoilt
// are as none.
func New(o Options) (*Updater, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Pace = o.Pace.withDefaults()
	u := &Updater{o: o, wake: make(chan struct{}, 1)}
	if u.o.Rate == nil {
		u.o.Rate = u.rate
	}
	if o.Version == "" {
		return u, nil
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("updater: %w", err)
	}
	u.k, u.confirmed = u.load()
	u.look()
	u.tell(u.phase())
	return u, nil
}

func (u *Updater) rate() int64 {
	if u.o.Busy() {
		return busyRate
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.k.Now {
		return nowRate
	}
	return freeRate
}

// State is how the update stands; nothing is ever set where Options.Version
// is "".
func (u *Updater) State() *watch.Value[provisioning.UpdateState] { return &u.state }

// Status is more than State, for the technician.
type Status struct {
	provisioning.UpdateState
	Detail    string // of Code
	Confirmed string // the highest version that ran well
	NotBefore int64  // s since 1970
}

// Status says how the update stands.
func (u *Updater) Status() Status {
	s, _ := u.state.Load()
	u.mu.Lock()
	defer u.mu.Unlock()
	return Status{UpdateState: s, Detail: u.detail, Confirmed: u.confirmed, NotBefore: u.k.Order.NotBefore}
}

// Order takes an order of the host: it is kept when nil returns. Errors:
// CodeUpdateForeign, CodeUpdateOlder, CodeUpdateLeft; CodeUpdateBusy when
// another version is being written or tried.
func (u *Updater) Order(o provisioning.UpdateOrder) error {
	if o.Version == "" {
		return u.Cancel()
	}
	return u.take(o, "")
}

// From takes the release in a folder, as of a stick, and does not wait for
// the night. Errors: as for Order, and those of update.OpenFolder and
// update.Manifest.Fits.
func (u *Updater) From(folder string, again bool) error {
	if !filepath.IsAbs(folder) {
		return refused(kiosk.CodeBadRequest, "a folder is given by its whole path")
	}
	m, err := update.OpenFolder(u.o.Keys, folder)
	if err != nil {
		return err
	}
	return u.take(provisioning.UpdateOrder{Version: m.Version, Again: again}, filepath.Clean(folder))
}

func refused(code kiosk.Code, why string) error {
	return &kiosk.Error{Code: code, Op: "updater", Err: errors.New(why)}
}

func (u *Updater) take(o provisioning.UpdateOrder, from string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	runs := provisioning.CompareVersions(o.Version, u.o.Version)
	switch {
	case u.o.Version == "":
		return refused(provisioning.CodeUpdateForeign, "not the project's image")
	case u.written() == o.Version:
		return nil // it is on its way
	case u.written() != "":
		return refused(provisioning.CodeUpdateBusy, u.written()+" is being written or tried")
	case runs < 0, runs != 0 && provisioning.CompareVersions(o.Version, u.confirmed) <= 0:
		return refused(provisioning.CodeUpdateOlder, fmt.Sprintf("%s runs, %s did", u.o.Version, u.confirmed))
	case runs != 0 && !o.Again && slices.Contains(u.k.Left, o.Version):
		return refused(provisioning.CodeUpdateLeft, o.Version)
	}
	next := u.k
	hurried := u.k.Now && u.k.End == "" && u.k.Order.Version == o.Version
	next.Order, next.From, next.Now, next.End, next.Code = o, from, hurried || from != "", "", ""
	if runs == 0 {
		next.End = provisioning.UpdateDone
	}
	return u.change(next)
}

// written is the version that root writes or that waits for its trial; ""
// none. mu is held.
func (u *Updater) written() string {
	if u.installing {
		return u.k.Order.Version
	}
	return u.k.Tried
}

// Cancel takes the order back. CodeUpdateBusy: it is too late.
func (u *Updater) Cancel() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if v := u.written(); v != "" {
		return refused(provisioning.CodeUpdateBusy, v+" is being written or tried")
	}
	return u.change(kept{Left: u.k.Left})
}

// Hurry has the order done without waiting for the night; a visit is waited
// for still. CodeBadRequest: there is no order.
func (u *Updater) Hurry() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.k.Tried == "" && (u.k.Order.Version == "" || u.k.End != "") {
		return refused(kiosk.CodeBadRequest, "there is no order")
	}
	next := u.k
	next.Now = true
	return u.change(next)
}

// Healthy says that the kiosk has passed its health check since the machine
// started.
func (u *Updater) Healthy() {
	u.mu.Lock()
	u.healthy = true
	u.mu.Unlock()
	u.hurry()
}

// change keeps something on the disk, then lets it count. Work on another
// order ends. mu is held.
func (u *Updater) change(next kept) error {
	if u.o.Version == "" {
		return refused(provisioning.CodeUpdateForeign, "not the project's image")
	}
	if err := u.save(next); err != nil {
		return err
	}
	other := next.Order.Version != u.k.Order.Version || next.Order.URL != u.k.Order.URL || next.From != u.k.From
	fresh := other || next.End != u.k.End
	u.k, u.detail = next, ""
	if fresh {
		u.set(u.stands()) // whoever asked looks now
	}
	if other && u.stop != nil && !u.installing {
		u.stop(errChanged)
	}
	u.hurry()
	return nil
}

// hurry wakes Run.
func (u *Updater) hurry() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Run does the work until ctx ends, whose cause it returns.
func (u *Updater) Run(ctx context.Context) error {
	if u.o.Version == "" {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for {
		t := time.NewTimer(u.step(ctx))
		select {
		case <-t.C:
		case <-u.wake:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
		t.Stop()
	}
}

// again is the time until the next try, after a fault.
func (u *Updater) again() time.Duration {
	d := u.o.Pace.Retry << min(u.tries, 20)
	u.tries++
	if d <= 0 || d > u.o.Pace.Most {
		d = u.o.Pace.Most
	}
	return d/2 + rand.N(d/2+1)
}

// tell says how it stands.
func (u *Updater) tell(phase provisioning.UpdatePhase, code kiosk.Code, detail string, percent int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.set(phase, code, detail, percent)
}

// set is tell with mu held.
func (u *Updater) set(phase provisioning.UpdatePhase, code kiosk.Code, detail string, percent int) {
	s := provisioning.UpdateState{
		Version: u.o.Version, Wanted: u.k.Order.Version, Phase: phase, Percent: percent / 10 * 10, Code: code,
	}
	if u.k.Tried != "" {
		s.Wanted = u.k.Tried
	}
	if n := len(u.k.Left); n > 0 {
		s.Returned = u.k.Left[n-1]
	}
	u.detail = detail
	if old, seq := u.state.Load(); seq == 0 || old != s {
		u.state.Set(s)
	}
}

// phase is what is told between two steps, as tell takes it.
func (u *Updater) phase() (provisioning.UpdatePhase, kiosk.Code, string, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stands()
}

// stands is phase with mu held.
func (u *Updater) stands() (provisioning.UpdatePhase, kiosk.Code, string, int) {
	switch {
	case u.k.Tried != "":
		return provisioning.UpdateTrying, "", "", 0
	case u.k.Order.Version == "":
		return provisioning.UpdateIdle, "", "", 0
	case u.k.End != "":
		return u.k.End, u.k.Code, u.detail, 0
	}
	return provisioning.UpdateFetching, "", "", 0
}
