package egress_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/portal"
)

var list = portal.Hosts{"portal.test"}

// listen starts a proxy that everything about is checked at its end: nothing
// of it is left, and its log names no host.
func listen(t testing.TB, o egress.Options) *egress.Proxy {
	t.Helper()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if o.Allow == nil {
		o.Allow = list.Allow
	}
	p, err := egress.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Error(err)
		}
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if bytes.Contains(stacks, []byte("egress.(*Proxy)")) {
			t.Errorf("goroutines are left:\n%s", stacks)
		}
		for _, word := range []string{".test", "127.0.0.1", "localhost", "GET", "secret"} {
			if strings.Contains(log.String(), word) {
				t.Errorf("the log says %q:\n%s", word, &log)
			}
		}
		if s := p.Stats(); s.Open != 0 {
			t.Errorf("left: %+v", s)
		}
	})
	return p
}

// server serves TCP connections until the test ends.
func server(t testing.TB, serve func(*net.TCPConn)) (addr string, accepted *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = &atomic.Int64{}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			done.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		done.Wait()
	})
	return ln.Addr().String(), accepted
}

func echo(c *net.TCPConn) { io.Copy(c, c) } //nolint:errcheck // the test sees it

// to maps every host to an address.
func to(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}

// ask sends a request and returns the connection and the answer's status; 0
// when there was none.
func ask(t testing.TB, p *egress.Proxy, request string) (*net.TCPConn, int) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Error(err)
		return nil, 0
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // reading tells
	if _, err := io.WriteString(c, request); err != nil {
		return c.(*net.TCPConn), 0
	}
	// Byte by byte: what follows the answer is the tunnel's.
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		if _, err := c.Read(one); err != nil {
			return c.(*net.TCPConn), 0
		}
	}
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Errorf("answer %q: %v", head, err)
		return c.(*net.TCPConn), 0
	}
	r.Body.Close()
	return c.(*net.TCPConn), r.StatusCode
}

func connect(host string) string {
	return "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
}

func TestATunnelCarriesBothWaysAndEndsByHalves(t *testing.T) {
	addr, _ := server(t, func(c *net.TCPConn) {
		all, err := io.ReadAll(c) // until the client has said all
		if err == nil {
			fmt.Fprintf(c, "got %d", len(all))
		}
	})
	p := listen(t, egress.Options{Dial: to(addr)})
	// The first bytes come in one piece with the request.
	c, status := ask(t, p, connect("www.portal.test:443")+"early")
	if status != 200 {
		t.Fatalf("got %d", status)
	}
	big := bytes.Repeat([]byte("x"), 3<<20)
	if _, err := c.Write(big); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if want := fmt.Sprintf("got %d", len(big)+5); err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if s := p.Stats(); s.Opened != 1 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

func TestEverythingElseIsRefused(t *testing.T) {
	addr, accepted := server(t, echo)
	var mu sync.Mutex
	var told []string
	p := listen(t, egress.Options{Dial: to(addr), Refused: func(host string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, host)
	}})
	cases := []struct {
		name, request string
		status        int
	}{
		{"another host", connect("foreign.test:443"), 403},
		{"another host again", connect("FOREIGN.test.:443"), 403},
		{"a host that only ends like an allowed one", connect("notportal.test:443"), 403},
		{"what Chromium asks for by itself", connect("update.googleapis.com:443"), 403},
		{"another port", connect("portal.test:80"), 403},
		{"another port's other name", connect("portal.test:https"), 400},
		{"no port", connect("portal.test"), 403},
		{"loopback", connect("127.0.0.1:443"), 403},
		{"loopback by name", connect("localhost:443"), 403},
		{"loopback in IPv6", connect("[::1]:443"), 403},
		{"loopback as one number", connect("2130706433:443"), 403},
		{"a path", "CONNECT /portal.test:443 HTTP/1.1\r\n\r\n", 403},
		{"http, to an allowed host too", "GET http://portal.test/secret HTTP/1.1\r\nHost: portal.test\r\n\r\n", 403},
		{"https without a tunnel", "GET https://portal.test/secret HTTP/1.1\r\nHost: portal.test\r\n\r\n", 403},
		{"the proxy itself", "GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n", 403},
		{"a Host field that says something else", "CONNECT foreign.test:443 HTTP/1.1\r\nHost: portal.test:443\r\n\r\n", 403},
		{"something that is not HTTP", "\x16\x03\x01secret\r\n\r\n", 400},
		{"a request without end", "CONNECT portal.test:443 HTTP/1.1\r\nA: " + strings.Repeat("secret", 5000), 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, status := ask(t, p, c.request); status != c.status {
				t.Errorf("got %d, want %d", status, c.status)
			}
		})
	}
	if n := accepted.Load(); n != 0 {
		t.Errorf("%d connections reached a server", n)
	}
	if s := p.Stats(); s.Refused != int64(len(cases)) || s.Opened != 0 {
		t.Errorf("%+v", s)
	}
	if want := []string{"foreign.test", "notportal.test"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	p.CloseConnections()
	ask(t, p, connect("foreign.test:443"))
	if len(told) != 3 {
		t.Errorf("the next visit was not told: %q", told)
	}
}

func TestAnAllowedHostThatDoesNotAnswer(t *testing.T) {
	p := listen(t, egress.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no route to portal.test")
	}})
	if _, status := ask(t, p, connect("portal.test:443")); status != 502 {
		t.Errorf("got %d", status)
	}
	if s := p.Stats(); s.Failed != 1 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

// A client under another user gets nothing, not even an answer. As an ordinary
// user the test can't start one, and lets in somebody else than itself.
func TestAnotherUserCannotUseTheProxy(t *testing.T) {
	addr, accepted := server(t, echo)
	try := func(t *testing.T, p *egress.Proxy, uid int) string {
		port := p.Addr()[strings.LastIndex(p.Addr(), ":")+1:]
		cmd := exec.Command("bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/`+port+` && printf 'CONNECT portal.test:443 HTTP/1.1\r\n\r\n' >&3 && head -c 12 <&3`)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if uid != os.Getuid() {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
		}
		out, _ := cmd.Output() // it fails when it is refused: its answer is what counts
		return string(out)
	}
	t.Run("we", func(t *testing.T) {
		if got := try(t, listen(t, egress.Options{Dial: to(addr)}), os.Getuid()); got != "HTTP/1.1 200" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("another user", func(t *testing.T) {
		o, uid := egress.Options{Dial: to(addr)}, 65534
		if os.Getuid() != 0 {
			uid, o.Allowed = os.Getuid(), egress.User(os.Getuid()+1)
		}
		p := listen(t, o)
		if got := try(t, p, uid); got != "" {
			t.Errorf("got %q", got)
		}
		if s := p.Stats(); s.Refused != 1 {
			t.Errorf("%+v", s)
		}
	})
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d tunnels, want our own", n)
	}
}

// The kernel's table changes while it is read; nobody of ours is turned away
// for that.
func TestManyConnectionsAtOnceAreAllLetIn(t *testing.T) {
	addr, _ := server(t, echo)
	p := listen(t, egress.Options{Dial: to(addr)})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				c, status := ask(t, p, connect("portal.test:443"))
				if status != 200 {
					t.Errorf("got %d", status)
				}
				if c != nil {
					c.Close()
				}
			}
		})
	}
	all.Wait()
	if s := p.Stats(); s.Opened != 200 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}
