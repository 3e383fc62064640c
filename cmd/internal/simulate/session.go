package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	random "math/rand/v2"
	"net"
	"time"

	"github.com/nats-io/nats.go"

	"pointnum/provisioning"
	"pointnum/provisioning/link/route"
)

// answerTime is how long a server may take to answer, as in package link.
const answerTime = 10 * time.Second

// dialer gives nats.go a connection on which TLS is spoken already.
type dialer struct {
	ctx   context.Context //nolint:containedctx // nats.CustomDialer has none
	route *route.Route
}

// Dial is nats.CustomDialer.
func (d dialer) Dial(_, _ string) (net.Conn, error) {
	c, err := d.route.Dial(d.ctx)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(d.ctx, func() { _ = c.Close() })
	return c, nil
}

// session is one connection, until it ends. linked says that the server had
// welcomed the agent.
func (a *Agent) session(ctx context.Context) (linked bool, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	nc, closed, err := a.dial(ctx, stop)
	if err != nil {
		return false, err
	}
	defer func() {
		a.linked.Store(false)
		nc.Close()
		<-closed
	}()
	c := a.o.Pair.Credential
	if _, err := nc.Subscribe(provisioning.Down(c.Structure, c.Kiosk, provisioning.DownCmd), func(m *nats.Msg) {
		var s provisioning.Signed
		if json.Unmarshal(m.Data, &s) != nil {
			return
		}
		r, ok := a.take(s)
		if b, err := json.Marshal(r); ok && err == nil && m.Reply != "" {
			_ = m.Respond(b) // the outbox tells it, too
		}
	}); err != nil {
		return false, err
	}
	if err := a.hello(ctx, nc); err != nil {
		return false, err
	}
	a.linked.Store(true)
	return true, a.serve(ctx, nc)
}

func (a *Agent) dial(ctx context.Context, over func()) (*nats.Conn, <-chan struct{}, error) {
	a.tries.Add(1)
	r := a.o.Routes[int(a.route.Load())%len(a.o.Routes)]
	p, closed := a.o.Pair, make(chan struct{})
	nc, err := nats.Connect("ws://"+net.JoinHostPort(r.Server.Hostname(), portOf(r)),
		nats.SetCustomDialer(dialer{ctx, r}), nats.SkipHostLookup(), nats.ProxyPath(r.Server.JoinPath("/fleet").Path),
		nats.Name(p.Credential.Kiosk), nats.CustomInboxPrefix("_INBOX_"+p.Credential.Kiosk),
		nats.UserJWT(func() (string, error) { return p.Credential.Token, nil }, p.Key.Sign),
		nats.Timeout(30*time.Second), nats.NoReconnect(), nats.IgnoreDiscoveredServers(),
		nats.PingInterval(time.Minute), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(answerTime),
		nats.ClosedHandler(func(*nats.Conn) { over(); close(closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { a.log.Debug("link", "err", err) }))
	if err != nil {
		return nil, nil, fmt.Errorf("simulate: %w", err)
	}
	return nc, closed, nil
}

func portOf(r *route.Route) string {
	if p := r.Server.Port(); p != "" {
		return p
	}
	return "443"
}

func (a *Agent) request(ctx context.Context, nc *nats.Conn, word string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, answerTime)
	defer stop()
	m, err := nc.RequestWithContext(ctx, provisioning.Up(a.Structure(), a.Kiosk(), word), b)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errLater
	} else if err != nil {
		return nil, err
	}
	return m.Data, nil
}

func (a *Agent) hello(ctx context.Context, nc *nats.Conn) error {
	h := provisioning.Hello{
		Words: provisioning.Version, Version: Version, Clock: time.Now().UnixMicro(), Settings: a.State().Settings, Beat: a.fullBeat(),
	}
	if keys := a.o.Pair.Credential.Keys; len(keys) > 0 {
		h.Key = keys[0]
	}
	b, err := a.request(ctx, nc, provisioning.UpHello, h)
	if err != nil {
		return err
	}
	w, err := provisioning.DecodeWelcome(b)
	if err != nil {
		return err
	}
	a.mu.Lock()
	if d := time.Duration(w.Beat) * time.Second; d >= provisioning.MinBeat && d <= provisioning.MaxBeat {
		a.every = d
	}
	if d := time.Duration(w.Backoff) * time.Second; a.o.Backoff == 0 && d >= provisioning.MinBackoff && d <= provisioning.MaxBackoff {
		a.most = d
	}
	a.mu.Unlock()
	for _, s := range w.Commands {
		a.take(s)
	}
	return nil
}

// serve sends what there is until the connection ends.
func (a *Agent) serve(ctx context.Context, nc *nats.Conn) error {
	a.mu.Lock()
	every, told := a.every, a.beat.Use
	a.mu.Unlock()
	beat := time.NewTimer(random.N(every))
	defer beat.Stop()
	again := time.NewTimer(0) // what waited while there was no connection
	defer again.Stop()
	for fails := 0; ; {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
			beat.Reset(every)
			told, err = a.tellBeat(nc)
		case <-a.news:
			if a.fullBeat().Use != told {
				told, err = a.tellBeat(nc)
			}
			if err == nil && fails == 0 { // else the server said "later"
				err = a.send(ctx, nc)
			}
		case <-again.C:
			err = a.send(ctx, nc)
		}
		switch {
		case errors.Is(err, errLater):
			fails++
			again.Reset(a.wait(fails))
		case err != nil:
			return err
		case a.Waiting() == 0:
			fails = 0
		}
	}
}

func (a *Agent) tellBeat(nc *nats.Conn) (provisioning.Use, error) {
	v := a.fullBeat()
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return v.Use, nc.Publish(provisioning.Up(a.Structure(), a.Kiosk(), provisioning.UpBeat), b)
}

// send empties the outbox.
func (a *Agent) send(ctx context.Context, nc *nats.Conn) error {
	for evs := a.next(); len(evs) > 0; evs = a.next() {
		b, err := a.request(ctx, nc, provisioning.UpEvents, evs)
		if err != nil {
			return err
		}
		var ack provisioning.Ack
		if err := json.Unmarshal(b, &ack); err != nil {
			return err
		}
		if !ack.OK && ack.Why == "invalid" {
			return fmt.Errorf("simulate: the server does not understand event %d", evs[0].Seq)
		} else if !ack.OK {
			return errLater
		}
		a.stored(evs[len(evs)-1].Seq)
	}
	return nil
}

// take does a command of the server's, once, and says how it ended; false for
// what is none.
func (a *Agent) take(s provisioning.Signed) (provisioning.Result, bool) {
	c, err := provisioning.Open(a.o.Pair.Credential.Keys, a.Structure(), a.Kiosk(), time.Now(), s)
	if err != nil && !errors.Is(err, provisioning.ErrExpired) {
		a.log.Warn("command refused", "kiosk", a.Kiosk(), "err", err)
		return provisioning.Result{}, false
	}
	r := provisioning.Result{ID: c.ID, Status: provisioning.StatusDone}
	if err != nil {
		r.Status = provisioning.StatusExpired
	}
	a.mu.Lock()
	before, known := a.done[c.ID]
	a.done[c.ID] = r
	a.mu.Unlock()
	if known {
		return before, true
	}
	if r.Status == provisioning.StatusDone {
		a.obey(c)
	}
	a.put(provisioning.Event{Kind: provisioning.EventResult, Result: &r})
	return r, true
}

// obey does what commands do to what the host sees.
func (a *Agent) obey(c provisioning.Command) {
	do := map[provisioning.CommandKind]func(*provisioning.State){
		provisioning.CommandMessage:   func(s *provisioning.State) { s.Message = c.Text },
		provisioning.CommandHelpTaken: func(s *provisioning.State) { s.Taken = s.Help != 0 },
		provisioning.CommandHelpDone:  func(s *provisioning.State) { s.Help, s.Taken = 0, false },
		provisioning.CommandPause:     func(s *provisioning.State) { s.Paused = c.Text },
		provisioning.CommandResume:    func(s *provisioning.State) { s.Paused = "" },
		provisioning.CommandRecheck:   func(s *provisioning.State) { s.Conditions = nil },
		provisioning.CommandSettings:  func(s *provisioning.State) { s.Settings = c.Settings.Revision },
		provisioning.CommandUpdate:    func(s *provisioning.State) { ordered(s, *c.Update) },
	}[c.Kind]
	if do != nil {
		a.Change(do)
	}
	switch c.Kind {
	case provisioning.CommandPause:
		a.Use(provisioning.UsePaused)
	case provisioning.CommandResume:
		a.Use(provisioning.UseFree)
	}
	if a.o.Obey != nil {
		a.o.Obey(c)
	}
}
