package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/document"
	"pointnum/kiosk/steward"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/setup"
	"pointnum/ui/safeweb"
	uisetup "pointnum/ui/setup"
)

// ConfDir is where the KIOSK-CONF partition is seen.
const ConfDir = "/conf"

// plainConfig is the package's own configuration, which a kiosk begins from.
const plainConfig = "/usr/share/pointnum/kiosk.yaml"

// webUser is the account of the portals' browser on machines that have one.
const webUser = "pointnum-web"

// StewardConf is the name under which root takes used secrets out of the
// technician's file. The request is a setup.Blank.
const StewardConf = "conf"

// SetupOptions are what a setup needs. Config, Path, Machine and Drivers must
// be set.
type SetupOptions struct {
	Config  *config.Config // what the one that is written begins from; see SetupConfig
	Path    string         // of kiosk.yaml
	Conf    string         // folder of the technician's file; "" none
	Machine setup.Machine
	Drivers []kiosk.Driver
	Log     *slog.Logger
	// Listener replaces Config.Listen. Setup closes it.
	Listener net.Listener
	Ready    func(url string)
	Child    string // see Options
	// Blank replaces asking root (StewardConf).
	Blank func(ctx context.Context, b setup.Blank) error
	Times setup.Times
	// Installer puts the system on a disk; nil does not offer it.
	Installer setup.Installer
}

// SetupDue says whether a kiosk with its configuration at path has to be set
// up before it can serve, and what it begins from: the configuration that is
// there, or what holds without one. A configuration that can't be read is an
// error, not a reason to begin anew.
func SetupDue(path string) (bool, *config.Config, error) {
	c, err := config.LoadFile(path)
	if err == nil {
		return setup.Begun(c.Fleet.Dir), c, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, nil, err
	}
	c, err = config.LoadFile(plainConfig)
	if errors.Is(err, fs.ErrNotExist) {
		c, err = config.Default(), nil
		if _, unknown := user.Lookup(webUser); unknown == nil {
			c.Browser.User = webUser
		}
	}
	if err != nil {
		return false, nil, err
	}
	c.Place, c.Devices = config.Place{}, nil // those are asked and found
	return true, c, nil
}

// SetupMachine is the machine that the agent runs on, as a setup from c needs
// it.
func SetupMachine(c *config.Config, log *slog.Logger) setup.Machine {
	out := ""
	if catalogue, err := Catalogue(c); err == nil && len(catalogue.Portals) > 0 {
		// Where a kiosk without supervision has to come.
		if u, err := url.Parse(catalogue.Portals[0].Address); err == nil && u.Scheme == "https" {
			out = "https://" + u.Host
		}
	}
	return NewMachine(c, out, log)
}

// Route implements setup.Router.
func (m machine) Route(proxy string, ca []byte) error {
	m.Client.Proxy, m.Client.CA = proxy, ca // nobody else uses it: setup does one thing at a time
	return nil
}

// SetupAgain has a kiosk that is set up be so again when it starts.
func SetupAgain(c *config.Config, drivers []kiosk.Driver) error {
	return setup.Begin(c, func(name string) kiosk.Kind {
		if i := slices.IndexFunc(drivers, func(d kiosk.Driver) bool { return d.Name == name }); i >= 0 {
			return drivers[i].Kind
		}
		return ""
	})
}

// SetUp implements control.SetupHandler: the agent ends as for a restart, as
// soon as no visit is under way, and starts with the technician's screens.
func (a *parts) SetUp(context.Context) error {
	if err := SetupAgain(a.Config, a.Drivers); err != nil {
		return err
	}
	a.fleet.restartSoon()
	return nil
}

// settingUp is a setup under way.
type settingUp struct {
	SetupOptions
	parts   *parts // for the health check and the identity; it serves nobody
	flow    *setup.Flow
	screens *uisetup.Server
	started time.Time
}

// Setup shows the technician's screens until the kiosk is ready and its
// configuration written at Path, or ctx ends.
func Setup(ctx context.Context, o SetupOptions) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &settingUp{SetupOptions: o, started: time.Now()}
	s.parts = &parts{Options: Options{Config: o.Config, Drivers: o.Drivers, Log: o.Log}}
	s.parts.fleet = newSupervision(s.parts)
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
	if s.parts.documents, err = document.New(document.Options{Log: o.Log, Executable: o.Child}); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	defer func() { err = errors.Join(err, s.parts.documents.Close()) }()
	if err := s.make(ln); err != nil {
		return err
	}
	return s.serve(ctx, ln)
}

func (s *settingUp) make(ln net.Listener) error {
	langs, err := uisetup.Languages()
	if err != nil {
		return err
	}
	blank := s.Blank
	if blank == nil {
		blank = func(ctx context.Context, b setup.Blank) error { return steward.Ask(ctx, "", StewardConf, b, nil) }
	}
	s.flow, err = setup.New(setup.Options{
		Machine: s.Machine, Base: s.Config, Path: s.Path, Conf: s.Conf, Langs: langs,
		Enrol: s.enrol, Enrolled: s.enrolled, Test: s.test, Print: s.print, Blank: blank, Log: s.Log, Times: s.Times, Installer: s.Installer,
	})
	if err != nil {
		return err
	}
	hosts, err := safeweb.Hosts(ln.Addr())
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	s.screens, err = uisetup.New(uisetup.Options{Flow: shownFlow{s.flow}, Hosts: hosts, Log: s.Log})
	return err
}

// serve runs the flow and its screens, and waits for both.
func (s *settingUp) serve(ctx context.Context, ln net.Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	server := safeweb.Server(s.screens.Handler(), s.Log)
	var work sync.WaitGroup
	var screen, socket error
	work.Go(func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			screen = fmt.Errorf("screen: %w", err)
			stop(screen)
		}
	})
	work.Go(func() {
		if err := control.Serve(ctx, s.Config.Control, s); err != nil {
			socket = fmt.Errorf("control: %w", err)
			stop(socket)
		}
	})
	if s.Ready != nil {
		s.Ready("http://" + ln.Addr().String() + "/")
	}
	s.Log.Info("setup begins", "again", s.Config.Place.Name != "")
	err := s.flow.Run(ctx)
	s.screens.Close() // those who wait hear that it has ended
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if shut := server.Shutdown(grace); shut != nil {
		err = errors.Join(err, server.Close())
	}
	stop(nil)
	work.Wait()
	return errors.Join(err, screen, socket)
}

// ---- who the kiosk is

// tryFile holds the key that a code was tried with, until its answer is kept:
// when the answer is lost with the power, the server gives it again to the
// same key.
const tryFile = "trying.key"

func (s *settingUp) enrol(ctx context.Context, e setup.Enrolment) (setup.Enrolled, error) {
	dir := s.Config.Fleet.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return setup.Enrolled{}, fmt.Errorf("enrol: %w", err)
	}
	path := filepath.Join(dir, tryFile)
	key, err := tryKey(path)
	if err != nil {
		return setup.Enrolled{}, err
	}
	f, err := s.parts.fleet.enrolWith(ctx, config.Fleet{Proxy: e.Proxy, CA: e.CA, Dir: dir}, control.Enrolment{Server: e.Server, Code: e.Code}, key)
	if err != nil {
		return setup.Enrolled{}, err
	}
	if err := os.Remove(path); err != nil {
		return setup.Enrolled{}, fmt.Errorf("enrol: %w", err)
	}
	return setup.Enrolled{Server: f.Server, Structure: f.Structure, Kiosk: f.Kiosk, Label: f.Label}, nil
}

// tryKey is the key in a file, or a new one that is kept there.
func tryKey(path string) (enrol.Key, error) {
	if b, err := os.ReadFile(path); err == nil {
		key := enrol.Key(strings.TrimSpace(string(b)))
		if _, err := key.Public(); err == nil {
			return key, nil
		}
	}
	key, err := enrol.New()
	if err != nil {
		return "", err
	}
	if err := atomicfile.Write(path, []byte(key), 0o600); err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	return key, nil
}

func (s *settingUp) enrolled() (setup.Enrolled, bool) {
	id, err := enrol.Load(s.parts.fleet.path(identityFile))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.Log.Error("the kiosk's identity can't be read: enrol it again", "err", err)
		}
		return setup.Enrolled{}, false
	}
	f := fleetOf(id)
	return setup.Enrolled{Server: f.Server, Structure: f.Structure, Kiosk: f.Kiosk, Label: f.Label}, true
}

// ---- the technician's tool

// Status implements control.Handler.
func (s *settingUp) Status(context.Context) (control.Status, error) {
	return control.Status{Version: Version, UptimeSeconds: int64(time.Since(s.started).Seconds()), Screen: "setup", Pages: s.screens.Pages()}, nil
}

// Leave implements control.Handler: nobody visits.
func (s *settingUp) Leave(context.Context) error { return nil }

// Enrol implements control.Handler: the screens do it.
func (s *settingUp) Enrol(context.Context, control.Enrolment) (control.Fleet, error) {
	return control.Fleet{}, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "enrol", Err: errors.New("the kiosk is being set up: type the code on its screen")}
}

// Health implements control.HealthHandler, so that an image whose kiosk is not
// set up yet is not given up for one.
func (s *settingUp) Health(ctx context.Context) ([]control.Check, error) {
	return s.parts.healthWith(ctx, func() (string, error) { return pagesOpen(s.screens.Pages()) })
}
