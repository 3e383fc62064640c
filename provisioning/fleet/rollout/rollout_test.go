package rollout_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/rollout"
	"pointnum/provisioning/fleet/store"
)

// patience is for a machine that does much else.
const patience = 40 * time.Second

// serverFile is the variable that makes the test's program a server that works
// on the rollout in that database until it is killed.
const serverFile = "ROLLOUT_TEST_SERVE"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(serverFile); dsn != "" {
		os.Exit(serve(dsn))
	}
	os.Exit(m.Run())
}

// engine queues what it is told to, as the real one does, and counts it.
type engine struct {
	store *store.Store
	now   func() time.Time
	told  atomic.Int32

	mu       sync.Mutex
	reminded []string
}

func (e *engine) Remind(_ context.Context, structure, kiosk string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reminded = append(e.reminded, structure+" "+kiosk)
	return nil
}

func (e *engine) Command(ctx context.Context, sc fleet.Scope, by string, c provisioning.Command) (fleet.Queued, error) {
	c.Issued = e.now().Unix()
	body, err := json.Marshal(c)
	if err != nil {
		return fleet.Queued{}, err
	}
	q := fleet.Queued{Command: c, By: by}
	return q, e.store.Queue(ctx, sc, q, provisioning.Signed{Body: body})
}

func (e *engine) Tell(fleet.Change) { e.told.Add(1) }

func serve(dsn string) int {
	s, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	r, err := rollout.New(rollout.Options{Store: s, Engine: &engine{store: s, now: time.Now}, Every: 5 * time.Millisecond, AtOnce: 20})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("serving")
	fmt.Fprintln(os.Stderr, r.Run(context.Background()))
	return 1
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var all = fleet.Scope{All: true}

// park is a fleet of kiosks that obey, in one database.
type park struct {
	t      *testing.T
	dsn    string
	store  *store.Store
	seq    int64
	kiosks []string
	place  map[string]string
	at     func() time.Time
	done   map[string]map[string]bool // commands that each has taken, and whether it told so
	phase  map[string]provisioning.UpdateState
	bad    func(id string) bool // comes back from the release
}

// newPark is n kiosks in structures of ten, of which all run 1.0.0.
func newPark(t *testing.T, n int, at func() time.Time) *park {
	t.Helper()
	p := &park{t: t, dsn: filepath.Join(t.TempDir(), "fleet.db"), at: at, place: map[string]string{}, done: map[string]map[string]bool{},
		phase: map[string]provisioning.UpdateState{}, bad: func(string) bool { return false }}
	var err error
	p.store, err = store.Open(t.Context(), p.dsn, store.Options{Now: at})
	must(t, err)
	t.Cleanup(func() { must(t, p.store.Close()) })
	seen := map[string]time.Time{}
	var kiosks []string
	for i := range n {
		structure, id := fmt.Sprintf("s%d", i/10), fmt.Sprintf("k%d", i)
		if i%10 == 0 {
			must(t, p.store.AddStructure(t.Context(), fleet.Structure{ID: structure, Name: structure}))
		}
		p.kiosks, p.place[id], p.done[id], seen[id] = append(p.kiosks, id), structure, map[string]bool{}, at()
		kiosks = append(kiosks, fmt.Sprintf("('%s', '%s', '%s', 'KEY%s', '', 0, 1, 1, 1, 0, 0, 0, '', 0, 0)", id, structure, id, id))
	}
	// One write: enrolling hundreds by codes would take most of the test's time.
	db, err := sql.Open("sqlite", p.dsn)
	must(t, err)
	_, err = db.Exec("INSERT INTO kiosk (id, structure, label, public, next_public, next_expires, enrolled, renewed, expires, revoked, epoch, began, state, state_seq, state_at) VALUES " + strings.Join(kiosks, ", "))
	must(t, err)
	must(t, db.Close())
	p.tell(func(id string) bool {
		p.phase[id] = provisioning.UpdateState{Version: "1.0.0", Phase: provisioning.UpdateIdle}
		return true
	})
	must(t, p.store.Seen(t.Context(), seen))
	must(t, p.store.AddRelease(t.Context(), fleet.Release{Version: "2.0.0", Minimum: "1.0.0"}))
	return p
}

// tell lets kiosks tell what changed of them, all at once, so that they share
// commits.
func (p *park) tell(changed func(id string) bool) {
	p.t.Helper()
	var wg sync.WaitGroup
	for _, id := range p.kiosks {
		if !changed(id) {
			continue
		}
		u := p.phase[id]
		evs := []provisioning.Event{{Kind: provisioning.EventState, State: &provisioning.State{Version: u.Version, Update: &u}}}
		for command, told := range p.done[id] {
			if !told {
				p.done[id][command] = true
				evs = append(evs, provisioning.Event{Kind: provisioning.EventResult, Result: &provisioning.Result{ID: command, Status: provisioning.StatusDone}})
			}
		}
		for i := range evs {
			p.seq++
			evs[i].Epoch, evs[i].Seq, evs[i].At = 1, p.seq, p.at().UnixMicro()+p.seq
		}
		wg.Go(func() {
			if _, err := p.store.Ingest(p.t.Context(), p.place[id], id, evs); err != nil {
				p.t.Error(err)
			}
		})
	}
	wg.Wait()
}

// live lets all kiosks take what waits for them, and go one phase on.
func (p *park) live() {
	p.t.Helper()
	p.tell(func(id string) (changed bool) {
		u := p.phase[id]
		if u.Phase == provisioning.UpdateDone {
			return false
		}
		pending, err := p.store.Pending(p.t.Context(), id)
		must(p.t, err)
		for _, s := range pending {
			var c provisioning.Command
			must(p.t, json.Unmarshal(s.Body, &c))
			if _, known := p.done[id][c.ID]; !known {
				p.done[id][c.ID], changed = false, true
				u.Wanted, u.Phase = c.Update.Version, provisioning.UpdateFetching
				if c.Update.Version == "" {
					u.Phase = provisioning.UpdateIdle
				}
			}
		}
		switch {
		case changed:
		case u.Phase == provisioning.UpdateFetching:
			u.Phase, changed = provisioning.UpdateTrying, true
		case u.Phase == provisioning.UpdateTrying:
			u.Phase, u.Version, changed = provisioning.UpdateDone, u.Wanted, true
			if p.bad(id) {
				u.Phase, u.Version, u.Returned, u.Code = provisioning.UpdateReturned, "1.0.0", "2.0.0", provisioning.CodeUpdateUnhealthy
			}
		}
		p.phase[id] = u
		return changed
	})
}

func (p *park) start(r fleet.Rollout) fleet.Rollout {
	p.t.Helper()
	r.Version, r.Enough = "2.0.0", 80
	r, err := p.store.StartRollout(p.t.Context(), r)
	must(p.t, err)
	return r
}

// told is how many orders of a version each kiosk got.
func (p *park) told(version string) (total, most int) {
	p.t.Helper()
	for _, id := range p.kiosks {
		n := 0
		list, err := p.store.Commands(p.t.Context(), all, id, 20)
		must(p.t, err)
		for _, q := range list {
			if q.Command.Kind == provisioning.CommandUpdate && q.Command.Update.Version == version {
				n++
			}
		}
		total, most = total+n, max(most, n)
	}
	return total, most
}

// Two hundred kiosks in twenty structures: one, a tenth, half, all; the
// first twenty are of twenty structures.
func TestHundredsOfKiosksComeStageByStage(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := newPark(t, 200, func() time.Time { return now })
	e := &engine{store: p.store, now: p.at}
	metrics := prometheus.NewRegistry()
	s, err := rollout.New(rollout.Options{Store: p.store, Engine: e, AtOnce: 200, Now: p.at, Metrics: metrics})
	must(t, err)
	r := p.start(fleet.Rollout{Stages: fleet.DefaultStages(), StopPercent: 10})
	for day, want := range []int{1, 20, 100, 200} {
		for range 4 {
			must(t, s.Step(t.Context()))
			p.live()
		}
		if total, most := p.told("2.0.0"); total != want || most != 1 {
			t.Fatalf("day %d: %d were told, one of them %d times; want %d", day, total, most, want)
		}
		if want == 20 {
			places := map[string]bool{}
			in, err := p.store.RolloutKiosks(t.Context(), all, r.ID, []fleet.Phase{fleet.PhaseDone}, 200)
			must(t, err)
			for _, k := range in {
				places[k.Structure] = true
			}
			if len(places) != 20 {
				t.Errorf("the first twenty are of %d structures", len(places))
			}
			if text := measured(t, metrics); !strings.Contains(text, `done 20`) || !strings.Contains(text, `chosen 180`) {
				t.Errorf("measured:\n%s", text)
			}
		}
		now = now.Add(25 * time.Hour)
		seen := map[string]time.Time{}
		for _, id := range p.kiosks {
			seen[id] = now
		}
		must(t, p.store.Seen(t.Context(), seen))
	}
	must(t, s.Step(t.Context()))
	if list, err := p.store.Rollouts(t.Context(), 1); err != nil || list[0].State != fleet.RolloutDone || e.told.Load() == 0 {
		t.Errorf("at the end: %+v, %v", list, err)
	}
}

func measured(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	families, err := r.Gather()
	must(t, err)
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				fmt.Fprintf(&b, "%s ", l.GetValue())
			}
			fmt.Fprintln(&b, m.GetGauge().GetValue())
		}
	}
	return b.String()
}

// One in five comes back: the rollout stops in its second stage, waits for
// somebody, and goes on when it is resumed.
func TestTooManyThatComeBackStopIt(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := newPark(t, 60, func() time.Time { return now })
	metrics := prometheus.NewRegistry()
	s, err := rollout.New(rollout.Options{Store: p.store, Engine: &engine{store: p.store, now: p.at}, AtOnce: 60, Now: p.at, Metrics: metrics})
	must(t, err)
	r := p.start(fleet.Rollout{Stages: []fleet.Stage{{Kiosks: 1}, {Percent: 20}, {Percent: 100}}, StopNumber: 2})
	first, n := "", 0
	p.bad = func(id string) bool {
		if first == "" {
			first = id
		}
		n++
		return id != first && n%5 == 0
	}
	steps := func(n int) {
		for range n {
			must(t, s.Step(t.Context()))
			p.live()
		}
	}
	steps(12)
	open, err := p.store.OpenRollout(t.Context())
	must(t, err)
	before, _ := p.told("2.0.0")
	if open.State != fleet.RolloutStopped || open.Why != fleet.StopThreshold || open.Stage != 1 || before > 20 || !strings.Contains(measured(t, metrics), "\n1\n") {
		t.Fatalf("%d were told: %+v\n%s", before, open, measured(t, metrics))
	}
	steps(5)
	if after, _ := p.told("2.0.0"); after != before {
		t.Errorf("%d were told after it had stopped", after-before)
	}
	p.bad = func(string) bool { return false }
	_, err = p.store.SteerRollout(t.Context(), r.ID, fleet.SteerResume)
	must(t, err)
	steps(12)
	list, err := p.store.Rollouts(t.Context(), 1)
	must(t, err)
	stages, err := p.store.RolloutProgress(t.Context(), list[0])
	must(t, err)
	done, bad := 0, 0
	for _, s := range stages {
		done, bad = done+s.Progress[fleet.PhaseDone], bad+s.Bad()
	}
	if total, most := p.told("2.0.0"); list[0].State != fleet.RolloutDone || done+bad != 60 || bad < 2 || total < 60 || most > 2 {
		t.Errorf("%s: %d done, %d failed, %d told, one %d times", list[0].State, done, bad, total, most)
	}
}

// The server is killed again and again while it orders: every kiosk is told
// once, and none is left out.
func TestAKilledServerOrdersNobodyTwice(t *testing.T) {
	p := newPark(t, 60, time.Now)
	p.start(fleet.Rollout{Stages: []fleet.Stage{{Percent: 100}}, StopNumber: 5})
	rounds := 0
	for end := time.Now().Add(patience); ; rounds++ {
		total, most := p.told("2.0.0")
		if most > 1 {
			t.Fatalf("a kiosk was told %d times", most)
		}
		if total == 60 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("only %d were told", total)
		}
		p.killed(time.Duration(rounds%5) * 40 * time.Millisecond)
	}
	if rounds < 3 {
		t.Errorf("the server was killed %d times only", rounds)
	}
}

// killed starts a server and kills it a moment after it has begun.
func (p *park) killed(after time.Duration) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serverFile+"="+p.dsn)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	must(p.t, err)
	must(p.t, cmd.Start())
	if _, err := out.Read(make([]byte, 16)); err != nil {
		p.t.Errorf("the server does not start: %v", err)
	}
	time.Sleep(after) // where it is killed is what the test varies
	must(p.t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
}

// An order that was queued and never sent is sent by whichever server is there.
func TestAKioskThatWasNotSentItsOrderIsReminded(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := newPark(t, 2, func() time.Time { return now })
	e := &engine{store: p.store, now: p.at}
	s, err := rollout.New(rollout.Options{Store: p.store, Engine: e, Now: p.at})
	must(t, err)
	p.start(fleet.Rollout{Stages: []fleet.Stage{{Percent: 100}}, StopNumber: 1})
	must(t, s.Step(t.Context()))
	must(t, s.Step(t.Context()))
	if len(e.reminded) != 0 {
		t.Errorf("reminded at once: %q", e.reminded)
	}
	now = now.Add(fleet.RemindAfter + time.Minute)
	must(t, s.Step(t.Context()))
	if len(e.reminded) != 2 {
		t.Errorf("reminded: %q", e.reminded)
	}
	now = now.Add(time.Hour) // they are not there any more
	must(t, s.Step(t.Context()))
	p.live()
	now = now.Add(time.Hour)
	must(t, p.store.Seen(t.Context(), map[string]time.Time{"k0": now, "k1": now}))
	must(t, s.Step(t.Context())) // they are back, and have it
	if len(e.reminded) != 2 {
		t.Errorf("reminded: %q", e.reminded)
	}
}

func TestItIsRunUntilItsEnd(t *testing.T) {
	p := newPark(t, 3, time.Now)
	p.start(fleet.Rollout{Stages: []fleet.Stage{{Percent: 100}}, StopNumber: 1})
	s, err := rollout.New(rollout.Options{Store: p.store, Engine: &engine{store: p.store, now: time.Now}, Every: time.Hour})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s.Nudge()
		p.live()
		if list, err := p.store.Rollouts(t.Context(), 1); err != nil || list[0].State == fleet.RolloutDone {
			must(t, err)
			break
		}
		if time.Now().After(end) {
			t.Fatal("it never ends")
		}
	}
	stop()
	if err := <-ended; err != context.Canceled {
		t.Errorf("ended with %v", err)
	}
	if _, err := rollout.New(rollout.Options{}); err == nil {
		t.Error("made of nothing")
	}
}
