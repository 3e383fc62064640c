package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// seq numbers the events of kiosks' states.
var seq = func() func() int64 {
	n := new(atomic.Int64)
	n.Store(1000)
	return func() int64 { return n.Add(1) }
}()

// tells stores what a kiosk says of updates at noon or a little later.
func tells(t testing.TB, s *store.Store, structure, id string, u provisioning.UpdateState) {
	t.Helper()
	n := seq()
	ingest(t, s, structure, id, provisioning.Event{Epoch: 1, Seq: n, At: noon.UnixMicro() + n, Kind: provisioning.EventState, State: &provisioning.State{Version: u.Version, Update: &u}})
}

// runs says that a kiosk is there and runs a version.
func runs(t testing.TB, s *store.Store, structure, id, version string) {
	t.Helper()
	tells(t, s, structure, id, provisioning.UpdateState{Version: version, Phase: provisioning.UpdateIdle})
	must(t, s.Seen(t.Context(), map[string]time.Time{id: noon}))
}

// plan is 1 kiosk, then half of them, then all; two that fail stop it.
func plan(version string) fleet.Rollout {
	return fleet.Rollout{Version: version, By: "p1", Stages: []fleet.Stage{{Kiosks: 1}, {Percent: 50, Wait: time.Hour}, {Percent: 100}}, Enough: 80, StopNumber: 2}
}

func start(t testing.TB, s *store.Store, version string) fleet.Rollout {
	t.Helper()
	return got[fleet.Rollout](t)(s.StartRollout(t.Context(), plan(version)))
}

// give queues orders as the engine does; taken says that the kiosks are there
// and take them.
func give(t testing.TB, s *store.Store, orders []fleet.Order, taken bool) (given []fleet.Order) {
	t.Helper()
	for _, o := range orders {
		c := provisioning.Command{ID: o.ID, Structure: o.Structure, Kiosk: o.Kiosk, Kind: provisioning.CommandUpdate, Issued: noon.Unix(), Expires: noon.Unix() + 30*86400, Update: &o.Update}
		body, err := json.Marshal(c)
		must(t, err)
		err = s.Queue(t.Context(), all, fleet.Queued{Command: c}, provisioning.Signed{Body: body})
		if errors.Is(err, fleet.ErrConflict) {
			continue
		}
		must(t, err)
		given = append(given, o)
		if taken {
			must(t, s.SetCommand(t.Context(), o.Kiosk, o.ID, fleet.QueueStatus(provisioning.StatusDone), ""))
		}
	}
	return given
}

// step takes a step and gives its orders to kiosks that are there.
func step(t testing.TB, s *store.Store) fleet.Step {
	t.Helper()
	st := got[fleet.Step](t)(s.StepRollout(t.Context(), 100))
	st.Orders = give(t, s, st.Orders, true)
	return st
}

// town is a structure with kiosks k0 to k9 that run 1.0.0, and a release.
func town(t testing.TB, s *store.Store, n int) {
	t.Helper()
	settle(t, s, "town")
	for i := range n {
		id := fmt.Sprintf("k%d", i)
		enrol(t, s, "town", id, "")
		runs(t, s, "town", id, "1.0.0")
	}
	must(t, s.AddRelease(t.Context(), fleet.Release{Version: "2.0.0", Minimum: "1.0.0"}))
}

func TestARolloutGoesFromStageToStage(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		now := noon
		s := openWith(t, dsn, store.Options{Now: func() time.Time { return now }})
		town(t, s, 10)
		must(t, s.SetPilot(t.Context(), of("town"), "k7", true))
		start(t, s, "2.0.0")
		if _, err := s.StartRollout(t.Context(), plan("2.0.0")); !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("a second one: %v", err)
		}
		if err := s.RemoveRelease(t.Context(), "2.0.0"); !errors.Is(err, fleet.ErrInUse) {
			t.Errorf("the release was removed: %v", err)
		}
		var told []string
		take := func(want int) {
			t.Helper()
			st := step(t, s)
			if len(st.Orders) != want {
				t.Fatalf("%d are told, want %d: %+v", len(st.Orders), want, st)
			}
			for _, o := range st.Orders {
				told = append(told, o.Kiosk)
			}
		}
		take(1)
		if told[0] != "k7" {
			t.Errorf("%s is the first, not the pilot", told[0])
		}
		take(0) // it has not come yet
		done := func(ids []string) {
			t.Helper()
			for _, id := range ids {
				tells(t, s, "town", id, provisioning.UpdateState{Version: "2.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateDone})
			}
		}
		done(told)
		take(4) // no wait in the first stage: those of the second at once
		take(0)
		done(told[:4])
		take(0) // enough are done: the wait begins
		now = now.Add(59 * time.Minute)
		take(0)
		now = now.Add(2 * time.Minute)
		take(5)
		done(told[4:])
		if st := step(t, s); st.Rollout.State != fleet.RolloutDone || st.Rollout.Ended.IsZero() {
			t.Errorf("not done: %+v", st)
		}
		if _, err := s.OpenRollout(t.Context()); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("still open: %v", err)
		}
		if _, err := s.StartRollout(t.Context(), plan("2.0.0")); !errors.Is(err, fleet.ErrNobody) {
			t.Errorf("for nobody: %v", err)
		}
		must(t, s.RemoveRelease(t.Context(), "2.0.0"))
		if _, err := s.StartRollout(t.Context(), plan("2.0.0")); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("without a release: %v", err)
		}
	})
}

func TestARolloutStopsByItselfAndTakesItsOrdersBack(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		now := noon
		s := openWith(t, dsn, store.Options{Now: func() time.Time { return now }})
		town(t, s, 10)
		r := start(t, s, "2.0.0")
		first := step(t, s).Orders[0].Kiosk
		tells(t, s, "town", first, provisioning.UpdateState{Version: "2.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateDone})
		st := got[fleet.Step](t)(s.StepRollout(t.Context(), 100))
		away := st.Orders[3]
		give(t, s, st.Orders[:3], true)
		give(t, s, st.Orders[3:], false)
		for i, u := range []provisioning.UpdateState{
			{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateReturned, Returned: "2.0.0", Code: provisioning.CodeUpdateUnhealthy},
			{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateFailed, Code: provisioning.CodeUpdateAltered},
			{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateWaiting, Percent: 100},
		} {
			tells(t, s, "town", st.Orders[i].Kiosk, u)
		}
		stopped := got[fleet.Step](t)(s.StepRollout(t.Context(), 100))
		if r := stopped.Rollout; r.State != fleet.RolloutStopped || r.Why != fleet.StopThreshold || !r.Ended.IsZero() {
			t.Fatalf("goes on: %+v", stopped)
		}
		bad := got[[]fleet.RolloutKiosk](t)(s.RolloutKiosks(t.Context(), of("town"), r.ID, []fleet.Phase{fleet.PhaseFailed, fleet.PhaseReturned}, 10))
		if len(bad) != 2 || bad[0].Code == bad[1].Code || bad[0].Was != "1.0.0" || bad[0].Label == "" {
			t.Errorf("failed: %+v", bad)
		}
		// Who was not reached reads nothing any more; who took it is told.
		if p := got[[]provisioning.Signed](t)(s.Pending(t.Context(), away.Kiosk)); len(p) != 0 {
			t.Errorf("an order is still on its way: %s", p[0].Body)
		}
		if given := give(t, s, []fleet.Order{away}, false); len(given) != 0 {
			t.Error("was ordered while it is stopped")
		}
		back := got[fleet.Step](t)(s.StepRollout(t.Context(), 100))
		if len(back.Orders) != 2 {
			t.Fatalf("taken back: %+v", back.Orders)
		}
		for _, o := range back.Orders {
			if o.Update.Version != "" || o.Kiosk != away.Kiosk && o.Kiosk != st.Orders[2].Kiosk {
				t.Errorf("taken back: %+v", o)
			}
		}
		if n := len(give(t, s, back.Orders, true)); n != 2 {
			t.Errorf("%d are told", n)
		}
		if n := len(give(t, s, back.Orders, true)); n != 0 {
			t.Errorf("%d are told twice", n)
		}
		tells(t, s, "town", st.Orders[2].Kiosk, provisioning.UpdateState{Version: "1.0.0", Phase: provisioning.UpdateIdle})
		resumed(t, s, r)
	})
}

// resumed goes on after two have failed; only another two stop it again.
func resumed(t *testing.T, s *store.Store, r fleet.Rollout) {
	t.Helper()
	if _, err := s.SteerRollout(t.Context(), r.ID, fleet.SteerPause); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("paused though it is stopped: %v", err)
	}
	on := got[fleet.Rollout](t)(s.SteerRollout(t.Context(), r.ID, fleet.SteerResume))
	if on.State != fleet.RolloutRunning || on.Forgiven != 2 {
		t.Errorf("resumed: %+v", on)
	}
	st := step(t, s)
	// The two whose orders were taken back, and two in place of the failed.
	if st.Rollout.State != fleet.RolloutRunning || len(st.Orders) != 4 {
		t.Fatalf("after it: %+v", st)
	}
	tells(t, s, "town", st.Orders[0].Kiosk, provisioning.UpdateState{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateFailed, Code: provisioning.CodeUpdateNoRoom})
	if st = step(t, s); st.Rollout.State != fleet.RolloutRunning {
		t.Errorf("one stopped it: %+v", st)
	}
	end := got[fleet.Rollout](t)(s.SteerRollout(t.Context(), r.ID, fleet.SteerStop))
	if end.State != fleet.RolloutStopped || end.Why != fleet.StopPerson || end.Ended.IsZero() {
		t.Errorf("ended: %+v", end)
	}
	for _, do := range []fleet.Steer{fleet.SteerResume, fleet.SteerPause, fleet.SteerStop} {
		if _, err := s.SteerRollout(t.Context(), r.ID, do); !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("%s after the end: %v", do, err)
		}
	}
	if st := step(t, s); len(st.Orders) == 0 || st.Orders[0].Update.Version != "" {
		t.Errorf("nothing is taken back after the end: %+v", st.Orders)
	}
	if st := step(t, s); len(st.Orders) != 0 || st.Rollout.ID != "" {
		t.Errorf("after the end: %+v", st)
	}
}

// Whoever is away, revoked or lost holds nobody up, and gets its turn later.
func TestKiosksThatAreAwayHoldNothingUp(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		now := noon
		s := openWith(t, dsn, store.Options{Now: func() time.Time { return now }})
		town(t, s, 6)
		r := start(t, s, "2.0.0")
		here := func(but ...string) {
			seen := map[string]time.Time{}
			for i := range 6 {
				seen[fmt.Sprintf("k%d", i)] = now
			}
			for _, id := range but {
				delete(seen, id)
			}
			must(t, s.Seen(t.Context(), seen))
		}
		first := got[fleet.Step](t)(s.StepRollout(t.Context(), 100)).Orders
		give(t, s, first, false) // it never answers
		now = now.Add(fleet.AbsentAfter + time.Hour)
		here(first[0].Kiosk)
		second := step(t, s).Orders
		if len(second) != 1 || second[0].Kiosk == first[0].Kiosk {
			t.Fatalf("nobody in its place: %+v", second)
		}
		tells(t, s, "town", second[0].Kiosk, provisioning.UpdateState{Version: "2.0.0", Phase: provisioning.UpdateDone})
		st := step(t, s)
		if st.Rollout.Stage != 1 || len(st.Orders) < 2 {
			t.Fatalf("held up: %+v", st)
		}
		// One is replaced: it leaves, and the one in its place comes at the end.
		gone := st.Orders[0].Kiosk
		enrol(t, open(t, dsn), "town", "new", gone) // by the clock of its code
		runs(t, s, "town", "new", "1.0.0")
		// One tries it and is never heard again.
		lost := st.Orders[1].Kiosk
		tells(t, s, "town", lost, provisioning.UpdateState{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateTrying})
		step(t, s)
		now = now.Add(fleet.AbsentAfter + time.Hour)
		here(first[0].Kiosk, lost)
		step(t, s)
		phases := map[string]fleet.RolloutKiosk{}
		for _, k := range got[[]fleet.RolloutKiosk](t)(s.RolloutKiosks(t.Context(), all, r.ID, nil, 99)) {
			phases[k.Kiosk] = k
		}
		if phases[gone].Phase != fleet.PhaseLeft || phases[lost].Phase != fleet.PhaseFailed || phases[lost].Code != kiosk.CodeNotResponding || phases[first[0].Kiosk].Phase.Ended() {
			t.Errorf("phases: %+v", phases)
		}
		for range 9 { // the others come, and then the new one
			for _, k := range got[[]fleet.RolloutKiosk](t)(s.RolloutKiosks(t.Context(), all, r.ID, []fleet.Phase{fleet.PhaseOrdered}, 99)) {
				if k.Kiosk != first[0].Kiosk {
					tells(t, s, "town", k.Kiosk, provisioning.UpdateState{Version: "2.0.0", Phase: provisioning.UpdateDone})
				}
			}
			step(t, s)
			now = now.Add(2 * time.Hour)
		}
		left := got[[]fleet.RolloutKiosk](t)(s.RolloutKiosks(t.Context(), all, r.ID, []fleet.Phase{fleet.PhaseChosen, fleet.PhaseOrdered, fleet.PhaseFetching}, 99))
		if len(left) != 1 || left[0].Kiosk != first[0].Kiosk {
			t.Fatalf("left: %+v", left)
		}
		// Stragglers do not keep a newer release back.
		must(t, s.AddRelease(t.Context(), fleet.Release{Version: "2.1.0"}))
		if next := start(t, s, "2.1.0"); next.Version != "2.1.0" {
			t.Errorf("%+v", next)
		}
		if old := got[[]fleet.Rollout](t)(s.Rollouts(t.Context(), 9)); len(old) != 2 || old[1].State != fleet.RolloutDone || old[1].Why != fleet.StopNewer {
			t.Errorf("rollouts: %+v", old)
		}
	})
}

// Many servers step and order at once: each kiosk is ordered by one of them.
func TestServersThatStepTogetherOrderOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		town(t, s, 40)
		p := plan("2.0.0")
		p.Stages = []fleet.Stage{{Percent: 100}}
		got[fleet.Rollout](t)(s.StartRollout(t.Context(), p))
		var mu sync.Mutex
		given := map[string]int{}
		var wg sync.WaitGroup
		for range 4 {
			other := open(t, dsn)
			wg.Go(func() {
				for range 12 {
					st, err := other.StepRollout(t.Context(), 10)
					if err != nil {
						t.Error(err)
						return
					}
					for _, o := range give(t, other, st.Orders, false) {
						mu.Lock()
						given[o.Kiosk]++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		for len(given) < 40 {
			st := got[fleet.Step](t)(s.StepRollout(t.Context(), 10))
			if len(st.Orders) == 0 {
				t.Fatalf("%d were ordered", len(given))
			}
			for _, o := range give(t, s, st.Orders, false) {
				given[o.Kiosk]++
			}
		}
		for id, n := range given {
			if n != 1 || len(got[[]fleet.Queued](t)(s.Commands(t.Context(), all, id, 10))) != 1 {
				t.Errorf("%s was ordered %d times", id, n)
			}
		}
	})
}

// What nobody decided is no order: a command to update outside of a rollout.
func TestAnUpdateThatIsNoRolloutsIsNotQueued(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		town(t, s, 2)
		if given := give(t, s, []fleet.Order{{ID: "mine", Structure: "town", Kiosk: "k0", Update: provisioning.UpdateOrder{Version: "2.0.0"}}, {ID: "back", Structure: "town", Kiosk: "k0"}}, true); len(given) != 0 {
			t.Errorf("queued: %+v", given)
		}
		start(t, s, "2.0.0")
		st := got[fleet.Step](t)(s.StepRollout(t.Context(), 100))
		o := st.Orders[0]
		o.Update.Version = "3.0.0"
		if given := give(t, s, []fleet.Order{o}, true); len(given) != 0 {
			t.Errorf("another version: %+v", given)
		}
	})
}
