package link_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link"
	"pointnum/provisioning/link/outbox"
)

// agent is a kiosk's agent as far as the link knows it.
type agent struct {
	t    *testing.T
	link *link.Link
	box  *outbox.Box
	id   *enrol.Identity
	path string // its file
	stop func()
	busy atomic.Bool
	fail atomic.Bool // saves fail

	mu   sync.Mutex
	done []provisioning.Command
}

// quick is a pace for tests.
func quick() link.Pace {
	return link.Pace{
		Backoff: 300 * time.Millisecond, Sync: 300 * time.Millisecond, Retry: 2 * time.Second, Visit: 5 * time.Millisecond,
		Answer: 5 * time.Second,
	}
}

type choices struct {
	id    *enrol.Identity
	clock outbox.Clock
	proxy *url.URL
	pace  link.Pace
	dir   string
}

// start runs an agent until the test ends or stop is called.
func start(t *testing.T, f *toy, c choices) *agent {
	t.Helper()
	if c.id == nil {
		c.id = f.identity()
	}
	return startAt(t, f.ca, c)
}

func startAt(t *testing.T, ca *x509.CertPool, c choices) *agent {
	t.Helper()
	if c.dir == "" {
		c.dir = t.TempDir()
	}
	if c.pace == (link.Pace{}) {
		c.pace = quick()
	}
	box, err := outbox.Open(filepath.Join(c.dir, "box"), outbox.Options{Clock: c.clock})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, box: box, id: c.id, path: filepath.Join(c.dir, "id")}
	if err := c.id.Save(a.path); err != nil {
		t.Fatal(err)
	}
	a.link, err = link.New(link.Options{
		Identity: c.id, Box: box, Version: "1.0", CA: ca, Proxy: c.proxy, Pace: c.pace, Do: a.do, Busy: a.busy.Load,
		Beat: func() provisioning.Beat { return provisioning.Beat{Use: provisioning.UseFree} },
		Save: func(id *enrol.Identity) error {
			if a.fail.Load() {
				return errors.New("disk full")
			}
			return id.Save(a.path)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- a.link.Run(ctx) }()
	a.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-over:
		case <-time.After(40 * time.Second):
			t.Error("Run does not end")
		}
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(a.stop)
	return a
}

func (a *agent) do(_ context.Context, c provisioning.Command) provisioning.Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = append(a.done, c)
	if c.Kind == provisioning.CommandSelfTest {
		return provisioning.Result{Status: provisioning.StatusFailed, Code: kiosk.CodePaperJam}
	}
	return provisioning.Result{Status: provisioning.StatusDone}
}

func (a *agent) times(id string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.done {
		if c.ID == id {
			n++
		}
	}
	return n
}

func wait(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for: ", what)
		}
	}
}

func (a *agent) linked(via link.Via) {
	a.t.Helper()
	wait(a.t, fmt.Sprintf("a link by %v", via), func() bool { return a.link.Status().Via == via })
}

func TestAStateReachesTheServer(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	a := start(t, f, choices{})
	a.link.SetState(provisioning.State{Version: "1.0", Settings: 7})
	a.linked(link.ViaWebSocket)
	wait(t, "the state", func() bool { s := f.state(); return s != nil && s.Settings == 7 })
	a.link.SetState(provisioning.State{Version: "1.0", Settings: 7})
	a.link.SetState(provisioning.State{Version: "1.0", Settings: 7, Help: time.Now().UnixMicro()})
	wait(t, "the call for help", func() bool { return f.state().Help != 0 })
	wait(t, "an empty outbox", func() bool { return a.link.Status().Waiting == 0 })
	wait(t, "a beat", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.beats) > 0 })
	f.mu.Lock()
	if len(f.order) > 2 || f.beats[0].Run == "" || f.beats[0].Epoch != a.box.Epoch() {
		t.Errorf("%d events, beats %+v", len(f.order), f.beats)
	}
	f.mu.Unlock()
	s := a.link.Status()
	if s.Code != "" || !s.Kept || s.Heard.IsZero() || s.Behind.Abs() > time.Minute || time.Until(s.Expires) < 80*24*time.Hour {
		t.Errorf("status %+v", s)
	}
}

func TestALostConnectionComesBack(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	a := start(t, f, choices{})
	for i := range 5 {
		wait(t, "a hello", func() bool { return f.hellos.Load() > int32(i) })
		a.linked(link.ViaWebSocket)
		f.cut()
		a.link.SetState(provisioning.State{Settings: int64(i + 1)})
		wait(t, "the state", func() bool { s := f.state(); return s != nil && s.Settings == int64(i+1) })
	}
}

func TestAHalfOpenConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	p := quick()
	p.Ping = 200 * time.Millisecond
	a := start(t, f, choices{pace: p})
	a.linked(link.ViaWebSocket)
	f.mute.Store(true)
	wait(t, "the end", func() bool { return a.link.Status().Via == link.ViaNone })
	f.mute.Store(false)
	a.linked(link.ViaWebSocket)
}

func TestEventsWaitWhileTheServerCannotStore(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	f.later.Store(true)
	a := start(t, f, choices{})
	a.link.SetState(provisioning.State{Settings: 3})
	wait(t, "the reason", func() bool { return a.link.Status().Code == link.CodeLater })
	if s := a.link.Status(); s.Via != link.ViaWebSocket || s.Waiting != 1 {
		t.Errorf("status %+v", s)
	}
	f.later.Store(false)
	wait(t, "the state", func() bool { return f.state() != nil })
	wait(t, "no reason", func() bool { return a.link.Status().Code == "" })
}

func TestSyncWhereWebSocketIsBroken(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	f.deaf.Store(true)
	a := start(t, f, choices{})
	a.link.SetState(provisioning.State{Settings: 4})
	a.linked(link.ViaSync)
	if s := a.link.Status(); s.Code != link.CodeWebSocket {
		t.Errorf("status %+v", s)
	}
	wait(t, "the state", func() bool { return f.state() != nil })
	// a command comes with an answer and is answered with the next request
	f.mu.Lock()
	f.pending = []provisioning.Signed{f.command(provisioning.Command{ID: "m1", Kind: provisioning.CommandMessage, Text: "Bonjour"})}
	f.mu.Unlock()
	wait(t, "the result", func() bool { return slices.Contains(f.results("m1"), provisioning.StatusDone) })
	wait(t, "the direct answer", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.ContainsFunc(f.answers, func(r provisioning.Result) bool { return r.ID == "m1" })
	})
	if n := a.times("m1"); n != 1 {
		t.Errorf("done %d times", n)
	}
	f.deaf.Store(false)
	a.linked(link.ViaWebSocket)
	if n := len(f.results("m1")); n != 1 || a.times("m1") != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestNothingIsLostOrTwiceWhileAnswersAreLost(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	f.lose.Store(3)
	p := quick()
	p.Answer = 50 * time.Millisecond
	a := start(t, f, choices{pace: p})
	for i := range 200 {
		r := provisioning.Result{ID: fmt.Sprint("r", i), Status: provisioning.StatusDone}
		if err := a.box.Add(t.Context(), provisioning.Event{Kind: provisioning.EventResult, Result: &r}); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "all events", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.events) == 200 })
	wait(t, "an empty outbox", func() bool { return a.link.Status().Waiting == 0 })
	for i := range 200 {
		if n := len(f.results(fmt.Sprint("r", i))); n != 1 {
			t.Errorf("event %d came %d times", i, n)
		}
	}
}

func TestCommandsAreDoneOnce(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	dir, id := t.TempDir(), f.identity()
	a := start(t, f, choices{dir: dir, id: id})
	a.linked(link.ViaWebSocket)
	message := f.command(provisioning.Command{ID: "m", Kind: provisioning.CommandMessage, Text: "Bonjour"})
	test := f.command(provisioning.Command{ID: "t", Kind: provisioning.CommandSelfTest})
	for range 3 {
		if r, err := f.tell(message); err != nil || r.Status != provisioning.StatusDone {
			t.Fatalf("%+v, %v", r, err)
		}
		if r, err := f.tell(test); err != nil || r.Status != provisioning.StatusFailed || r.Code != kiosk.CodePaperJam {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	a.stop()
	b := start(t, f, choices{dir: dir, id: id})
	b.linked(link.ViaWebSocket)
	if r, err := f.tell(message); err != nil || r.Status != provisioning.StatusDone {
		t.Fatalf("after a restart: %+v, %v", r, err)
	}
	wait(t, "the results", func() bool { return len(f.results("m")) > 0 && len(f.results("t")) > 0 })
	if a.times("m")+b.times("m") != 1 || a.times("t")+b.times("t") != 1 || len(f.results("m")) != 1 {
		t.Errorf("done %d and %d times, told %v", a.times("m")+b.times("m"), a.times("t")+b.times("t"), f.results("m"))
	}
}

func TestACommandThatDisturbsWaitsForTheEndOfTheVisit(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	a := start(t, f, choices{})
	a.linked(link.ViaWebSocket)
	a.busy.Store(true)
	pause := f.command(provisioning.Command{ID: "p", Kind: provisioning.CommandPause, Text: "En panne"})
	if r, err := f.tell(pause); err != nil || r.Status != provisioning.StatusWaiting {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err := f.tell(f.command(provisioning.Command{ID: "h", Kind: provisioning.CommandHelpTaken})); err != nil || r.Status != provisioning.StatusDone {
		t.Fatalf("what does not disturb: %+v, %v", r, err)
	}
	short := provisioning.Command{ID: "s", Kind: provisioning.CommandReboot, Issued: time.Now().Unix(), Expires: time.Now().Unix() + 2}
	if r, err := f.tell(f.command(short)); err != nil || r.Status != provisioning.StatusWaiting {
		t.Fatalf("%+v, %v", r, err)
	}
	if a.times("p") != 0 {
		t.Fatal("the visit was disturbed")
	}
	wait(t, "the time of the other one", func() bool { return time.Now().Unix() >= short.Expires })
	a.busy.Store(false)
	wait(t, "the result", func() bool {
		return slices.Equal(f.results("p"), []provisioning.Status{provisioning.StatusWaiting, provisioning.StatusDone})
	})
	wait(t, "the end of the one that came too late", func() bool {
		return slices.Equal(f.results("s"), []provisioning.Status{provisioning.StatusWaiting, provisioning.StatusExpired})
	})
	if a.times("p") != 1 || a.times("s") != 0 {
		t.Errorf("done %d and %d times", a.times("p"), a.times("s"))
	}
}
