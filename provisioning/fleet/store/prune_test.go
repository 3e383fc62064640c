package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// later is a clock that a test moves.
type later struct{ now time.Time }

func (l *later) time() time.Time { return l.now }

const long = 1000 * 24 * time.Hour

func TestPrunedEventsSentAgainAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		clock := &later{noon}
		s := openWith(t, dsn, store.Options{Now: clock.time})
		settle(t, s, "town", "k1", "k2")
		var evs []provisioning.Event
		for i := range int64(50) {
			evs = append(evs, counts(7, i+1, noon.Add(time.Duration(i)*time.Hour/10), 1))
		}
		// The last but one of the kiosk's is much newer than the one behind it.
		evs[48].At = noon.Add(5 * time.Minute).Add(100 * 24 * time.Hour).UnixMicro()
		clock.now = noon.Add(100 * 24 * time.Hour)
		ingest(t, s, "town", "k1", evs...)
		clock.now = clock.now.Add(time.Hour)
		ingest(t, s, "town", "k2", counts(1, 1, clock.now, 1))
		n, err := s.Prune(t.Context(), store.Retention{Slots: long, Codes: long})
		if err != nil || n != 49 {
			t.Fatalf("%d pruned, %v", n, err)
		}
		if n := ingest(t, s, "town", "k1", evs...); n != 0 {
			t.Errorf("%d of the old batch were counted again", n)
		}
		late := counts(7, 51, noon, 1) // old, but behind the others: it is new
		if n := ingest(t, s, "town", "k1", late); n != 1 {
			t.Error("a late one was refused")
		}
		if n := ingest(t, s, "town", "k1", counts(8, 1, noon, 1)); n != 1 {
			t.Error("one of a new outbox was refused")
		}
		if n := total(t, s, "visits"); n != 53 {
			t.Errorf("%d visits", n)
		}
		// The newer one goes when its time has come, and stays refused.
		clock.now = clock.now.Add(100 * 24 * time.Hour)
		if n := got[int64](t)(s.Prune(t.Context(), store.Retention{Slots: long, Codes: long})); n != 4 {
			t.Errorf("%d pruned the second time", n)
		}
		if n := ingest(t, s, "town", "k1", append(evs, late)...); n != 0 {
			t.Errorf("%d of the old batch were counted again", n)
		}
	})
}

func TestDaysBecomeMonthsAndNoCountIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		clock := &later{noon}
		s := openWith(t, dsn, store.Options{Now: clock.time})
		settle(t, s, "town", "k1")
		months := func() string {
			out := ""
			for _, u := range got[[]fleet.Usage](t)(s.Months(t.Context(), of("town"), "2000-01", "2100-01")) {
				if u.Counter == "visits" {
					out += fmt.Sprint(u.Day, "=", u.N, " ")
				}
			}
			return out
		}
		for i := range int64(40) { // 14 October to 22 November
			ingest(t, s, "town", "k1", counts(1, i+1, noon.AddDate(0, 0, int(-i)), 2))
		}
		if m := months(); m != "2026-10=18 2026-11=22 " {
			t.Errorf("before: %s", m)
		}
		clock.now = noon.AddDate(0, 0, 396-10) // up to 12 November have gone
		must2(t)(s.Prune(t.Context(), store.Retention{}))
		if n := total(t, s, "visits"); n != 11 {
			t.Errorf("%d visits in days", n)
		}
		if slots := got[[]store.Slot](t)(s.Slots(t.Context(), all, time.Time{}, clock.now)); len(slots) != 0 {
			t.Errorf("%d slots are left", len(slots))
		}
		if m := months(); m != "2026-10=18 2026-11=22 " {
			t.Errorf("after: %s", m)
		}
		must2(t)(s.Prune(t.Context(), store.Retention{}))
		ingest(t, s, "town", "k1", counts(1, 41, noon.AddDate(0, 0, -12), 1)) // a kiosk that was off for a year
		must2(t)(s.Prune(t.Context(), store.Retention{}))
		if m := months(); m != "2026-10=18 2026-11=23 " {
			t.Errorf("with a late one: %s", m)
		}
	})
}

func must2(t *testing.T) func(n int64, err error) {
	return func(n int64, err error) { t.Helper(); must(t, err) }
}

func TestWhatIsOverGoesWhenItsTimeHasCome(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		clock := &later{noon}
		s := openWith(t, dsn, store.Options{Now: clock.time})
		twoStructures(t, s)
		ctx := t.Context()
		must(t, s.AddSession(ctx, fleet.Session{Hash: "s", Person: "p-town", Created: noon, Expires: noon.Add(time.Hour)}))
		must(t, s.Spend(ctx, "x", noon.Add(time.Hour)))
		must(t, s.EndAlert(ctx, "town", "t1", "offline", noon.Add(time.Hour)))
		must(t, s.AddNotice(ctx, fleet.Notice{ID: "n", Channel: fleet.ByEmail}))
		must(t, s.NoticeDone(ctx, "n", "", noon))
		clock.now = noon.Add(2 * 24 * time.Hour)
		must2(t)(s.Prune(ctx, store.Retention{}))
		if _, err := s.Session(ctx, "s"); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("an expired session: %v", err)
		}
		if q := got[[]fleet.Queued](t)(s.Commands(ctx, all, "t1", 9)); len(q) != 1 || q[0].Status != "expired" {
			t.Errorf("a command that was never fetched: %+v", q)
		}
		if a := got[[]fleet.Alert](t)(s.Alerts(ctx, all, false)); len(a) != 2 {
			t.Errorf("%d alerts", len(a))
		}
		clock.now = noon.Add(400 * 24 * time.Hour)
		must2(t)(s.Prune(ctx, store.Retention{}))
		left := len(got[[]fleet.Queued](t)(s.Commands(ctx, all, "t1", 9))) + len(got[[]fleet.Code](t)(s.Codes(ctx, all))) +
			len(got[[]fleet.Audit](t)(s.Audits(ctx, all, 0, 9))) + len(got[[]fleet.Invitation](t)(s.Invitations(ctx, all, noon)))
		if a := got[[]fleet.Alert](t)(s.Alerts(ctx, all, false)); len(a) != 1 || left != 0 {
			t.Errorf("%d alerts (the open one stays) and %d other things", len(a), left)
		}
		if n, err := s.CheckAudit(ctx); n != 0 || err != nil {
			t.Errorf("the empty audit: %d, %v", n, err)
		}
		must(t, s.Audit(ctx, fleet.Audit{Action: "again"}))
		if a := got[[]fleet.Audit](t)(s.Audits(ctx, all, 0, 9)); len(a) != 1 || a[0].N != 4 {
			t.Errorf("the next line: %+v", a)
		}
		if n, err := s.CheckAudit(ctx); n != 1 || err != nil {
			t.Errorf("the chain behind the anchor: %d, %v", n, err)
		}
	})
}

// Prune while kiosks send what it prunes: each event is counted once.
func TestPruneDoesNotDisturbIngest(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 15 {
				if _, err := s.Prune(t.Context(), store.Retention{Events: time.Minute}); err != nil {
					t.Error(err)
				}
			}
		}()
		const batches, size = 40, 10
		for b := range int64(batches) {
			var evs []provisioning.Event
			for i := range int64(size) {
				evs = append(evs, counts(1, b*size+i+1, noon.Add(-time.Hour), 1))
			}
			ingest(t, s, "town", "k1", evs...)
			ingest(t, s, "town", "k1", evs...)
		}
		<-done
		if n := total(t, s, "visits"); n != batches*size {
			t.Errorf("%d visits of %d", n, batches*size)
		}
	})
}
