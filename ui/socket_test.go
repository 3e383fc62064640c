package ui_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"pointnum/kiosk/session"
	"pointnum/ui/safeweb"
)

// dial opens a socket as a page of an origin does.
func dial(address, origin string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	return websocket.DefaultDialer.Dial("ws://"+address+"/socket", h)
}

func own(t *testing.T, address string) *websocket.Conn {
	t.Helper()
	c, _, err := dial(address, "http://"+address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

type view struct {
	Seq     uint64
	Screen  string
	Section string
	Lang    string
	Idle    int
	Task    *struct{ Count string }
	Result  *struct{ Summary, Fits string }
}

func next(t *testing.T, c *websocket.Conn) view {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(40 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var v view
	if err := c.ReadJSON(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSocketIsForOwnPagesOnly(t *testing.T) {
	address := serve(t, &engine{})
	for _, origin := range []string{"", "null", "https://www.caf.fr", "http://127.0.0.1:1", "http://" + address + ".evil.example"} {
		c, r, err := dial(address, origin)
		if err == nil {
			c.Close()
			t.Errorf("origin %q was let in", origin)
			continue
		}
		if r == nil || r.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v, %v", origin, r, err)
		}
	}
	own(t, address)
}

func TestSocketOfAForeignNameIsRefused(t *testing.T) {
	address := serve(t, &engine{})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: portal.example\r\nOrigin: http://portal.example\r\n"+
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.HasSuffix(answer, []byte("421")) {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestSocketSendsTheStateAtOnceAndWhenItChanges(t *testing.T) {
	e := &engine{}
	e.state.Set(session.State{Screen: session.ScreenWelcome, Lang: "fr"})
	c := own(t, serve(t, e))
	if v := next(t, c); v.Screen != "welcome" || v.Lang != "fr" {
		t.Errorf("got %+v", v)
	}
	e.state.Set(visit(session.ScreenScan, func(st *session.State) {
		st.Task = &session.Task{Kind: session.TaskScan, Done: 2}
	}))
	if v := next(t, c); v.Section != "task" || v.Task == nil || v.Task.Count != "2 pages" {
		t.Errorf("got %+v", v)
	}
}

// A browser that shows nothing is begun anew by who asks here.
func TestShownSaysWhetherAPageIsThere(t *testing.T) {
	e := &engine{}
	e.state.Set(session.State{Screen: session.ScreenWelcome, Lang: "fr"})
	address := serve(t, e)
	ask := func() int {
		res, err := http.Get("http://" + address + safeweb.ShownPath)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		return res.StatusCode
	}
	if got := ask(); got != http.StatusServiceUnavailable {
		t.Errorf("no page: %d", got)
	}
	c := own(t, address)
	next(t, c)
	if got := ask(); got != http.StatusNoContent {
		t.Errorf("a page: %d", got)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(40 * time.Second); ask() != http.StatusServiceUnavailable; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a page that left is still there")
		}
	}
}

func TestSlowReaderGetsTheLastState(t *testing.T) {
	e := &engine{}
	e.state.Set(session.State{Lang: "fr"})
	c := own(t, serve(t, e))
	first := next(t, c)
	const changes = 3000
	for i := range changes {
		e.state.Set(visit(session.ScreenScan, func(st *session.State) {
			st.Documents[0].Pages = pages(60)
			st.Task = &session.Task{Kind: session.TaskScan, Done: i}
		}))
	}
	_, last := e.state.Load()
	views := 0
	for v := first; v.Seq != last; v = next(t, c) {
		views++
	}
	if views > 20 {
		t.Errorf("%d views for %d changes in a moment", views, changes)
	}
}

func TestReaderThatStopsHoldsNobodyUp(t *testing.T) {
	e := &engine{}
	e.state.Set(session.State{Lang: "fr"})
	address := serve(t, e)
	stuck := own(t, address)
	_ = stuck // never reads
	c := own(t, address)
	next(t, c)
	e.state.Set(visit(session.ScreenReview, nil))
	if v := next(t, c); v.Screen != "review" {
		t.Errorf("got %+v", v)
	}
}

func TestTouchesKeepTheVisitOpenAndAreCounted(t *testing.T) {
	e := &engine{}
	c := own(t, serve(t, e))
	next(t, c)
	for range 50 {
		if err := c.WriteMessage(websocket.TextMessage, []byte("touch")); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "a touch", func() bool { return len(e.actions()) > 0 })
	e.state.Set(session.State{Lang: "fr", Screen: session.ScreenWelcome})
	next(t, c)
	if got := e.actions(); len(got) != 1 || got[0] != (session.StillHere{}) {
		t.Errorf("50 touches in a moment: got %v", got)
	}
	// It may be cut off before it has said all.
	_ = c.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("x"), 1<<16))
	until(t, "the end of a socket that says too much", func() bool {
		_, _, err := c.ReadMessage()
		return err != nil
	})
}

func TestOnlyAFewSocketsAtOnce(t *testing.T) {
	address := serve(t, &engine{})
	for range 8 {
		own(t, address)
	}
	if _, r, err := dial(address, "http://"+address); err == nil || r == nil || r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the ninth: %v, %v", r, err)
	}
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("no %s in 40 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
