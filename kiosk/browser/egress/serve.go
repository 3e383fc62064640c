package egress

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// serve reads the one request of a connection and, if it may, becomes a
// tunnel. Answers that the client did not wait for are lost: it is gone then.
func (p *Proxy) serve(c *conn) {
	if !p.o.Allowed(c) {
		p.count(func(s *Stats) { s.Refused++ })
		p.o.Log.Warn("connection of another user refused")
		return
	}
	_ = c.SetDeadline(time.Now().Add(headerTime)) // fails only when cut, and then reading does
	in := bufio.NewReader(io.LimitReader(c, maxHeader))
	req, err := http.ReadRequest(in)
	if errors.Is(err, io.EOF) {
		return // opened in advance and not used
	}
	if err != nil {
		p.refuse(c, http.StatusBadRequest)
		return
	}
	host, port, err := net.SplitHostPort(req.RequestURI)
	if req.Method != http.MethodConnect || err != nil || port != "443" {
		p.refuse(c, http.StatusForbidden)
		return
	}
	if !p.allowed(host) {
		p.tell(host)
		p.refuse(c, http.StatusForbidden)
		return
	}
	up, err := p.dial(c, host)
	if err != nil {
		if errors.Is(err, errNotPublic) {
			p.refuse(c, http.StatusForbidden)
			return
		}
		p.count(func(s *Stats) { s.Failed++ })
		answer(c, http.StatusBadGateway)
		return
	}
	if !p.open(c, host, up) {
		_ = up.Close() // nothing was written to it
		p.refuse(c, http.StatusForbidden)
		return
	}
	_ = c.SetDeadline(time.Time{})
	if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	// What came behind the request already belongs to the tunnel.
	early, _ := in.Peek(in.Buffered()) // no more than there is: no error
	p.tunnel(c, up, early)
}

func (p *Proxy) count(f func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

func (p *Proxy) allowed(host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.allows(host)
}

func (p *Proxy) dial(c *conn, host string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(c.ctx, dialTime)
	defer cancel()
	return p.o.Dial(ctx, "tcp", net.JoinHostPort(host, "443"))
}

// open makes a tunnel known. It asks again: the list may be another one since
// the dialling began, or the visit over.
func (p *Proxy) open(c *conn, host string, up net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.ctx.Err() != nil || !p.allows(host) {
		return false
	}
	c.host, c.up = host, up
	p.stats.Opened++
	return true
}

func (p *Proxy) refuse(c *conn, status int) {
	p.count(func(s *Stats) { s.Refused++ })
	answer(c, status)
}

func answer(c *conn, status int) {
	// The dialling may have used up the time of the request. The client sees
	// the end of the connection if it does not see this.
	_ = c.SetDeadline(time.Now().Add(headerTime))
	_, _ = io.WriteString(c, "HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// tell names a host that is not on the list, once a visit.
func (p *Proxy) tell(host string) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if p.o.Refused == nil || !isName(host) || slices.Contains(chromiumsOwn, host) {
		return
	}
	p.mu.Lock()
	news := !p.told[host] && len(p.told) < maxTold
	if news {
		p.told[host] = true
	}
	p.mu.Unlock()
	if news {
		p.o.Refused(host)
	}
}

// isName is true for a name of the public web: labels of letters, digits and
// hyphens, the last of them no number.
func isName(host string) bool {
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && len(host) <= 253 && last[0] > '9'
}

// tunnel carries bytes both ways until both ends have said all, one of them
// fails, or nothing moves for Options.Idle.
func (p *Proxy) tunnel(c *conn, up net.Conn, early []byte) {
	if len(early) > 0 {
		if _, err := up.Write(early); err != nil {
			return
		}
	}
	t := &tunnel{idle: p.o.Idle}
	t.touch()
	cut := func(err error) {
		if err != nil {
			p.mu.Lock()
			c.end() // wakes the other direction
			p.mu.Unlock()
		}
	}
	var back sync.WaitGroup
	back.Go(func() { cut(t.carry(c.TCPConn, up)) })
	cut(t.carry(up, c.TCPConn))
	back.Wait()
}

// tunnel is what both directions of a tunnel know.
type tunnel struct {
	idle time.Duration
	last atomic.Int64 // when something moved in either direction, in Unix nanoseconds
}

func (t *tunnel) touch()                   { t.last.Store(time.Now().UnixNano()) }
func (t *tunnel) idleSince() time.Duration { return time.Since(time.Unix(0, t.last.Load())) }

// carry copies one direction. At its end it closes the writing side of dst
// only: the answer to a request may still come.
func (t *tunnel) carry(dst, src net.Conn) error {
	buf := make([]byte, 32<<10)
	for {
		// Setting a deadline fails only on a connection that was cut, and then
		// reading and writing do.
		_ = src.SetReadDeadline(time.Now().Add(t.idle))
		n, err := src.Read(buf)
		if n > 0 {
			t.touch()
			_ = dst.SetWriteDeadline(time.Now().Add(t.idle))
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			if half, ok := dst.(interface{ CloseWrite() error }); ok {
				return half.CloseWrite()
			}
			return err // it can't be half closed, so it is closed
		case errors.Is(err, os.ErrDeadlineExceeded) && t.idleSince() < t.idle:
		default:
			return err
		}
	}
}
