// Package fleetserver wires the parts of the supervision into one running
// whole: the same one for fleetd, for the demonstration and for tests on
// port 0.
package fleetserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/alert"
	"pointnum/provisioning/fleet/desk"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/people"
	"pointnum/provisioning/fleet/people/openid"
	"pointnum/provisioning/fleet/release"
	"pointnum/provisioning/fleet/rollout"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/relay"
	"pointnum/ui/console"
	"pointnum/ui/safeweb"
)

// The files in Options.Dir.
const (
	RingFile     = "keys.json" // whoever has it can name kiosks and command them
	DatabaseFile = "fleet.db"
)

// Options say what a server is made of. URL, Dir, Listener and TLS are needed.
type Options struct {
	URL      string // "https://host[:port]" by which browsers and kiosks reach it
	Dir      string // of the keys, and of the database where that is a file
	Database string // path or postgres://…; "" is DatabaseFile in Dir
	NATS     []string
	Cluster  engine.Cluster
	Listener net.Listener // TCP; Run closes it
	// TLS is the certificate; nil where a proxy in front has it.
	TLS *tls.Config
	// Proxy says that a proxy in front adds X-Forwarded-For; only then is that
	// header believed, its last entry.
	Proxy bool
	// Metrics answers /metrics, /livez and /readyz; nil for none. It must not
	// be reachable from outside. Run closes it.
	Metrics net.Listener
	Relay   string // "https://host" under which phones' relay is served; "" for none

	Mailer   *alert.Mailer    // nil: invitations are handed over, alerts only ring in the console
	Provider *openid.Provider // nil for none
	Sign     string           // name of the provider on its button
	Support  kiosk.Contact    // who helps hosts
	Keep     store.Retention
	Backup   Backup
	Releases *release.Shelf // that kiosks fetch; nil for none

	// AdminName and AdminEmail are of the first administrator, who is invited
	// when nobody is there.
	AdminName, AdminEmail string
	// Ready is called once the server answers. setup is the link for the first
	// administrator; "" when there is one. nil for nobody.
	Ready func(setup string)
	Log   *slog.Logger // nil drops
	// Beat is the time between two beats of a kiosk; 0 is 30 s.
	Beat time.Duration
	// Step is the time between two steps of a rollout; 0 is 10 s.
	Step time.Duration
	// Costs of password hashes, for tests; the zero Cost is a server's.
	Cost people.Cost
}

// Backup says where copies of the database go.
type Backup struct {
	Dir   string // "" for none
	Every time.Duration
	Keep  int // copies; 0 is 14
}

// server is a running supervision.
type server struct {
	o        Options
	log      *slog.Logger
	ring     *keys.Ring
	store    *store.Store
	engine   *engine.Engine
	people   *people.People
	alerts   *alert.Alerts
	rollouts *rollout.Rollouts
	console  *console.Server
	relay    *relay.Relay // nil without
	registry *prometheus.Registry
	backups  prometheus.Gauge
	logins   *prometheus.CounterVec
	notices  *prometheus.CounterVec
}

// Run serves until ctx ends or a part fails, and waits for all parts.
func Run(ctx context.Context, o Options) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{o: o, log: o.Log, registry: prometheus.NewRegistry()}
	defer func() {
		err = errors.Join(err, closed(o.Listener))
		if o.Metrics != nil {
			err = errors.Join(err, closed(o.Metrics))
		}
	}()
	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	setup, err := s.people.Setup(ctx, o.AdminName, o.AdminEmail)
	if err != nil {
		return errors.Join(err, s.stopEngine())
	}
	return s.serve(ctx, setup)
}

func closed(l net.Listener) error {
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// stopEngine ends an engine that was started and is not to run.
func (s *server) stopEngine() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return s.engine.Run(ctx)
}

// Database is where the database of a server is.
func Database(dir, database string) string {
	if database == "" {
		return filepath.Join(dir, DatabaseFile)
	}
	return database
}

// open opens what the server is made of; what it has opened it closes when it
// fails.
func (s *server) open(ctx context.Context) (err error) {
	o := s.o
	here, err := url.Parse(o.URL)
	if err != nil || here.Host == "" {
		return fmt.Errorf("fleet: %q is not the address of a server", o.URL)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	if s.ring, err = keys.Open(filepath.Join(o.Dir, RingFile)); err != nil {
		return err
	}
	var fresh atomic.Pointer[engine.Engine]
	s.store, err = store.Open(ctx, Database(o.Dir, o.Database), store.Options{Log: s.log, Fresh: func(structure, kiosk string, evs []provisioning.Event) {
		if e := fresh.Load(); e != nil {
			e.Fresh(structure, kiosk, evs)
		}
	}})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.store.Close())
		}
	}()
	if err := s.measure(); err != nil {
		return err
	}
	if err := s.openPeople(o); err != nil {
		return err
	}
	if err := s.openAlerts(o); err != nil {
		return err
	}
	s.engine, err = engine.New(ctx, engine.Options{
		Store: s.store, Ring: s.ring, NATS: o.NATS, Cluster: o.Cluster, Log: s.log, Beat: o.Beat,
		Metrics: s.registry, From: s.from,
	})
	if err != nil {
		return err
	}
	fresh.Store(s.engine)
	s.rollouts, err = rollout.New(rollout.Options{Store: s.store, Engine: s.engine, Every: o.Step, Metrics: s.registry, Log: s.log})
	if err == nil {
		err = s.openConsole(o, here)
	}
	if err != nil {
		return errors.Join(err, s.stopEngine())
	}
	return nil
}

func (s *server) openPeople(o Options) (err error) {
	po := people.Options{
		Store: s.store, Origins: []string{o.URL}, Key: s.ring.Secret("people"), Provider: o.Provider, Log: s.log, Cost: o.Cost,
		Link:    func(token string) string { return o.URL + console.JoinPath + token },
		Counted: func(m fleet.Method, ok bool) { s.logins.WithLabelValues(string(m), result(ok)).Inc() },
	}
	if o.Mailer != nil {
		po.Mail = o.Mailer
	}
	s.people, err = people.New(po)
	return err
}

func (s *server) openAlerts(o Options) (err error) {
	s.alerts, err = alert.New(alert.Options{
		Store: s.store, Mailer: o.Mailer, Console: o.URL, Log: s.log,
		Counted: func(c fleet.Channel, ok bool) { s.notices.WithLabelValues(string(c), result(ok)).Inc() },
	})
	return err
}

func (s *server) openConsole(o Options, here *url.URL) error {
	d, err := desk.New(desk.Options{
		Store: s.store, Engine: s.engine, People: s.people, Mail: o.Mailer != nil, Kept: keptDays(o.Keep), Log: s.log,
		Try: s.alerts.Try, Nudge: s.rollouts.Nudge,
	})
	if err != nil {
		return err
	}
	s.console, err = console.New(console.Options{
		Fleet: d, Logins: d.Logins(console.Ways{Password: true, Provider: o.Sign}), Catalogue: portal.Default(),
		Hosts: []string{here.Host}, Support: o.Support, From: s.from, Log: s.log,
	})
	if err != nil || o.Relay == "" {
		return err
	}
	there, err := url.Parse(o.Relay)
	if err != nil || there.Host == "" {
		return fmt.Errorf("fleet: %q is not the address of a relay", o.Relay)
	}
	s.relay, err = relay.New(relay.Options{Hosts: []string{there.Host}, HSTS: there.Scheme == "https", Log: s.log})
	return err
}

// keptDays is how long counts by day are there.
func keptDays(r store.Retention) time.Duration {
	if r.Days != 0 {
		return r.Days
	}
	return store.Defaults().Days
}

func result(ok bool) string {
	if ok {
		return "ok"
	}
	return "refused"
}

// from is the address of who asks.
func (s *server) from(r *http.Request) string {
	if s.o.Proxy {
		list := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if last := strings.TrimSpace(list[len(list)-1]); net.ParseIP(last) != nil {
			return last
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// handler leads each request to its part.
func (s *server) handler() http.Handler {
	kiosks, people := s.engine.Handler(), s.console.Handler()
	return engine.Gated(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.relay != nil && s.o.Relay == "https://"+r.Host:
			s.relay.Handler().ServeHTTP(w, r)
		case r.URL.Path == "/fleet" || r.URL.Path == "/sync" || r.URL.Path == "/enrol" || r.URL.Path == "/resign":
			kiosks.ServeHTTP(w, r)
		case s.o.Releases != nil && release.Serves(r.URL.Path):
			s.o.Releases.Handler().ServeHTTP(w, r)
		default:
			people.ServeHTTP(w, r)
		}
	}))
}

// serve runs all parts and waits for all of them.
func (s *server) serve(ctx context.Context, setup string) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	web := safeweb.Server(s.handler(), s.log)
	web.ConnContext = engine.ConnContext
	// It would name the addresses of phones and kiosks.
	web.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	ln := engine.Gate(s.o.Listener, engine.GateSize)
	if s.o.TLS != nil {
		ln = tls.NewListener(ln, s.o.TLS)
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	part := func(name string, run func(context.Context) error) {
		work.Go(func() {
			err := run(ctx)
			if err == nil || ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, context.Canceled)) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			stop(err)
		})
	}
	part("kiosks", s.engine.Run)
	part("alerts", s.alerts.Run)
	part("rollouts", s.rollouts.Run)
	part("upkeep", s.upkeep)
	part("web", served(web, ln))
	if s.relay != nil {
		part("relay", s.relay.Run)
	}
	var inner *http.Server
	if s.o.Metrics != nil {
		inner = safeweb.Server(s.inner(), s.log)
		part("metrics", served(inner, s.o.Metrics))
	}
	if s.o.Ready != nil {
		s.o.Ready(setup)
	}
	<-ctx.Done()
	s.console.Close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, w := range []*http.Server{web, inner} {
		if w != nil && w.Shutdown(grace) != nil {
			errs = append(errs, w.Close())
		}
	}
	work.Wait()
	return errors.Join(errs...)
}

func served(w *http.Server, ln net.Listener) func(context.Context) error {
	return func(context.Context) error {
		if err := w.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

// measure registers what the server itself counts.
func (s *server) measure() error {
	s.backups = prometheus.NewGauge(prometheus.GaugeOpts{Name: "pointnum_last_backup_timestamp_seconds", Help: "When the database was last copied; 0 never since the start."})
	s.logins = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pointnum_logins_total", Help: "Logins of people."}, []string{"method", "result"})
	s.notices = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pointnum_notices_total", Help: "Tries to send an alert."}, []string{"channel", "result"})
	expiry := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pointnum_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate ends; 0 where a proxy in front has it."}, s.certificateEnd)
	for _, c := range []prometheus.Collector{s.backups, s.logins, s.notices, expiry, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := s.registry.Register(c); err != nil {
			return fmt.Errorf("fleet: metrics: %w", err)
		}
	}
	return nil
}

func (s *server) certificateEnd() float64 {
	if s.o.TLS == nil {
		return 0
	}
	c, err := certificate(s.o.TLS)
	if err != nil || c.Leaf == nil {
		return 0
	}
	return float64(c.Leaf.NotAfter.Unix())
}

func certificate(c *tls.Config) (*tls.Certificate, error) {
	if c.GetCertificate != nil {
		return c.GetCertificate(&tls.ClientHelloInfo{})
	}
	if len(c.Certificates) == 0 {
		return nil, errors.New("fleet: no certificate")
	}
	return &c.Certificates[0], nil
}
