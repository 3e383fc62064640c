// Package egress is the only way out of a portal's browser: a forward proxy on
// loopback that opens tunnels (CONNECT, RFC 9110 §9.3.6) to port 443 of the
// hosts a visit may reach. Policies bind navigations only; the proxy binds
// what they do not: fetch, images, WebSocket, beacons and the browser's own
// calls. All else is answered 403 and counted.
//
// An allowed name that leads to this machine, to the house's network or to a
// cloud's metadata is refused as well: the address is checked when it is
// dialled, so that a second answer of the name server changes nothing.
//
// Nobody else on the machine can use it. TCP has no SO_PEERCRED, so the owner
// of the connecting socket is looked up in the kernel's table (see User);
// proxy passwords would have Chromium's every request paused and answered over
// DevTools, and a password can be passed on.
//
// No host name, address or byte of a visitor is logged. What travels is TLS;
// nothing of it is kept.
package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// Options say who may go where.
type Options struct {
	// Allow says whether a host may be reached; nil allows none. It gets the
	// host as the browser wrote it, without a port, is called from many
	// goroutines and must not call the Proxy.
	Allow func(host string) bool
	// Allowed says whether a client may use the proxy at all; nil allows the
	// processes of our own user. See User.
	Allowed func(net.Conn) bool
	// Dial replaces the checked dialler, whose guarantees it then has to give
	// itself; addr is "host:443". For tests and kioskdev, which map hosts to
	// loopback.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver finds the addresses of the checked dialler; nil is the system's.
	Resolver *net.Resolver
	// Refused is told the host names that were asked for on port 443 and are
	// not on the list, each once a visit, so that a person may add them. What
	// Chromium asks for by itself is not told. It is called from many
	// goroutines; the connection waits for it.
	Refused func(host string)
	// MaxConns is how many connections may be open; 0 is 256.
	MaxConns int
	// Idle ends a tunnel on which nothing moves; 0 is 15 minutes.
	Idle time.Duration
	Log  *slog.Logger // nil logs nothing
}

// The limits of this package.
const (
	maxHeader  = 16 << 10         // bytes of a request
	headerTime = 10 * time.Second // for a request to arrive
	dialTime   = 15 * time.Second // to find and reach a host
	maxTold    = 200              // hosts told a visit: a page can make up any number
)

// Proxy is a running proxy. Its methods may be called from any goroutine.
type Proxy struct {
	o    Options
	ln   *net.TCPListener
	done sync.WaitGroup

	mu     sync.Mutex
	allow  func(string) bool
	conns  map[*conn]struct{}
	told   map[string]bool
	stats  Stats
	closed bool
}

// Stats counts since Listen.
type Stats struct {
	Opened  int64 // tunnels
	Refused int64 // requests and connections that were turned away
	Failed  int64 // allowed hosts that could not be reached
	Open    int   // connections now
}

// conn is a browser's connection and, once its tunnel is open, the host's.
type conn struct {
	*net.TCPConn
	ctx    context.Context // ends with the connection; bounds its dialling
	cancel context.CancelFunc
	gone   chan struct{} // closed when nothing of the connection is left

	host string   // of the tunnel; guarded by Proxy.mu, like up
	up   net.Conn // nil until the tunnel is open
}

// Listen starts a proxy on a free port of 127.0.0.1. The caller closes it.
func Listen(o Options) (*Proxy, error) {
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("egress: listen: %w", err)
	}
	if o.Allowed == nil {
		o.Allowed = User(os.Getuid())
	}
	if o.Dial == nil {
		o.Dial = checkedDial(o.Resolver)
	}
	if o.MaxConns == 0 {
		o.MaxConns = 256
	}
	if o.Idle == 0 {
		o.Idle = 15 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{o: o, ln: ln, allow: o.Allow, conns: map[*conn]struct{}{}, told: map[string]bool{}}
	p.done.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens, "127.0.0.1:40123".
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Flags are what Chromium needs to use the proxy for everything. Without the
// second one it goes straight to loopback, to the agent's own screens; without
// the third one it calls Google by itself where Gmail is allowed; without the
// last one pages can have names looked up, which tells the name server of any
// domain (the proxy finds the addresses, Chromium needs none).
func (p *Proxy) Flags() []string {
	return []string{
		"--proxy-server=http://" + p.Addr(),
		"--proxy-bypass-list=<-loopback>",
		"--gaia-url=https://" + gaia,
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	}
}

// SetAllow replaces the list. Tunnels to hosts that are not on the new one are
// cut at once.
func (p *Proxy) SetAllow(allow func(host string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allow = allow
	for c := range p.conns {
		if c.up != nil && !p.allows(c.host) {
			c.end()
		}
	}
}

// allows asks the list; p.mu is held.
func (p *Proxy) allows(host string) bool { return p.allow != nil && p.allow(host) }

// Stats returns the counts.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Open = len(p.conns)
	return s
}

// CloseConnections ends a visit: it cuts every connection, waits until none of
// them is left, and forgets which hosts were told. The proxy goes on
// listening; end the browser first, or it connects again.
func (p *Proxy) CloseConnections() {
	p.mu.Lock()
	var cut []*conn
	for c := range p.conns {
		c.end()
		cut = append(cut, c)
	}
	clear(p.told)
	s := p.stats
	p.mu.Unlock()
	for _, c := range cut {
		<-c.gone
	}
	p.o.Log.Info("browser connections closed", "cut", len(cut), "opened", s.Opened, "refused", s.Refused, "failed", s.Failed)
}

// Close stops listening, cuts every connection and waits for their end. It may
// be called twice.
func (p *Proxy) Close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	for c := range p.conns {
		c.end()
	}
	p.mu.Unlock()
	var err error
	if !again {
		err = p.ln.Close()
	}
	p.done.Wait()
	if err != nil {
		return fmt.Errorf("egress: close: %w", err)
	}
	return nil
}

// accept serves until the listener is closed.
func (p *Proxy) accept() {
	for {
		tcp, err := p.ln.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of descriptors, or the client was gone already. Connections
			// end and free theirs; do not spin until then.
			p.o.Log.Warn("browser connection not accepted")
			time.Sleep(50 * time.Millisecond) // pacing
			continue
		}
		c := &conn{TCPConn: tcp, gone: make(chan struct{})}
		c.ctx, c.cancel = context.WithCancel(context.Background())
		if !p.add(c) {
			c.end()
			continue
		}
		p.done.Go(func() {
			defer p.remove(c)
			p.serve(c)
		})
	}
}

// add takes a connection in; false when there are too many.
func (p *Proxy) add(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns) >= p.o.MaxConns {
		p.stats.Refused++
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) remove(c *conn) {
	p.mu.Lock()
	c.end()
	delete(p.conns, c)
	p.mu.Unlock()
	close(c.gone)
}

// end cuts a connection; its goroutines notice and return. The proxy's lock is
// held, unless nobody else knows the connection. What was cut before says so
// when it is closed again; that is no fault.
func (c *conn) end() {
	c.cancel()
	_ = c.Close()
	if c.up != nil {
		_ = c.up.Close()
	}
}
