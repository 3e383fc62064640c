package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
)

// site is a portal on loopback with TLS. It answers for every host; the test
// browser finds them all there.
type site struct {
	*httptest.Server
	port string
	dir  string // of the browsers' folders

	mu    sync.Mutex
	pages map[string]string   // by host and path
	got   map[string][]string // what was sent to /got?k=…
	hosts map[string]int      // requests by host
	lang  string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{pages: map[string]string{}, got: map[string][]string{}, hosts: map[string]int{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	s.port = s.URL[strings.LastIndex(s.URL, ":")+1:]
	t.Cleanup(s.Close)
	var err error
	if s.dir, err = os.MkdirTemp("/dev/shm", "pointnum-test-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(s.dir); err != nil {
			t.Errorf("browsers left something: %v", err)
		}
	})
	return s
}

// page sets what an address shows; {port} stands for ours.
func (s *site) page(address, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[address] = "<!doctype html><meta charset=utf-8><title>t</title><body>" + strings.ReplaceAll(body, "{port}", s.port)
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	s.mu.Lock()
	s.hosts[host]++
	body, ok := s.pages[host+r.URL.Path]
	if host == "portal.test" && r.URL.Path == "/" {
		s.lang = r.Header.Get("Accept-Language")
	}
	s.mu.Unlock()
	switch r.URL.Path {
	case "/got":
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		s.mu.Lock()
		s.got[r.URL.Query().Get("k")] = append(s.got[r.URL.Query().Get("k")], string(raw))
		s.mu.Unlock()
		return
	case "/never":
		<-r.Context().Done()
		return
	case "/slow":
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
		}
	case "/attached.pdf", "/inline.pdf":
		w.Header().Set("Content-Type", "application/pdf")
		if r.URL.Path == "/attached.pdf" {
			w.Header().Set("Content-Disposition", `attachment; filename="attestation.pdf"`)
		}
		_, _ = io.WriteString(w, pdf)
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, body)
}

const pdf = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

func (s *site) at(host, path string) string { return "https://" + host + ":" + s.port + path }

func (s *site) sent(k string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got[k]...)
}

// upload is a script that sends what a field got, as "name:size:first bytes".
const upload = `<script>function up(k,files){Promise.all(Array.from(files,async f=>f.name+':'+f.size+':'+(await f.text()).slice(0,8)))
.then(l=>fetch('https://portal.test:{port}/got?k='+k,{method:'POST',mode:'no-cors',body:l.join('|')}),e=>fetch('https://portal.test:{port}/got?k='+k,{method:'POST',mode:'no-cors',body:'unreadable'}))}</script>`

func (s *site) options() browser.Options {
	allowed := map[string]bool{"portal.test": true, "sub.portal.test": true, "service.test": true, "mail.test": true}
	return browser.Options{
		Headless: true, Dir: s.dir,
		Args: []string{"--host-resolver-rules=MAP *.test 127.0.0.1", "--ignore-certificate-errors"},
		Home: func(id string) (string, func(string) bool, bool) {
			return s.at("portal.test", "/"), func(h string) bool { return allowed[h] }, id == "caf"
		},
	}
}

func needChromium(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run 'make deps' first")
	}
}

// states keeps what a visit told.
type states struct {
	mu   sync.Mutex
	last kiosk.BrowserState
	news chan struct{}
}

func newStates() *states { return &states{news: make(chan struct{}, 1)} }

func (s *states) follow(b kiosk.BrowserState) {
	s.mu.Lock()
	s.last = b
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *states) now() kiosk.BrowserState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// patience is for the slowest machine.
const patience = 40 * time.Second

// until waits for a state.
func (s *states) until(t *testing.T, what string, ok func(kiosk.BrowserState) bool) kiosk.BrowserState {
	t.Helper()
	deadline := time.After(patience)
	for {
		if now := s.now(); ok(now) {
			return now
		}
		select {
		case <-s.news:
		case <-deadline:
			t.Fatalf("never came: %s; the last state is %+v", what, s.now())
		}
	}
}

// waitFor waits for anything else.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		time.Sleep(10 * time.Millisecond) // pacing
	}
}
