package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/link/route"
)

// crowd is the kiosks of one run. The first one is alone in its structure, so
// that its console hears of nobody else; it is the one that is timed.
type crowd struct {
	s       *site
	agents  []*simulate.Agent
	obeyed  chan time.Time // by the first
	counted atomic.Int64   // visits made, one an event
	stop    context.CancelFunc
	work    sync.WaitGroup
}

const (
	probed  = "mesure"
	perHost = 20
)

// crowd enrols kiosks; run lets them connect.
func (s *site) crowd(ctx context.Context, n int) (*crowd, error) {
	c := &crowd{s: s, obeyed: make(chan time.Time, 16)}
	var pairs []enrol.Pair
	for i := 0; len(pairs) < n; i++ {
		id, k := probed, 1
		if i > 0 {
			id, k = fmt.Sprintf("structure-%d", i), min(perHost, n-len(pairs))
		}
		if err := fleetserver.AddStructure(ctx, s.store, id, id, ""); err != nil {
			return nil, err
		}
		made, err := simulate.Enrol(ctx, s.store, s.ring, id, slices.Repeat([]string{"Hall"}, k), 24*time.Hour)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, made...)
	}
	var ways []*route.Route
	for _, v := range s.servers {
		ways = append(ways, v.way)
	}
	for i, p := range pairs {
		o := simulate.Options{Pair: p, Routes: ways, Backoff: s.b.backoff}
		if i == 0 {
			o.Routes = ways[len(ways)-1:] // a server that is not killed
			o.Obey = func(provisioning.Command) {
				select {
				case c.obeyed <- time.Now():
				default:
				}
			}
		}
		c.agents = append(c.agents, simulate.New(o))
	}
	return c, nil
}

// run connects them, so many a second, until close.
func (c *crowd) run(ctx context.Context, perSecond int) error {
	ctx, c.stop = context.WithCancel(ctx)
	simulate.Ramp(ctx, c.agents, perSecond, &c.work)
	return c.back(ctx, 100)
}

func (c *crowd) close() {
	if c.stop != nil {
		c.stop()
	}
	c.work.Wait()
}

func (c *crowd) linked() (n int) {
	for _, a := range c.agents {
		if a.Linked() {
			n++
		}
	}
	return n
}

// back waits until so many percent are connected.
func (c *crowd) back(ctx context.Context, percent int) error {
	return c.s.b.wait(ctx, fmt.Sprintf("%d %% connected", percent), func() bool { return c.linked()*100 >= percent*len(c.agents) })
}

// count makes one event at a kiosk.
func (c *crowd) count(a *simulate.Agent) {
	c.counted.Add(1)
	a.Count(time.Now(), map[string]int64{provisioning.CountVisits: 1})
}

// events makes so many a second at random kiosks but the first, until the
// function that it returns is called.
func (c *crowd) events(ctx context.Context, perSecond int) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(time.Second / time.Duration(perSecond))
		defer t.Stop()
		for {
			select {
			case <-t.C:
				c.count(c.agents[1+rand.IntN(len(c.agents)-1)])
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// drain waits until servers have acknowledged everything.
func (c *crowd) drain(ctx context.Context) error {
	return c.s.b.wait(ctx, "everything acknowledged", func() bool {
		return !slices.ContainsFunc(c.agents, func(a *simulate.Agent) bool { return a.Waiting() > 0 })
	})
}

// ledger is what was made and what the database has.
type ledger struct {
	made, stored     int64 // events
	visits, counters int64 // made, and as the counters have them
}

// lost and twice are events that are missing, and that are counted again.
func (l ledger) lost() int64  { return l.made - l.stored }
func (l ledger) twice() int64 { return max(0, l.counters-l.visits) }

// good says that nothing is lost, nothing is there twice, and counters are
// what the events say. An event has one row at the most: its kiosk, epoch and
// number are the key.
func (l ledger) good() bool { return l.lost() == 0 && l.counters == l.visits }

// String is one cell of the table.
func (l ledger) String() string {
	return fmt.Sprintf("made %d, stored %d, lost %d, twice %d, counted %d = %d", l.made, l.stored, l.lost(), l.twice(), l.counters, l.visits)
}

func (c *crowd) ledger(ctx context.Context) (l ledger, err error) {
	for _, a := range c.agents {
		_, n := a.Made()
		l.made += n
	}
	l.visits = c.counted.Load()
	all := fleet.Scope{All: true}
	kinds, err := c.s.store.Events(ctx, all)
	if err != nil {
		return l, err
	}
	for _, n := range kinds {
		l.stored += n
	}
	usage, err := c.s.store.Usage(ctx, all, "2000-01-01", "2999-12-31")
	for _, u := range usage {
		if u.Counter == provisioning.CountVisits {
			l.counters += u.N
		}
	}
	return l, err
}

// kept adds the line of what was kept.
func (c *crowd) kept(ctx context.Context, run, trial string, before ledger) (ledger, error) {
	now, err := c.ledger(ctx)
	if err != nil {
		return now, err
	}
	l := ledger{now.made - before.made, now.stored - before.stored, now.visits - before.visits, now.counters - before.counters}
	c.s.b.add(run, "events", trial, "%s", l)
	c.s.b.rows[len(c.s.b.rows)-1].Failed = !l.good()
	return now, nil
}
