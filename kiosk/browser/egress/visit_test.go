package egress_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/portal"
)

func TestANewListCutsWhatIsNotOnIt(t *testing.T) {
	addr, _ := server(t, echo)
	p := listen(t, egress.Options{Dial: to(addr), Allow: portal.Hosts{"portal.test", "mail.test"}.Allow})
	portalConn, _ := ask(t, p, connect("portal.test:443"))
	mailConn, _ := ask(t, p, connect("mail.test:443"))
	p.SetAllow(portal.Hosts{"mail.test"}.Allow)
	if _, err := portalConn.Read(make([]byte, 1)); err == nil {
		t.Error("the tunnel to the old portal is still there")
	}
	if _, status := ask(t, p, connect("portal.test:443")); status != 403 {
		t.Errorf("got %d for a host that is no longer on the list", status)
	}
	if _, err := mailConn.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(mailConn, make([]byte, 1)); err != nil {
		t.Errorf("the mailbox was cut too: %v", err)
	}
	p.SetAllow(nil)
	if _, status := ask(t, p, connect("mail.test:443")); status != 403 {
		t.Errorf("got %d without a list", status)
	}
}

// The end of a visit waits for tunnels, for connections that have not asked
// yet and for those that are being made.
func TestAfterTheVisitNoConnectionIsLeft(t *testing.T) {
	addr, _ := server(t, echo)
	dialling := make(chan struct{})
	p := listen(t, egress.Options{Allow: portal.Hosts{"portal.test", "slow.test"}.Allow, Dial: func(ctx context.Context, network, host string) (net.Conn, error) {
		if host == "slow.test:443" {
			close(dialling)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return to(addr)(ctx, network, host)
	}})
	var conns []net.Conn
	for range 5 {
		c, status := ask(t, p, connect("portal.test:443"))
		if status != 200 {
			t.Fatalf("got %d", status)
		}
		conns = append(conns, c)
	}
	half := conns[0].(*net.TCPConn)
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for _, early := range []string{"", "CONNECT por", connect("slow.test:443")} {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, early); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	<-dialling
	start := time.Now()
	p.CloseConnections()
	if s := p.Stats(); s.Open != 0 {
		t.Errorf("%+v", s)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
	for i, c := range conns {
		c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // reading tells
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("connection %d is still open", i)
		}
	}
	if _, status := ask(t, p, connect("portal.test:443")); status != 200 {
		t.Errorf("the next visit got %d", status)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	addr, _ := server(t, echo)
	p := listen(t, egress.Options{Dial: to(addr), MaxConns: 2})
	first, _ := ask(t, p, connect("portal.test:443"))
	ask(t, p, connect("portal.test:443"))
	if _, status := ask(t, p, connect("portal.test:443")); status != 0 {
		t.Errorf("the third one got %d", status)
	}
	first.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, status := ask(t, p, connect("portal.test:443")); status == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no place was freed")
		}
	}
}

func TestATunnelOnWhichNothingMovesEnds(t *testing.T) {
	addr, _ := server(t, func(c *net.TCPConn) {
		// One direction is busy longer than the limit: that keeps both.
		for range 10 {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(40 * time.Millisecond) // pacing
		}
		io.Copy(io.Discard, c) //nolint:errcheck // it is cut
	})
	p := listen(t, egress.Options{Dial: to(addr), Idle: 200 * time.Millisecond})
	c, _ := ask(t, p, connect("portal.test:443"))
	got, err := io.ReadAll(c)
	if len(got) != 10 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// Whatever is sent, only an allowed host is dialled, on port 443, and only a
// tunnel that was granted reaches it.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{connect("portal.test:443") + "hello", connect("foreign.test:443"), connect("portal.test:80"),
		"GET http://portal.test/ HTTP/1.1\r\nHost: portal.test\r\n\r\n", "CONNECT portal.test:443 HTTP/1.0\n\n", "CONNECT portal.test:443@x:443 HTTP/1.1\r\n\r\n",
		"CONNECT portal.test:443 HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x05\x01\x00"} {
		f.Add(seed)
	}
	p := listen(f, egress.Options{Allowed: func(net.Conn) bool { return true }, Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || port != "443" || !list.Allow(host) {
			panic("dialled " + addr)
		}
		ours, theirs := net.Pipe()
		ours.Close()
		return theirs, nil
	}})
	f.Fuzz(func(t *testing.T, request string) {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(8 * time.Second)) //nolint:errcheck // reading tells
		io.WriteString(c, request)                     //nolint:errcheck // it may answer before it has read all
		c.(*net.TCPConn).CloseWrite()                  //nolint:errcheck // the same
		got, err := io.ReadAll(c)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("no end after %q", request)
		}
		if len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/1.1 ")) {
			t.Fatalf("got %q", got)
		}
	})
}
