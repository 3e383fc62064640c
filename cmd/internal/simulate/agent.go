// Package simulate is kiosks without hardware, thousands in one process: for
// measurements, and for newcomers who want to see the console alive.
//
// An Agent speaks as package link does, over the same TLS, WebSocket and NATS,
// with the same words, and verifies its commands. Its outbox is in memory: a
// disk for each of five thousand would measure the disk. Life makes an agent
// live a day with visits, faults and calls.
package simulate

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	random "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
)

// Options of New. Pair and Routes are needed.
type Options struct {
	Pair enrol.Pair
	// Routes lead to the fleet's servers; an agent keeps to one of them as
	// long as it works, then tries the next.
	Routes []*route.Route
	// Obey is called with each command, once, after it was verified; nil does
	// nothing. It must not wait.
	Obey func(provisioning.Command)
	// Backoff is the longest wait before another try to connect, whatever the
	// server says; 0 is what the server says, 30 s before it has said it.
	Backoff time.Duration
	Log     *slog.Logger // nil drops
}

// Agent is one simulated kiosk. Its methods may be called from many
// goroutines.
type Agent struct {
	o    Options
	log  *slog.Logger
	run  string
	news chan struct{} // there is something to send

	linked atomic.Bool
	tries  atomic.Int64
	route  atomic.Int64

	mu    sync.Mutex
	epoch int64
	seq   int64
	box   []provisioning.Event
	beat  provisioning.Beat
	state provisioning.State
	done  map[string]provisioning.Result // commands, once each
	every time.Duration
	most  time.Duration // of back-off
	away  chan struct{} // not nil: cut off until it is closed
	cut   context.CancelFunc
}

// New makes an agent, which does nothing before Run.
func New(o Options) *Agent {
	a := &Agent{
		o: o, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), run: rand.Text(), news: make(chan struct{}, 1),
		epoch: 1 + random.Int64N(1<<62), every: 30 * time.Second, most: cmp.Or(o.Backoff, 30*time.Second),
		beat: provisioning.Beat{Use: provisioning.UseFree}, state: provisioning.State{Version: Version, Update: &provisioning.UpdateState{Version: System, Phase: provisioning.UpdateIdle}},
		done: map[string]provisioning.Result{},
	}
	a.route.Store(random.Int64N(1 << 30))
	return a
}

// Version is what simulated agents say theirs is.
const Version = "simulation"

// Kiosk is the agent's ID.
func (a *Agent) Kiosk() string { return a.o.Pair.Credential.Kiosk }

// Structure is that of its host.
func (a *Agent) Structure() string { return a.o.Pair.Credential.Structure }

// Linked says that a server has welcomed the agent on its present connection.
func (a *Agent) Linked() bool { return a.linked.Load() }

// Tries is how often it began to connect.
func (a *Agent) Tries() int64 { return a.tries.Load() }

// Made is the outbox's epoch and how many events were put into it.
func (a *Agent) Made() (epoch, events int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.epoch, a.seq
}

// Waiting is how many events no server has acknowledged yet.
func (a *Agent) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.box)
}

// Count puts counts into the outbox, in the slot of a time.
func (a *Agent) Count(at time.Time, n map[string]int64) {
	a.put(provisioning.Event{Kind: provisioning.EventCounts, At: at.UnixMicro(), Counts: &provisioning.Counts{
		Slot: at.Truncate(provisioning.Slot).Unix(), N: n,
	}})
}

// Change alters what the host knows of the kiosk, and tells it.
func (a *Agent) Change(f func(*provisioning.State)) {
	a.mu.Lock()
	f(&a.state)
	s := a.state
	s.Conditions, s.Supplies = slices.Clone(s.Conditions), slices.Clone(s.Supplies)
	a.beat.Help = s.Help != 0
	a.mu.Unlock()
	a.put(provisioning.Event{Kind: provisioning.EventState, State: &s})
}

// State is what the host should know of it.
func (a *Agent) State() provisioning.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state
	s.Conditions, s.Supplies = slices.Clone(s.Conditions), slices.Clone(s.Supplies)
	return s
}

// Use says what the kiosk is doing; the next beat, which comes at once, tells
// it.
func (a *Agent) Use(u provisioning.Use) {
	a.mu.Lock()
	changed := a.beat.Use != u
	a.beat.Use = u
	a.mu.Unlock()
	if changed {
		a.poke()
	}
}

func (a *Agent) put(e provisioning.Event) {
	a.mu.Lock()
	a.seq++
	e.Epoch, e.Seq = a.epoch, a.seq
	if e.At == 0 {
		e.At = time.Now().UnixMicro()
	}
	a.box = append(a.box, e)
	a.mu.Unlock()
	a.poke()
}

func (a *Agent) poke() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// Cut takes the agent off the network, or lets it back. What happens meanwhile
// waits in its outbox.
func (a *Agent) Cut(off bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case off && a.away == nil:
		a.away = make(chan struct{})
		if a.cut != nil {
			a.cut()
		}
	case !off && a.away != nil:
		close(a.away)
		a.away = nil
	}
}

// Run keeps the agent connected until ctx ends.
func (a *Agent) Run(ctx context.Context) {
	for fails := 0; ctx.Err() == nil; {
		a.mu.Lock()
		away := a.away
		one, cut := context.WithCancel(ctx)
		a.cut = cut
		a.mu.Unlock()
		if away != nil {
			cut()
			select {
			case <-away:
			case <-ctx.Done():
			}
			continue
		}
		linked, err := a.session(one)
		cut()
		if ctx.Err() != nil {
			return
		}
		if linked {
			fails = 0
		}
		fails++
		a.route.Add(1)
		a.log.Debug("not linked", "kiosk", a.Kiosk(), "err", err)
		_ = Pause(ctx, a.wait(fails)) // the loop looks at ctx
	}
}

// wait is full jitter, as in package link.
func (a *Agent) wait(fails int) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return 20*time.Millisecond + random.N(min(a.most, time.Second<<min(fails, 20)))
}

// Pause waits, and returns why when ctx ends first.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errLater is a server's that cannot store now.
var errLater = errors.New("simulate: later")

// next are the events to send now.
func (a *Agent) next() []provisioning.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.box[:min(len(a.box), provisioning.MaxBatch):min(len(a.box), provisioning.MaxBatch)]
}

// stored forgets what a server has on its disk.
func (a *Agent) stored(upTo int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(a.box) && a.box[n].Seq <= upTo {
		n++
	}
	a.box = slices.Clone(a.box[n:])
}

func (a *Agent) fullBeat() provisioning.Beat {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.beat
	b.Run, b.Epoch, b.Waiting = a.run, a.epoch, len(a.box)
	return b
}
