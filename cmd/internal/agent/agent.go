// Package agent wires the parts of a kiosk into one running whole: the same
// one for kioskd on real hardware, for kioskdev on virtual hardware and for
// tests on port 0.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/devices"
	"pointnum/kiosk/document"
	"pointnum/kiosk/health"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/kiosk/speech"
	"pointnum/kiosk/spool"
	"pointnum/provisioning/link/outbox"
	"pointnum/provisioning/update/updater"
	"pointnum/ui"
	"pointnum/ui/safeweb"
	"pointnum/ui/technician"
)

// Version is what kioskd and kioskctl say they are.
// It is set when they are built for a release.
var Version = "0.1.0"

// Options are what an agent needs.
type Options struct {
	Config  *config.Config
	Drivers []kiosk.Driver
	Log     *slog.Logger
	// Listener replaces Config.Listen. Run closes it.
	Listener net.Listener
	// Ready is called with the screen's address once it answers; may be nil.
	Ready func(url string)
	// Child is the program started as the document engine's child; "" is this
	// one.
	Child string
	// Browser is for kioskdev and tests; the zero value is a kiosk's.
	Browser BrowserOptions
	// Reboot starts the machine anew when the host asks for it; nil where it
	// can't.
	Reboot func(context.Context) error
	// PowerOff switches it off when a technician asks for it; nil where it
	// can't.
	PowerOff func(context.Context) error
	// Fault is the address of the page that the screen shows when the agent is
	// silent; "" for none. See package fault.
	Fault   string
	Updates UpdateOptions
	// Clock is that of the counts; the zero Clock is the machine's.
	Clock outbox.Clock
}

// BrowserOptions bring portals that stand on this machine.
type BrowserOptions struct {
	Portals   []portal.Portal // come before the catalogue's
	Mailboxes []portal.Mailbox
	Local     map[string]string // "host" to "127.0.0.1:port": where their hosts are
	Args      []string          // further flags of Chromium
}

// parts is a running agent.
type parts struct {
	Options
	started   time.Time
	spool     *spool.Spool
	documents *document.Engine
	manager   *devices.Manager
	engine    *session.Engine
	screens   *ui.Server
	server    *http.Server
	portals   *portals // nil when no portal can be opened
	health    health.Tracker
	wiped     lastWipe
	fleet     *supervision
	trying    sync.Mutex // one health check at a time
	updates   *updater.Updater
	desk      *desk
	menu      *technician.Server
}

// Run starts everything and blocks until ctx ends, which erases the visit, or
// until a part fails. Errors in the configuration are told before anything is
// started.
func Run(ctx context.Context, o Options) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := forbidDumps(); err != nil {
		return err
	}
	a := &parts{Options: o, started: time.Now()}
	catalogue, err := Catalogue(o.Config)
	if err != nil {
		return err
	}
	catalogue = withLocal(catalogue, o.Browser)
	a.fleet = newSupervision(a)
	if a.updates, err = a.newUpdates(); err != nil {
		return fmt.Errorf("updates: %w", err)
	}
	if a.manager, err = devices.New(o.Config.Devices, o.Drivers, o.Log); err != nil {
		return fmt.Errorf("devices: %w", err)
	}
	ln := o.Listener
	if ln == nil {
		if ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", o.Config.Listen); err != nil {
			return fmt.Errorf("screen: %w", err)
		}
	}
	defer ln.Close()
	if err := os.MkdirAll(filepath.Dir(o.Config.Control), 0o755); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	if a.spool, err = spool.Open(o.Config.Spool, spool.Options{}); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	defer func() { err = errors.Join(err, a.spool.Close()) }()
	// Whatever a library writes for a moment stays in memory too.
	if err := os.Setenv("TMPDIR", a.spool.Temp()); err != nil {
		return fmt.Errorf("temporary files: %w", err)
	}
	if a.documents, err = document.New(document.Options{Log: o.Log, Executable: o.Child, Words: o.Config.Words}); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	defer func() { err = errors.Join(err, a.documents.Close()) }()
	if o.Config.Browser.On {
		if a.portals, err = newPortals(o.Config.Browser, catalogue, o.Browser, o.Log); err != nil {
			return err
		}
		defer a.portals.close()
	}
	if err := a.makeVisit(ctx, catalogue, ln); err != nil {
		return err
	}
	defer a.screens.Close()
	defer a.menu.Close()
	return a.serve(ctx, ln)
}

// forbidDumps keeps the memory of this process, and of the scanner's program
// that it starts, off the disk when one of them crashes. The kernel writes no
// file under a limit of 1 byte and, unlike with 0, calls no program that
// collects dumps either (core(5)).
func forbidDumps() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
		return fmt.Errorf("core dumps: %w", err)
	}
	l.Max = min(l.Max, 1) // a service manager's 0 can't be raised
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &l); err != nil {
		return fmt.Errorf("core dumps: %w", err)
	}
	return nil
}

// Catalogue loads the portals that a configuration names, in its order.
func Catalogue(c *config.Config) (*portal.Catalogue, error) {
	all := portal.Default()
	if c.Catalogue != "" {
		var err error
		if all, err = portal.LoadFile(c.Catalogue); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
	}
	if len(c.Portals) == 0 {
		return all, nil
	}
	some := *all
	some.Portals = nil
	for _, id := range c.Portals {
		p, ok := all.Portal(id)
		if !ok {
			return nil, fmt.Errorf("%s: no portal %q in the catalogue", c.Where("portals."+id), id)
		}
		some.Portals = append(some.Portals, *p)
	}
	return &some, nil
}

// Place is the configured place as the screens and receipts show it.
func Place(c *config.Config) ui.Place {
	return ui.Place{
		Name: c.Place.Name, Phone: c.Place.Phone,
		Address: strings.Join(c.Place.Address, "\n"), Hours: strings.Join(c.Place.Hours, "\n"),
	}
}

// makeVisit builds the visit's engine and its screens.
func (a *parts) makeVisit(ctx context.Context, catalogue *portal.Catalogue, ln net.Listener) error {
	cfg := session.Config{
		Devices: a.manager, Spool: a.spool, Documents: a.documents, Portals: catalogue,
		Receipt: func(s session.State, now time.Time) kiosk.Receipt {
			return ui.Receipt(catalogue, a.fleet.place(), s, now)
		},
		Name:    func(s session.State) string { return ui.FileName(catalogue, s) },
		Lang:    a.Config.Languages[0],
		Idle:    a.Config.Idle.Warn,
		Warning: a.Config.Idle.Leave,
		Scrub:   a.scrub,
		Log:     a.Log,
		OnEvent: func(e session.Event) {
			a.wiped.follow(e)
			a.fleet.follow(e)
		},
	}
	if v := voice(ctx, a.Config, a.Log); v != nil {
		cfg.Voice = v
	}
	if a.portals != nil {
		cfg.Browser, cfg.Address, cfg.Mailbox, cfg.PortalAt = a.portals, a.portals.address, a.portals.mailbox, a.portals.at
	}
	phones, err := a.phones()
	if err != nil {
		return err
	}
	if phones != nil {
		cfg.Phone = phones
	}
	hosts, err := safeweb.Hosts(ln.Addr())
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	if a.engine, err = session.New(cfg); err != nil {
		return fmt.Errorf("visit: %w", err)
	}
	a.desk = newDesk(a)
	if a.menu, err = technician.New(technician.Options{Desk: a.desk, Log: a.Log}); err != nil {
		return fmt.Errorf("menu: %w", err)
	}
	a.screens, err = ui.New(ui.Options{
		Engine: a.engine, Catalogue: catalogue, Place: a.fleet.place(), Languages: a.Config.Languages,
		Hosts: hosts, Log: a.Log, Fault: a.Fault, Technician: a.menu,
	})
	if err != nil {
		return fmt.Errorf("screens: %w", err)
	}
	return nil
}

// voice reads aloud; nil where nobody would hear it.
func voice(ctx context.Context, c *config.Config, log *slog.Logger) *speech.Voice {
	if !c.Voice {
		return nil
	}
	v, err := speech.New(ctx, speech.Options{})
	if errors.Is(err, speech.ErrSilent) {
		log.Info("nothing is read aloud: there is no sound device")
		return nil
	}
	if err != nil {
		log.Warn("nothing is read aloud", "err", err)
		return nil
	}
	return v
}

// serve runs all parts and waits for all of them. The devices outlive the
// visit: what a wipe cancels on them has to be answered.
func (a *parts) serve(ctx context.Context, ln net.Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	later, stopDevices := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDevices()

	server := safeweb.Server(a.screens.Handler(), a.Log)
	a.server = server
	var work, below sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	part := func(wg *sync.WaitGroup, name string, run func() error) {
		wg.Go(func() {
			err := run()
			if err == nil {
				return
			}
			// Parts that end because another one did, or because they were told
			// to, are no fault.
			mu.Lock()
			defer mu.Unlock()
			first := ctx.Err() == nil
			if first || !errors.Is(err, context.Cause(ctx)) && !errors.Is(err, context.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
			if first {
				stop(err)
			}
		})
	}
	part(&below, "devices", func() error { return a.manager.Run(later) })
	if a.portals != nil {
		// It outlives the visit, too, which closes what it opened.
		part(&below, "browser", func() error { return a.portals.browser.Run(later) })
	}
	part(&work, "menu", func() error { return a.desk.run(ctx) })
	part(&work, "visit", func() error { return a.engine.Run(ctx) })
	part(&work, "control", func() error { return control.Serve(ctx, a.Config.Control, a) })
	part(&work, "health", func() error { return a.watchHealth(ctx) })
	part(&work, "supervision", func() error { return a.fleet.run(ctx) })
	part(&work, "updates", func() error { return a.updates.Run(ctx) })
	part(&work, "memory", func() error { return a.watchMemory(ctx) })
	part(&work, "screen", func() error {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	if a.Ready != nil {
		a.Ready("http://" + ln.Addr().String() + "/")
	}
	<-ctx.Done()
	a.menu.Close()
	a.screens.Close()
	grace, cancel := context.WithTimeout(later, 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		errs = append(errs, server.Close())
	}
	work.Wait()
	stopDevices()
	below.Wait()
	return errors.Join(errs...)
}

// watchHealth keeps the kiosk's conditions up to date.
func (a *parts) watchHealth(ctx context.Context) error {
	if on, err := spool.SwapActive(); err != nil {
		a.Log.Warn("swap not checked", "err", err)
	} else if on {
		a.Log.Warn("swap is on: memory may reach a disk")
		a.health.Set(health.SwapOn, kiosk.CodeOutOfOrder, "see /proc/swaps")
	}
	a.watchPolicies()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		list, _ := a.manager.State().Load()
		for _, d := range list {
			name := health.Device(d.Info.ID)
			// No key in its socket and no sheet in the feeder is how it should be.
			wrong := slices.DeleteFunc(slices.Clone(d.Status.Conditions), func(c kiosk.Code) bool {
				return d.Info.Kind == kiosk.KindKey || c == kiosk.CodeFeederEmpty
			})
			if len(wrong) == 0 {
				a.health.Clear(name)
				continue
			}
			a.health.Set(name, wrong[0], d.Status.Detail)
		}
		a.watchVisit()
		if a.fleet.restartDue() {
			return ErrRestart
		}
		if err := a.fleet.host.show(ctx, a.engine); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watchPolicies looks once: Chromium reads its policies when it starts.
func (a *parts) watchPolicies() {
	if a.portals == nil || len(a.Browser.Portals) > 0 { // not a kiosk's own machine
		return
	}
	n, err := checkPolicies(a.Config, a.portals.catalogue)
	if err == nil && n == 0 {
		return
	}
	a.Log.Warn("browser policies are not the catalogue's: see kioskctl policies", "differences", n, "err", err)
	a.health.Set(health.PoliciesDiffer, kiosk.CodeOutOfOrder, "kioskctl policies")
}

// watchVisit keeps what the visit and its browser tell.
func (a *parts) watchVisit() {
	st, _ := a.engine.State().Load()
	failed, broken := st.Screen == session.ScreenBroken, kiosk.Code("")
	if a.portals != nil {
		broken = kiosk.CodeOf(a.portals.browser.Healthy())
		failed = failed || !st.Browser || broken == kiosk.CodeOutOfOrder
	}
	if failed {
		a.health.Set(health.WipeFailed, kiosk.CodeOutOfOrder, "")
	} else {
		a.health.Clear(health.WipeFailed)
	}
	if broken != "" {
		a.health.Set(health.BrowserBroken, broken, "")
	} else {
		a.health.Clear(health.BrowserBroken)
	}
}

// Status answers the technician's tool.
func (a *parts) Status(ctx context.Context) (control.Status, error) {
	st, _ := a.engine.State().Load()
	list, _ := a.manager.State().Load()
	s := control.Status{
		Version: Version, UptimeSeconds: int64(time.Since(a.started).Seconds()),
		Screen: string(st.Screen), Health: a.health.State(),
	}
	s.Wiped = a.wiped.last()
	if u, err := a.Update(ctx); err == nil && u.Image {
		s.Update = &u
	}
	s.Fleet, s.Pages = a.fleet.status(), a.screens.Pages()
	if a.portals != nil {
		s.Refused = a.portals.wanted()
	}
	for _, d := range list {
		s.Devices = append(s.Devices, control.Device{
			ID: d.Info.ID, Kind: d.Info.Kind, Driver: d.Info.Driver,
			Model: strings.TrimSpace(d.Info.Make + " " + d.Info.Model),
			Ready: d.Open && d.Status.Ready, Busy: d.Busy, Conditions: d.Status.Conditions,
			Supplies: d.Status.Supplies, Detail: d.Status.Detail,
		})
	}
	return s, nil
}

// Enrol gets the kiosk an identity at the supervision.
func (a *parts) Enrol(ctx context.Context, e control.Enrolment) (control.Fleet, error) {
	return a.fleet.enrol(ctx, e)
}

// Leave ends the visit for the technician and waits for the wipe.
func (a *parts) Leave(ctx context.Context) error {
	if st, _ := a.engine.State().Load(); st.Visit == "" {
		return nil
	}
	if err := a.engine.Do(ctx, session.Leave{}); err != nil {
		return err
	}
	var seq uint64
	for {
		st, next, err := a.engine.State().Wait(ctx, seq)
		if err != nil {
			return err
		}
		seq = next
		switch {
		case st.Screen == session.ScreenBroken:
			return &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "agent: leave"}
		case st.Visit == "" || st.Wiped:
			return nil
		}
	}
}
