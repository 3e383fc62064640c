package console_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
	"pointnum/ui/console"
)

// start starts Chromium.
func start(ctx context.Context, t *testing.T, args ...string) *devtools.Browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: append([]string{"--force-prefers-reduced-motion"}, args...)})
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

// tab is a page in Chromium, logged in with a token; "" for nobody.
type tab struct {
	t    *testing.T
	page *devtools.Page
	base string // http://localhost:…: passkeys want a name
}

func open(ctx context.Context, t *testing.T, b *devtools.Browser, address, token, lang string, width, height int) *tab {
	t.Helper()
	return openAs(ctx, t, b, "localhost", address, token, lang, width, height)
}

// openAs opens a page under one of names.
func openAs(ctx context.Context, t *testing.T, b *devtools.Browser, name, address, token, lang string, width, height int) *tab {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	v := &tab{t: t, page: p, base: "http://" + net.JoinHostPort(name, port)}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	told := p.Subscribe("Runtime.exceptionThrown", "Log.entryAdded")
	t.Cleanup(func() { reportConsole(t, told) })
	v.call(ctx, "Log.enable", nil)
	v.call(ctx, "Network.enable", nil)
	v.login(ctx, token)
	v.cookie(ctx, "__Host-lang", lang)
	if err := p.Screen(ctx, width, height); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *tab) call(ctx context.Context, method string, params any) {
	v.t.Helper()
	if err := v.page.Call(ctx, method, params, nil); err != nil {
		v.t.Fatal(err)
	}
}

func (v *tab) login(ctx context.Context, token string) {
	v.t.Helper()
	if token == "" {
		v.call(ctx, "Network.deleteCookies", map[string]any{"name": "__Host-session", "url": v.base})
		return
	}
	v.cookie(ctx, "__Host-session", token)
}

func (v *tab) cookie(ctx context.Context, name, value string) {
	v.t.Helper()
	v.call(ctx, "Network.setCookie", map[string]any{"name": name, "value": value, "url": v.base, "path": "/", "secure": true, "httpOnly": true})
}

// reportConsole fails the test for every exception, refused policy and
// missing file that the browser told of.
func reportConsole(t *testing.T, events *devtools.Events) {
	defer events.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		ev, err := events.Next(ended)
		if err != nil {
			return
		}
		var entry struct{ Entry struct{ Level, Text string } }
		if err := ev.Decode(&entry); err != nil {
			t.Fatal(err)
		}
		if l := entry.Entry.Level; l != "info" && l != "verbose" && !strings.Contains(entry.Entry.Text, "responded with a status of 4") {
			t.Errorf("browser: %s: %s", ev.Method, ev.Params)
		}
	}
}

func (v *tab) eval(ctx context.Context, script string, into any) {
	v.t.Helper()
	if err := v.page.Eval(ctx, script, into); err != nil {
		v.t.Fatalf("%s: %v", script, err)
	}
}

// until waits for a script to say true; pages may change meanwhile.
func (v *tab) until(ctx context.Context, what, script string) {
	v.t.Helper()
	for end := time.Now().Add(40 * time.Second); ; {
		var ok bool
		err := v.page.Eval(ctx, script, &ok)
		if err == nil && ok {
			return
		}
		if time.Now().After(end) {
			var where, text string
			_ = v.page.Eval(ctx, `location.href`, &where)
			_ = v.page.Eval(ctx, `document.querySelector('main')?.innerText.slice(0, 400)`, &text)
			v.t.Fatalf("%s: never (%v) at %s: %s", what, err, where, text)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			v.t.Fatal(ctx.Err())
		}
	}
}

func (v *tab) open(ctx context.Context, path string) {
	v.t.Helper()
	if err := v.page.Navigate(ctx, v.base+path); err != nil {
		v.t.Fatal(err)
	}
	v.eval(ctx, `document.fonts.ready.then(() => new Promise(ok => requestAnimationFrame(() => requestAnimationFrame(ok))))`, nil)
}

// shot is a page to look at; script fills a form on it and sends it.
type shot struct {
	name, token, path, script string
	narrow                    string // not "": looked at on the smallest screens, too
}

func shots() []shot {
	send := func(action, fields string) string {
		return `(() => { const f = document.querySelector('form[action="` + action + `"]'); ` + fields + ` f.requestSubmit(f.querySelector('[data-go]') ?? undefined); })()`
	}
	return []shot{
		{"home", "samia", "/s/tilleuls", "", "narrow"},
		{"home-desk", "paul", "/s/tilleuls?note=checking", "", ""},
		{"structures", "fleet", "/", "", "narrow"},
		{"updates", "fleet", "/updates", "", "narrow"},
		{"updates-stop", "fleet", "/updates/r1/ask/stop", "", ""},
		{"kiosk", "samia", "/kiosks/h1", "", "narrow"},
		{"kiosk-paused", "samia", "/kiosks/h5?note=paused", "", ""},
		{"confirm", "samia", "/kiosks/h1/ask/reboot", "", ""},
		{"usage", "samia", "/s/tilleuls/usage", "", "narrow"},
		{"usage-kiosk", "fleet", "/s/tilleuls/usage?by=kiosk", "", ""},
		{"usage-empty", "samia", "/s/tilleuls/usage?from=2020-01-01&to=2020-01-31", "", ""},
		{"settings", "samia", "/s/tilleuls/settings", "", ""},
		{"settings-preview", "samia", "/s/tilleuls/settings", send("/s/tilleuls/settings", `f.querySelector('[name="look"]').dataset.go = '';`), "narrow"},
		{"settings-wrong", "samia", "/s/tilleuls/settings", send("/s/tilleuls/settings", `f.elements['from-1-0'].value = '13:00';`), ""},
		{"settings-conflict", "samia", "/s/tilleuls/settings", send("/s/tilleuls/settings", `f.elements.revision.value = 1; f.elements.name.value = 'Autre nom';`), ""},
		{"people", "samia", "/s/tilleuls/people", "", "narrow"},
		{"invited", "samia", "/s/tilleuls/people", send("/s/tilleuls/people", `f.elements.name.value = 'Zoé'; f.elements.email.value = 'zoe@exemple.fr';`), ""},
		{"codes", "samia", "/s/tilleuls/codes", "", ""},
		{"newcode", "samia", "/s/tilleuls/codes", send("/s/tilleuls/codes", `f.elements.label.value = 'Hall d’accueil';`), "narrow"},
		{"alerts", "samia", "/s/tilleuls/alerts", "", ""},
		{"secret", "samia", "/s/tilleuls/alerts", send("/s/tilleuls/alerts", `f.elements.secret.checked = true;`), ""},
		{"audit", "samia", "/s/tilleuls/audit", "", "narrow"},
		{"account", "samia", "/account", "", "narrow"},
		{"account-only", "only", "/account", "", ""},
		{"prove", "samia", "/prove?back=/account", "", ""},
		{"prove-password", "pass", "/prove?back=/account", "", ""},
		{"not-found", "samia", "/s/tilleuls/people/p77/disable", "", ""},
		{"login", "", "/login", "", "narrow"},
		{"login-wrong", "", "/login", send("/login/password", `f.closest('details').open = true; f.elements.email.value = 'a@b.fr'; f.elements.password.value = 'faux'; f.elements.code.value = '1';`), ""},
		{"join", "", "/join/JETON", "", ""},
		{"joinpassword", "", "/join/JETON", send("/join/JETON/password", ``), "narrow"},
	}
}

// run is one language and size; the rules of axe do not depend on more.
type run struct {
	lang          string
	width, height int
	axe           bool
}

// TestScreens shows every page in Chromium, wide and narrow, in both
// languages, and checks what a machine can check of it. With POINTNUM_SHOTS
// set to a folder it leaves a picture of each there.
func TestScreens(t *testing.T) {
	axe, err := os.ReadFile("../../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run make deps: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel) // after the runs, which are parallel
	b := start(ctx, t)
	runs := []run{
		{"fr", 1280, 800, true}, {"en", 390, 844, true},
		{"fr", 320, 640, false}, // 400 % on a small screen, WCAG 1.4.10
		{"en", 640, 400, false}, // 1280 × 800 at 200 %
	}
	if os.Getenv("POINTNUM_SHOTS") != "" {
		runs = append(runs, run{"fr", 390, 844, false}, run{"en", 1280, 800, false})
	}
	for _, run := range runs {
		t.Run(fmt.Sprintf("%s %dx%d", run.lang, run.width, run.height), func(t *testing.T) {
			t.Parallel()
			f := newFleet()
			v := openAs(ctx, t, b, fmt.Sprintf("%s%d.localhost", run.lang, run.width), serve(t, f, newLogins()), "", run.lang, run.width, run.height)
			for _, s := range shots() {
				if run.width < 700 && !run.axe && s.narrow == "" && os.Getenv("POINTNUM_SHOTS") == "" {
					continue
				}
				// A page that finds itself in another's session loads itself anew.
				if err := v.page.Navigate(ctx, "about:blank"); err != nil {
					t.Fatal(err)
				}
				v.login(ctx, s.token)
				v.open(ctx, s.path)
				if s.script != "" {
					v.eval(ctx, `document.body.dataset.old = '1'`, nil)
					v.eval(ctx, s.script, nil)
					v.until(ctx, s.name, `document.readyState === 'complete' && !document.body.dataset.old`)
				}
				v.measure(ctx, s.name)
				if run.axe {
					v.axe(ctx, s.name, string(axe))
				}
				v.shoot(ctx, fmt.Sprintf("%s-%s-%d", s.name, run.lang, run.width))
			}
			v.rollouts(ctx, f, run, string(axe))
		})
	}
}

// rollouts shows the page of updates as it is without a rollout and with one
// that has stopped.
func (v *tab) rollouts(ctx context.Context, f *fleet, run run, axe string) {
	v.t.Helper()
	v.login(ctx, "fleet")
	look := func(name, path string) {
		v.t.Helper()
		v.open(ctx, path)
		v.measure(ctx, name)
		if run.axe {
			v.axe(ctx, name, axe)
		}
		v.shoot(ctx, fmt.Sprintf("%s-%s-%d", name, run.lang, run.width))
	}
	f.rollout(func(r *console.Rollout) { r.State, r.Bad = console.RolloutHeld, 6 })
	look("updates-held", "/updates")
	f.rollout(nil)
	look("updates-new", "/updates?note=rollout_stopped")
	look("plan", "/updates/new?version=2.0.0&pace=careful&stop=5&day=2026-12-01")
}

// measure finds what axe does not see.
func (v *tab) measure(ctx context.Context, name string) {
	v.t.Helper()
	var found []string
	v.eval(ctx, `(() => {
		const bad = [];
		if (document.documentElement.scrollWidth > innerWidth) bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
		for (const e of document.querySelectorAll('a, button, input:not([type="hidden"]), select, textarea, summary')) {
			if (!e.checkVisibility() || e.closest('.skip')) continue;
			const box = e.matches('[type="radio"], [type="checkbox"]') ? e.closest('label') : e;
			const r = box.getBoundingClientRect();
			const name = (e.textContent.trim() || e.name || e.id) + ' ' + Math.round(r.width) + 'x' + Math.round(r.height);
			const inText = e.tagName === 'A' && getComputedStyle(e).display === 'inline';
			if (!inText && (r.height < 31 || r.width < 31)) bad.push('too small: ' + name);
			if (!e.closest('.scroll') && (r.left < -1 || r.right > innerWidth + 1)) bad.push('beyond the sides: ' + name);
			if (e.tagName === 'BUTTON' && e.scrollWidth > e.clientWidth + 1) bad.push('text does not fit: ' + name);
		}
		for (const u of document.querySelectorAll('use')) {
			if (u.checkVisibility() && u.getBBox().width === 0) bad.push('no picture ' + u.getAttribute('href'));
		}
		const headings = [...document.querySelectorAll('h1')].filter(h => h.checkVisibility());
		if (headings.length !== 1 || !headings[0].textContent.trim()) bad.push(headings.length + ' headings');
		if (!document.title || document.querySelectorAll('main').length !== 1) bad.push('no title or main');
		return bad;
	})()`, &found)
	for _, f := range found {
		v.t.Errorf("%s: %s", name, f)
	}
}

// axe runs the rules of WCAG 2.2 A and AA and its best practices.
func (v *tab) axe(ctx context.Context, name, source string) {
	v.t.Helper()
	v.eval(ctx, source, nil)
	var violations []struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	v.eval(ctx, `axe.run(document, {resultTypes: ['violations'],
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'RGAAv4']}).then(r => r.violations)`, &violations)
	for _, f := range violations {
		for _, n := range f.Nodes {
			v.t.Errorf("%s: %s (%s)\n%s\n%s", name, f.ID, f.Help, n.HTML, n.Summary)
		}
	}
}

func (v *tab) shoot(ctx context.Context, name string) {
	v.t.Helper()
	dir := os.Getenv("POINTNUM_SHOTS")
	if dir == "" {
		return
	}
	var img struct{ Data []byte }
	if err := v.page.Call(ctx, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &img); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), img.Data, 0o600); err != nil {
		v.t.Fatal(err)
	}
}
