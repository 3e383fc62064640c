package link_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/link"
)

// site is the real server: the engine on a real store.
type site struct {
	t      *testing.T
	store  *store.Store
	engine *engine.Engine
	http   *httptest.Server
	ca     *x509.CertPool
	deaf   atomic.Bool  // answers no WebSocket
	lose   atomic.Int32 // one answer to events of so many is lost, after the commit; 0 none
	asked  atomic.Int32 // batches that came
}

// forgetful is a store whose answers get lost.
type forgetful struct {
	*store.Store
	s *site
}

func (f forgetful) Ingest(ctx context.Context, structure, kiosk string, evs []provisioning.Event) (int, error) {
	f.s.asked.Add(1)
	fresh, err := f.Store.Ingest(ctx, structure, kiosk, evs)
	if n := f.s.lose.Load(); n > 0 && rand.Int32N(n) == 0 {
		return fresh, errors.New("the answer is lost")
	}
	return fresh, err
}

func newSite(t *testing.T, renewAt time.Duration) *site {
	t.Helper()
	s := &site{t: t, ca: x509.NewCertPool()}
	dir := t.TempDir()
	s.store = must(store.Open(t.Context(), filepath.Join(dir, "fleet.db"), store.Options{Fresh: func(structure, kiosk string, evs []provisioning.Event) {
		s.engine.Fresh(structure, kiosk, evs)
	}}))
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.store.AddStructure(t.Context(), fleet.Structure{ID: structure, Name: "Mairie", Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.engine = must(engine.New(t.Context(), engine.Options{Store: forgetful{s.store, s}, Ring: must(keys.Open(filepath.Join(dir, "keys"))), RenewAt: renewAt}))
	handler := s.engine.Handler()
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.deaf.Load() && r.URL.Path == "/fleet" {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	cert := certificate(t, time.Now())
	s.http.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.StartTLS()
	s.ca.AddCert(must(x509.ParseCertificate(cert.Certificate[0])))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.engine.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		s.http.Close()
	})
	return s
}

var everything = fleet.Scope{All: true}

// enrol buys an identity with a code.
func (s *site) enrol() *enrol.Identity {
	s.t.Helper()
	code, _, err := s.engine.NewCode(s.t.Context(), fleet.Code{Structure: structure, Label: "Hall"})
	if err != nil {
		s.t.Fatal(err)
	}
	o := enrol.Options{Server: s.http.URL, Code: code, CA: s.ca, Version: "1"}
	id, err := enrol.Ask(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := enrol.Ask(s.t.Context(), o); err == nil || kiosk.CodeOf(err) != enrol.CodeWrong {
		s.t.Errorf("a code was used twice: %v", err)
	}
	return id
}

func (s *site) start(c choices) *agent {
	if c.id == nil {
		c.id = s.enrol()
	}
	return startAt(s.t, s.ca, c)
}

// counted sums a counter of all kiosks.
func (s *site) counted(counter string) (n int64) {
	s.t.Helper()
	for _, u := range must(s.store.Usage(s.t.Context(), everything, "2000-01-01", "2100-01-01")) {
		if u.Counter == counter {
			n += u.N
		}
	}
	return n
}

func (s *site) status(kiosk, id string) fleet.QueueStatus {
	for _, q := range must(s.store.Commands(s.t.Context(), everything, kiosk, 100)) {
		if q.Command.ID == id {
			return q.Status
		}
	}
	return ""
}

func TestAKioskAndTheRealServer(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		t.Run(map[bool]string{false: "by WebSocket", true: "by sync"}[deaf], func(t *testing.T) {
			s := newSite(t, 0)
			s.deaf.Store(deaf)
			a := s.start(choices{})
			id := a.id.Kiosk()
			a.link.SetState(provisioning.State{Version: "1.0", Help: time.Now().UnixMicro()})
			wait(t, "the state", func() bool { return must(s.store.Kiosk(t.Context(), everything, id)).State.Help != 0 })
			wait(t, "presence", func() bool { return s.engine.Presence(id).Online })
			a.busy.Store(true)
			scope := fleet.Scope{Structure: structure}
			pause := must(s.engine.Command(t.Context(), scope, "", provisioning.Command{Kiosk: id, Kind: provisioning.CommandPause, Text: "En panne"}))
			help := must(s.engine.Command(t.Context(), scope, "", provisioning.Command{Kiosk: id, Kind: provisioning.CommandHelpTaken}))
			wait(t, "help to be taken", func() bool { return s.status(id, help.Command.ID) == fleet.QueueStatus(provisioning.StatusDone) })
			wait(t, "the pause to wait", func() bool { return s.status(id, pause.Command.ID) == fleet.QueueStatus(provisioning.StatusWaiting) })
			a.busy.Store(false)
			wait(t, "the pause", func() bool { return s.status(id, pause.Command.ID) == fleet.QueueStatus(provisioning.StatusDone) })
			wait(t, "an empty outbox", func() bool { return a.link.Status().Waiting == 0 })
			if a.times(pause.Command.ID) != 1 || a.times(help.Command.ID) != 1 {
				t.Error("not done once")
			}
			if err := s.engine.Revoke(t.Context(), scope, id); err != nil {
				t.Fatal(err)
			}
			wait(t, "to be out", func() bool { c := a.link.Status(); return c.Code == link.CodeRefused && c.Via == link.ViaNone })
		})
	}
}

func TestTheRealServerChangesKeys(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		t.Run(map[bool]string{false: "by WebSocket", true: "by sync"}[deaf], func(t *testing.T) {
			s := newSite(t, 3*time.Second)
			s.deaf.Store(deaf)
			p := quick()
			p.Hello = 200 * time.Millisecond
			a := s.start(choices{pace: p})
			first := key(t, a.id.Present)
			wait(t, "other keys", func() bool {
				k := must(s.store.Kiosk(t.Context(), everything, a.id.Kiosk()))
				now, err := enrol.Load(a.path)
				return err == nil && k.Key != first && k.Key == key(t, now.Present)
			})
			a.link.SetState(provisioning.State{Settings: 1})
			wait(t, "a state", func() bool { return must(s.store.Kiosk(t.Context(), everything, a.id.Kiosk())).State.Settings == 1 })
		})
	}
}
