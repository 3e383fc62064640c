package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// total is what was counted of one counter in all days.
func total(t testing.TB, s *store.Store, counter string) (n int64) {
	t.Helper()
	for _, u := range got[[]fleet.Usage](t)(s.Usage(t.Context(), all, "2000-01-01", "2100-01-01")) {
		if u.Counter == counter {
			n += u.N
		}
	}
	return n
}

func TestWhatIsSentTwiceIsCountedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		evs := []provisioning.Event{counts(7, 1, noon, 2), counts(7, 2, noon, 3)}
		if n := ingest(t, s, "town", "k1", evs...); n != 2 {
			t.Errorf("%d were fresh the first time", n)
		}
		evs = append(evs, counts(7, 3, noon, 4))
		if n := ingest(t, s, "town", "k1", evs...); n != 1 {
			t.Errorf("%d were fresh the second time", n)
		}
		ingest(t, s, "town", "k1", counts(8, 1, noon, 1)) // a kiosk set up anew begins again at 1
		if v, p := total(t, s, "visits"), total(t, s, "pages"); v != 4 || p != 10 {
			t.Errorf("%d visits and %d pages", v, p)
		}
		slots := got[[]store.Slot](t)(s.Slots(t.Context(), of("town"), noon, noon.Add(time.Minute)))
		if len(slots) != 2 || slots[0].N != 10 || slots[1].N != 4 || !slots[0].Begin.Equal(noon) {
			t.Errorf("slots: %+v", slots)
		}
	})
}

func TestCountsAreOfTheDayWhereTheKioskStands(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		must(t, s.AddStructure(t.Context(), fleet.Structure{ID: "reunion", Name: "Saint-Denis", Alerts: fleet.AlertSettings{Zone: "Indian/Reunion"}}))
		enrol(t, s, "reunion", "r1", "")
		settle(t, s, "paris", "p1")
		evening := noon.Add(-14*time.Hour - 30*time.Minute) // Saturday 21:30 UTC: 22:30 in Paris, 01:30 on Sunday in La Réunion
		ingest(t, s, "reunion", "r1", counts(1, 1, evening, 1))
		ingest(t, s, "paris", "p1", counts(1, 1, evening, 1))
		for structure, day := range map[string]string{"reunion": "2026-11-22", "paris": "2026-11-21"} {
			for _, u := range got[[]fleet.Usage](t)(s.Usage(t.Context(), of(structure), "2026-01-01", "2026-12-31")) {
				if u.Day != day {
					t.Errorf("%s: %+v", structure, u)
				}
			}
		}
		if err := s.AddStructure(t.Context(), fleet.Structure{ID: "mars", Alerts: fleet.AlertSettings{Zone: "Mars/Olympus"}}); err == nil {
			t.Error("a zone that there is not was taken")
		}
	})
}

func TestATimeThatCannotBeIsNow(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		day := 24 * time.Hour
		for i, at := range []time.Time{noon.Add(11 * time.Minute).Truncate(time.Hour).Add(time.Hour), noon.Add(-401 * day), noon.AddDate(30, 0, 0), time.Unix(900, 0)} {
			ingest(t, s, "town", "k1", counts(1, int64(i+1), at, 1))
		}
		ingest(t, s, "town", "k1", counts(1, 9, noon.Add(-399*day), 1))
		byDay := map[string]int64{}
		for _, u := range got[[]fleet.Usage](t)(s.Usage(t.Context(), all, "1900-01-01", "2100-01-01")) {
			if u.Counter == "visits" {
				byDay[u.Day] += u.N
			}
		}
		if byDay["2026-11-22"] != 4 || byDay["2025-10-19"] != 1 || len(byDay) != 2 {
			t.Errorf("by day: %v", byDay)
		}
	})
}

// state is an event that tells a message, by which it is known again.
func state(epoch, seq int64, at time.Time, message string) provisioning.Event {
	return provisioning.Event{Epoch: epoch, Seq: seq, At: at.UnixMicro(), Kind: provisioning.EventState,
		State: &provisioning.State{Version: "1", Message: message}}
}

func TestTheNewestStateWinsWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		message := func() string {
			return got[fleet.Kiosk](t)(s.Kiosk(t.Context(), all, "k1")).State.Message
		}
		broken := state(5, 1, noon, "")
		broken.State.Conditions = []provisioning.Condition{{Name: "printer", Code: "paper_jam", Since: 1}}
		ingest(t, s, "town", "k1", broken, state(5, 2, noon.Add(-time.Hour), "by number, not by time"))
		if k := got[fleet.Kiosk](t)(s.Kiosk(t.Context(), all, "k1")); k.State.Message != "by number, not by time" || len(k.State.Conditions) != 0 || !k.StateAt.Equal(noon.Add(-time.Hour)) {
			t.Errorf("after two: %+v", k)
		}
		ingest(t, s, "town", "k1", state(5, 4, noon, "four"))
		ingest(t, s, "town", "k1", state(5, 3, noon, "three, late"))
		if m := message(); m != "four" {
			t.Errorf("a late one: %q", m)
		}
		ingest(t, s, "town", "k1", counts(3, 1, noon, 1)) // an outbox that began later, with a smaller number
		ingest(t, s, "town", "k1", state(5, 5, noon.Add(time.Minute), "the former outbox"))
		if m := message(); m != "four" {
			t.Errorf("one of the former outbox: %q", m)
		}
		ingest(t, s, "town", "k1", state(3, 2, noon.Add(-2*time.Hour), "the new outbox"))
		if k := got[fleet.Kiosk](t)(s.Kiosk(t.Context(), all, "k1")); k.State.Message != "the new outbox" || k.Epoch != 3 {
			t.Errorf("one of the new outbox: %+v", k)
		}
	})
}

func TestAResultEndsItsCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1", "k2")
		queue(t, s, "town", "k1", "c1", noon.Add(time.Hour))
		told := func(kioskID string, seq int64, st provisioning.Status, code kiosk.Code) {
			ingest(t, s, "town", kioskID, provisioning.Event{Epoch: 1, Seq: seq, At: noon.UnixMicro(), Kind: provisioning.EventResult,
				Result: &provisioning.Result{ID: "c1", Status: st, Code: code}})
		}
		is := func(want fleet.QueueStatus, code kiosk.Code) {
			t.Helper()
			if q := got[[]fleet.Queued](t)(s.Commands(t.Context(), of("town"), "k1", 1))[0]; q.Status != want || q.Code != code || q.Command.ID != "c1" {
				t.Errorf("got %+v, want %q %q", q, want, code)
			}
		}
		told("k2", 1, provisioning.StatusDone, "") // another kiosk's word does not count
		is(fleet.Waiting, "")
		told("k1", 1, provisioning.StatusWaiting, "")
		is("waiting", "")
		must(t, s.SetCommand(t.Context(), "k1", "c1", fleet.Sent, "")) // an answer that was slower than the event
		is("waiting", "")
		told("k1", 2, provisioning.StatusFailed, "device_busy")
		is("failed", "device_busy")
		told("k1", 3, provisioning.StatusWaiting, "")
		is("failed", "device_busy")
		if left := got[[]provisioning.Signed](t)(s.Pending(t.Context(), "k1")); len(left) != 0 {
			t.Errorf("%d are pending", len(left))
		}
	})
}

func TestWhatIsWrongWithOneCallIsNoMatterToOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1", "k2", "k3")
		_, err := s.Revoke(t.Context(), all, "k3")
		must(t, err)
		bad := counts(1, 1, noon, 1)
		bad.Counts.N = map[string]int64{"name of a visitor": 1}
		mixed := []provisioning.Event{counts(1, 1, noon, 1), counts(2, 2, noon, 1)}
		var wg sync.WaitGroup
		try := func(kiosk string, want error, evs ...provisioning.Event) {
			wg.Go(func() {
				if _, err := s.Ingest(t.Context(), "town", kiosk, evs); !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", kiosk, err, want)
				}
			})
		}
		for i := range int64(40) {
			try("k1", nil, counts(1, i+1, noon, 1))
			try("k2", provisioning.ErrInvalid, bad)
			try("k2", provisioning.ErrInvalid, mixed...)
			try("k3", fleet.ErrForbidden, counts(1, i+1, noon, 1))
			try("nobody", fleet.ErrNotFound, counts(1, i+1, noon, 1))
		}
		wg.Wait()
		if n := total(t, s, "visits"); n != 40 {
			t.Errorf("%d visits", n)
		}
	})
}

// What no Decode function lets through and PostgreSQL refuses fails alone.
func TestWhatTheDatabaseRefusesIsNoMatterToOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1", "k2")
		queue(t, s, "town", "k2", "c1", noon.Add(time.Hour))
		var wg sync.WaitGroup
		for i := range int64(30) {
			wg.Go(func() { ingest(t, s, "town", "k1", counts(1, i+1, noon, 1)) })
			wg.Go(func() {
				bad := provisioning.Event{Epoch: 1, Seq: i + 1, At: noon.UnixMicro(), Kind: provisioning.EventResult,
					Result: &provisioning.Result{ID: "c1", Status: "failed", Code: "a\x00b"}}
				if _, err := s.Ingest(t.Context(), "town", "k2", []provisioning.Event{bad}); (err != nil) != strings.HasPrefix(dsn, "postgres") {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if n := total(t, s, "visits"); n != 30 {
			t.Errorf("%d visits", n)
		}
	})
}

func TestFreshIsCalledOnceForEachEventAfterItsCommit(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		var fresh atomic.Int64
		s := openWith(t, dsn, store.Options{Now: func() time.Time { return noon }, Fresh: func(structure, kiosk string, evs []provisioning.Event) {
			if structure != "town" || kiosk != "k1" {
				t.Errorf("fresh of %s %s", structure, kiosk)
			}
			fresh.Add(int64(len(evs)))
		}})
		settle(t, s, "town", "k1")
		for range 2 {
			ingest(t, s, "town", "k1", counts(1, 1, noon, 1), counts(1, 2, noon, 1))
			if fresh.Load() != 2 {
				t.Errorf("%d were told when Ingest had returned", fresh.Load())
			}
		}
	})
}

// Two servers on one database (in PostgreSQL), many kiosks, and each batch is
// sent by several callers at once: what is counted is what was made.
func TestConcurrentCallersCountEachEventOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		servers := []*store.Store{open(t, dsn)}
		if strings.HasPrefix(dsn, "postgres") {
			servers = append(servers, open(t, dsn))
		}
		const kiosks, batches, size = 6, 8, 20
		var ids []string
		for k := range kiosks {
			ids = append(ids, fmt.Sprint("k", k))
		}
		settle(t, servers[0], "town", ids...)
		var fresh atomic.Int64
		var wg sync.WaitGroup
		for caller := range 4 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(caller), 2))
				for b := range int64(batches) {
					for _, k := range r.Perm(kiosks) {
						var evs []provisioning.Event
						for i := range int64(size) {
							evs = append(evs, counts(int64(k), b*size+i+1, noon.Add(-time.Duration(i)*time.Hour), 2))
						}
						n, err := servers[r.IntN(len(servers))].Ingest(t.Context(), "town", ids[k], evs)
						if err != nil {
							t.Error(err)
						}
						fresh.Add(int64(n))
					}
				}
			})
		}
		wg.Wait()
		const made = kiosks * batches * size
		if v, p := total(t, servers[0], "visits"), total(t, servers[len(servers)-1], "pages"); v != made || p != 2*made || fresh.Load() != made {
			t.Errorf("made %d events: %d visits, %d pages, %d were fresh", made, v, p, fresh.Load())
		}
		if n := got[map[provisioning.EventKind]int64](t)(servers[0].Events(t.Context(), all))[provisioning.EventCounts]; n != made {
			t.Errorf("%d events are kept", n)
		}
	})
}

func TestACallerThatLeavesDoesNotStopOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Ingest(ctx, "town", "k1", []provisioning.Event{counts(1, 1, noon, 1)}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		ingest(t, s, "town", "k1", counts(1, 1, noon, 1)) // sent again, whether it was stored or not
		if n := total(t, s, "visits"); n != 1 {
			t.Errorf("%d visits", n)
		}
		must(t, s.Close())
		if _, err := s.Ingest(t.Context(), "town", "k1", []provisioning.Event{counts(1, 2, noon, 1)}); !errors.Is(err, store.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// A kiosk sends until its batch is acknowledged while PostgreSQL is killed
// and started again: nothing is lost and nothing is counted twice.
func TestAKilledPostgreSQLLosesNothing(t *testing.T) {
	server := ownPostgres(t)
	s := openWith(t, got[string](t)(server.Database(t.Context())), store.Options{})
	settleNow(t, s, "town", "k0", "k1", "k2")
	const batches, size = 60, 10
	var wg sync.WaitGroup
	var acknowledged atomic.Int64
	half := make(chan struct{})
	var once sync.Once
	for k := range int64(3) {
		wg.Go(func() {
			for b := range int64(batches) {
				var evs []provisioning.Event
				for i := range int64(size) {
					evs = append(evs, counts(k, b*size+i+1, time.Now(), 3))
				}
				for !acked(t, s, fmt.Sprint("k", k), evs) {
					if t.Context().Err() != nil {
						return
					}
				}
				if acknowledged.Add(1) > 3*batches/3 {
					once.Do(func() { close(half) })
				}
			}
		})
	}
	<-half
	must(t, server.Kill())
	must(t, server.Restart(t.Context()))
	wg.Wait()
	if v, p := total(t, s, "visits"), total(t, s, "pages"); v != 3*batches*size || p != 3*v {
		t.Errorf("made %d events: %d visits, %d pages", 3*batches*size, v, p)
	}
}

// acked waits a little after a failure, as a kiosk does.
func acked(t *testing.T, s *store.Store, kiosk string, evs []provisioning.Event) bool {
	if _, err := s.Ingest(t.Context(), "town", kiosk, evs); err == nil {
		return true
	}
	select {
	case <-time.After(10 * time.Millisecond):
	case <-t.Context().Done():
	}
	return false
}

func TestASQLiteFileOpenedAgainHasWhatWasAcknowledged(t *testing.T) {
	dsn := databases(t)["sqlite"]
	s := open(t, dsn)
	settle(t, s, "town", "k1")
	ingest(t, s, "town", "k1", counts(1, 1, noon, 5))
	must(t, s.Close())
	if n := total(t, open(t, dsn), "pages"); n != 5 {
		t.Errorf("%d pages", n)
	}
}

func TestTheDayOfACountFollowsSummerTime(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		// 23:45 and 00:15 in Paris around the night of 25 October 2026, when
		// clocks go back, and in summer.
		for i, at := range []string{"2026-10-24T21:45:00Z", "2026-10-24T22:15:00Z", "2026-10-25T22:45:00Z", "2026-10-25T23:15:00Z"} {
			when, err := time.Parse(time.RFC3339, at)
			must(t, err)
			ingest(t, s, "town", "k1", counts(1, int64(i+1), when, 1))
		}
		var days []string
		for _, u := range got[[]fleet.Usage](t)(s.Usage(t.Context(), all, "2026-10-01", "2026-10-31")) {
			if u.Counter == "visits" {
				days = append(days, fmt.Sprint(u.Day, "=", u.N))
			}
		}
		if !slices.Equal(days, []string{"2026-10-24=1", "2026-10-25=2", "2026-10-26=1"}) {
			t.Errorf("days: %v", days)
		}
	})
}
