package engine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// patience is for a machine that does much else.
const patience = 40 * time.Second

var everything = fleet.Scope{All: true}

// eventually waits for a state.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s after %s", what, patience)
		}
	}
}

// clock is the server's, which a test moves.
type clock struct{ ahead atomic.Int64 }

func newClock() *clock                { return &clock{} }
func (c *clock) get() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) add(by time.Duration) { c.ahead.Add(int64(by)) }

// nothingLeft checks at the end that all goroutines have ended.
func nothingLeft(t testing.TB) {
	t.Helper()
	if _, fuzzing := t.(*testing.F); fuzzing {
		return // which has goroutines of its own
	}
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				b := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
			}
		}
	})
}

// site is a server of kiosks: a real store, a real NATS, real HTTP.
type site struct {
	t      testing.TB
	ring   *keys.Ring
	store  *store.Store
	engine *engine.Engine
	addr   string
	halt   func()
}

// openStore opens a database whose news go to whatever engine is there.
func openStore(t testing.TB, path string, e func() *engine.Engine) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path, store.Options{Fresh: func(structure, kiosk string, evs []provisioning.Event) {
		e().Fresh(structure, kiosk, evs)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newRing(t testing.TB) *keys.Ring {
	t.Helper()
	r, err := keys.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newSite starts a server with two structures.
func newSite(t testing.TB, change func(*engine.Options)) *site {
	t.Helper()
	return newSiteWith(t, newRing(t), change)
}

func newSiteWith(t testing.TB, ring *keys.Ring, change func(*engine.Options)) *site {
	t.Helper()
	nothingLeft(t)
	s := &site{t: t, ring: ring}
	s.store = openStore(t, filepath.Join(t.TempDir(), "fleet.db"), func() *engine.Engine { return s.engine })
	for _, id := range []string{"mairie", "musee"} {
		if err := s.store.AddStructure(t.Context(), fleet.Structure{ID: id, Name: id, Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	s.start(change)
	return s
}

// beside starts another server of the same fleet.
func (s *site) beside(change func(*engine.Options)) *site {
	s.t.Helper()
	o := &site{t: s.t, ring: s.ring, store: s.store}
	o.start(change)
	return o
}

func (s *site) start(change func(*engine.Options)) {
	s.t.Helper()
	o := engine.Options{Store: s.store, Ring: s.ring}
	if change != nil {
		change(&o)
	}
	var err error
	if s.engine, err = engine.New(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	srv := &http.Server{Handler: engine.Gated(s.engine.Handler()), ConnContext: engine.ConnContext, ReadHeaderTimeout: patience}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := srv.Serve(engine.Gate(l, 0)); !errors.Is(err, http.ErrServerClosed) {
			s.t.Error(err)
		}
	})
	wg.Go(func() {
		if err := s.engine.Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	s.halt = sync.OnceFunc(func() {
		cancel()
		if err := srv.Close(); err != nil {
			s.t.Error(err)
		}
		wg.Wait()
	})
	s.t.Cleanup(s.halt)
}

// post sends JSON and returns the status and the answer.
func post(t testing.TB, url, authorization string, body []byte) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// borne is a kiosk: its key, and what the server gave it.
type borne struct {
	t    testing.TB
	addr string
	pair nkeys.KeyPair
	key  string
	provisioning.Credential
}

func newKey(t testing.TB) (nkeys.KeyPair, string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	key, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return pair, key
}

func sign(t testing.TB, pair nkeys.KeyPair, message string) string {
	t.Helper()
	b, err := pair.Sign([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func (s *site) code(c fleet.Code) string {
	s.t.Helper()
	code, c, err := s.engine.NewCode(s.t.Context(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	if c.ID == "" || c.Created.IsZero() || !c.Expires.After(c.Created) {
		s.t.Fatalf("code %+v", c)
	}
	return code
}

// enrol makes a kiosk of a structure.
func (s *site) enrol(structure, label string) *borne {
	s.t.Helper()
	b := &borne{t: s.t, addr: s.addr}
	b.pair, b.key = newKey(s.t)
	if status := b.ask(s.code(fleet.Code{Structure: structure, Label: label})); status != http.StatusOK {
		s.t.Fatalf("enrolment answers %d", status)
	}
	return b
}

func (b *borne) ask(code string) int {
	b.t.Helper()
	status, _, body := post(b.t, "http://"+b.addr+"/enrol", "", marshal(b.t, provisioning.EnrolAsk{Words: 1, Code: code, Key: b.key, Version: "1",
		Signature: sign(b.t, b.pair, provisioning.NormalCode(code)+b.key)}))
	if status == http.StatusOK {
		c, err := provisioning.DecodeCredential(body)
		if err != nil {
			b.t.Fatal(err)
		}
		b.Credential = c
	}
	return status
}

// line is a kiosk's connection and what happens to it.
type line struct {
	*nats.Conn
	errs   chan error
	closed chan struct{}
}

func (b *borne) dial(opts ...nats.Option) (*line, error) {
	l := &line{errs: make(chan error, 100), closed: make(chan struct{})}
	opts = append([]nats.Option{
		nats.UserJWT(func() (string, error) { return b.Token, nil }, b.pair.Sign), nats.ProxyPath("/fleet"),
		nats.CustomInboxPrefix("_INBOX_" + b.Kiosk), nats.Timeout(patience), nats.NoReconnect(), nats.IgnoreDiscoveredServers(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.errs <- err }),
		nats.ClosedHandler(func(*nats.Conn) { close(l.closed) }),
	}, opts...)
	var err error
	l.Conn, err = nats.Connect("ws://"+b.addr, opts...)
	return l, err
}

// connect dials and hangs up at the end of the test.
func (b *borne) connect(t testing.TB, opts ...nats.Option) *line {
	t.Helper()
	l, err := b.dial(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func (b *borne) up(word string) string { return provisioning.Up(b.Structure, b.Kiosk, word) }

func (l *line) request(t testing.TB, subject string, v any) []byte {
	t.Helper()
	m, err := l.Request(subject, marshal(t, v), patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return m.Data
}

func (l *line) send(t testing.TB, b *borne, evs ...provisioning.Event) provisioning.Ack {
	t.Helper()
	var a provisioning.Ack
	if err := json.Unmarshal(l.request(t, b.up(provisioning.UpEvents), evs), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (l *line) hello(t testing.TB, b *borne) provisioning.Welcome {
	t.Helper()
	w, err := provisioning.DecodeWelcome(l.request(t, b.up(provisioning.UpHello), hello("run")))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func hello(run string) provisioning.Hello {
	return provisioning.Hello{Words: 1, Version: "1.0", Clock: 1, Beat: beat(run)}
}

func beat(run string) provisioning.Beat {
	return provisioning.Beat{Use: provisioning.UseFree, Epoch: 7, Run: run}
}

func (l *line) beat(t testing.TB, b *borne, v provisioning.Beat) {
	t.Helper()
	if err := l.Publish(b.up(provisioning.UpBeat), marshal(t, v)); err != nil {
		t.Fatal(err)
	}
}

// visit is one event that counts a visit.
func visit(seq int64) provisioning.Event {
	now := time.Now()
	return provisioning.Event{Epoch: 7, Seq: seq, At: now.UnixMicro(), Kind: provisioning.EventCounts,
		Counts: &provisioning.Counts{Slot: now.Truncate(provisioning.Slot).Unix(), N: map[string]int64{provisioning.CountVisits: 1}}}
}

// visits is how many are counted.
func (s *site) visits(sc fleet.Scope) (n int64) {
	s.t.Helper()
	day := func(d time.Duration) string { return time.Now().Add(d).Format(time.DateOnly) }
	rows, err := s.store.Usage(s.t.Context(), sc, day(-48*time.Hour), day(48*time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Counter == provisioning.CountVisits {
			n += r.N
		}
	}
	return n
}

// status is where a command is.
func (s *site) status(b *borne, command string) fleet.QueueStatus {
	s.t.Helper()
	list, err := s.store.Commands(s.t.Context(), everything, b.Kiosk, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, q := range list {
		if q.Command.ID == command {
			return q.Status
		}
	}
	return ""
}
