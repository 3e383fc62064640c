package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
)

// hole is where the kiosk's screen leaves room for the portal.
var hole = image.Rect(0, 120, 1080, 1720)

// visit is a portal in use, seen from outside and inside.
type visit struct {
	kiosk.Browsing

	mu   sync.Mutex
	last kiosk.BrowserState
}

func (v *visit) follow(s kiosk.BrowserState) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = s
}

func (v *visit) state() kiosk.BrowserState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// address is that of the page of escapes.
func (h *house) address() string {
	return h.portal.Address() + "evasions?agent=" + url.QueryEscape(h.agent.address)
}

// enterPortal opens a visit on the page of escapes if there is none.
func (h *house) enterPortal(ctx context.Context) error {
	if h.visit != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	// Not faster than the kiosk: two that start at a time take longer than two.
	within(ctx, 40*time.Second, h.browser.Ready)
	v := &visit{}
	b, err := h.browser.Open(ctx, kiosk.BrowseOptions{Portal: portalID, Lang: "fr", Follow: v.follow})
	for again := 0; err != nil && again < 2; again++ { // as the kiosk does: a busy machine
		b, err = h.browser.Open(ctx, kiosk.BrowseOptions{Portal: portalID, Lang: "fr", Follow: v.follow})
	}
	if err != nil {
		return fmt.Errorf("open the portal: %w", err)
	}
	v.Browsing = b
	h.visit = v
	if err := v.Place(ctx, hole); err != nil {
		return err
	}
	if !within(ctx, openLimit, func() bool { return v.whole(ctx) }) {
		return fmt.Errorf("the page of escapes does not open")
	}
	return nil
}

// leave ends the visit. It fails when the wipe does.
func (h *house) leave() error {
	if h.visit == nil {
		return nil
	}
	v := h.visit
	h.visit = nil
	err := v.Close(context.Background())
	h.proxy.CloseConnections()
	return err
}

// call is a DevTools call to the page in front.
func (v *visit) call(ctx context.Context, method string, params, result any) error {
	in, err := browser.Look(v.Browsing)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return in.Devtools.Call(ctx, in.Session, method, params, result)
}

// eval runs an expression in the page in front.
func (v *visit) eval(ctx context.Context, expression string, result any) error {
	var r struct {
		Result    struct{ Value json.RawMessage }
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	err := v.call(ctx, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "silent": true, "awaitPromise": true}, &r)
	if err != nil {
		return err
	}
	if r.Exception != nil {
		return fmt.Errorf("the page threw an exception")
	}
	return json.Unmarshal(r.Result.Value, result)
}

// strays lists windows and pages that the guard does not know, by their types
// and addresses.
func (v *visit) strays(ctx context.Context) ([]string, error) {
	in, err := browser.Look(v.Browsing)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var all struct {
		TargetInfos []struct{ TargetID, Type, URL string }
	}
	if err := in.Devtools.Call(ctx, "", "Target.getTargets", nil, &all); err != nil {
		return nil, err
	}
	var out []string
	for _, t := range all.TargetInfos {
		shown := t.Type == "page" || t.Type == "webview" || t.Type == "other" || t.Type == "background_page"
		// Chromium makes the pages of its toolbar's menus in advance; a kiosk
		// window has no toolbar.
		toolbar := strings.HasPrefix(t.URL, "chrome://") && strings.Contains(t.URL, ".top-chrome/")
		if shown && !toolbar && !slices.Contains(in.Targets, t.TargetID) {
			address, _, _ := strings.Cut(t.URL, "?") // all of it where nothing is asked
			out = append(out, t.Type+" "+address)
		}
	}
	return out, nil
}

// front is what the visitor has before them.
type front struct {
	Origin, Scheme, Path string
	Result               *string // what the page of escapes says of the try; nil: it is another page
}

func (v *visit) look(ctx context.Context, id string) (front, error) {
	var f front
	err := v.eval(ctx, `({Origin: self.origin, Scheme: location.protocol, Path: location.pathname,`+
		`Result: document.querySelector('[data-result="'+`+strconv.Quote(id)+`+'"]')?.textContent ?? null})`, &f)
	return f, err
}

// portal says whether the page in front is one of the portal's.
func (f front) portal() bool {
	host, ok := strings.CutPrefix(f.Origin, "https://")
	return ok && slices.Contains(portalHosts(), host) && (f.Scheme == "https:" || f.Scheme == "blob:")
}

// ready brings the page of escapes in front, as it is when it was just opened.
func (h *house) ready(ctx context.Context) error {
	for again := range 2 {
		if err := h.enterPortal(ctx); err != nil {
			return err
		}
		if h.clean(ctx) {
			return nil
		}
		if again == 0 {
			if err := h.leave(); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the page of escapes does not open")
}

// clean opens the page of escapes again, by the kiosk's own button; false when
// a new visit is needed.
func (h *house) clean(ctx context.Context) bool {
	if h.visit.Do(ctx, kiosk.BrowserPortal) != nil {
		return false
	}
	before, err := h.visit.age(ctx)
	if err != nil || h.visit.Do(ctx, kiosk.BrowserHome) != nil {
		return false
	}
	return within(ctx, openLimit, func() bool {
		now, err := h.visit.age(ctx)
		return err == nil && now > before && h.visit.whole(ctx)
	})
}

// age tells documents apart: it is when the one in front was asked for.
func (v *visit) age(ctx context.Context) (float64, error) {
	var at float64
	err := v.eval(ctx, "performance.timeOrigin", &at)
	return at, err
}

// whole says whether the page of escapes is there, alone and complete.
func (v *visit) whole(ctx context.Context) bool {
	in, err := browser.Look(v.Browsing)
	if err != nil || len(in.Targets) != 1 {
		return false
	}
	var here bool
	err = v.eval(ctx, `location.pathname==='/evasions' && document.readyState==='complete' && !!document.querySelector('[data-escape]')`, &here)
	if err != nil || !here {
		return false
	}
	err = v.eval(ctx, `new Promise(done=>requestAnimationFrame(()=>requestAnimationFrame(()=>done(true))))`, &here)
	return err == nil && here
}

// within waits for a state.
func within(ctx context.Context, limit time.Duration, ok func() bool) bool {
	deadline := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return false
		}
		pace(ctx)
	}
	return true
}

// pace is between two looks at a page that tells nobody when it changes.
func pace(ctx context.Context) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
}

// point is a place of the page in front, in CSS pixels.
type point struct{ X, Y float64 }

// find gives a place on what a selector finds, in view.
func (v *visit) find(ctx context.Context, selector string) (point, error) {
	var at point
	err := v.eval(ctx, `(e=>{e.scrollIntoView({block:'center',behavior:'instant'});const r=e.getBoundingClientRect();`+
		`return {X:r.x+Math.min(r.width,80)/2,Y:r.y+r.height/2}})(document.querySelector(`+strconv.Quote(selector)+`))`, &at)
	if err != nil {
		return point{}, fmt.Errorf("find what to touch: %w", err)
	}
	return at, nil
}

// touch touches what a selector finds and sees that the page was touched: what
// comes before a page's first frame is lost.
func (h *house) touch(ctx context.Context, selector string) error {
	const listen = `document.documentElement.dataset.essai='',addEventListener('click',()=>{document.documentElement.dataset.essai='1'},{capture:true,once:true}),1`
	if err := h.visit.eval(ctx, listen, new(int)); err != nil {
		return err
	}
	before, err := h.visit.age(ctx)
	if err != nil {
		return err
	}
	for range touchTries {
		if err := h.touchOnce(ctx, selector); err != nil {
			return err
		}
		if within(ctx, time.Second, func() bool {
			var came string
			now, err := h.visit.age(ctx)
			return err != nil || now != before || // it hangs, or is gone
				h.visit.eval(ctx, "document.documentElement.dataset.essai??''", &came) != nil || came == "1"
		}) {
			return nil
		}
	}
	return fmt.Errorf("the page takes no touch")
}

// touchTries are for a page that is still being painted.
const touchTries = 4

func (h *house) touchOnce(ctx context.Context, selector string) error {
	at, err := h.visit.find(ctx, selector)
	if err != nil {
		return err
	}
	if h.screen != nil {
		return h.screen.click(ctx, hole.Min.X+int(at.X), hole.Min.Y+int(at.Y))
	}
	return h.visit.fingers(ctx, step{at: []point{at}}, step{})
}
