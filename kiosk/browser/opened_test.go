package browser_test

import (
	"context"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
)

// opened is a visit under test.
type opened struct {
	kiosk.Browsing
	*states
	b *browser.Browser
}

func open(t *testing.T, o browser.Options) *opened {
	t.Helper()
	needChromium(t)
	b, err := browser.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return openWith(t, b)
}

func openWith(t *testing.T, b *browser.Browser) *opened {
	t.Helper()
	s := newStates()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	v, err := b.Open(ctx, kiosk.BrowseOptions{Portal: "caf", Lang: "ar", Follow: s.follow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &opened{v, s, b}
}

// attachment is a file of the visit's.
func attachment(name, content string) kiosk.Attachment {
	return kiosk.Attachment{Name: name, Size: int64(len(content)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// behaviour is something that pages do, or that is kept from them.
type behaviour struct {
	name string
	test func(*testing.T, *site, *opened)
}

// inOneVisit tries one behaviour after the other in one visit: each start
// costs seconds. place is the hole for the page.
func inOneVisit(t *testing.T, s *site, o browser.Options, place image.Rectangle, all []behaviour) {
	t.Helper()
	v := open(t, o)
	if err := v.Place(t.Context(), place); err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) { b.test(t, s, v) })
	}
}

// goTo shows a page that is made of body.
func (v *opened) goTo(t *testing.T, s *site, path, body string) {
	t.Helper()
	s.page("portal.test"+path, body)
	if err := browser.Eval(t.Context(), v.Browsing, "location.href='"+s.at("portal.test", path)+"'", nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the page "+path, func() bool {
		var ready bool
		err := browser.Eval(t.Context(), v.Browsing, "location.pathname==='"+path+"'&&document.readyState==='complete'", &ready)
		return err == nil && ready
	})
	v.eval(t, painted)
}

func (v *opened) eval(t *testing.T, script string) string {
	t.Helper()
	var s any
	if err := browser.Eval(t.Context(), v.Browsing, script, &s); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(s)
}

// painted is true when a page can be touched: Chromium drops what comes before
// its first frame.
const painted = `new Promise(ok=>requestAnimationFrame(()=>requestAnimationFrame(()=>setTimeout(()=>ok(true),100))))`

// touch touches the middle of what a selector names in the front page.
func (v *opened) touch(t *testing.T, selector string) {
	t.Helper()
	var at [2]float64
	err := browser.Eval(t.Context(), v.Browsing, `(()=>{const r=document.querySelector('`+selector+`').getBoundingClientRect();return [r.x+Math.min(40,r.width/2),r.y+Math.min(20,r.height/2)]})()`, &at)
	if err != nil {
		t.Fatal(err)
	}
	v.touchAt(t, at[0], at[1])
}

func (v *opened) touchAt(t *testing.T, x, y float64) {
	t.Helper()
	if err := browser.Click(t.Context(), v.Browsing, x, y); err != nil {
		t.Fatal(err)
	}
}

func (v *opened) choice(t *testing.T) kiosk.FileChoice {
	t.Helper()
	return *v.until(t, "a choice", func(b kiosk.BrowserState) bool { return b.Choice != nil }).Choice
}

func (v *opened) attach(t *testing.T, files ...kiosk.Attachment) {
	t.Helper()
	if err := v.Attach(t.Context(), v.choice(t).ID, files); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the choice closed", func(b kiosk.BrowserState) bool { return b.Choice == nil })
}

// soon waits for what a script gives in the page in front. A page that is just
// closed never answers.
func (v *opened) soon(t *testing.T, what, script, want string) {
	t.Helper()
	waitFor(t, what, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var got any
		return browser.Eval(ctx, v.Browsing, script, &got) == nil && fmt.Sprint(got) == want
	})
}

// pages counts those that the guard knows.
func pages(t *testing.T, v *opened) int {
	t.Helper()
	in, err := browser.Look(v.Browsing)
	if err != nil {
		t.Fatal(err)
	}
	return len(in.Targets)
}
