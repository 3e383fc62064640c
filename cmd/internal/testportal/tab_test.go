package testportal_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser/devtools"
)

// browse starts a browser that finds every host at the portal.
func browse(t *testing.T, p *testportal.Portal) (*devtools.Browser, context.Context) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run 'make deps' first")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: append(p.BrowserFlags(),
		"--site-per-process", "--window-size=1080,1920")})
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

// tab is a page whose complaints are collected.
type tab struct {
	*devtools.Page
	t        *testing.T
	ctx      context.Context
	b        *devtools.Browser
	attached *devtools.Events
	troubles *devtools.Events
}

func openTab(ctx context.Context, t *testing.T, b *devtools.Browser) *tab {
	t.Helper()
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tb := &tab{
		Page: page, t: t, ctx: ctx, b: b,
		attached: page.Subscribe("Target.attachedToTarget"),
		troubles: b.Subscribe("Runtime.exceptionThrown", "Log.entryAdded"),
	}
	t.Cleanup(tb.attached.Close)
	t.Cleanup(tb.troubles.Close)
	tb.call("Log.enable", nil)
	tb.call("Page.setInterceptFileChooserDialog", map[string]any{"enabled": true})
	tb.call("Target.setAutoAttach", map[string]any{"autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true})
	return tb
}

func (tb *tab) call(method string, params any) {
	tb.t.Helper()
	if err := tb.Call(tb.ctx, method, params, nil); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) eval(script string, result any) {
	tb.t.Helper()
	if err := tb.Eval(tb.ctx, script, result); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) open(at string) {
	tb.t.Helper()
	tb.eval("window.before = true", nil)
	if err := tb.Navigate(tb.ctx, at); err != nil {
		tb.t.Fatalf("%s: %v", at, err)
	}
	// The load may have been that of the page before, which came late.
	tb.waitFor("new page", `!window.before && document.readyState === "complete"`)
}

// queued returns the events that came already.
func queued(e *devtools.Events) []devtools.Event {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	var out []devtools.Event
	for {
		ev, err := e.Next(now)
		if err != nil {
			return out
		}
		out = append(out, ev)
	}
}

// frames returns the sessions of the frames in processes of their own since
// the last call. The errors of their scripts are told from now on, those
// before as well.
func (tb *tab) frames() []string {
	tb.t.Helper()
	var out []string
	for _, ev := range queued(tb.attached) {
		var a struct {
			SessionID  string `json:"sessionId"`
			TargetInfo struct{ Type string }
		}
		if err := ev.Decode(&a); err != nil {
			tb.t.Fatal(err)
		}
		if a.TargetInfo.Type != "iframe" {
			continue
		}
		err := tb.b.Call(tb.ctx, a.SessionID, "Runtime.enable", nil, nil)
		if _, refused := errors.AsType[*devtools.Error](err); refused {
			continue // the frame is gone
		}
		if err != nil {
			tb.t.Fatal(err)
		}
		out = append(out, a.SessionID)
	}
	return out
}

// complaints are what the browser found wrong in the pages since the last
// call.
func (tb *tab) complaints() []string {
	tb.t.Helper()
	tb.frames()
	tb.eval("1", nil) // events before the answer have come
	var out []string
	for _, ev := range queued(tb.troubles) {
		var e struct {
			Entry struct{ Level, Text, URL string }
		}
		if err := ev.Decode(&e); err != nil {
			tb.t.Fatal(err)
		}
		if ev.Method == "Runtime.exceptionThrown" || e.Entry.Level == "error" {
			out = append(out, string(ev.Params))
		}
	}
	return out
}

// waitFor evaluates a condition until it holds. Errors are those of a page
// that is just being left.
func (tb *tab) waitFor(what, condition string) {
	tb.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		var ok bool
		if err := tb.Eval(tb.ctx, "!!("+condition+")", &ok); err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			var text string
			_ = tb.Eval(tb.ctx, "document.body.innerText", &text)
			tb.t.Fatalf("no %s; the page says:\n%s", what, text)
		}
		time.Sleep(10 * time.Millisecond) // pacing
	}
}

// middle scrolls an element into view and returns its middle.
func (tb *tab) middle(selector string) (x, y float64) {
	tb.t.Helper()
	var at [2]float64
	tb.eval(fmt.Sprintf(`(e => { e.scrollIntoView({ block: "center", behavior: "instant" }); const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2]; })(document.querySelector(%q))`, selector), &at)
	return at[0], at[1]
}

func (tb *tab) touch(selector string) {
	tb.t.Helper()
	x, y := tb.middle(selector)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		tb.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
	}
}

// attach answers the page's demand for files.
func (tb *tab) attach(selector string, files ...string) {
	tb.t.Helper()
	opened := tb.Subscribe("Page.fileChooserOpened")
	defer opened.Close()
	tb.touch(selector)
	short, cancel := context.WithTimeout(tb.ctx, 10*time.Second)
	defer cancel()
	ev, err := opened.Next(short)
	if err != nil {
		tb.t.Fatalf("no demand for a file: %v", err)
	}
	var c struct {
		Node int `json:"backendNodeId"`
	}
	if err := ev.Decode(&c); err != nil {
		tb.t.Fatal(err)
	}
	// A strong reference: nobody else keeps a detached input.
	tb.call("DOM.resolveNode", map[string]any{"backendNodeId": c.Node})
	tb.call("DOM.setFileInputFiles", map[string]any{"backendNodeId": c.Node, "files": files})
}

func (tb *tab) drop(selector string, files ...string) {
	tb.t.Helper()
	x, y := tb.middle(selector)
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		tb.call("Input.dispatchDragEvent", map[string]any{"type": kind, "x": x, "y": y,
			"data": map[string]any{"items": []any{}, "files": files, "dragOperationsMask": 1}})
	}
}
