package agent

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/health"
	"pointnum/kiosk/session"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link"
	"pointnum/provisioning/link/outbox"
	"pointnum/ui"
)

// ErrRestart is what Run returns when the host asked for a restart: the visit
// had ended, nothing is wrong, and the caller runs the agent again.
var ErrRestart = errors.New("agent: the host asked for a restart")

// retryTie is how long after a fault of its own the tie is tried again.
const retryTie = time.Minute

// restartDelay is for the answer to reach the host before a restart.
const restartDelay = 2 * time.Second

// supervision is the kiosk's tie to its host: who it is there, what it tells,
// what it is told.
type supervision struct {
	agent *parts
	host  *hosted

	mu      sync.Mutex
	link    *link.Link      // nil for a kiosk that works alone
	who     *enrol.Identity // of link
	box     *outbox.Box     // of link
	again   chan struct{}   // closed when the identity has changed
	broken  *control.Fleet  // why the identity on the disk can't be used; nil it can
	restart time.Time       // the agent ends then, unless a visit goes on; zero not
	called  int64           // when a person was asked for, µs since 1970; 0 nobody waits
}

// The files in config.Fleet.Dir.
const (
	identityFile = "identity.json"
	outboxFile   = "outbox.db"
)

func newSupervision(a *parts) *supervision {
	return &supervision{agent: a, host: openHosted(a.Config.Fleet.Dir, a.Log), again: make(chan struct{})}
}

func (s *supervision) path(name string) string {
	return filepath.Join(s.agent.Config.Fleet.Dir, name)
}

// follow counts the visit's events.
func (s *supervision) follow(e session.Event) {
	l, _ := s.linked()
	if l == nil {
		return
	}
	for name, n := range counters(e) {
		if n > 0 {
			l.Count(name, n)
		}
	}
}

func (s *supervision) linked() (*link.Link, *enrol.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link, s.who
}

func (s *supervision) outbox() *outbox.Box {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.box
}

// run keeps the tie, under each identity that the kiosk gets, until ctx ends.
func (s *supervision) run(ctx context.Context) error {
	for {
		s.mu.Lock()
		again := s.again
		s.mu.Unlock()
		id, err := enrol.Load(s.path(identityFile))
		s.unreadable(err)
		if err != nil {
			var retry <-chan time.Time
			if !errors.Is(err, fs.ErrNotExist) {
				s.agent.Log.Error("the kiosk's identity can't be read: enrol it again", "err", err)
				retry = time.After(retryTie) // a TPM may have been busy
			}
			select {
			case <-again:
				continue
			case <-retry:
				continue
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if err := s.serve(ctx, id, again); err != nil && ctx.Err() == nil {
			// Visitors are served without their host being told.
			s.agent.Log.Error("no tie to the supervision", "err", err)
			select {
			case <-again:
			case <-time.After(retryTie):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// serve keeps the tie under one identity, until it changes or ctx ends.
func (s *supervision) serve(ctx context.Context, id *enrol.Identity, again <-chan struct{}) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	box, err := outbox.Open(s.path(outboxFile), outbox.Options{Log: s.agent.Log, Clock: s.agent.Clock})
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	way, err := wayOf(s.agent.Config.Fleet)
	if err != nil {
		return err
	}
	l, err := link.New(link.Options{
		Identity: id, Save: func(n *enrol.Identity) error { return n.Save(s.path(identityFile)) },
		Box: box, Log: s.agent.Log, Version: Version, CA: way.ca, Proxy: way.proxy,
		Do: s.do, Busy: s.busy, Beat: s.beat,
	})
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	s.mu.Lock()
	s.link, s.who, s.box = l, id, box
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.link, s.who, s.box = nil, nil, nil
		s.mu.Unlock()
	}()
	var work sync.WaitGroup
	work.Go(func() { s.tell(ctx, l) })
	work.Go(func() {
		select {
		case <-again:
			cancel()
		case <-ctx.Done():
		}
	})
	err = l.Run(ctx)
	cancel()
	work.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// way is how a server is reached.
type way struct {
	ca    *x509.CertPool // nil for the system's
	proxy *url.URL       // nil for none
}

func wayOf(c config.Fleet) (w way, err error) {
	if c.Proxy != "" {
		if w.proxy, err = url.Parse(c.Proxy); err != nil {
			return w, errors.New("fleet: proxy: not an address") // its text has a password
		}
	}
	if c.CA == "" {
		return w, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return w, fmt.Errorf("fleet: ca: %w", err)
	}
	if w.ca, err = x509.SystemCertPool(); err != nil {
		w.ca = x509.NewCertPool()
	}
	if !w.ca.AppendCertsFromPEM(pem) {
		return w, fmt.Errorf("fleet: ca: no certificate in %s", c.CA)
	}
	return w, nil
}

// enrol gets an identity and keeps it; the tie begins anew with it.
func (s *supervision) enrol(ctx context.Context, e control.Enrolment) (control.Fleet, error) {
	if e.Server == "" {
		e.Server = s.agent.Config.Fleet.Server
	}
	return s.enrolWith(ctx, s.agent.Config.Fleet, e, "")
}

// enrolWith goes the way that c describes, with a key that may have been tried
// before; "" makes one.
func (s *supervision) enrolWith(ctx context.Context, c config.Fleet, e control.Enrolment, key enrol.Key) (control.Fleet, error) {
	if !config.ServerAddress(e.Server) {
		return control.Fleet{}, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "enrol", Err: errors.New("no server: write it in kiosk.yaml (fleet: server:), or give it")}
	}
	way, err := wayOf(c)
	if err != nil {
		return control.Fleet{}, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return control.Fleet{}, fmt.Errorf("enrol: %w", err)
	}
	id, err := enrol.Ask(ctx, enrol.Options{Server: e.Server, Code: e.Code, Version: Version, CA: way.ca, Proxy: way.proxy, Key: key})
	if err != nil {
		return control.Fleet{}, err
	}
	if err := s.leaveOld(id); err != nil {
		return control.Fleet{}, err
	}
	if err := id.Save(s.path(identityFile)); err != nil {
		return control.Fleet{}, err
	}
	s.mu.Lock()
	close(s.again)
	s.again = make(chan struct{})
	s.mu.Unlock()
	s.agent.Log.Info("enrolled", "kiosk", id.Kiosk(), "structure", id.Structure())
	return fleetOf(id), nil
}

// leaveOld takes away what waits for another structure: its counts are not the
// new one's, nor are its decisions.
func (s *supervision) leaveOld(id *enrol.Identity) error {
	old, err := enrol.Load(s.path(identityFile))
	if err != nil || old.Structure() == id.Structure() && old.Server == id.Server {
		return nil
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.path(outboxFile + suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("enrol: what waited for the former structure: %w", err)
		}
	}
	if err := s.host.change(func(d *decided) { *d = decided{} }); err != nil {
		return err
	}
	return s.applySettings()
}

func fleetOf(id *enrol.Identity) control.Fleet {
	c := id.Present.Credential
	return control.Fleet{Server: id.Server, Structure: c.Structure, Kiosk: c.Kiosk, Label: c.Label}
}

// unreadable keeps why the identity on the disk cannot be used; nil and one
// that is not there are no reasons.
func (s *supervision) unreadable(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.broken = &control.Fleet{Link: "down", Since: time.Now(), Fault: kiosk.CodeOf(err), Detail: err.Error()}
	}
}

// status is for the technician; nil for a kiosk that works alone.
func (s *supervision) status() *control.Fleet {
	l, id := s.linked()
	if l == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.broken
	}
	f, st := fleetOf(id), l.Status()
	f.Sealed, _ = enrol.Sealed(s.path(identityFile)) // one that is gone is told elsewhere
	f.Link, f.Since, f.Waiting, f.Fault, f.Detail = string(st.Via), st.Since, st.Waiting, st.Code, st.Err
	return &f
}

// busy says whether a visit goes on, or root erases the kiosk.
func (s *supervision) busy() bool { return s.agent.visiting() || s.agent.desk.erases() }

// visiting says whether a visit goes on.
func (a *parts) visiting() bool {
	st, _ := a.engine.State().Load()
	return st.Visit != "" || st.Task != nil
}

// beat says what the kiosk is doing.
func (s *supervision) beat() provisioning.Beat {
	st, _ := s.agent.engine.State().Load()
	b := provisioning.Beat{Use: provisioning.UseFree, Help: st.Help}
	switch {
	case st.Screen == session.ScreenBroken:
		b.Use = provisioning.UseBroken
	case st.Visit != "":
		b.Use = provisioning.UseBusy
	case st.Paused != "":
		b.Use = provisioning.UsePaused
	case st.Closed:
		b.Use = provisioning.UseClosed
	}
	return b
}

// tellEvery is how often the kiosk's state is looked at between the changes of
// its screen.
const tellEvery = 2 * time.Second

// tell keeps the host up to date.
func (s *supervision) tell(ctx context.Context, l *link.Link) {
	var seq uint64
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, tellEvery)
		st, next, err := s.agent.engine.State().Wait(wait, seq)
		cancel()
		if err != nil {
			st, _ = s.agent.engine.State().Load()
		} else {
			seq = next
		}
		if ctx.Err() == nil {
			l.SetState(s.state(st))
		}
	}
}

// state is what the host should know now. Nothing of it is a visitor's.
func (s *supervision) state(st session.State) provisioning.State {
	s.mu.Lock()
	switch {
	case !st.Help:
		s.called = 0
	case s.called == 0:
		s.called = time.Now().UnixMicro()
	}
	called := s.called
	s.mu.Unlock()
	out := provisioning.State{Version: Version, Help: called, Taken: st.Coming, Paused: st.Paused, Message: st.Message}
	list, _ := s.agent.manager.State().Load()
	kinds := map[string]kiosk.Kind{}
	for _, d := range list {
		kinds[health.Device(d.Info.ID)] = d.Info.Kind
		for _, u := range d.Status.Supplies {
			out.Supplies = append(out.Supplies, provisioning.Supply{Kind: d.Info.Kind, Name: cut(u.Name), Percent: max(-1, min(100, u.Percent))})
		}
	}
	for _, c := range s.agent.health.State() {
		out.Conditions = append(out.Conditions, provisioning.Condition{Name: cut(c.Name), Kind: kinds[c.Name], Code: c.Code, Since: c.Since.UnixMicro()})
	}
	if d := s.host.load(); d.Settings != nil {
		out.Settings = d.Settings.Revision
	}
	out.Update = s.agent.updateState()
	if w := s.agent.wiped.last(); w != nil {
		out.Wiped = &provisioning.Wiped{OK: w.OK}
	}
	if s.agent.portals != nil {
		out.Refused = s.agent.portals.wanted()
	}
	out.Supplies, out.Conditions, out.Refused = some(out.Supplies), some(out.Conditions), some(out.Refused)
	return out
}

// some are as many as one state holds.
func some[T any](list []T) []T { return list[:min(len(list), provisioning.MaxEntries)] }

// cut is a device's own word, as one line that a state can hold.
func cut(word string) string {
	if kiosk.CheckLine(word) != nil || len(word) > kiosk.MaxLine {
		return "?"
	}
	return word
}

// do does what the host says.
func (s *supervision) do(ctx context.Context, c provisioning.Command) provisioning.Result {
	err := s.command(ctx, c)
	switch {
	case errors.Is(err, errUnknown):
		return provisioning.Result{ID: c.ID, Status: provisioning.StatusRefused}
	case err != nil:
		s.agent.Log.Warn("the host's command failed", "kind", c.Kind, "err", err)
		return provisioning.Result{ID: c.ID, Status: provisioning.StatusFailed, Code: kiosk.CodeOf(err)}
	}
	s.agent.Log.Info("the host's command done", "kind", c.Kind)
	return provisioning.Result{ID: c.ID, Status: provisioning.StatusDone}
}

var errUnknown = errors.New("agent: a command that this kiosk does not know")

func (s *supervision) command(ctx context.Context, c provisioning.Command) error {
	e := s.agent.engine
	switch c.Kind {
	case provisioning.CommandHelpTaken:
		return e.Come(ctx)
	case provisioning.CommandHelpDone:
		return e.HelpDone(ctx)
	case provisioning.CommandMessage:
		return s.decide(ctx, func(d *decided) { d.Message, d.Until = c.Text, c.Until })
	case provisioning.CommandPause:
		return s.decide(ctx, func(d *decided) { d.Paused = c.Text })
	case provisioning.CommandResume:
		return s.decide(ctx, func(d *decided) { d.Paused = "" })
	case provisioning.CommandSettings:
		if err := s.decide(ctx, func(d *decided) { d.Settings = c.Settings }); err != nil {
			return err
		}
		return s.applySettings()
	case provisioning.CommandRecheck:
		s.agent.manager.Poke()
		return nil
	case provisioning.CommandUpdate:
		return s.agent.updates.Order(*c.Update)
	case provisioning.CommandSelfTest:
		return s.selfTest(ctx)
	case provisioning.CommandRestart:
		s.restartSoon()
		return nil
	case provisioning.CommandReboot:
		if s.agent.Reboot == nil {
			return errUnknown
		}
		return s.agent.Reboot(ctx)
	}
	return errUnknown
}

// restartSoon has the agent end, once the answer is out and no visit goes on.
func (s *supervision) restartSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restart = time.Now().Add(restartDelay)
}

// restartDue says that the agent may end now, as the host asked: a visit that
// began meanwhile is not disturbed.
func (s *supervision) restartDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.restart.IsZero() && time.Now().After(s.restart) && !s.busy()
}

// decide keeps a decision, and has it shown.
func (s *supervision) decide(ctx context.Context, f func(*decided)) error {
	if err := s.host.change(f); err != nil {
		return err
	}
	return s.host.show(ctx, s.agent.engine)
}

// place is where the kiosk stands.
func (s *supervision) place() ui.Place {
	return placeOf(s.agent.Config, s.host.load().Settings)
}

// applySettings has the screens show the place as the host describes it.
func (s *supervision) applySettings() error {
	if s.agent.screens == nil { // while the kiosk is set up
		return nil
	}
	return s.agent.screens.SetPlace(s.place())
}

// selfTest says what is wrong with the kiosk now: its devices, its browser,
// its last wipe.
func (s *supervision) selfTest(ctx context.Context) error {
	s.agent.manager.Poke()
	if conditions := s.agent.health.State(); len(conditions) > 0 {
		return &kiosk.Error{Code: conditions[0].Code, Op: "self-test: " + conditions[0].Name}
	}
	list, _ := s.agent.manager.State().Load()
	for _, d := range list {
		if d.Info.Kind != kiosk.KindKey && !d.Open {
			return &kiosk.Error{Code: kiosk.CodeUnplugged, Op: "self-test", Device: d.Info.ID}
		}
	}
	return ctx.Err()
}
