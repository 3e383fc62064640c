package egress_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/portal"
)

// site is a web server with everything a page can load. It counts the TCP
// connections: not even a TLS handshake may reach a host that is refused.
func site(t *testing.T, start func(*httptest.Server)) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><title>portal</title><body>") //nolint:errcheck // the page tells
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		io.WriteString(w, "text") //nolint:errcheck // the page tells
	})
	mux.HandleFunc("/image.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`) //nolint:errcheck // the page tells
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		if kind, text, err := c.ReadMessage(); err == nil {
			c.WriteMessage(kind, text) //nolint:errcheck // the page tells
		}
	})
	n := &atomic.Int64{}
	srv := httptest.NewUnstartedServer(mux)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // WebRTC's TURN is no TLS
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			n.Add(1)
		}
	}
	start(srv)
	t.Cleanup(srv.Close)
	return srv, n
}

// load is everything a page can ask another host for; each ends with "yes" or
// "no".
const load = `(async (host) => {
  const on = (el, ok) => new Promise(done => { el.onload = () => done('yes'); el.onerror = () => done('no'); ok(el); });
  const url = (path) => 'https://' + host + path;
  const out = {};
  out.fetch = await fetch(url('/text')).then(r => r.text(), () => '').then(s => s === 'text' ? 'yes' : 'no');
  out.post = await fetch(url('/text'), {method: 'POST', body: 'secret', mode: 'no-cors'}).then(() => 'yes', () => 'no');
  out.image = await on(new Image(), i => i.src = url('/image.svg'));
  out.style = await on(document.createElement('link'), l => { l.rel = 'stylesheet'; l.href = url('/style.css'); document.body.append(l); });
  out.script = await on(document.createElement('script'), s => { s.src = url('/script.js'); document.body.append(s); });
  out.socket = await new Promise(done => {
    const s = new WebSocket('wss://' + host + '/socket');
    s.onopen = () => s.send('hello');
    s.onmessage = (e) => done(e.data === 'hello' ? 'yes' : 'no');
    s.onerror = () => done('no');
  });
  for (const rel of ['preconnect', 'dns-prefetch', 'prefetch', 'preload']) {
    const l = document.createElement('link');
    l.rel = rel; l.href = url('/' + rel); l.as = 'image';
    document.head.append(l);
  }
  navigator.sendBeacon(url('/beacon'), 'secret');
  document.body.append(Object.assign(document.createElement('iframe'), {src: url('/page')}));
  const rtc = new RTCPeerConnection({iceServers: [{urls: 'turn:' + host + ':443?transport=tcp', username: 'u', credential: 'secret'}]});
  rtc.createDataChannel('x');
  await rtc.setLocalDescription();
  await new Promise(done => setTimeout(done, 500));
  rtc.close();
  return out;
})`

// loadAll has the page ask a host for everything.
func loadAll(ctx context.Context, t *testing.T, p *devtools.Page, host, want string) {
	t.Helper()
	var got map[string]string
	if err := p.Eval(ctx, fmt.Sprintf("%s(%q)", load, host), &got); err != nil {
		t.Fatal(err)
	}
	for what, answer := range got {
		// The files that are not there end in an error everywhere.
		if answer != want && what != "style" && what != "script" {
			t.Errorf("%s from %s: %s, want %s", what, host, answer, want)
		}
	}
}

// chromium starts a browser that ends before the proxy it uses.
func chromium(t *testing.T, flags []string) (*devtools.Browser, context.Context) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run 'make deps' first")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, ctx
}

func TestChromiumReachesAllowedHostsOnly(t *testing.T) {
	ours, oursN := site(t, (*httptest.Server).StartTLS)
	foreign, foreignN := site(t, (*httptest.Server).StartTLS)
	agent, agentN := site(t, (*httptest.Server).Start)
	var mu sync.Mutex
	var told []string
	proxy := listen(t, egress.Options{
		// The dialler would take anybody anywhere: the list alone stops them.
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			switch {
			case strings.HasSuffix(addr, "portal.test:443"):
				addr = ours.Listener.Addr().String()
			case addr == "foreign.test:443":
				addr = foreign.Listener.Addr().String()
			default:
				addr = agent.Listener.Addr().String()
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
		Refused: func(host string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, host)
		},
	})
	b, ctx := chromium(t, append(proxy.Flags(), "--ignore-certificate-errors"))
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all := func(host, want string) { t.Helper(); loadAll(ctx, t, p, host, want) }
	navigate := func(url string, want bool) {
		t.Helper()
		if err := p.Navigate(ctx, url); (err == nil) != want {
			t.Errorf("open %s: %v", url, err)
		}
	}
	navigate("https://portal.test/page", true)
	all("portal.test", "yes")
	all("sub.portal.test", "yes")
	all("foreign.test", "no")
	if n := foreignN.Load(); n != 0 {
		t.Errorf("%d connections reached the foreign host", n)
	}
	for _, url := range []string{"https://foreign.test/page", "http://foreign.test/page", "http://portal.test/page",
		"https://portal.test:8443/page", agent.URL + "/page", strings.Replace(agent.URL, "127.0.0.1", "localhost", 1) + "/page",
		strings.Replace(agent.URL, "127.0.0.1", "2130706433", 1) + "/page", "https://127.0.0.1/page", "https://[::1]/page"} {
		navigate(url, false)
	}
	navigate("https://portal.test/page", true)
	address := agent.Listener.Addr().String()
	// The proxy's own 403 is an answer to the fetch; only the socket can tell.
	var got string
	err = p.Eval(ctx, `fetch('http://`+address+`/text', {mode: 'no-cors'}).catch(() => {}).then(() => new Promise(done => {
	  const s = new WebSocket('ws://`+address+`/socket'); s.onopen = () => done('open'); s.onerror = () => done('closed');
	}))`, &got)
	if err != nil || got != "closed" {
		t.Errorf("a socket to the agent's own address: %q, %v", got, err)
	}
	if f, a := foreignN.Load(), agentN.Load(); f != 0 || a != 0 {
		t.Errorf("%d connections reached the foreign host, %d the agent", f, a)
	}
	// The same tries get there when the list has the host: the test sees them.
	proxy.SetAllow(portal.Hosts{"portal.test", "foreign.test"}.Allow)
	all("foreign.test", "yes")
	navigate("https://foreign.test/page", true)
	if oursN.Load() == 0 || foreignN.Load() == 0 {
		t.Error("no connection was counted")
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(told, []string{"foreign.test"}) {
		t.Errorf("told %q", told)
	}
}

// Chromium calls its maker by itself, some seconds after each start. Nothing
// of that gets out, although a visit's list has the host where people sign in
// to Gmail.
func TestChromiumsOwnCallsReachNobody(t *testing.T) {
	var dialled sync.Map
	proxy := listen(t, egress.Options{
		Allow: portal.Default().Hosts("caf").Allow,
		Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
			dialled.Store(addr, true)
			return nil, io.EOF
		},
		Refused: func(host string) { t.Errorf("told %q", host) },
	})
	_, ctx := chromium(t, proxy.Flags())
	// Three calls come within two seconds; each was refused when they are counted.
	for proxy.Stats().Refused < 3 {
		select {
		case <-ctx.Done():
			t.Fatalf("%+v: Chromium makes no calls any more; the test shows nothing", proxy.Stats())
		case <-time.After(50 * time.Millisecond):
		}
	}
	dialled.Range(func(addr, _ any) bool {
		t.Errorf("Chromium called %v", addr)
		return true
	})
}
