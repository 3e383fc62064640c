package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointnum/cmd/internal/clitest"
	"pointnum/cmd/internal/hardware"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/browser/devtools"
)

// bin holds the commands, built once.
var bin string

func TestMain(m *testing.M) {
	os.Exit(clitest.Main(m, &bin, "../kioskd", "../kioskdev", "../kioskctl"))
}

// program is a command of ours that runs.
type program struct {
	cmd    *exec.Cmd
	first  chan string // its first line
	done   chan struct{}
	mu     sync.Mutex
	stderr bytes.Buffer
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// start starts a command on a machine without display; the test's end stops it
// and wants a clean exit.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	return startOn(t, "", name, args...)
}

// startOn starts it with an X display; "" is none.
func startOn(t *testing.T, display, name string, args ...string) *program {
	t.Helper()
	p := &program{first: make(chan string, 1), done: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(bin, name), args...)
	p.cmd.Env = append(os.Environ(), "LANG=fr_FR.UTF-8", "DISPLAY="+display)
	p.cmd.Stderr = p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		if lines.Scan() {
			p.first <- lines.Text()
		}
		for lines.Scan() {
		}
		p.cmd.Wait() //nolint:errcheck // stop and kill look at the state
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.log())
		}
		p.stop(t)
	})
	return p
}

// stop ends a command as systemd does.
func (p *program) stop(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
		return
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-p.done:
		if !p.cmd.ProcessState.Success() {
			t.Errorf("%s ended with %v:\n%s", filepath.Base(p.cmd.Path), p.cmd.ProcessState, p.log())
		}
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill() //nolint:errcheck // it is one of ours and stuck
		t.Errorf("%s did not end in 20 s:\n%s", filepath.Base(p.cmd.Path), p.log())
	}
}

// kill ends a command as kill -9 does.
func (p *program) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
}

// told reads the addresses that kioskdev -json prints.
func (p *program) told(t *testing.T) (a struct{ Screen, Panel, Out, Control, Spool string }) {
	t.Helper()
	select {
	case line := <-p.first:
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	case <-p.done:
		t.Fatalf("kioskdev ended at once: %s", p.log())
	case <-time.After(30 * time.Second):
		t.Fatal("kioskdev told no address in 30 s")
	}
	return a
}

// panel is the panel of the virtual hardware.
type panel struct{ url string }

func (p panel) post(t *testing.T, path string, values ...string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.PostForm(strings.TrimSuffix(p.url, "/")+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusSeeOther {
		body, _ := io.ReadAll(r.Body) // for the message only
		t.Fatalf("POST %s %v: %s: %s", path, values, r.Status, body)
	}
}

func (p panel) state(t *testing.T) (s hardware.State) {
	t.Helper()
	r, err := http.Get(p.url + "state")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits for a state of the world.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !within(40*time.Second, ok) {
		t.Fatalf("waited 40 s for: %s", what)
	}
}

// within says whether a state of the world comes in time.
func within(d time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(d); !ok(); {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
	return true
}

// screen is a visitor's touch screen: Chromium, driven by touches only.
type screen struct {
	t       *testing.T
	browser *devtools.Browser
	page    *devtools.Page
	hand    *hand // real fingers on a display; nil touches by DevTools
}

// openScreen opens the kiosk's address on a touch screen of a size.
func openScreen(t *testing.T, address string, width, height int) *screen {
	t.Helper()
	s := newScreen(t, devtools.Options{Headless: true})
	if err := s.page.Screen(t.Context(), width, height); err != nil {
		t.Fatal(err)
	}
	if err := s.page.Navigate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	return s
}

// newScreen starts the screen's browser.
func newScreen(t *testing.T, o devtools.Options) *screen {
	t.Helper()
	drivertest.Tool(t, "chromium")
	b, err := devtools.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	page, err := b.OpenPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, browser: b, page: page}
	t.Cleanup(func() {
		if t.Failed() {
			s.keep("failed")
		}
	})
	return s
}

// eval runs an expression in the page. A page that is just being loaded again
// (after a change of language) has no answer: the zero value.
func eval[T any](s *screen, script string) (v T) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), 10*time.Second)
	defer cancel()
	if err := s.page.Eval(ctx, script, &v); err != nil {
		s.t.Logf("eval: %v", err)
		var zero T
		return zero
	}
	return v
}

// pace is between seeing something and touching it.
const pace = 100 * time.Millisecond

// point is the middle of what a finger can reach of an element. While the
// answer to another button is awaited the screen takes no touch.
const point = `(() => {
	if ('deaf' in document.documentElement.dataset || document.querySelector('button.pressed')) return null;
	const all = [...document.querySelectorAll(%q)].filter((e) => e.checkVisibility() && !e.closest('[hidden]'));
	const e = all[%d];
	if (!e || e.disabled || e.getAttribute('aria-disabled') === 'true') return null;
	e.scrollIntoView({block: 'center', behavior: 'instant'});
	const r = e.getBoundingClientRect();
	const p = {x: r.left + r.width / 2, y: r.top + r.height / 2, w: r.width, h: r.height};
	const top = document.elementFromPoint(p.x, p.y);
	return top && (top === e || e.contains(top)) ? p : null;
})()`

// touch puts a finger on the nth element that a selector names, as soon as it
// can be touched.
func (s *screen) touchNth(selector string, n int) {
	s.t.Helper()
	type place struct{ X, Y, W, H float64 }
	find := func() *place { return eval[*place](s, fmt.Sprintf(point, selector, n)) }
	var p *place
	// A person looks before touching: the place has to be the same after a
	// moment. The screen says when it ignores touches meant for the one before.
	eventually(s.t, "something to touch: "+selector+" on "+s.where(), func() bool {
		before := find()
		if before == nil {
			return false
		}
		time.Sleep(pace)
		p = find()
		return p != nil && *p == *before
	})
	if p.W < 60 || p.H < 60 {
		s.t.Errorf("%s is %.0f × %.0f pixels: too small for a finger", selector, p.W, p.H)
	}
	s.finger(p.X, p.Y)
}

// finger touches a place.
func (s *screen) finger(x, y float64) {
	s.t.Helper()
	if s.hand != nil {
		s.hand.touch(s.t, x, y, true)
		return
	}
	finger := []map[string]any{{"x": x, "y": y}}
	for _, e := range []map[string]any{
		{"type": "touchStart", "touchPoints": finger},
		{"type": "touchEnd", "touchPoints": []map[string]any{}},
	} {
		if err := s.page.Call(s.t.Context(), "Input.dispatchTouchEvent", e, nil); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *screen) touch(selector string) { s.t.Helper(); s.touchNth(selector, 0) }

// where says what the screen shows, for messages.
func (s *screen) where() string {
	return eval[string](s, `document.querySelector('section[data-section]:not([hidden])')?.dataset.section ?? 'nothing'`)
}

// shows waits for a part of the page.
func (s *screen) shows(section string) {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the screen shows %q:\n%s", s.where(), s.text())
		}
	}()
	eventually(s.t, "screen "+section, func() bool { return s.where() == section })
	s.keep(section)
}

// text is what the visible part of the page says.
func (s *screen) text() string {
	return eval[string](s, `document.querySelector('section[data-section]:not([hidden])')?.innerText ?? ''`)
}

// pages counts the pages of the review that have their picture.
func (s *screen) pages() int {
	return eval[int](s, `[...document.querySelectorAll('#pages > li')].filter((li) => {
		const i = li.querySelector('img'); return i.complete && i.naturalWidth > 0 }).length`)
}

// keep saves a picture of the screen when SHOTS names a folder.
func (s *screen) keep(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	png, err := s.page.Screenshot(context.WithoutCancel(s.t.Context()))
	if err != nil {
		s.t.Error(err)
		return
	}
	path := filepath.Join(dir, strings.ReplaceAll(s.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.WriteFile(path, png, 0o644); err != nil {
		s.t.Error(err)
	}
}

// run runs a program and returns what it says.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(drivertest.Tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// freePort is a port nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
