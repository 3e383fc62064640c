package engine

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	fleetPath = "/fleet"
	// GateSize is how many connections are set up at one time, unless said
	// otherwise.
	GateSize = 64
	slotTime = 15 * time.Second
)

// Gate bounds how many connections are being set up at one time: TLS, upgrade
// and NATS login. The others wait in the kernel's queue, so that after a
// restart the work done is not thrown away by kiosks that give up half-way.
// Each holds its slot for 15 s at most. It goes below TLS; the http.Server
// needs ConnContext, and Gated around its handler. GateSize when n is 0.
func Gate(l net.Listener, n int) net.Listener {
	if n <= 0 {
		n = GateSize
	}
	return &gate{Listener: l, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

type gate struct {
	net.Listener
	slots  chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Accept waits for a slot, then for a connection.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case g.slots <- struct{}{}:
	case <-g.closed:
		return nil, net.ErrClosed
	}
	c, err := g.Listener.Accept()
	if err != nil {
		<-g.slots
		return nil, err
	}
	gc := &gated{Conn: c, gate: g}
	gc.timer = time.AfterFunc(slotTime, gc.free)
	return gc, nil
}

// Close stops Accept, also one that waits for a slot.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

type gated struct {
	net.Conn
	gate  *gate
	once  sync.Once
	timer *time.Timer
}

func (c *gated) free() { c.once.Do(func() { <-c.gate.slots }) }

func (c *gated) release() {
	c.timer.Stop()
	c.free()
}

// Close gives the slot back, too.
func (c *gated) Close() error {
	c.release()
	return c.Conn.Close()
}

type gateKey struct{}

// ConnContext is for http.Server: it lets handlers know the slot of their
// connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	if g, ok := c.(*gated); ok {
		return context.WithValue(ctx, gateKey{}, g.release)
	}
	return ctx
}

// setUp gives back the slot of a request's connection.
func setUp(ctx context.Context) func() {
	if f, ok := ctx.Value(gateKey{}).(func()); ok {
		return f
	}
	return func() {}
}

// Gated gives slots back at once for all requests but those of kiosks'
// connections, which the engine ends itself.
func Gated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != fleetPath {
			setUp(r.Context())()
		}
		h.ServeHTTP(w, r)
	})
}
