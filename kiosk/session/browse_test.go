package session_test

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestAVisitOnAPortal(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	if o := b.opened[0]; o.Portal != "caf" || o.Address != "https://caf.test/" || o.Lang != "fr" {
		t.Errorf("opened %+v", o)
	}
	b.choose(kiosk.FileChoice{ID: "1", Formats: []kiosk.Format{kiosk.FormatPDF}, MaxBytes: 5e6})
	s := r.asks(session.AskFile)
	if g := s.Browse.Target; g.MaxBytes != 5e6 || g.Format != kiosk.FormatPDF || !s.Browse.Known || g.MaxFiles != 1 {
		t.Errorf("target %+v, known %v", g, s.Browse.Known)
	}
	r.do(session.AttachDocument{Document: s.Doc().ID})
	s = r.asks(session.AskNothing)
	if got := b.received(); got != "justificatif-loyer.pdf=pdf a@0 b@0" {
		t.Errorf("the page got %q", got)
	}
	d := s.Doc()
	if len(d.Attached) != 1 || time.Since(d.Attached[0].At) > time.Minute {
		t.Fatalf("attached %+v", d.Attached)
	}
	want := []session.Attached{{Portal: "caf", At: d.Attached[0].At, Format: kiosk.FormatPDF, Bytes: 11, Files: 1}}
	if !slices.Equal(d.Attached, want) || d.Result == nil || !d.Result.Delivered || !s.Browse.Lighter {
		t.Errorf("document %+v, result %+v", d, d.Result)
	}
	r.do(session.ClosePortal{})
	if s = r.now(); s.Screen != session.ScreenResult || s.Browse != nil {
		t.Errorf("closed to %s, %+v", s.Screen, s.Browse)
	}
	eventually(t, "the browser closed", func() bool { return b.closed() == 1 })
	r.do(session.Leave{})
	if s = r.screen(session.ScreenGoodbye); !s.Wiped || b.closed() != 1 {
		t.Errorf("wiped %v, closed %d times", s.Wiped, b.closed())
	}
	if n := r.kinds(); n[session.EventPortal] != 1 || n[session.EventAttached] != 1 {
		t.Errorf("events %v", n)
	}
}

func TestTheBarAndTheKeyboardReachThePage(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	r.refused(session.OpenMailbox{Mailbox: "nowhere"}, session.BrowserDo{Command: kiosk.BrowserMailbox},
		session.BrowserDo{Command: "chrome://version"}, session.PressKey{Key: "F12"}, session.TypeText{},
		session.TypeText{Text: strings.Repeat("x", 2000)}, session.OpenPortal{Portal: "nowhere"})
	r.do(session.AskFor{Ask: session.AskMailbox}, session.OpenMailbox{Mailbox: "post"})
	r.wait("the mailbox", func(s session.State) bool { return s.Browse.Mailbox })
	r.do(session.TypeText{Text: "secret-login"}, session.PressKey{Key: "Enter"}, session.BrowserDo{Command: kiosk.BrowserMailbox})
	want := "mailbox https://post.test/; type secret-login; press Enter; mailbox"
	eventually(t, "the page told in order", func() bool { return b.called() == want })
	for _, f := range r.files() {
		if content, err := os.ReadFile(f); err == nil && strings.Contains(string(content), "secret-login") {
			t.Errorf("what was typed is in %s", filepath.Base(f))
		}
	}
	r.do(session.PlaceBrowser{Rect: image.Rect(0, 200, 1080, 1720)})
	eventually(t, "the window placed", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.Contains(b.places, image.Rect(0, 200, 1080, 1720))
	})
	r.do(session.OpenPortal{Portal: "caf"}) // it is open: nothing happens to it
	if s := r.now(); s.Task != nil || s.Screen != session.ScreenBrowse || len(b.opened) != 1 {
		t.Errorf("task %+v on %s", s.Task, s.Screen)
	}
	r.do(session.OpenPortal{Portal: "photos"})
	if s := r.idle(); s.Browse.Portal != "photos" || b.closed() != 1 {
		t.Errorf("%+v, closed %d times: the first portal is still open", s.Browse, b.closed())
	}
}

func TestALinkToAnotherPortalLeadsThere(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	stops := func(why kiosk.BrowserStop, host string) session.State {
		b.tell(func(s *kiosk.BrowserState) { s.Stopped, s.StoppedAt = why, host })
		return r.wait("the stop at "+host, func(s session.State) bool { return s.Browse.StoppedAt == host })
	}
	for host, want := range map[string]string{"caf.test": "", "photos.test": "photos"} {
		if s := stops(kiosk.StopForeign, host); s.Browse.Elsewhere != want {
			t.Errorf("%s leads to %q", host, s.Browse.Elsewhere)
		}
	}
	if s := stops(kiosk.StopNetwork, "x.test"); s.Browse.Elsewhere != "" {
		t.Errorf("a page that did not come leads to %q", s.Browse.Elsewhere)
	}
	stops(kiosk.StopForeign, "photos.test")
	r.do(session.OpenPortal{Portal: "photos"})
	s := r.idle()
	if s.Browse.Portal != "photos" || s.Browse.Elsewhere != "" || s.PageCount() != 2 || b.closed() != 1 {
		t.Errorf("%+v, closed %d times, %d pages", s.Browse, b.closed(), s.PageCount())
	}
}

func TestAPageThatHangsHoldsNobody(t *testing.T) {
	b := &browser{}
	b.do = func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
	r := browsing(t, b)
	for range 10 {
		r.do(session.TypeText{Text: "x"})
	}
	r.do(session.PlaceBrowser{}, session.Leave{})
	if s := r.screen(session.ScreenGoodbye); !s.Wiped {
		t.Error("not wiped")
	}
}

func TestABrowserThatFailsIsToldAndTriedAgain(t *testing.T) {
	b := &browser{}
	b.open = func(context.Context) error { return fault(kiosk.CodeNoNetwork) }
	r := start(t, with(b))
	r.do(session.Start{}, session.OpenPortal{Portal: "caf"})
	if s := r.faulty(kiosk.CodeNoNetwork); s.Screen != session.ScreenScan || !s.Fault.Retry || s.Browse != nil {
		t.Errorf("fault %+v on %s", s.Fault, s.Screen)
	}
	b.hooks(func() { b.open = nil })
	r.do(session.Retry{})
	r.screen(session.ScreenBrowse)
	r.idle()
	b.hooks(func() { b.do = func(context.Context) error { return fault(kiosk.CodeNoNetwork) } })
	r.do(session.OpenMailbox{Mailbox: "post"})
	if s := r.faulty(kiosk.CodeNoNetwork); !s.Fault.Retry || s.Screen != session.ScreenBrowse {
		t.Errorf("fault %+v on %s", s.Fault, s.Screen)
	}
	b.hooks(func() { b.do = nil })
	r.do(session.Retry{})
	eventually(t, "the mailbox", func() bool { return b.called() == "mailbox https://post.test/" })
	b.hooks(func() { b.do = func(context.Context) error { return fault(kiosk.CodeBrowserBroken) } })
	r.do(session.BrowserDo{Command: kiosk.BrowserReload})
	if s := r.faulty(kiosk.CodeBrowserBroken); !s.Fault.Retry || s.Fault.Task != session.TaskOpen {
		t.Errorf("fault %+v", s.Fault)
	}
	b.hooks(func() { b.do = nil })
	r.do(session.Retry{})
	if r.idle(); len(b.opened) != 2 || b.closed() != 1 {
		t.Errorf("opened %d times, closed %d times", len(b.opened), b.closed())
	}
}

func TestOpeningAPortalCanBeCancelledOrLeft(t *testing.T) {
	for _, a := range []session.Action{session.Cancel{}, session.Leave{}} {
		b := &browser{}
		reached, release := make(chan struct{}), make(chan struct{})
		b.open = func(ctx context.Context) error { // it opens all the same
			close(reached)
			<-release
			return nil
		}
		r := start(t, with(b))
		r.do(session.Start{}, session.OpenPortal{Portal: "caf"})
		<-reached
		r.do(a)
		close(release)
		eventually(t, "what was opened closed again", func() bool { return b.closed() == 1 })
		if s := r.idle(); s.Browse != nil || s.Screen == session.ScreenBrowse {
			t.Errorf("after %T on %s", a, s.Screen)
		}
		r.stop()
	}
}

func TestAKioskWhoseBrowserDoesNotCloseIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &browser{}
		r := browsing(t, b)
		b.hooks(func() { b.close = func(context.Context) error { return fault(kiosk.CodeOutOfOrder) } })
		r.do(session.ClosePortal{})
		synctest.Wait()
		if s := r.now(); s.Browser || s.Screen != session.ScreenScan || s.PageCount() != 2 {
			t.Errorf("the papers are still theirs: %+v", s)
		}
		r.refused(session.OpenPortal{Portal: "caf"})
		r.do(session.Leave{})
		synctest.Wait()
		if s := r.now(); s.Screen != session.ScreenBroken || s.Wiped || s.Browser {
			t.Errorf("after leaving %+v", s)
		}
		if len(r.files()) != 0 {
			t.Error("the papers are still there")
		}
		r.refused(session.Start{})
		b.hooks(func() { b.close = nil })
		time.Sleep(2 * time.Minute)
		if s := r.now(); s.Screen != session.ScreenWelcome || !s.Browser {
			t.Errorf("after a close that held %+v", s)
		}
		r.stop()
	})
}

func TestABrowserThatHangsWhileClosingDoesNotHoldTheWipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &browser{}
		r := browsing(t, b)
		b.hooks(func() { b.close = func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) } })
		r.do(session.Leave{})
		time.Sleep(14 * time.Second)
		if s := r.now(); s.Screen != session.ScreenBroken || len(r.files()) != 0 {
			t.Errorf("%s, files %v", s.Screen, r.files())
		}
		b.hooks(func() { b.close = nil })
		r.stop()
		if b.closed() != 1 {
			t.Errorf("closed %d times", b.closed())
		}
	})
}

func TestAShutdownClosesTheBrowserFirst(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	var order []string
	b.hooks(func() {
		b.close = func(context.Context) error {
			if len(r.files()) > 0 {
				order = append(order, "papers still there")
			}
			return nil
		}
	})
	r.stop()
	if r.runErr != nil || b.closed() != 1 || len(order) != 1 {
		t.Errorf("%v, closed %d times, %v", r.runErr, b.closed(), order)
	}
	b2 := &browser{close: func(context.Context) error { return errors.New("stuck") }}
	r = browsing(t, b2)
	if r.stop(); r.runErr == nil {
		t.Error("a browser that was not closed is no clean end")
	}
}

func TestWhatHappensInAPageIsASignOfTheVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in its time: the minutes below pass at once
		b := &browser{}
		r := browsing(t, b)
		moves := func() { b.tell(func(s *kiosk.BrowserState) { s.CanBack = !s.CanBack }) }
		for range 7 { // 14 minutes in which the bar is not touched
			time.Sleep(110 * time.Second)
			moves()
			synctest.Wait()
			if !r.now().IdleWarning.IsZero() {
				t.Fatal("warned though the page is used")
			}
		}
		for range 8 { // a page that loads itself for ever
			time.Sleep(100 * time.Second)
			moves()
		}
		if s := r.now(); s.Visit != "" {
			t.Error("a page alone holds the visit for ever")
		}
		r.stop()
	})
}

func TestWhoReadsAndScrollsIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in its time: the minutes below pass at once
		b := &browser{}
		r := browsing(t, b)
		scrolls := func() { b.tell(func(s *kiosk.BrowserState) { s.Touches++ }) }
		for range 20 { // 33 minutes
			time.Sleep(100 * time.Second)
			scrolls()
			synctest.Wait()
			if !r.now().IdleWarning.IsZero() {
				t.Fatal("warned though the page is touched")
			}
		}
		time.Sleep(125 * time.Second)
		scrolls() // told late: the page is covered
		synctest.Wait()
		if r.now().IdleWarning.IsZero() {
			t.Error("not warned afterwards")
		}
		r.stop()
	})
}

func TestAPageUnderTheWarningDoesNotPutItAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &browser{}
		r := browsing(t, b)
		time.Sleep(121 * time.Second)
		b.tell(func(s *kiosk.BrowserState) { s.Loading = true })
		r.do(session.PlaceBrowser{})
		synctest.Wait()
		if r.now().IdleWarning.IsZero() {
			t.Error("the warning is gone")
		}
		r.stop()
	})
}

func TestWaitingForACodeTakesLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &browser{}
		r := browsing(t, b)
		r.do(session.WaitForCode{On: true})
		if !r.now().Browse.Waiting {
			t.Error("not shown")
		}
		time.Sleep(9 * time.Minute)
		if !r.now().IdleWarning.IsZero() {
			t.Error("warned while a code is on its way")
		}
		r.do(session.WaitForCode{})
		time.Sleep(125 * time.Second)
		if r.now().IdleWarning.IsZero() {
			t.Error("not warned afterwards")
		}
		r.stop()
	})
}

func TestAfterACrashThePortalIsToldToBeGone(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	b.choose(kiosk.FileChoice{ID: "1"})
	s := r.asks(session.AskFile)
	r.do(session.AttachDocument{Document: s.Doc().ID})
	r.asks(session.AskNothing)

	again := &browser{}
	n := r.crash(with(again))
	s = n.idle()
	want := session.Fault{Code: kiosk.CodeBrowserBroken, Task: session.TaskOpen, Retry: true}
	if s.Fault == nil || *s.Fault != want || !s.Restore || s.Browse != nil || s.Screen != session.ScreenResult ||
		len(s.Doc().Attached) != 1 || n.pages() != "a b" {
		t.Fatalf("%+v, fault %+v, pages %q", s, s.Fault, n.pages())
	}
	n.do(session.Retry{})
	n.idle()
	if s = n.screen(session.ScreenBrowse); again.opened[0].Portal != "caf" || s.Fault != nil {
		t.Errorf("opened %v, fault %+v", again.opened, s.Fault)
	}
	without := r.crash()
	if s := without.idle(); s.Fault == nil || s.Fault.Retry || s.Browser {
		t.Errorf("without a browser: fault %+v", s.Fault)
	}
}

func TestWithoutABrowserAllElseWorks(t *testing.T) {
	r := start(t)
	r.result("caf", "a")
	if r.now().Browser {
		t.Error("a browser is said to be there")
	}
	r.refused(session.OpenPortal{Portal: "caf"}, session.ClosePortal{}, session.Go{Screen: session.ScreenBrowse},
		session.PlaceBrowser{}, session.WaitForCode{On: true}, session.TypeText{Text: "x"})
}
