package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
)

// dialer gives nats.go a connection on which TLS is spoken already: its own
// TLS would look names up behind the proxy's back, and lose the reason when
// something is in the way.
type dialer struct {
	ctx   context.Context //nolint:containedctx // nats.CustomDialer has none
	route *route.Route

	mu  sync.Mutex
	err error
}

// Dial is nats.CustomDialer.
func (d *dialer) Dial(_, _ string) (net.Conn, error) {
	c, err := d.route.Dial(d.ctx)
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.err = err
		return nil, err
	}
	// nats.Connect knows no context: its connection ends with ours.
	context.AfterFunc(d.ctx, func() { _ = c.Close() })
	return c, nil
}

func (d *dialer) fault() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// session is one connection.
type session struct {
	l      *Link
	nc     *nats.Conn
	pair   enrol.Pair
	closed chan struct{}
	base   func(word string) string
}

// session connects and serves until the connection ends. It says whether the
// server had welcomed the kiosk. The error is never nil.
func (l *Link) session(ctx context.Context) (linked bool, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := l.dial(ctx, stop)
	if err != nil {
		return false, err
	}
	defer func() {
		s.nc.Close()
		<-s.closed
	}()
	w, err := s.open(ctx)
	if err != nil {
		return false, s.why(err)
	}
	l.heard(ViaWebSocket)
	return true, s.why(s.serve(ctx, w))
}

// dial makes the connection; over is called at its end, so that no request
// waits for it any more.
func (l *Link) dial(ctx context.Context, over func()) (*session, error) {
	p := l.pair()
	s := &session{l: l, pair: p, closed: make(chan struct{})}
	s.base = func(word string) string { return provisioning.Up(p.Credential.Structure, p.Credential.Kiosk, word) }
	d := &dialer{ctx: ctx, route: l.route}
	port := l.route.Server.Port()
	if port == "" {
		port = "443"
	}
	nc, err := nats.Connect("ws://"+net.JoinHostPort(l.route.Server.Hostname(), port),
		nats.SetCustomDialer(d), nats.SkipHostLookup(), nats.ProxyPath(l.route.Server.JoinPath("/fleet").Path),
		nats.Name(p.Credential.Kiosk), nats.CustomInboxPrefix("_INBOX_"+p.Credential.Kiosk),
		nats.UserJWT(func() (string, error) { return p.Credential.Token, nil }, p.Key.Sign),
		nats.Timeout(30*time.Second), nats.NoReconnect(), nats.IgnoreDiscoveredServers(),
		nats.PingInterval(l.o.Pace.Ping), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(l.o.Pace.Answer),
		nats.ClosedHandler(func(*nats.Conn) { over(); close(s.closed) }),
		nats.LameDuckModeHandler(func(*nats.Conn) { l.log.Info("server goes down as planned") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.log.Debug("link", "err", err) }),
	)
	if err != nil {
		if fault := d.fault(); fault != nil {
			return nil, fault
		}
		return nil, l.connectFault(p, err)
	}
	s.nc = nc
	return s, nil
}

// connectFault names why nats.go did not connect on a TLS connection that
// works. Its errors are texts.
func (l *Link) connectFault(p enrol.Pair, err error) error {
	if err == nil {
		return nil
	}
	text := strings.ToLower(err.Error())
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), strings.Contains(text, "authorization"), strings.Contains(text, "authentication"):
		return l.refusal(p, err)
	case strings.Contains(text, "websocket"):
		return &kiosk.Error{Code: CodeWebSocket, Op: "link", Err: err}
	}
	return route.Fault("link", err)
}

// why names the end of a connection.
func (s *session) why(err error) error {
	if errors.Is(err, errAgain) {
		return err
	}
	if fault := s.l.connectFault(s.pair, s.nc.LastError()); kiosk.CodeOf(fault) == CodeRefused || kiosk.CodeOf(fault) == CodeExpired {
		return fault
	}
	if code := kiosk.CodeOf(err); code != kiosk.CodeInternal && code != kiosk.CodeCanceled {
		return err
	}
	return route.Fault("link: connection lost", err)
}

// open listens to commands, then says hello.
func (s *session) open(ctx context.Context) (provisioning.Welcome, error) {
	c := s.pair.Credential
	_, err := s.nc.Subscribe(provisioning.Down(c.Structure, c.Kiosk, provisioning.DownCmd), func(m *nats.Msg) {
		var signed provisioning.Signed
		if len(m.Data) > provisioning.MaxMessage || json.Unmarshal(m.Data, &signed) != nil {
			s.l.log.Warn("command not understood")
			return
		}
		var once sync.Once // a kiosk may answer a request once
		s.l.take(ctx, signed, func(r provisioning.Result) {
			once.Do(func() {
				if b, err := json.Marshal(r); err == nil && m.Reply != "" {
					_ = m.Respond(b) // the outbox tells it, too
				}
			})
		})
	})
	if err != nil {
		return provisioning.Welcome{}, fmt.Errorf("link: %w", err)
	}
	return s.hello(ctx)
}

func (s *session) hello(ctx context.Context) (provisioning.Welcome, error) {
	start := time.Now()
	b, err := s.request(ctx, provisioning.UpHello, s.l.hello())
	if err != nil {
		return provisioning.Welcome{}, err
	}
	w, err := provisioning.DecodeWelcome(b)
	var no provisioning.Ack
	if err != nil && json.Unmarshal(b, &no) == nil && no.Why == "later" {
		return w, &kiosk.Error{Code: CodeLater, Op: "link: hello", Err: err}
	} else if err != nil {
		return w, &kiosk.Error{Code: route.CodeServer, Op: "link: hello", Err: err}
	}
	s.l.welcomed(ctx, w, time.Since(start), s.pair, nil)
	return w, nil
}

// request asks and waits for the answer.
func (s *session) request(ctx context.Context, word string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	ctx, stop := context.WithTimeout(ctx, s.l.o.Pace.Answer)
	defer stop()
	m, err := s.nc.RequestWithContext(ctx, s.base(word), b)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, &kiosk.Error{Code: CodeLater, Op: "link: " + word, Err: err}
	} else if err != nil {
		return nil, fmt.Errorf("link: %s: %w", word, err)
	}
	return m.Data, nil
}

// serve sends what there is to send until the connection ends.
func (s *session) serve(ctx context.Context, w provisioning.Welcome) error {
	hello := time.NewTicker(s.l.o.Pace.Hello)
	defer hello.Stop()
	beat := time.NewTimer(0)
	defer beat.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for fails := 0; ; {
		if err := s.renew(ctx, w); err != nil {
			return err
		}
		w.Renew = false
		var err error
		select {
		case <-s.closed:
			return errors.New("link: closed")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
			err = s.beat()
			beat.Reset(s.l.pace())
		case <-hello.C:
			w, err = s.hello(ctx)
		case <-s.l.news:
			if fails > 0 {
				continue // the server said "later"
			}
			err = s.send(ctx)
		case <-again.C:
			err = s.send(ctx)
		}
		if kiosk.CodeOf(err) == CodeLater {
			fails++
			again.Reset(s.l.wait(fails))
			s.l.set(func(st *Status) { st.Code, st.Err = CodeLater, err.Error() })
		} else if err != nil {
			return err
		} else if fails > 0 && s.l.o.Box.Waiting() == 0 {
			fails = 0
			s.l.set(func(st *Status) { st.Code, st.Err = "", "" })
		}
	}
}

func (l *Link) pace() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beat
}

func (s *session) beat() error {
	b, err := json.Marshal(s.l.fullBeat())
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	if err := s.nc.Publish(s.base(provisioning.UpBeat), b); err != nil {
		return fmt.Errorf("link: beat: %w", err)
	}
	return nil
}

// send empties the outbox.
func (s *session) send(ctx context.Context) error {
	limit := provisioning.MaxBatch
	for s.l.o.Box.Waiting() > 0 {
		evs, err := s.l.o.Box.Next(ctx, limit)
		if err != nil || len(evs) == 0 {
			return nil //nolint:nilerr // the disk is not the network: it is tried again
		}
		b, err := s.request(ctx, provisioning.UpEvents, evs)
		if err != nil {
			return err
		}
		s.l.heard(ViaWebSocket)
		var a provisioning.Ack
		if err := json.Unmarshal(b, &a); err != nil {
			return &kiosk.Error{Code: route.CodeServer, Op: "link: events", Err: err}
		}
		if limit, err = s.l.acked(ctx, evs, a); err != nil {
			return err
		}
	}
	return nil
}

// acked takes the answer to events. It says how many to send next: what a
// server will never take is looked for, and left out.
func (l *Link) acked(ctx context.Context, evs []provisioning.Event, a provisioning.Ack) (limit int, err error) {
	last := evs[len(evs)-1]
	switch {
	case a.OK:
		return provisioning.MaxBatch, l.o.Box.Done(ctx, last.Epoch, last.Seq)
	case a.Why != "invalid":
		return 0, &kiosk.Error{Code: CodeLater, Op: "link: events", Err: errors.New("the server says " + a.Why)}
	case len(evs) > 1:
		return len(evs) / 2, nil
	}
	l.log.Error("server does not take an event", "kind", last.Kind, "number", last.Seq)
	return provisioning.MaxBatch, l.o.Box.Done(ctx, last.Epoch, last.Seq)
}

// renew changes keys when the server asks for it. The error is errAgain when
// it did.
func (s *session) renew(ctx context.Context, w provisioning.Welcome) error {
	ask := s.l.renewal(w)
	if ask == nil {
		return nil
	}
	b, err := s.request(ctx, provisioning.UpRenew, ask)
	if err != nil {
		return err
	}
	c, err := provisioning.DecodeCredential(b)
	if err == nil {
		err = s.l.granted(c)
	}
	if err != nil {
		s.l.log.Warn("keys not changed", "err", err) // the server asks again
		return nil
	}
	return errAgain
}
