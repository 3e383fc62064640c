package testportal

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// greetTimeout is how long a new connection may say nothing. Browsers open
// some in advance and use them seconds later.
const greetTimeout = 30 * time.Second

// network is the one port of the portal. TLS, plain HTTP and STUN arrive on
// it and are told apart by their first byte: a browser that maps every name to
// this port brings all three, and each one to the foreign host must be seen.
type network struct {
	tcp      net.Listener
	udp      *net.UDPConn
	accepted *queue
	server   *http.Server
	running  sync.WaitGroup
}

func (p *Portal) listen() (*network, error) {
	tcp, udp, err := listenBoth()
	if err != nil {
		return nil, err
	}
	n := &network{tcp: tcp, udp: udp, accepted: newQueue(tcp.Addr())}
	n.server = &http.Server{
		Handler:           p,
		ReadHeaderTimeout: greetTimeout,
		ErrorLog:          slog.NewLogLogger(p.o.Log.Handler(), slog.LevelDebug),
	}
	secure := &tls.Config{
		Certificates: []tls.Certificate{p.cert.leaf},
		// With HTTP/2 a browser may ask for any name of the certificate on a
		// connection it has, which would hide connections to the foreign host.
		NextProtos: []string{"http/1.1"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if hello.ServerName == HostForeign {
				p.count("connection")
			}
			return nil, nil
		},
	}
	n.running.Go(func() {
		// Its error is always that close ended it.
		_ = n.server.Serve(n.accepted)
	})
	n.running.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return // closed
			}
			n.running.Go(func() { p.sort(n, secure, conn) })
		}
	})
	n.running.Go(func() { p.countPackets(udp) })
	return n, nil
}

// listenBoth finds a port that is free for TCP and UDP.
func listenBoth() (net.Listener, *net.UDPConn, error) {
	var errs []error
	for range 20 {
		var lc net.ListenConfig
		tcp, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		at := tcp.Addr().(*net.TCPAddr)
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: at.IP, Port: at.Port})
		if err == nil {
			return tcp, udp, nil
		}
		errs = append(errs, err, tcp.Close())
	}
	return nil, nil, errors.Join(errs...)
}

// sort looks at the first byte of a connection and hands it on.
func (p *Portal) sort(n *network, secure *tls.Config, conn net.Conn) {
	n.accepted.watch(conn)
	in := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(greetTimeout)) // fails on a closed connection, as Peek does then
	first, err := in.Peek(1)
	_ = conn.SetReadDeadline(time.Time{})
	n.accepted.unwatch(conn)
	c := &peeked{Conn: conn, in: in}
	switch {
	case err != nil:
		conn.Close()
	case first[0] == 0x16: // a TLS handshake record (RFC 8446, 5.1)
		n.accepted.put(tls.Server(c, secure))
	case 'A' <= first[0] && first[0] <= 'Z': // an HTTP method
		n.accepted.put(c)
	default: // STUN and TURN begin with two zero bits (RFC 8489, 5)
		p.count("webrtc")
		conn.Close()
	}
}

// countPackets counts datagrams: STUN by its magic cookie (RFC 8489, 5), all
// else as QUIC.
func (p *Portal) countPackets(udp *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, _, err := udp.ReadFromUDP(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			continue // an ICMP answer to nothing we sent
		case n >= 8 && string(buf[4:8]) == "\x21\x12\xa4\x42":
			p.count("webrtc")
		default:
			p.count("quic")
		}
	}
}

// close cuts everything and waits.
func (n *network) close(ctx context.Context) error {
	errs := []error{n.tcp.Close(), n.udp.Close()}
	if err := n.server.Shutdown(ctx); err != nil {
		errs = append(errs, n.server.Close())
	}
	errs = append(errs, n.accepted.Close())
	n.running.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("testportal: close: %w", err)
	}
	return nil
}

// peeked is a connection some bytes of which were looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

func (c *peeked) Read(b []byte) (int, error) { return c.in.Read(b) }

// queue is the net.Listener of the connections that said something.
type queue struct {
	addr  net.Addr
	ready chan net.Conn
	done  chan struct{}

	mu     sync.Mutex
	silent map[net.Conn]struct{}
	closed bool
}

func newQueue(addr net.Addr) *queue {
	return &queue{addr: addr, ready: make(chan net.Conn), done: make(chan struct{}), silent: map[net.Conn]struct{}{}}
}

// watch closes conn when the queue is closed.
func (q *queue) watch(conn net.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		conn.Close()
		return
	}
	q.silent[conn] = struct{}{}
}

func (q *queue) unwatch(conn net.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.silent, conn)
}

func (q *queue) put(conn net.Conn) {
	select {
	case q.ready <- conn:
	case <-q.done:
		conn.Close()
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.ready:
		return conn, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It may be called twice.
func (q *queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	close(q.done)
	for conn := range q.silent {
		conn.Close()
	}
	return nil
}

// Addr implements net.Listener.
func (q *queue) Addr() net.Addr { return q.addr }
