package simulate

import (
	"context"
	"log/slog"
	random "math/rand/v2"
	"sync"
	"time"

	"pointnum/kiosk/portal"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
)

// Fleet is kiosks that live.
type Fleet struct {
	Pairs  []enrol.Pair
	Routes []*route.Route
	// Speed is how many minutes pass in one; 1 at least.
	Speed float64
	// Faults multiplies how often something goes wrong; 0 for never.
	Faults float64
	// BadUpdates is the share of kiosks, 0 to 1, that come back from a release.
	BadUpdates float64
	Past       int    // days before today whose counts are told first
	Seed       uint64 // the same seed, the same lives
	// Ramp is how many kiosks begin in one second; 0 is 50.
	Ramp int
	Log  *slog.Logger
	// Each is called every ten seconds; nil for nobody.
	Each func(Totals)
}

// Totals are what a fleet does now.
type Totals struct {
	Time    string // simulated, "14:05"
	Kiosks  int
	Linked  int
	Events  int64 // made
	Waiting int   // not acknowledged yet
}

// Run lets them live until ctx ends, and waits for all of them. What is still
// in an outbox then is lost with it.
func (f *Fleet) Run(ctx context.Context) Totals {
	var work sync.WaitGroup
	defer work.Wait()
	var portals []string
	for _, p := range portal.Default().Portals {
		portals = append(portals, p.ID)
	}
	agents, lives := make([]*Agent, len(f.Pairs)), make([]*life, len(f.Pairs))
	for i, p := range f.Pairs {
		agents[i] = New(Options{Pair: p, Routes: f.Routes, Log: f.Log})
		lives[i] = newLife(agents[i], random.New(random.NewPCG(f.Seed, uint64(i))), f.Faults, portals)
		lives[i].bad = float64(i) >= float64(len(f.Pairs))*(1-f.BadUpdates)
		lives[i].past(time.Now(), f.Past)
	}
	work.Go(func() { Ramp(ctx, agents, f.Ramp, &work) })
	minute := time.NewTicker(max(time.Duration(float64(time.Minute)/max(f.Speed, 1)), time.Millisecond))
	defer minute.Stop()
	told := time.NewTicker(10 * time.Second)
	defer told.Stop()
	for day := opens; ; {
		select {
		case <-ctx.Done():
			return totals(agents, day)
		case <-told.C:
			if f.Each != nil {
				f.Each(totals(agents, day))
			}
		case <-minute.C:
			for _, l := range lives {
				l.minute(day)
			}
			if day++; day > dusk {
				day = dawn
			}
		}
	}
}

// Ramp begins to run agents, so many a second (0 is 50), and returns when all
// have begun or ctx has ended. work counts them.
func Ramp(ctx context.Context, agents []*Agent, perSecond int, work *sync.WaitGroup) {
	if perSecond <= 0 {
		perSecond = 50
	}
	start := time.Now()
	for i, a := range agents {
		if Pause(ctx, time.Until(start.Add(time.Duration(i)*time.Second/time.Duration(perSecond)))) != nil {
			return
		}
		work.Go(func() { a.Run(ctx) })
	}
}

func totals(agents []*Agent, day int) Totals {
	t := Totals{Time: time.Date(1, 1, 1, 0, day, 0, 0, time.UTC).Format("15:04"), Kiosks: len(agents)}
	for _, a := range agents {
		if a.Linked() {
			t.Linked++
		}
		_, made := a.Made()
		t.Events += made
		t.Waiting += a.Waiting()
	}
	return t
}
