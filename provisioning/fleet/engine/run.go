package engine

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"

	"github.com/nats-io/nats.go"
)

// Times of the engine itself.
const (
	sqlTime     = 8 * time.Second  // for one answer's queries; kiosks wait 10 s
	commandTime = 10 * time.Second // for a kiosk's answer
	closeTime   = 10 * time.Second // for what goes on when Run ends
	seenEvery   = time.Minute
	keysEvery   = time.Minute // looks at revoked keys even if nobody told
	pushPause   = 10 * time.Second
	retryEvery  = time.Second
	workers     = 512 // answers that wait for SQL at one time
)

// Subjects between servers; no kiosk may publish or subscribe there.
const (
	subjectKeys = "fleet.keys" // revoked keys have changed; the kiosk that is out, if one is
	subjectSeen = "fleet.seen" // what was seen until then is in SQL
	subjectBeat = "fleet.beat" // a beatOf
)

func (e *Engine) subscribe() error {
	all := func(word string) string { return provisioning.Up("*", "*", word) }
	for _, s := range []struct {
		on             *nats.Conn
		subject, group string
		do             nats.MsgHandler
	}{
		{e.nc, all(provisioning.UpEvents), "ingest", e.onEvents},
		{e.nc, all(provisioning.UpHello), "hello", e.onHello},
		{e.nc, all(provisioning.UpRenew), "renew", e.onRenew},
		{e.nc, all(provisioning.UpBeat), "", e.onBeat},
		{e.nc, provisioning.Live("*"), "", e.onLive},
		{e.nc, subjectKeys, "", e.onKeys},
		{e.nc, subjectSeen, "", e.onSeen},
		{e.nc, subjectBeat, "", e.onPassed},
		{e.sys, "$SYS.ACCOUNT." + e.ring.AccountID() + ".CONNECT", "", e.onConnect},
		{e.sys, "$SYS.ACCOUNT." + e.ring.AccountID() + ".DISCONNECT", "", e.onDisconnect},
	} {
		var sub *nats.Subscription
		var err error
		if s.group != "" {
			sub, err = s.on.QueueSubscribe(s.subject, s.group, s.do)
		} else {
			sub, err = s.on.Subscribe(s.subject, s.do)
		}
		if err != nil {
			return err
		}
		e.subs = append(e.subs, sub)
	}
	if e.server == nil {
		return nil // perhaps the cluster is not there yet
	}
	return errors.Join(e.nc.Flush(), e.sys.Flush())
}

// Run does what is done from time to time, until ctx ends; then it lets go of
// the kiosks, finishes what was begun and stops NATS. It returns nil.
func (e *Engine) Run(ctx context.Context) error {
	defer e.stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { e.runPresence(ctx) })
	wg.Go(func() { e.runSeen(ctx) })
	wg.Go(func() { e.runKeys(ctx) })
	<-ctx.Done()
	return nil
}

func (e *Engine) runPresence(ctx context.Context) {
	t := time.NewTicker(max(e.o.Beat/6, 100*time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			e.presence.sweep()
			e.replays.sweep(e.o.Now())
		}
	}
}

// runSeen writes when kiosks were heard. All servers hear all beats: the first
// whose minute is over writes, and the others then wait another one.
func (e *Engine) runSeen(ctx context.Context) {
	pause := func() time.Duration { return seenEvery + rand.N(seenEvery/6) }
	t := time.NewTimer(pause())
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), sqlTime)
			e.writeSeen(last)
			cancel()
			return
		case at := <-e.seen:
			e.presence.written(at)
		case <-t.C:
			e.writeSeen(ctx)
		}
		t.Reset(pause())
	}
}

func (e *Engine) writeSeen(ctx context.Context) {
	now, at := e.o.Now(), map[string]time.Time(nil)
	if at = e.presence.unwritten(); len(at) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sqlTime)
	defer cancel()
	if err := e.store.Seen(ctx, at); err != nil {
		e.log.Warn("when kiosks were seen is not stored", "error", err)
		return
	}
	e.presence.written(now)
	if b, err := now.MarshalText(); err == nil {
		e.tell(subjectSeen, b)
	}
}

func (e *Engine) onSeen(m *nats.Msg) {
	var at time.Time
	if at.UnmarshalText(m.Data) != nil {
		return
	}
	select {
	case e.seen <- at:
	default: // one is waiting already
	}
}

// tell publishes to the other servers. That it cannot is no reason to fail:
// they look for themselves from time to time.
func (e *Engine) tell(subject string, b []byte) {
	if err := e.nc.Publish(subject, b); err != nil {
		e.log.Warn("other servers are not told", "subject", subject, "error", err)
	}
}

func (e *Engine) change(structure, kiosk, what string) {
	b, err := json.Marshal(fleet.Change{Structure: structure, Kiosk: kiosk, What: what})
	if err == nil {
		e.tell(provisioning.Live(structure), b)
	}
}

// Tell says to all servers and consoles that something has changed that the
// engine does not change itself: settings, people's work on calls.
func (e *Engine) Tell(c fleet.Change) {
	if provisioning.ValidID(c.Structure) {
		e.change(c.Structure, c.Kiosk, c.What)
	}
}

func (e *Engine) onLive(m *nats.Msg) {
	var c fleet.Change
	if json.Unmarshal(m.Data, &c) == nil {
		e.hub.send(c)
	}
}

// Changes are those inside a scope, of all servers, until ctx ends. The
// channel is closed then, and also when its reader is too slow or the engine
// stops: whoever reads it looks at everything anew and calls Changes again.
func (e *Engine) Changes(ctx context.Context, sc fleet.Scope) <-chan fleet.Change {
	return e.hub.subscribe(ctx, sc)
}

// stop ends everything that start began, also a part of it.
func (e *Engine) stop() {
	if e.bridge != nil {
		e.bridge.close()
	}
	for _, s := range e.subs {
		_ = s.Unsubscribe() // the connection is closed below
	}
	e.crew.close(closeTime)
	for _, nc := range []*nats.Conn{e.nc, e.sys} {
		if nc != nil {
			_ = nc.FlushTimeout(time.Second) // the last answers, if anybody is there
			nc.Close()
		}
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	e.hub.close()
}

// crew runs what waits for SQL or for a kiosk, a bounded number at a time.
type crew struct {
	slots  chan struct{}
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func newCrew() *crew {
	c := &crew{slots: make(chan struct{}, workers)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// do runs f soon; it waits when too many run. Nothing happens after close.
func (c *crew) do(f func(ctx context.Context)) {
	select {
	case c.slots <- struct{}{}:
	case <-c.ctx.Done():
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		<-c.slots
		return
	}
	c.wg.Go(func() {
		defer func() { <-c.slots }()
		f(c.ctx)
	})
}

// close lets what runs finish for a while, then cuts it off.
func (c *crew) close(patience time.Duration) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	t := time.AfterFunc(patience, c.cancel)
	defer t.Stop()
	c.wg.Wait()
	c.cancel()
}
