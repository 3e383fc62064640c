package ui_test

import (
	"context"
	"fmt"
	"os/exec"
	"reflect"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/session"
)

// finger touches a page in Chromium.
type finger struct {
	ctx  context.Context
	page *devtools.Page
}

// TestTouches plays a visitor who touches too often, and a kiosk whose program
// is gone for a moment.
func TestTouches(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := devtools.Start(ctx, devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Screen(ctx, 1080, 1920); err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	e.state.Set(session.State{Screen: session.ScreenWelcome, Lang: "fr"})
	address, stop := serveOn(t, e, "127.0.0.1:0")
	defer func() { stop() }()
	if err := page.Navigate(ctx, "http://"+address+"/"); err != nil {
		t.Fatal(err)
	}
	f := &finger{ctx: ctx, page: page}

	f.sees(t, `[data-section="welcome"]`)
	f.touch(t, `[data-act="start"][data-lang="ar"]`)
	e.wants(t, session.Start{Lang: "ar"})
	e.state.Set(visit(session.ScreenReview, func(st *session.State) { st.Lang = "ar" }))
	f.sees(t, `html[lang="ar"][dir="rtl"] [data-section="review"]`)

	f.touch(t, `#pages [data-do="delete"]`)
	f.tap(t, `#pages [data-do="delete"]`)
	e.wants(t, session.Delete{Page: "p1"})
	f.touch(t, `#pages li:nth-child(2) [data-do="turn"]`)
	e.wants(t, session.Turn{Page: "p2"})
	f.touch(t, `#pages li:nth-child(2) [data-do="turn"]`)
	e.wants(t, session.Turn{Page: "p2"})
	f.touch(t, `#pages li:nth-child(2) [data-do="later"]`)
	e.wants(t, session.Move{Page: "p2", To: 2})
	f.touch(t, `[data-section="review"] [data-act="undo"]`) // nothing to undo: it is off
	e.wants(t)

	e.refuse(&kiosk.Error{Code: kiosk.CodeBadRequest})
	f.touch(t, `#pages li:nth-child(2) [data-do="earlier"]`)
	e.wants(t, session.Move{Page: "p2", To: 0})
	f.sees(t, `#notice`)
	e.refuse(nil)

	stop()
	f.sees(t, `#notice.lost`)
	// Nobody answers for the papers on the screen any more: they go.
	f.sees(t, `[data-section="loading"]`)
	var left int
	if err := page.Eval(ctx, `document.querySelectorAll('#pages li, #thumbs li, #files li, dialog[open]').length`, &left); err != nil || left != 0 {
		t.Errorf("%d things of the visitor are left on a screen without its program, %v", left, err)
	}
	_, stop = serveOn(t, e, address)
	e.state.Set(visit(session.ScreenScan, func(st *session.State) { st.Lang = "ar" }))
	f.sees(t, `[data-section="scan"]`)
	f.sees(t, `#notice[hidden]`)

	// Who leaves reads the goodbye in their language, though it is forgotten.
	e.state.Set(session.State{Screen: session.ScreenGoodbye, Lang: "fr", Wiped: true})
	f.sees(t, `html[lang="ar"] [data-section="goodbye"]`)
	e.state.Set(session.State{Screen: session.ScreenWelcome, Lang: "fr"})
	f.sees(t, `html[lang="fr"] [data-section="welcome"]`)

	for _, script := range []string{
		`document.createElement('p').innerHTML = '<b>x</b>'`,
		`trustedTypes.createPolicy('x', {})`,
		`fetch('http://127.0.0.1:9/')`,
	} {
		if err := page.Eval(ctx, script, nil); err == nil {
			t.Errorf("the page's policy lets %q pass", script)
		}
	}
}

// wants waits for the actions since it was asked last; touches on the way do
// not count.
func (e *engine) wants(t *testing.T, want ...session.Action) {
	t.Helper()
	var got []session.Action
	until(t, fmt.Sprintf("%v", want), func() bool {
		got = nil
		for _, a := range e.actions() {
			if a != (session.StillHere{}) {
				got = append(got, a)
			}
		}
		return len(got) >= len(want)
	})
	if len(want) == 0 {
		want = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = nil
}

func (e *engine) refuse(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// sees waits until something is there; visible, unless it is asked for hidden.
func (f *finger) sees(t *testing.T, selector string) {
	t.Helper()
	until(t, selector, func() bool {
		var seen bool
		err := f.page.Eval(f.ctx, fmt.Sprintf(`(() => { const e = document.querySelector(%q);
			return !!e && (e.checkVisibility() || e.hidden && %q.endsWith('[hidden]')) })()`, selector, selector), &seen)
		return err == nil && seen
	})
}

// touch taps something once the page listens to touches.
func (f *finger) touch(t *testing.T, selector string) {
	t.Helper()
	f.sees(t, `html:not([data-deaf], :has(.pressed))`)
	f.tap(t, selector)
}

// tap puts one finger on the middle of something, whether the page listens or
// not.
func (f *finger) tap(t *testing.T, selector string) {
	t.Helper()
	var at struct{ X, Y float64 }
	err := f.page.Eval(f.ctx, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: 'nearest'});
		const r = e.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2} })()`, selector), &at)
	if err != nil {
		t.Fatalf("%s: %v", selector, err)
	}
	for _, kind := range []string{"touchStart", "touchEnd"} {
		points := []map[string]float64{}
		if kind == "touchStart" {
			points = append(points, map[string]float64{"x": at.X, "y": at.Y})
		}
		if err := f.page.Call(f.ctx, "Input.dispatchTouchEvent", map[string]any{"type": kind, "touchPoints": points}, nil); err != nil {
			t.Fatal(err)
		}
	}
}
