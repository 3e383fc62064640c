package devtools_test

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/proc"
)

func start(t *testing.T) (*devtools.Browser, context.Context) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run 'make deps' first")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	b, err := devtools.Start(ctx, devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b, ctx
}

// TestBrowser runs what leaves the browser whole, in one browser: each start
// costs a second.
func TestBrowser(t *testing.T) {
	b, ctx := start(t)
	for name, test := range map[string]func(context.Context, *testing.T, *devtools.Browser){
		"a page is opened, evaluated and photographed": pageIsOpenedEvaluatedAndPhotographed,
		"a phone's page gets a file":                   phonesPageGetsAFile,
		"a refused call is an error":                   refusedCallIsAnError,
		"events of one page come in order":             eventsOfOnePageComeInOrder,
		"a reader that falls behind is told":           readerThatFallsBehindIsTold,
		"many callers at once are served":              manyCallersAtOnce,
		"a call ends with its context":                 callEndsWithItsContext,
	} {
		t.Run(name, func(t *testing.T) { test(ctx, t, b) })
	}
}

func pageIsOpenedEvaluatedAndPhotographed(ctx context.Context, t *testing.T, b *devtools.Browser) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>one</title><body>"))
	}))
	t.Cleanup(srv.Close)
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Screen(ctx, 320, 200); err != nil {
		t.Fatal(err)
	}
	if err := p.Navigate(ctx, srv.URL); err != nil {
		t.Fatal(err)
	}
	var title string
	if err := p.Eval(ctx, `new Promise(ok => setTimeout(() => ok(document.title), 10))`, &title); err != nil || title != "one" {
		t.Errorf("got %q, %v; want the page's title", title, err)
	}
	if err := p.Eval(ctx, `throw new Error("no")`, nil); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("got %v, want the exception", err)
	}
	shot, err := p.Screenshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.DecodeConfig(bytes.NewReader(shot))
	if err != nil || img.Width != 320 || img.Height != 200 {
		t.Errorf("got %dx%d, %v; want 320x200", img.Width, img.Height, err)
	}
	if err := p.Navigate(ctx, "http://127.0.0.1:1/"); err == nil {
		t.Error("an address nobody serves opened")
	}
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
}

func phonesPageGetsAFile(ctx context.Context, t *testing.T, b *devtools.Browser) {
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Phone(ctx); err != nil {
		t.Fatal(err)
	}
	page := `data:text/html,<meta name=viewport content="width=device-width"><input type=file id=f onchange="this.files[0].text().then(s=>window.got=s+innerWidth+('ontouchstart' in window))">`
	if err := p.Navigate(ctx, page); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Choose(ctx, "#f", path); err != nil {
		t.Fatal(err)
	}
	var got string
	err = p.Eval(ctx, `new Promise(ok => { const look = () => window.got ? ok(window.got) : setTimeout(look, 10); look() })`, &got)
	if err != nil || got != "content390true" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := p.Choose(ctx, "#nothing", path); err == nil {
		t.Error("a field that is not there got a file")
	}
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
}

func refusedCallIsAnError(ctx context.Context, t *testing.T, b *devtools.Browser) {
	err := b.Call(ctx, "", "No.suchMethod", nil, nil)
	if e, ok := errors.AsType[*devtools.Error](err); !ok || e.Method != "No.suchMethod" {
		t.Errorf("got %v, want *Error of the method", err)
	}
}

func eventsOfOnePageComeInOrder(ctx context.Context, t *testing.T, b *devtools.Browser) {
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events := p.Subscribe("Runtime.consoleAPICalled")
	defer events.Close()
	if err := other.Eval(ctx, `console.log(99)`, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Eval(ctx, `for (let i = 0; i < 100; i++) console.log(i)`, nil); err != nil {
		t.Fatal(err)
	}
	for want := range 100 {
		ev, err := events.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Args []struct{ Value int }
		}
		if err := ev.Decode(&got); err != nil || len(got.Args) != 1 || got.Args[0].Value != want {
			t.Fatalf("got %+v, %v; want %d", got, err, want)
		}
	}
}

func readerThatFallsBehindIsTold(ctx context.Context, t *testing.T, b *devtools.Browser) {
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events := p.Subscribe("Runtime.consoleAPICalled")
	defer events.Close()
	if err := p.Eval(ctx, `for (let i = 0; i < 6000; i++) console.log(i)`, nil); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := events.Next(ctx); err != nil {
			if !errors.Is(err, devtools.ErrOverflow) {
				t.Errorf("got %v, want ErrOverflow", err)
			}
			return
		}
	}
}

func manyCallersAtOnce(ctx context.Context, t *testing.T, b *devtools.Browser) {
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				var n int
				if err := p.Eval(ctx, `1+1`, &n); err != nil || n != 2 {
					t.Errorf("got %d, %v", n, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func callEndsWithItsContext(ctx context.Context, t *testing.T, b *devtools.Browser) {
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("visitor left")
	short, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
	defer timer.Stop()
	if err := p.Eval(short, `new Promise(() => {})`, nil); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestKilledBrowserEndsCallsAndEvents(t *testing.T) {
	b, ctx := start(t)
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events := b.Subscribe("No.event")
	stuck := make(chan error, 1)
	go func() { stuck <- p.Eval(ctx, `new Promise(() => {})`, nil) }()
	if err := syscall.Kill(b.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-stuck; !errors.Is(err, devtools.ErrClosed) {
		t.Errorf("call: got %v, want ErrClosed", err)
	}
	if _, err := events.Next(ctx); !errors.Is(err, devtools.ErrClosed) {
		t.Errorf("event: got %v, want ErrClosed", err)
	}
	<-b.Done()
	if err := b.Call(ctx, "", "Browser.getVersion", nil, nil); !errors.Is(err, devtools.ErrClosed) {
		t.Errorf("later call: got %v, want ErrClosed", err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	b, ctx := start(t)
	if _, err := b.OpenPage(ctx); err != nil {
		t.Fatal(err)
	}
	pid, profile := b.PID(), b.Profile()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	all, err := proc.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Group == pid && !p.Dead() {
			t.Errorf("process %d of group %d is left", p.PID, pid)
		}
	}
	if left := processesNaming(t, profile); left != "" {
		t.Errorf("processes are left: %s", left)
	}
	if _, err := os.Stat(profile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("profile: got %v, want it removed", err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
}

// processesNaming lists the processes whose command line holds s: also those
// that left the browser's group (the crash handler did, once).
func processesNaming(t *testing.T, s string) string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && bytes.Contains(line, []byte(s)) {
			left = append(left, e.Name())
		}
	}
	return strings.Join(left, " ")
}

func TestStartFailsPlainly(t *testing.T) {
	dir := t.TempDir()
	_, err := devtools.Start(t.Context(), devtools.Options{Path: "no-such-browser", Dir: dir})
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("missing program: got %v", err)
	}
	_, err = devtools.Start(t.Context(), devtools.Options{Path: "false", Dir: dir})
	if !errors.Is(err, devtools.ErrClosed) {
		t.Errorf("a program that ends at once: got %v, want ErrClosed", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

func TestCallsSentWithoutWaitingComeInOrder(t *testing.T) {
	b, ctx := start(t)
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var last *devtools.Answer
	for _, script := range []string{"window.n=1", "n=n*10+2", "n=n*10+3"} {
		if last, err = b.Send(p.Session, "Runtime.evaluate", map[string]any{"expression": script}); err != nil {
			t.Fatal(err)
		}
	}
	var r struct{ Result struct{ Value int } }
	if err := last.Wait(ctx, &r); err != nil || r.Result.Value != 123 {
		t.Errorf("got %d, %v; want 123", r.Result.Value, err)
	}
	b.Kill()
	<-b.Done()
	if _, err := b.Send("", "Browser.getVersion", nil); !errors.Is(err, devtools.ErrClosed) {
		t.Errorf("after the end: got %v", err)
	}
}

func TestProfileOfTheCallersStays(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	b, err := devtools.Start(t.Context(), devtools.Options{Headless: true, Profile: dir})
	if err != nil {
		t.Fatal(err)
	}
	if b.Profile() != dir {
		t.Errorf("got %s", b.Profile())
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder: %v", err)
	}
}
