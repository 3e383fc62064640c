package simulate_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/link/route"
)

// crowd is kiosks that are linked, and how often each was told what version.
type crowd struct {
	mu     sync.Mutex
	told   map[string]int // "kiosk version"
	agents []*simulate.Agent
}

// linked runs agents until the test ends.
func (s *site) linked(t *testing.T, n int) *crowd {
	t.Helper()
	var labels []string
	for i := range n {
		labels = append(labels, fmt.Sprint("Borne ", i))
	}
	c := &crowd{told: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	t.Cleanup(func() { stop(); work.Wait() })
	for _, p := range s.enrol(t, "essai", labels...) {
		a := simulate.New(simulate.Options{Pair: p, Routes: []*route.Route{s.way}, Backoff: time.Second, Obey: func(o provisioning.Command) {
			if o.Kind == provisioning.CommandUpdate {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.told[o.Kiosk+" "+o.Update.Version]++
			}
		}})
		c.agents = append(c.agents, a)
		a.Change(func(*provisioning.State) {}) // says what it runs
		work.Go(func() { a.Run(ctx) })
	}
	eventually(t, "linked", func() bool {
		for _, a := range c.agents {
			if !a.Linked() || a.Waiting() > 0 {
				return false
			}
		}
		return true
	})
	seen := map[string]time.Time{} // the server writes that once a minute
	for _, a := range c.agents {
		seen[a.Kiosk()] = time.Now()
	}
	if err := s.store.Seen(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	return c
}

// Forty kiosks on a real server: one, a quarter, all. Too many come back, it
// stops; it is resumed, and every kiosk was told once.
func TestKiosksObeyARollout(t *testing.T) {
	s := newSite(t)
	c := s.linked(t, 40)
	if err := s.store.AddRelease(t.Context(), fleet.Release{Version: "2.0.0", Minimum: "1.0.0"}); err != nil {
		t.Fatal(err)
	}
	r, err := s.store.StartRollout(t.Context(), fleet.Rollout{Version: "2.0.0", Stages: []fleet.Stage{{Kiosks: 1}, {Percent: 25}, {Percent: 100}}, Enough: 80, StopNumber: 2})
	if err != nil {
		t.Fatal(err)
	}
	// The third and every third after it to try come back.
	tried, every, bad := 0, 3, map[string]bool{}
	live := func() {
		for _, a := range c.agents {
			if a.State().Update.Phase == provisioning.UpdateTrying {
				tried++
				bad[a.Kiosk()] = tried%every == 0
			}
			a.Update(bad[a.Kiosk()])
		}
	}
	until := func(what string, ok func(fleet.Rollout) bool) {
		t.Helper()
		eventually(t, what, func() bool {
			live()
			all, err := s.store.Rollouts(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			return ok(all[0])
		})
	}
	until("stopped", func(r fleet.Rollout) bool { return r.State == fleet.RolloutStopped })
	c.mu.Lock()
	if n := len(c.told); n > 25 {
		t.Errorf("%d had been told something when it stopped", n)
	}
	c.mu.Unlock()
	every = 1 << 30 // all others are well
	if _, err := s.store.SteerRollout(t.Context(), r.ID, fleet.SteerResume); err != nil {
		t.Fatal(err)
	}
	until("done", func(r fleet.Rollout) bool { return r.State == fleet.RolloutDone || r.State == fleet.RolloutStopped })
	last, err := s.store.Rollouts(t.Context(), 1)
	if err != nil || last[0].State != fleet.RolloutDone {
		t.Fatalf("at the end: %+v, %v", last, err)
	}
	back := 0
	for _, a := range c.agents {
		u := a.State().Update
		c.mu.Lock()
		n, taken := c.told[a.Kiosk()+" 2.0.0"], c.told[a.Kiosk()+" "]
		c.mu.Unlock()
		// One that was told to go on before the server knew of its return says
		// that it has left that version.
		if u.Phase == provisioning.UpdateReturned || u.Code == provisioning.CodeUpdateLeft {
			back++
		} else if u.Version != "2.0.0" {
			t.Errorf("%s runs %+v", a.Kiosk(), u)
		}
		if n < 1 || n > 1+taken { // an order may be taken back before it came
			t.Errorf("%s was told %d times, taken back %d times", a.Kiosk(), n, taken)
		}
	}
	if back < 2 {
		t.Errorf("%d came back", back)
	}
}
