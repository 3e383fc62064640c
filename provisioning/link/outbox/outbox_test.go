package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/link/outbox"
)

// machine is a machine whose clock and boots the test decides.
type machine struct {
	mu   sync.Mutex
	true time.Time     // what everybody else calls now
	off  time.Duration // of the machine's own clock
	boot int
	up   time.Duration
}

func newMachine() *machine {
	return &machine{true: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), boot: 1, up: time.Minute}
}

func (m *machine) clock() outbox.Clock {
	return outbox.Clock{
		Now: func() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.true.Add(m.off) },
		Boot: func() (string, time.Duration) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return fmt.Sprint("boot", m.boot), m.up
		},
	}
}

func (m *machine) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.true, m.up = m.true.Add(d), m.up+d
}

// reboot begins another boot, with another fault of the clock.
func (m *machine) reboot(off time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boot, m.up, m.off = m.boot+1, 20*time.Second, off
}

func (m *machine) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.true
}

func open(t testing.TB, path string, o outbox.Options) *outbox.Box {
	t.Helper()
	b, err := outbox.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func state(version string) provisioning.Event {
	return provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Version: version}}
}

func result(id string) provisioning.Event {
	return provisioning.Event{Kind: provisioning.EventResult, Result: &provisioning.Result{ID: id, Status: provisioning.StatusDone}}
}

// drain takes everything out, as a server does that keeps it.
func drain(t testing.TB, b *outbox.Box) []provisioning.Event {
	t.Helper()
	var all []provisioning.Event
	for {
		evs, err := b.Next(t.Context(), provisioning.MaxBatch)
		ok(t, err)
		if len(evs) == 0 {
			return all
		}
		all = append(all, evs...)
		ok(t, b.Done(t.Context(), evs[0].Epoch, evs[len(evs)-1].Seq))
	}
}

// totals sums counters, by slot and name.
func totals(evs []provisioning.Event) map[string]int64 {
	n := map[string]int64{}
	for _, e := range evs {
		if e.Counts != nil {
			for name, k := range e.Counts.N {
				n[fmt.Sprint(time.Unix(e.Counts.Slot, 0).UTC().Format("01-02 15:04 "), name)] += k
			}
		}
	}
	return n
}

func equal(t *testing.T, got, want map[string]int64) {
	t.Helper()
	for k := range got {
		if want[k] == 0 {
			t.Errorf("%q: %d that nobody counted", k, got[k])
		}
	}
	for k := range want {
		if got[k] != want[k] {
			t.Errorf("%q: %d, want %d", k, got[k], want[k])
		}
	}
}

func TestEventsKeepTheirNumbersAndOrder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "box?#%.db")
	b := open(t, path, outbox.Options{})
	for i := range 150 {
		ok(t, b.Add(t.Context(), result(fmt.Sprint("c", i))))
	}
	first, err := b.Next(t.Context(), provisioning.MaxBatch)
	ok(t, err)
	again, err := b.Next(t.Context(), provisioning.MaxBatch)
	ok(t, err)
	if len(first) != 100 || len(again) != 100 || again[99].Seq != first[99].Seq || b.Waiting() != 150 {
		t.Fatalf("%d, then %d events, %d waiting", len(first), len(again), b.Waiting())
	}
	ok(t, b.Done(t.Context(), first[0].Epoch, first[99].Seq))
	ok(t, b.Close())
	b = open(t, path, outbox.Options{})
	rest := drain(t, b)
	if len(rest) != 50 || rest[0].Result.ID != "c100" || rest[0].Epoch != first[0].Epoch || rest[0].Seq != first[99].Seq+1 {
		t.Fatalf("after a restart: %d events, the first %+v", len(rest), rest[0])
	}
	ok(t, b.Add(t.Context(), result("last")))
	if last := drain(t, b); len(last) != 1 || last[0].Seq <= rest[49].Seq {
		t.Errorf("a number was used again: %+v", last)
	}
	for _, e := range append(first, rest...) {
		if e.Time().IsZero() || time.Since(e.Time()) > time.Hour {
			t.Fatalf("event of %v", e.Time())
		}
	}
}

func TestOnlyTheNewestStateWaits(t *testing.T) {
	t.Parallel()
	b := open(t, filepath.Join(t.TempDir(), "b"), outbox.Options{})
	ok(t, b.Add(t.Context(), result("a")))
	for i := range 5 {
		ok(t, b.Add(t.Context(), state(fmt.Sprint(i))))
	}
	evs := drain(t, b)
	if len(evs) != 2 || evs[1].State.Version != "4" {
		t.Errorf("got %+v", evs)
	}
}

func TestOneFileHasOneOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "b")
	b := open(t, path, outbox.Options{})
	ok(t, b.Add(t.Context(), result("a")))
	if _, err := outbox.Open(path, outbox.Options{}); !errors.Is(err, outbox.ErrUsed) {
		t.Fatalf("a second owner: %v", err)
	}
	if evs := drain(t, b); len(evs) != 1 {
		t.Errorf("the first one has %d events", len(evs))
	}
}

func TestABrokenFileIsMovedAside(t *testing.T) {
	t.Parallel()
	good := filepath.Join(t.TempDir(), "good")
	b := open(t, good, outbox.Options{})
	for i := range 200 {
		ok(t, b.Add(t.Context(), result(fmt.Sprint("c", i))))
	}
	epoch := b.Epoch()
	ok(t, b.Close())
	bytes, err := os.ReadFile(good)
	ok(t, err)
	holes := append([]byte(nil), bytes...)
	for i := 4096; i < len(holes); i += 3 {
		holes[i] ^= byte(i)
	}
	for _, c := range []struct {
		name string
		make func(path string) error
	}{
		{"garbage", func(p string) error { return os.WriteFile(p, []byte("this is not a database, not at all"), 0o600) }},
		{"cut short", func(p string) error { return os.WriteFile(p, bytes[:len(bytes)/2+100], 0o600) }},
		{"a header only", func(p string) error { return os.WriteFile(p, bytes[:100], 0o600) }},
		{"wrong bytes", func(p string) error { return os.WriteFile(p, holes, 0o600) }},
		{"a folder", func(p string) error { return os.MkdirAll(filepath.Join(p, "x"), 0o700) }},
		{"a link to nowhere", func(p string) error { return os.Symlink(filepath.Join(p, "absent", "x"), p) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "box")
			ok(t, c.make(path))
			for range 2 { // the second time there is one aside already
				b := open(t, path, outbox.Options{})
				ok(t, b.Add(t.Context(), result("new")))
				if evs := drain(t, b); len(evs) != 1 || evs[0].Epoch == epoch || evs[0].Epoch == 0 {
					t.Fatalf("got %+v", evs)
				}
				ok(t, b.Close())
				if _, err := os.Lstat(path + ".broken"); err != nil {
					t.Fatal("the broken file is not aside: ", err)
				}
				ok(t, os.RemoveAll(path))
				ok(t, c.make(path))
			}
		})
	}
}

func TestABoxWithoutADiskKeepsInMemory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "absent")
	b := open(t, filepath.Join(dir, "box"), outbox.Options{})
	for range 3 {
		b.Count(provisioning.CountPages, 2)
		if err := b.Add(t.Context(), state("v")); !errors.Is(err, outbox.ErrNotKept) {
			t.Fatal(err)
		}
	}
	if b.Kept() || b.Epoch() != 0 {
		t.Error("it says that it keeps")
	}
	ok(t, os.Mkdir(dir, 0o700))
	ok(t, b.Flush(t.Context()))
	if evs := drain(t, b); len(evs) != 1 || !b.Kept() || b.Epoch() == 0 {
		t.Errorf("with a disk: %+v", evs)
	}
}

func TestCountsAreOfQuartersOfAnHour(t *testing.T) {
	t.Parallel()
	m, path := newMachine(), filepath.Join(t.TempDir(), "b")
	b := open(t, path, outbox.Options{Clock: m.clock()})
	want := map[string]int64{}
	for i := range 200 {
		name := []string{provisioning.CountVisits, provisioning.CountPages, provisioning.CountEnd + "delivered"}[i%3]
		b.Count(name, int64(i%4+1))
		want[m.now().Truncate(provisioning.Slot).Format("01-02 15:04 ")+name] += int64(i%4 + 1)
		ok(t, b.Flush(t.Context()))
		if i%17 == 0 { // the agent goes down and comes back
			ok(t, b.Close())
			b = open(t, path, outbox.Options{Clock: m.clock()})
		}
		m.pass(91 * time.Second)
	}
	b.Count("no such counter", 1)
	b.Count(provisioning.CountPages, 0)
	b.Count(provisioning.CountPages, -3)
	m.pass(time.Hour)
	ok(t, b.Flush(t.Context()))
	evs := drain(t, b)
	equal(t, totals(evs), want)
	if len(evs) > 25 {
		t.Errorf("%d events for 5 hours", len(evs))
	}
}

func TestTooMuchForOneEventIsSeveral(t *testing.T) {
	t.Parallel()
	m := newMachine()
	b := open(t, filepath.Join(t.TempDir(), "b"), outbox.Options{Clock: m.clock()})
	var want int64
	for i := range 250 {
		b.Count(fmt.Sprint(provisioning.CountAttached, "portal", i), 1)
		want++
	}
	b.Count(provisioning.CountPages, 2_500_000)
	m.pass(time.Hour)
	ok(t, b.Flush(t.Context()))
	var got, pages int64
	for _, e := range drain(t, b) {
		if len(e.Counts.N) > 100 {
			t.Errorf("%d counters in one event", len(e.Counts.N))
		}
		for name, n := range e.Counts.N {
			if name == provisioning.CountPages {
				pages += n
			} else {
				got += n
			}
			if n > 1_000_000 {
				t.Errorf("%s: %d in one event", name, n)
			}
		}
	}
	if got != want || pages != 2_500_000 {
		t.Errorf("counted %d and %d pages", got, pages)
	}
}

func TestTheServersClockCorrectsWhatWasRecordedBefore(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, off := range []time.Duration{0, year + 3*time.Minute, -year - 3*time.Minute, -50 * year} {
		t.Run(off.String(), func(t *testing.T) {
			m, path := newMachine(), filepath.Join(t.TempDir(), "b")
			m.off = off
			m.pass(7 * time.Minute) // so that the nearest quarter of a shifted one is its own
			b := open(t, path, outbox.Options{Clock: m.clock()})
			want := map[string]int64{}
			var at []time.Time
			// in the first boot the server is heard at its end, in the second never, in the third after a while
			for boot := range 3 {
				for i := range 12 {
					if boot == 2 && i == 6 {
						b.Learn(t.Context(), m.now())
					}
					if off == 0 || boot != 1 {
						b.Count(provisioning.CountPages, int64(i+1))
						want[m.now().Truncate(provisioning.Slot).Format("01-02 15:04 ")+provisioning.CountPages] += int64(i + 1)
					}
					ok(t, b.Add(t.Context(), result(fmt.Sprintf("c%d-%d", boot, i))))
					at = append(at, m.now())
					m.pass(15 * time.Minute)
				}
				if boot == 0 {
					b.Learn(t.Context(), m.now())
				}
				m.pass(time.Hour)
				if boot < 2 {
					ok(t, b.Flush(t.Context()))
					ok(t, b.Close())
					m.reboot(off)
					b = open(t, path, outbox.Options{Clock: m.clock()})
				}
			}
			ok(t, b.Flush(t.Context()))
			evs := drain(t, b)
			i := 0
			for _, e := range evs {
				if e.Result == nil {
					continue
				}
				want := at[i]
				if i >= 12 && i < 24 {
					want = want.Add(off) // nobody ever said what time it was in that boot
				}
				if d := e.Time().Sub(want); d.Abs() > time.Second && want.UnixMicro() > 0 {
					t.Errorf("event %d at %v, want %v", i, e.Time(), want)
				}
				i++
			}
			equal(t, totals(evs), want)
			if off == 0 {
				return
			}
			if now, known := b.Now(); !known || now.Sub(m.now()).Abs() > time.Second {
				t.Errorf("the box thinks that it is %v", now)
			}
		})
	}
}

func TestTimesInAStateAreCorrected(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.off = -400 * 24 * time.Hour
	b := open(t, filepath.Join(t.TempDir(), "b"), outbox.Options{Clock: m.clock()})
	called := m.now()
	wrong := called.Add(m.off).UnixMicro()
	ok(t, b.Add(t.Context(), provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{
		Help: wrong, Conditions: []provisioning.Condition{{Name: "printer", Code: "paper_jam", Since: wrong}},
	}}))
	m.pass(time.Hour)
	b.Learn(t.Context(), m.now())
	s := drain(t, b)[0].State
	if s.Help != called.UnixMicro() || s.Conditions[0].Since != called.UnixMicro() {
		t.Errorf("help called at %v, want %v", time.UnixMicro(s.Help), called)
	}
}

func TestCommandsAreRememberedUntilTheyExpire(t *testing.T) {
	t.Parallel()
	m, path := newMachine(), filepath.Join(t.TempDir(), "b")
	b := open(t, path, outbox.Options{Clock: m.clock()})
	b.Learn(t.Context(), m.now())
	done := provisioning.Command{ID: "done", Kind: provisioning.CommandPause, Expires: m.now().Add(time.Hour).Unix()}
	begun := provisioning.Command{ID: "begun", Kind: provisioning.CommandReboot, Expires: m.now().Add(time.Hour).Unix()}
	ok(t, b.Begin(t.Context(), done))
	ok(t, b.End(t.Context(), done.Kind, done.Expires, provisioning.Result{ID: "done", Status: provisioning.StatusFailed, Code: "paper_jam"}))
	ok(t, b.Begin(t.Context(), begun))
	ok(t, b.Close())
	b = open(t, path, outbox.Options{Clock: m.clock()})
	c := b.Command("done")
	if !c.Ended() || c.Result.Code != "paper_jam" || b.Command("never").Ended() {
		t.Errorf("remembered %+v", c)
	}
	if ids := b.Begun(); len(ids) != 1 || ids[0] != "begun" || b.Command("begun").Tries != 1 {
		t.Errorf("begun: %v", ids)
	}
	ok(t, b.Prune(t.Context()))
	if !b.Command("done").Ended() {
		t.Error("forgotten too early")
	}
	m.pass(60 * time.Hour)
	ok(t, b.Prune(t.Context()))
	if b.Command("done").Ended() || len(drain(t, b)) != 1 {
		t.Error("not forgotten, or its result is")
	}
}

// 20 days, in a twentieth of the room that 400 may take.
func TestFourHundredDaysFit(t *testing.T) {
	t.Parallel()
	m, path := newMachine(), filepath.Join(t.TempDir(), "b")
	b := open(t, path, outbox.Options{Clock: m.clock()})
	var want int64
	for i := range 20 * 48 { // half of each day; a busy kiosk's quarter
		for _, name := range []string{
			provisioning.CountVisits, provisioning.CountPages, provisioning.CountDocuments, provisioning.CountMinutes, provisioning.CountPrinted,
			provisioning.CountLanguage + "fr", provisioning.CountLanguage + "ar", provisioning.CountEnd + "delivered", provisioning.CountEnd + "idle",
			provisioning.CountOpened + "caf-mon-compte", provisioning.CountAttached + "caf-mon-compte", provisioning.CountPaper + "justificatif-domicile",
		} {
			b.Count(name, 1+rand.Int64N(30))
		}
		want++
		m.pass(30 * time.Minute)
		if i%200 == 0 {
			ok(t, b.Flush(t.Context()))
		}
	}
	for i := range 30 { // and some states
		b.Put(state(fmt.Sprint(i)))
	}
	ok(t, b.Flush(t.Context()))
	if int64(b.Waiting()) < want {
		t.Errorf("%d events wait", b.Waiting())
	}
	ok(t, b.Close())
	info, err := os.Stat(path)
	ok(t, err)
	t.Logf("%d quarters: %.1f MB", want, float64(info.Size())/1e6)
	if info.Size() > 1e6 {
		t.Errorf("%d bytes", info.Size())
	}
}

func BenchmarkCount(b *testing.B) {
	x := open(b, filepath.Join(b.TempDir(), "b"), outbox.Options{})
	for b.Loop() {
		x.Count(provisioning.CountPages, 1)
	}
}

func BenchmarkCountKept(b *testing.B) {
	x := open(b, filepath.Join(b.TempDir(), "b"), outbox.Options{})
	for b.Loop() {
		x.Count(provisioning.CountPages, 1)
		ok(b, x.Flush(context.Background()))
	}
}

func BenchmarkAdd(b *testing.B) {
	x := open(b, filepath.Join(b.TempDir(), "b"), outbox.Options{})
	for b.Loop() {
		ok(b, x.Add(context.Background(), result("a")))
	}
}
