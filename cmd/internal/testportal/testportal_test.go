package testportal_test

import (
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
)

func TestForeignHostCountsByKind(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	v := newVisitor(t, p)
	v.get(portalURL + "/")
	if got := p.Foreign(); len(got) != 0 {
		t.Fatalf("got %v before anything reached it", got)
	}
	ask := func(at string, header map[string]string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range header {
			r.Header.Set(k, v)
		}
		v.do(r, nil)
	}
	there := "https://" + testportal.HostForeign + "/"
	ask(there, map[string]string{"Sec-Fetch-Dest": "document"})
	ask(there, map[string]string{"Sec-Fetch-Dest": "image"})
	ask(there, map[string]string{"Sec-Fetch-Dest": "image"})
	ask("http://"+testportal.HostForeign+"/", nil)
	got := p.Foreign()
	if got["navigation"] != 1 || got["image"] != 2 || got["plain"] != 1 || got["connection"] != 1 {
		t.Errorf("got %v", got)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stun := "\x00\x01\x00\x00\x21\x12\xa4\x42123456789012"
	if _, err := conn.Write([]byte(stun)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for p.Foreign()["webrtc"] != 1 {
		if time.Now().After(deadline) {
			t.Fatalf("got %v, want a STUN packet", p.Foreign())
		}
		time.Sleep(time.Millisecond) // pacing
	}
}

func TestPlainRequestsAreSentToTLS(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	got := newVisitor(t, p).get("http://" + testportal.HostPortal + "/documents")
	if got.url.Scheme != "https" || got.status != 200 {
		t.Errorf("got %d at %s", got.status, got.url)
	}
}

func TestEscapesAreNamedOnceAndStandInThePage(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	body := newVisitor(t, p).get(portalURL + "/evasions?agent=http://127.0.0.1:81").body
	if !strings.Contains(body, `data-agent="http://127.0.0.1:81/"`) {
		t.Error("the page does not know the agent's address")
	}
	seen := map[string]bool{}
	for _, e := range testportal.Escapes() {
		if seen[e.ID] || e.Kind == "" || e.Sentence == "" {
			t.Errorf("%q: twice, or without kind or sentence", e.ID)
		}
		seen[e.ID] = true
		if strings.Count(body, `data-escape="`+e.ID+`"`) != 1 || strings.Count(body, `data-result="`+e.ID+`"`) != 1 {
			t.Errorf("%s: not once in the page", e.ID)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d escapes", len(seen))
	}
	if strings.Contains(newVisitor(t, p).get(portalURL+"/evasions?agent=http://192.0.2.1").body, "192.0.2.1") {
		t.Error("an address that is not on loopback was taken")
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	p, err := testportal.Start(testportal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, p)
	v.get(p.Address())
	silent, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	stuck := make(chan error, 1)
	go func() {
		res, err := v.c.Get(portalURL + "/panne/attente")
		if err == nil {
			err = res.Body.Close()
		}
		stuck <- err
	}()
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := <-stuck; err == nil {
		t.Error("a page that never comes came")
	}
	v.c.CloseIdleConnections()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(5 * time.Millisecond) // pacing
	}
}
