package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/phone"
	"pointnum/kiosk/watch"
	"pointnum/provisioning/relay"
)

// asRelay makes this program a relay and nothing else: a test reads its memory.
const asRelay = "POINTNUM_TEST_RELAY"

func TestMain(m *testing.M) {
	if os.Getenv(asRelay) == "" {
		os.Exit(m.Run())
	}
	var t testing.T // for listen only, which does not fail here
	_, address := listen(&t, nil, nil)
	fmt.Println(address)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

// alone starts a relay in a process of its own.
func alone(t *testing.T) (address string, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asRelay+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

// remembered says which things a process has in its memory. Regions beyond
// 64 MB that are not Go's heap are the race detector's own.
func remembered(t *testing.T, pid int, what [][]byte) (found []string) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	const heap = 0xc000000000
	for line := range strings.Lines(string(maps)) {
		from, rest, _ := strings.Cut(line, "-")
		to, rest, _ := strings.Cut(rest, " ")
		a, err1 := strconv.ParseInt(from, 16, 64)
		b, err2 := strconv.ParseInt(to, 16, 64)
		if err1 != nil || err2 != nil || !strings.HasPrefix(rest, "rw") || b-a > 64<<20 && (a < heap || a > heap+1<<36) {
			continue
		}
		all := make([]byte, b-a)
		n, _ := mem.ReadAt(all, a) // what can't be read holds nothing
		for _, w := range what {
			if bytes.Contains(all[:n], w) {
				found = append(found, string(w))
			}
		}
	}
	return found
}

// borne is a kiosk's link to a phone.
type borne struct {
	t testing.TB
	kiosk.PhoneLink
	state watch.Value[kiosk.PhoneState]
}

func invite(t testing.TB, o phone.Options) *borne {
	t.Helper()
	p, err := phone.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &borne{t: t}
	b.PhoneLink, err = p.Open(t.Context(), kiosk.PhoneOptions{Lang: "fr", Follow: b.state.Set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func (b *borne) wait(what string, ok func(kiosk.PhoneState) bool) kiosk.PhoneState {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	s, seq := b.state.Load()
	for !ok(s) {
		var err error
		if s, seq, err = b.state.Wait(ctx, seq); err != nil {
			last, _ := b.state.Load()
			b.t.Fatalf("waited 40 s for %s; last %+v", what, last)
		}
	}
	return s
}

func (b *borne) address() string {
	b.t.Helper()
	return b.wait("a code", func(s kiosk.PhoneState) bool { return s.Address != "" }).Address
}

// handset is a phone: Chromium of a phone's size.
type handset struct {
	t    *testing.T
	page *devtools.Page
	b    *devtools.Browser
	kept string // folder of downloads
}

func unpack(t *testing.T) *devtools.Browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	b, err := devtools.Start(t.Context(), devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func scan(t *testing.T, b *devtools.Browser, address string) *handset {
	t.Helper()
	page, err := b.OpenPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := &handset{t: t, page: page, b: b, kept: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the phone shows %q", h.text())
		}
		_ = page.Close(context.Background())
	})
	h.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true})
	h.call("Emulation.setTouchEmulationEnabled", map[string]any{"enabled": true})
	if err := page.Navigate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *handset) call(method string, params map[string]any) {
	h.t.Helper()
	if err := h.page.Call(h.t.Context(), method, params, nil); err != nil {
		h.t.Fatal(err)
	}
}

func (h *handset) eval(script string, result any) {
	h.t.Helper()
	if err := h.page.Eval(context.WithoutCancel(h.t.Context()), script, result); err != nil {
		h.t.Fatalf("%s: %v", script, err)
	}
}

func (h *handset) text() (s string) {
	h.eval(`document.body.innerText`, &s)
	return s
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 40 s for: %s", what)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func (h *handset) shows(section string) {
	h.t.Helper()
	eventually(h.t, "the phone to show "+section, func() bool {
		var is bool
		h.eval(fmt.Sprintf(`!!document.getElementById(%q) && !document.getElementById(%q).hidden && !document.getElementById('main').hidden`, section, section), &is)
		return is
	})
	h.shoot(section)
}

func (h *handset) ends(code string) {
	h.t.Helper()
	eventually(h.t, "the phone to end with "+code, func() bool {
		var is string
		h.eval(`document.documentElement.getAttribute('data-ended') || ''`, &is)
		return is == code
	})
	h.shoot("end-" + code)
	if strings.Contains(h.text(), "undefined") {
		h.t.Errorf("the phone says %q", h.text())
	}
}

// shoot keeps a picture when POINTNUM_SHOTS names a folder.
func (h *handset) shoot(name string) {
	dir := os.Getenv("POINTNUM_SHOTS")
	if dir == "" {
		return
	}
	h.call("Page.bringToFront", nil)
	png, err := h.page.Screenshot(context.WithoutCancel(h.t.Context()))
	if err != nil {
		h.t.Error(err)
		return
	}
	name = strings.ReplaceAll(h.t.Name(), "/", "-") + "-" + name + ".png"
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o600); err != nil {
		h.t.Error(err)
	}
}

// choose puts files into one of the page's fields, as its picker does.
func (h *handset) choose(field string, paths ...string) {
	h.t.Helper()
	var doc struct{ Root struct{ NodeID int } }
	if err := h.page.Call(h.t.Context(), "DOM.getDocument", nil, &doc); err != nil {
		h.t.Fatal(err)
	}
	var node struct{ NodeID int }
	if err := h.page.Call(h.t.Context(), "DOM.querySelector", map[string]any{"nodeId": doc.Root.NodeID, "selector": "#" + field}, &node); err != nil {
		h.t.Fatal(err)
	}
	h.call("DOM.setFileInputFiles", map[string]any{"nodeId": node.NodeID, "files": paths})
}

// link pairs a phone with a kiosk, whose visitor says yes.
func link(t *testing.T, b *devtools.Browser, k *borne) *handset {
	t.Helper()
	h := scan(t, b, k.address())
	h.shows("code")
	s := k.wait("a phone", func(s kiosk.PhoneState) bool { return s.Code != "" })
	var digits string
	h.eval(`document.getElementById('digits').textContent`, &digits)
	if digits != s.Code || len(digits) != 4 {
		t.Errorf("the phone shows %q, the kiosk %q", digits, s.Code)
	}
	if err := k.Accept(t.Context(), "nope"); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("other digits: %v", err)
	}
	if err := k.Accept(t.Context(), digits); err != nil {
		t.Fatal(err)
	}
	h.shows("ready")
	return h
}

// secret is a file with a marker in each of its parts.
func secret(t *testing.T, name string, size int) (path string, content, marker []byte) {
	t.Helper()
	marker = []byte("MARQUE-" + rand.Text())
	content = bytes.Repeat(append(marker, '\n'), size/len(marker)+1)[:size]
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content, marker
}

func (b *borne) receive(file string) ([]byte, error) {
	rc, err := b.Receive(b.t.Context(), file)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func TestPapersGoBothWaysAndTheRelayReadsNothing(t *testing.T) {
	address, pid := alone(t)
	k := invite(t, phone.Options{Address: address, Files: relay.Files(), Digest: relay.Served()})
	browser := unpack(t)
	qr := k.address()
	h := link(t, browser, k)
	var shown string
	if h.eval(`location.href`, &shown); strings.Contains(shown, "#") {
		t.Errorf("the key is still in the address bar: %s", shown)
	}
	second := scan(t, browser, qr)
	second.ends("used")

	path, want, marker := secret(t, "photo de l’avis.jpg", 3_000_001)
	h.choose("files", path)
	s := k.wait("an offer", func(s kiosk.PhoneState) bool { return len(s.Offers) == 1 })
	if f := s.Offers[0]; f.Size != int64(len(want)) || f.Name != "photo de l’avis.jpg" {
		t.Errorf("offered %+v", f)
	}
	got, err := k.receive(s.Offers[0].ID)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d arrived: %v", len(got), len(want), err)
	}
	if err := k.Answer(t.Context(), s.Offers[0].ID, ""); err != nil {
		t.Error(err)
	}
	eventually(t, "the phone to say that it arrived", func() bool { return strings.Contains(h.text(), "bien reçu") })

	_, doc, docMarker := secret(t, "attestation.pdf", 1_000_000)
	sent := make(chan error)
	go func() {
		sent <- k.Send(t.Context(), []kiosk.Attachment{{Name: "attestation.pdf", Size: int64(len(doc)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(doc)), nil }}}, nil)
	}()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	h.shoot("doc")
	if err := browser.Call(t.Context(), "", "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": h.kept}, nil); err != nil {
		t.Fatal(err)
	}
	h.eval(`document.querySelector('#docs a').click()`, nil)
	kept := filepath.Join(h.kept, "attestation.pdf")
	eventually(t, "the phone to keep the document", func() bool {
		content, err := os.ReadFile(kept)
		return err == nil && bytes.Equal(content, doc)
	})

	_, session, _ := strings.Cut(qr, "#")
	known := []byte(strings.TrimPrefix(address, "http://"))
	found := remembered(t, pid, [][]byte{known, marker, docMarker, []byte("photo de l’avis"),
		[]byte("attestation.pdf"), []byte(strings.Split(session, ".")[1])})
	if !slices.Contains(found, string(known)) {
		t.Error("the search finds nothing at all")
	}
	for _, f := range found {
		if f != string(known) {
			t.Errorf("the relay has read %q", f)
		}
	}
	if err := k.Close(t.Context()); err != nil {
		t.Error(err)
	}
	h.ends("done")
	if !strings.Contains(h.text(), "avant de fermer") {
		t.Errorf("the phone may be closed with a document that was not kept: %q", h.text())
	}
}

// meddler stands between phone and relay.
type meddler struct {
	mu     sync.Mutex
	change func(w http.ResponseWriter, r *http.Request, next http.Handler) bool // true: it answered itself
}

func (m *meddler) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		change := m.change
		m.mu.Unlock()
		if change == nil || !change(w, r, next) {
			next.ServeHTTP(w, r)
		}
	})
}

func (m *meddler) set(change func(http.ResponseWriter, *http.Request, http.Handler) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change = change
}

// again makes a request with another body or at another place.
func again(r *http.Request, path string, body []byte) *http.Request {
	c := r.Clone(r.Context())
	if path != "" {
		c.URL.Path = path
	}
	c.Body, c.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return c
}

func TestARelayThatMeddlesIsFoundOut(t *testing.T) {
	browser := unpack(t)
	path, _, _ := secret(t, "bail.pdf", 900_000)
	isPut := func(r *http.Request, dir string) bool {
		return r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/"+dir+"/")
	}
	for _, c := range []struct {
		name   string
		change func() func(http.ResponseWriter, *http.Request, http.Handler) bool
		down   bool // it meddles with what goes to the phone
	}{
		{"a chunk that was changed", func() func(http.ResponseWriter, *http.Request, http.Handler) bool {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				b := bodyOf(r)
				if !isPut(r, "up") || len(b) < 100_000 {
					return false
				}
				b[len(b)/2] ^= 1
				next.ServeHTTP(w, again(r, "", b))
				return true
			}
		}, false},
		{"chunks in another order", func() func(http.ResponseWriter, *http.Request, http.Handler) bool {
			var held []byte
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				b := bodyOf(r)
				if !isPut(r, "up") || len(b) < 100_000 || strings.HasSuffix(r.URL.Path, "/0") {
					return false
				}
				if held == nil { // the first is kept, the next one comes in its place
					held = b
					w.WriteHeader(http.StatusNoContent)
					return true
				}
				at := r.URL.Path[:strings.LastIndex(r.URL.Path, "/")+1]
				n, _ := strconv.Atoi(r.URL.Path[len(at):])
				next.ServeHTTP(w, again(r, at+strconv.Itoa(n-1), b))
				return true
			}
		}, false},
		{"what goes to the phone was changed", func() func(http.ResponseWriter, *http.Request, http.Handler) bool {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				b := bodyOf(r)
				if !isPut(r, "down") || len(b) < 100_000 {
					return false
				}
				b[len(b)-1] ^= 1
				next.ServeHTTP(w, again(r, "", b))
				return true
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &meddler{}
			_, address := listen(t, nil, m.around)
			k := invite(t, phone.Options{Address: address})
			h := link(t, browser, k)
			m.set(c.change())
			if c.down {
				_, doc, _ := secret(t, "x.pdf", 600_000)
				ctx, cancel := context.WithCancel(t.Context())
				sent := make(chan error)
				go func() {
					sent <- k.Send(ctx, []kiosk.Attachment{{Name: "x.pdf", Size: int64(len(doc)),
						Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(doc)), nil }}}, nil)
				}()
				h.ends("broken")
				cancel()
				if err := <-sent; err == nil {
					t.Error("the kiosk believes that it arrived")
				}
				return
			}
			h.choose("files", path)
			s := k.wait("an offer", func(s kiosk.PhoneState) bool { return len(s.Offers) == 1 })
			if b, err := k.receive(s.Offers[0].ID); kiosk.CodeOf(err) != kiosk.CodePhoneLost {
				t.Errorf("the kiosk took %d bytes: %v", len(b), err)
			}
			h.ends("broken")
			s = k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" })
			if s.Trouble != kiosk.CodePhoneLost || s.Accepted || s.Code != "" {
				t.Errorf("the kiosk shows %+v", s)
			}
		})
	}
}

func TestASessionThatTheRelayLoses(t *testing.T) {
	r, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address})
	h := link(t, unpack(t), k)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(over); err != nil { // as when its time is over, or it starts again
		t.Fatal(err)
	}
	h.ends("lost")
	s := k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" })
	if s.Trouble != kiosk.CodePhoneLost || s.Accepted {
		t.Errorf("the kiosk shows %+v", s)
	}
}

func TestAPhoneThatTheVisitorRefuses(t *testing.T) {
	_, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address})
	browser := unpack(t)
	h := scan(t, browser, k.address())
	h.shows("code")
	first := k.wait("a phone", func(s kiosk.PhoneState) bool { return s.Code != "" })
	if _, err := k.Receive(t.Context(), "1"); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("files before the visitor said yes: %v", err)
	}
	if err := k.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.ends("refused")
	s := k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" })
	if s.Trouble != "" || s.Code != "" {
		t.Errorf("the kiosk shows %+v after %+v", s, first)
	}
	h2 := link(t, browser, k)
	path, _, _ := secret(t, "a.pdf", 10)
	h2.choose("photo", path)
	s = k.wait("an offer", func(s kiosk.PhoneState) bool { return len(s.Offers) == 1 })
	if err := k.Answer(t.Context(), s.Offers[0].ID, kiosk.CodeFilePassword); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the phone to say why", func() bool { return strings.Contains(h2.text(), "mot de passe") })
	big := filepath.Join(t.TempDir(), "film.mp4")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(phone.MaxTotal + 1); err != nil { // a hole: it takes no room
		t.Fatal(err)
	}
	h2.choose("files", big)
	eventually(t, "the phone to say that it is too big", func() bool { return strings.Contains(h2.text(), "trop lourd") })
	h2.shoot("refused")
	nobody := scan(t, browser, address+"/d")
	nobody.ends("none")
	old := scan(t, browser, address+"/d#AAAAAAAAAAAAAAAAAAAAAA."+strings.Split(k2(t, address), ".")[1]+".ar")
	old.ends("old")
}

// k2 is another kiosk's code.
func k2(t *testing.T, address string) string {
	t.Helper()
	return invite(t, phone.Options{Address: address}).address()
}
