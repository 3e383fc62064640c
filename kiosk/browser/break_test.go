package browser_test

import (
	"context"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
	"pointnum/kiosk/browser/xtest"
)

// run keeps a spare browser for a test.
func run(t *testing.T, o browser.Options) *browser.Browser {
	t.Helper()
	needChromium(t)
	b, err := browser.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return b
}

func TestWhatBreaksIsShownAgain(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `first`)
	o := s.options()
	o.Hang = 2 * time.Second
	b := run(t, o)
	waitFor(t, "a spare browser", b.Ready)
	v := openWith(t, b)
	v.goTo(t, s, "/second", `second <a id=a href="/attached.pdf">a</a>`)
	v.touch(t, "#a")
	v.until(t, "a download", func(b kiosk.BrowserState) bool { return len(b.Downloads) == 1 && b.Downloads[0].Done })
	waitFor(t, "the next spare browser", b.Ready)
	back := func(what string, count int) {
		t.Helper()
		start := time.Now()
		v.until(t, what, func(b kiosk.BrowserState) bool {
			return b.Restarted == count && b.Stopped == kiosk.StopCrash && b.Host == "portal.test" && !b.Loading
		})
		waitFor(t, "the page again", func() bool {
			var path string
			err := browser.Eval(t.Context(), v.Browsing, "location.pathname", &path)
			return err == nil && path == "/second"
		})
		t.Logf("%s: after %v", what, time.Since(start))
	}
	browser.Crash(v.Browsing)
	back("a page that crashed", 1)
	_ = browser.Eval(t.Context(), v.Browsing, "setTimeout(()=>{for(;;);},10)&&1", nil)
	back("a page that hangs", 2)
	if err := syscall.Kill(browser.PID(v.Browsing), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	back("a browser that was killed", 3)
	r, err := v.Take(t.Context(), v.now().Downloads[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := v.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWipeThatCannotBeProvedEndsIt(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `first`)
	v := open(t, s.options())
	found, err := filepath.Glob(filepath.Join(s.dir, "*", "profile", "Default", "canary"))
	if err != nil || len(found) != 1 {
		t.Fatalf("canaries: %v, %v", found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	// Something of the visit that lies where Chromium could have put it.
	left := filepath.Join(s.dir, "left")
	if err := os.WriteFile(left, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.Close(context.Background()); kiosk.CodeOf(err) != kiosk.CodeOutOfOrder {
		t.Errorf("close: %v", err)
	}
	if err := v.b.Healthy(); kiosk.CodeOf(err) != kiosk.CodeOutOfOrder {
		t.Errorf("healthy: %v", err)
	}
	if _, err := v.b.Open(t.Context(), kiosk.BrowseOptions{Portal: "caf"}); kiosk.CodeOf(err) != kiosk.CodeOutOfOrder {
		t.Errorf("open: %v", err)
	}
	if err := os.Remove(left); err != nil {
		t.Fatal(err)
	}
}

func TestPortalThatDoesNotAnswer(t *testing.T) {
	s := newSite(t)
	o := s.options()
	o.Home = func(id string) (string, func(string) bool, bool) {
		return "https://portal.test:1/", func(h string) bool { return h == "portal.test" }, id == "caf"
	}
	needChromium(t)
	b, err := browser.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), kiosk.BrowseOptions{Portal: "caf"}); kiosk.CodeOf(err) != kiosk.CodeNoNetwork {
		t.Errorf("got %v", err)
	}
	if _, err := b.Open(t.Context(), kiosk.BrowseOptions{Portal: "caf", Address: "https://evil.test/"}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("a foreign address: %v", err)
	}
	if _, err := b.Open(t.Context(), kiosk.BrowseOptions{Portal: "none"}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("no portal: %v", err)
	}
}

func TestVisitsLeakNothing(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `first`)
	b := run(t, s.options())
	count := func() (goroutines, files int) {
		waitFor(t, "a spare browser", b.Ready)
		s.CloseClientConnections()
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine(), len(fds)
	}
	visit := func() {
		v, err := b.Open(t.Context(), kiosk.BrowseOptions{Portal: "caf"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Open(t.Context(), kiosk.BrowseOptions{Portal: "caf"}); kiosk.CodeOf(err) != kiosk.CodeDeviceBusy {
			t.Errorf("a second visit: %v", err)
		}
		if err := v.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	visit()
	g0, f0 := count()
	for range 3 {
		visit()
	}
	waitFor(t, "nothing leaks", func() bool {
		g, f := count()
		return g <= g0+2 && f <= f0+2
	})
	if entries, err := os.ReadDir(s.dir); err != nil || len(entries) != 1 {
		t.Errorf("folders: %v, %v; want the spare one's", entries, err)
	}
}

func TestWindowLiesOverItsHole(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `<body style="background:#fc0">x`)
	o := s.options()
	o.Headless, o.Display = false, xtest.Display(t)
	t.Setenv("DISPLAY", o.Display)
	v := open(t, o)
	for _, r := range []image.Rectangle{image.Rect(0, 100, 700, 800), image.Rect(40, 200, 640, 600)} {
		if err := v.Place(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(r.Min.String()+r.Size().String(), " ", "")
		waitFor(t, "the window at "+want, func() bool {
			return v.eval(t, "'('+[screenX,screenY]+')('+[innerWidth,innerHeight]+')'") == want
		})
	}
	if err := v.Place(t.Context(), image.Rectangle{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the window beside the screen", func() bool { return v.eval(t, "screenX>2000") == "true" })
}

// TestBrowserOfAnotherUser runs with Chromium's sandbox on, as on a kiosk.
// Only root can start it; anybody else tries the visit as themselves.
func TestBrowserOfAnotherUser(t *testing.T) {
	s := newSite(t)
	if err := os.Chmod(s.dir, 0o711); err != nil {
		t.Fatal(err)
	}
	s.page("portal.test/", upload+`<input type=file id=f onchange="up('user',this.files)"> <a id=a href="/attached.pdf">a</a>`)
	o := s.options()
	if os.Geteuid() == 0 {
		o.User = "games" // of every Debian, and nobody runs anything as it
	}
	v := open(t, o)
	v.eval(t, painted)
	if status, err := os.ReadFile("/proc/" + strconv.Itoa(browser.PID(v.Browsing)) + "/status"); err != nil || (o.User != "" && !strings.Contains(string(status), "Uid:\t5\t5\t5\t5")) {
		t.Errorf("the browser runs as %s, %v", status, err)
	}
	v.touch(t, "#f")
	v.attach(t, attachment("u.pdf", "%PDF-1.4"))
	s.gets(t, "user", "u.pdf:8:%PDF-1.4")
	v.touch(t, "#a")
	b := v.until(t, "a download", func(b kiosk.BrowserState) bool { return len(b.Downloads) == 1 && b.Downloads[0].Done })
	r, err := v.Take(t.Context(), b.Downloads[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := v.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
