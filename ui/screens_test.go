package ui_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
)

// TestScreens shows every screen in Chromium, in each language, upright and
// lying, and checks what a machine can check of it. With POINTNUM_SHOTS set to
// a folder it leaves a picture of each there.
func TestScreens(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run make deps: %v", err)
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: []string{"--force-prefers-reduced-motion"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, run := range []struct {
		lang          string
		width, height int
		check         bool
	}{
		{"fr", 1080, 1920, true}, {"ar", 1080, 1920, false}, {"en", 1080, 1920, false}, {"fr", 1920, 1080, false},
		{"ar", 1920, 1080, true}, {"fr", 320, 800, false},
	} {
		name := fmt.Sprintf("%s %dx%d", run.lang, run.width, run.height)
		t.Run(name, func(t *testing.T) {
			s := openScreens(ctx, t, b, run.lang, run.width, run.height)
			for _, c := range screens() {
				if c.like && (run.lang == "en" || run.width < 760) {
					continue
				}
				s.show(ctx, t, c)
				s.measure(ctx, t, c)
				if run.check && !c.like {
					s.axe(ctx, t, c, string(axe))
				}
				s.shoot(ctx, t, c)
			}
		})
	}
}

// shown is a page that shows one canned state after the other.
type shown struct {
	engine *engine
	page   *devtools.Page
	lang   string
	label  string
	wide   int
	seq    uint64
}

func openScreens(ctx context.Context, t *testing.T, b *devtools.Browser, lang string, width, height int) *shown {
	t.Helper()
	s := &shown{engine: &engine{}, lang: lang, label: fmt.Sprintf("%s-%dx%d", lang, width, height), wide: width}
	address := serve(t, s.engine)
	first := screens()[0].state
	first.Lang = lang
	s.engine.state.Set(first)
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s.page = p
	console := p.Subscribe("Runtime.exceptionThrown", "Log.entryAdded")
	t.Cleanup(func() { reportConsole(t, console) })
	if err := p.Call(ctx, "Log.enable", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Screen(ctx, width, height); err != nil {
		t.Fatal(err)
	}
	if err := p.Navigate(ctx, "http://"+address+"/"); err != nil {
		t.Fatal(err)
	}
	return s
}

// reportConsole fails the test for every exception, refused policy and
// missing file that the browser told of.
func reportConsole(t *testing.T, events *devtools.Events) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		ev, err := events.Next(ended)
		if err != nil {
			return
		}
		var entry struct{ Entry struct{ Level string } }
		if err := ev.Decode(&entry); err != nil {
			t.Fatal(err)
		}
		if entry.Entry.Level != "info" && entry.Entry.Level != "verbose" {
			t.Errorf("browser: %s: %s", ev.Method, ev.Params)
		}
	}
}

// show publishes a state and waits until the page has drawn it.
func (s *shown) show(ctx context.Context, t *testing.T, c canned) {
	t.Helper()
	st := c.state
	st.Lang = s.lang
	if err := s.page.Eval(ctx, `document.querySelector('#notice').hidden = true`, nil); err != nil { // of the one before
		t.Fatal(err)
	}
	s.engine.state.Set(st)
	_, s.seq = s.engine.state.Load()
	script := fmt.Sprintf(`(async () => {
		for (const d of document.querySelectorAll('dialog[open]')) if (d.id !== 'idle') d.close();
		while (document.documentElement.dataset.seq !== '%d') await new Promise(requestAnimationFrame);
		await document.fonts.ready;
	})()`, s.seq)
	// After a goodbye the page takes another process, in the middle of this.
	until(t, c.name, func() bool { return s.page.Eval(ctx, script, nil) == nil })
	touch := c.touch
	if touch != "" {
		touch = "while ('deaf' in document.documentElement.dataset) await new Promise(requestAnimationFrame); await (async () => {" + touch + "})();"
	}
	settle := fmt.Sprintf(`(async () => { %s
		await Promise.all([...document.images].filter(i => i.src).map(i => i.decode().catch(() => {})));
		await document.fonts.ready;
		await new Promise(ok => requestAnimationFrame(() => requestAnimationFrame(ok)));
	})()`, touch)
	if err := s.page.Eval(ctx, settle, nil); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
}

// measure checks sizes and overflow: what axe does not see.
func (s *shown) measure(ctx context.Context, t *testing.T, c canned) {
	t.Helper()
	var found []string
	err := s.page.Eval(ctx, fmt.Sprintf(`(() => {
		const bad = [];
		const wide = %d;
		if (document.documentElement.scrollWidth > innerWidth) bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
		const screen = document.querySelector('dialog[open]') ?? document.body;
		for (const e of screen.querySelectorAll('button, [tabindex="0"]')) {
			if (e.offsetParent === null && !e.closest('dialog[open]')) continue;
			const r = e.getBoundingClientRect();
			if (r.width === 0) continue;
			const name = (e.textContent.trim() || e.getAttribute('aria-label')) + ' ' + Math.round(r.width) + 'x' + Math.round(r.height);
			// Keys of the kiosk's own keyboard stand close, as on any keyboard.
			const key = e.closest('.keyboard');
			if (key && wide > 760 && (r.height < (innerHeight > wide ? 72 : 64) || r.width < 68)) bad.push('key too small: ' + name);
			if (!key && Math.min(r.width, r.height) < (wide < 760 ? 60 : 88)) bad.push('too small: ' + name);
			if (r.left < -1 || r.right > innerWidth + 1) bad.push('beyond the sides: ' + name);
			if (wide > 760 && e.closest('.actions, .top, dialog, .bar, .strip, .keyboard') && !e.closest('dialog .body') && (r.bottom > innerHeight + 1 || r.top < -1)) bad.push('below the screen: ' + name);
			if (e.scrollWidth > e.clientWidth + 1) bad.push('text does not fit: ' + name);
		}
		for (const e of screen.querySelectorAll('.strip, #notice')) if (e.offsetParent !== null && wide > 760 && e.scrollHeight > e.clientHeight + 1) bad.push('too long for its line: ' + e.textContent.trim());
		const walk = document.createTreeWalker(screen, NodeFilter.SHOW_TEXT);
		while (walk.nextNode()) {
			const e = walk.currentNode.parentElement;
			if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest('template, .unseen, .skip') || getComputedStyle(e).clipPath !== 'none') continue;
			const size = parseFloat(getComputedStyle(e).fontSize);
			const least = e.closest('.small') ? 24 : 28;
			if (wide > 760 && size < least - 0.01) bad.push(size + 'px: ' + walk.currentNode.data.trim());
			const r = e.getBoundingClientRect();
			if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline') bad.push('text does not fit: ' + e.textContent.trim());
			if (r.left < -1 || r.right > innerWidth + 1) bad.push('text beyond the sides: ' + e.textContent.trim());
		}
		const headings = [...document.querySelectorAll('h1')].filter(h => h.checkVisibility());
		if (headings.length !== 1 || !headings[0].textContent.trim()) bad.push(headings.length + ' headings');
		return bad;
	})()`, s.wide), &found)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	for _, f := range found {
		t.Errorf("%s: %s", c.name, f)
	}
}

// axe runs the rules of WCAG 2.2 A and AA and its best practices.
func (s *shown) axe(ctx context.Context, t *testing.T, c canned, source string) {
	t.Helper()
	var have bool
	if err := s.page.Eval(ctx, `'axe' in window`, &have); err != nil {
		t.Fatal(err)
	}
	if !have {
		if err := s.page.Eval(ctx, source, nil); err != nil {
			t.Fatal(err)
		}
	}
	var violations []struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	err := s.page.Eval(ctx, `axe.run(document, {resultTypes: ['violations'],
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations)`, &violations)
	if err != nil {
		t.Fatalf("%s: axe: %v", c.name, err)
	}
	for _, v := range violations {
		for _, n := range v.Nodes {
			t.Errorf("%s: %s (%s)\n%s\n%s", c.name, v.ID, v.Help, n.HTML, n.Summary)
		}
	}
}

func (s *shown) shoot(ctx context.Context, t *testing.T, c canned) {
	t.Helper()
	dir := os.Getenv("POINTNUM_SHOTS")
	if dir == "" {
		return
	}
	img, err := s.page.Screenshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, s.label+"-"+c.name+".png"), img, 0o600); err != nil {
		t.Fatal(err)
	}
}
