package engine_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"

	"github.com/gorilla/websocket"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// talk sends bytes as a kiosk's WebSocket and returns what came back until the
// server hung up.
func talk(t testing.TB, addr string, kind int, b []byte) []byte {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws://"+addr+"/fleet", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	_ = res.Body.Close() // of the upgrade: empty
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ws.WriteMessage(kind, b), ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))); err != nil {
		return nil
	}
	var out []byte
	for {
		_, m, err := ws.ReadMessage()
		if err != nil {
			var e net.Error
			if errors.As(err, &e) && e.Timeout() {
				t.Fatalf("the server does not hang up on %q", b)
			}
			return out
		}
		out = append(out, m...)
	}
}

// Whatever comes from outside, nobody without a credential gets in, and the
// kiosks that are in stay.
func FuzzTheBridge(f *testing.F) {
	for _, s := range []string{"", "PING\r\n", "CONNECT {}\r\n", "CONNECT {\"verbose\":true,\"jwt\":\"x\",\"sig\":\"y\"}\r\nPUB live.mairie 2\r\nhi\r\n",
		"PUB kiosk.mairie.k1.up.hb 100000000\r\n", "SUB > 1\r\n", "\x00\xff\x16\x03\x01", strings.Repeat("A", 5000), "INFO {}\r\n", "MSG a 1 1\r\nb\r\n"} {
		f.Add([]byte(s), true)
	}
	f.Add([]byte("PING\r\n"), false)
	s := newSite(f, nil)
	f.Fuzz(func(t *testing.T, b []byte, binary bool) {
		kind := websocket.TextMessage
		if binary {
			kind = websocket.BinaryMessage
		}
		out := talk(t, s.addr, kind, b)
		if bytes.Contains(out, []byte("PONG")) || bytes.Contains(out, []byte("+OK")) || bytes.Contains(out, []byte("MSG ")) {
			t.Errorf("%q is let in: %q", b, out)
		}
	})
}

func TestABrokenConnectionLeavesTheOthersAlone(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	for _, junk := range [][]byte{nil, []byte("\x00\x01"), bytes.Repeat([]byte("x"), 2<<20)} {
		talk(t, s.addr, websocket.BinaryMessage, junk)
	}
	if a := l.send(t, b, visit(1)); !a.OK {
		t.Errorf("answer %+v", a)
	}
	res, err := http.Get("http://" + s.addr + "/fleet")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("without WebSocket: %d", res.StatusCode)
	}
}

func TestTheGateBoundsWhatIsBeingSetUp(t *testing.T) {
	nothingLeft(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := engine.Gate(l, 2)
	accepted := make(chan net.Conn, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := g.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	})
	var clients []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Error("a third is let in")
	case <-time.After(50 * time.Millisecond):
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third := <-accepted
	if err := g.Close(); err != nil { // while it waits for a slot
		t.Fatal(err)
	}
	wg.Wait()
	for _, c := range append(clients, second, third) {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One slot is enough for kiosks one after the other, over TLS and while pages
// are read, since each gives it back.
func TestSlotsAreGivenBackOverTLS(t *testing.T) {
	s := newSite(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/", s.engine.Handler())
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	srv := httptest.NewUnstartedServer(engine.Gated(mux))
	srv.Config.ConnContext = engine.ConnContext
	srv.Listener = engine.Gate(srv.Listener, 1)
	srv.StartTLS()
	defer srv.Close()
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for range 3 {
		page, err := srv.Client().Get(srv.URL + "/page") // and is kept open
		if err != nil {
			t.Fatal(err)
		}
		_ = page.Body.Close() // read or not
		b := s.enrol("mairie", "Hall")
		nc, err := nats.Connect("wss://"+srv.Listener.Addr().String(), nats.ProxyPath("/fleet"), nats.Secure(&tls.Config{RootCAs: roots, ServerName: "example.com"}),
			nats.UserJWT(func() (string, error) { return b.Token, nil }, b.pair.Sign), nats.Timeout(patience), nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := (&borne{t: t, addr: s.addr}).anonymous(); err == nil {
			t.Error("somebody without a credential is let in")
		}
	}
}

func TestMetricsCountAndNameNoKiosk(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := newSite(t, func(o *engine.Options) { o.Metrics = reg })
	b := s.enrol("mairie", "Hall")
	s.enrol("mairie", "Étage")
	l := b.connect(t)
	l.hello(t, b)
	l.send(t, b, visit(1))
	l.send(t, b, visit(1))
	eventually(t, "presence", func() bool { return s.engine.Presence(b.Kiosk).Online })
	if _, err := (&borne{t: t, addr: s.addr}).anonymous(); err == nil {
		t.Error("somebody without a credential is let in")
	}
	want := map[string]float64{
		"agents version=1.0": 1, "connections_total result=accepted": 1, "connections_total result=refused": 1, "enrolments_total result=accepted": 2,
		"events_duplicate_total": 1, "events_total kind=counts": 1, "kiosks status=free structure=mairie": 1, "kiosks status=offline structure=mairie": 1,
	}
	var got map[string]float64
	eventually(t, "count", func() bool {
		got = gathered(t, reg, b.Kiosk)
		for k, v := range want {
			if got[k] != v {
				return false
			}
		}
		return true
	})
	for k := range got {
		if name, _, _ := strings.Cut(k, " "); (name == "kiosks" || name == "connections_total") && want[k] == 0 {
			t.Errorf("%s is %v", k, got[k])
		}
	}
}

// gathered is "name label=value…" without the prefix, and checks what holds
// for all metrics.
func gathered(t *testing.T, reg *prometheus.Registry, kiosk string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		name, ok := strings.CutPrefix(f.GetName(), "pointnum_")
		if !ok || f.GetHelp() == "" {
			t.Errorf("metric %s", f)
		}
		for _, m := range f.GetMetric() {
			k := name
			for _, l := range m.GetLabel() {
				k += " " + l.GetName() + "=" + l.GetValue()
			}
			if strings.Contains(k, kiosk) {
				t.Errorf("%s names a kiosk", k)
			}
			out[k] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%+v, %v", problems, err)
	}
	return out
}

func TestASlowReaderOfChangesIsLetGo(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	ctx, cancel := context.WithCancel(t.Context())
	slow, gone := s.engine.Changes(t.Context(), everything), s.engine.Changes(ctx, everything)
	cancel()
	for range gone { // until it is closed
	}
	prompt := s.engine.Changes(t.Context(), everything)
	for range 400 {
		c := fleet.Change{Structure: "mairie", Kiosk: b.Kiosk, What: "help"}
		s.engine.Tell(c)
		for got := range prompt {
			if got == c {
				break
			}
		}
	}
	n := 0
	for range slow { // closed, since nobody read
		n++
	}
	if n == 0 || n > 400 {
		t.Errorf("%d changes", n)
	}
}
