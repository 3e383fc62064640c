package technician_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/ui/assets"
	"pointnum/ui/safeweb"
	"pointnum/ui/technician"
)

// desk shows a canned kiosk and keeps what it is told.
type desk struct {
	mu     sync.Mutex
	state  technician.State
	stand  technician.Stand
	sticks []technician.Stick
	done   []technician.Action
	left   int
	err    error
}

const code = "48217350"

func (d *desk) set(f func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

func (d *desk) State() (s technician.State) {
	d.set(func(d *desk) { s = d.state })
	return s
}

func (d *desk) Sticks() (s []technician.Stick) {
	d.set(func(d *desk) { s = d.sticks })
	return s
}

func (d *desk) Stand() (s technician.Stand) {
	d.set(func(d *desk) { s = d.stand })
	return s
}

func (d *desk) Try(typed string) bool { return typed == code }

func (d *desk) Left() { d.set(func(d *desk) { d.left++ }) }

func (d *desk) Do(_ context.Context, a technician.Action) (err error) {
	d.set(func(d *desk) { d.done, err = append(d.done, a), d.err })
	return err
}

// rig is a menu on a port of its own.
type rig struct {
	*desk
	menu *technician.Server
	url  string
	mu   sync.Mutex
	late time.Duration
}

// wait moves the menu's clock.
func (r *rig) wait(d time.Duration) {
	r.mu.Lock()
	r.late += d
	r.mu.Unlock()
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.late)
}

func serve(t *testing.T) *rig {
	t.Helper()
	r := &rig{desk: &desk{stand: technician.Stand{Left: 5}, state: technician.State{Lang: "fr", TextLang: "fr", Free: true, Version: "1.0.0", Link: technician.LinkUp,
		Update: technician.Update{Phase: technician.PhaseNone, Percent: -1}, Reboot: true, PowerOff: true}}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := safeweb.Hosts(ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if r.menu, err = technician.New(technician.Options{Desk: r.desk, Now: r.now}); err != nil {
		t.Fatal(err)
	}
	set, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(technician.Base, r.menu)
	mux.Handle(technician.Base+"/", r.menu)
	mux.HandleFunc("GET /static/{name}", func(w http.ResponseWriter, q *http.Request) {
		f, _ := set.File(q.PathValue("name"))
		w.Header().Set("Content-Type", f.Type)
		_, _ = w.Write(f.Data)
	})
	server := safeweb.Server(safeweb.Protect(safeweb.Options{Hosts: hosts}, mux), nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		r.menu.Close()
		_ = server.Close()
		if err := <-done; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	r.url = "http://" + ln.Addr().String()
	return r
}

// canned is a screen to look at.
type canned struct {
	name, path string
	out        bool // nobody has typed the code
	change     func(*desk)
}

const proof = `PREUVE D’EFFACEMENT D’UNE BORNE

Date          : 22/11/2026 15:04:05 +01:00
Machine       : Exemple Borne 21 SN0001
Disque        : DISQUE 64 SN0002
Borne         : k-7f3a
Programme     : 1.0.0
Supervision   : la borne y est révoquée

KIOSK-CONF : effacé et relu
  67108864 octets mis à zéro, 4194304 relus sur le disque
  sha256 de ce qui a été relu   bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8
  sha256 d’autant de zéros      bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8

VERDICT : tout ce qui était propre à cette borne est effacé. Le système, sans donnée, reste.`

func screens() []canned {
	stick := []technician.Stick{{Folder: "/run/pointnum-keys/sdb1/pointnum-update", Version: "1.1.0"},
		{Folder: "/run/pointnum-keys/sdc1/pointnum-update", Fault: &technician.Fault{Code: "update_signature", Text: "La mise à jour n’est pas signée par une clé connue de la borne : elle est refusée."}}}
	phase := func(p technician.Phase, percent int) func(*desk) {
		return func(d *desk) {
			d.state.Update = technician.Update{Phase: p, Wanted: "1.1.0", Percent: percent}
		}
	}
	task := func(k technician.Task) func(*desk) { return func(d *desk) { d.state.Task = k } }
	at := func(ask string) string { return technician.Base + ask }
	return []canned{
		{"code", at(""), true, func(*desk) {}},
		{"code-closed", at(""), true, func(d *desk) { d.stand = technician.Stand{Closed: 9*time.Minute + time.Second} }},
		{"code-none", at(""), true, func(d *desk) { d.stand.None = true }},
		{"menu", at(""), false, func(*desk) {}},
		{"problems", at(""), false, func(d *desk) {
			d.state.Link = technician.LinkDown
			d.state.Problems = []technician.Problem{{Name: "imprimante", Kind: kiosk.KindPrinter, Code: kiosk.CodePaperEmpty, Detail: "media-empty-error"},
				{Name: "browser_policies", Code: kiosk.CodeOutOfOrder, Detail: "kioskctl policies"}}
			d.state.Update = technician.Update{Phase: technician.PhaseReturned, Wanted: "1.1.0", Percent: -1}
		}},
		{"refused", at(""), false, func(d *desk) {
			d.state.Fault = &technician.Fault{Code: kiosk.CodeNotResponding, Text: "L’appareil ne répond pas à temps : vérifiez-le, puis réessayez.", Detail: "steward: power: not_responding: dial unix /run/pointnum-steward/power.sock: connect: no such file or directory"}
		}},
		{"update", at("/update"), false, func(d *desk) { d.sticks = stick }},
		{"no-stick", at("/update"), false, func(*desk) {}},
		{"packages", at("/update"), false, phase(technician.PhasePackages, -1)},
		{"fetching", at("/update"), false, phase(technician.PhaseFetching, 42)},
		{"waiting", at("/update"), false, phase(technician.PhaseWaiting, -1)},
		{"failed", at("/update"), false, func(d *desk) {
			d.sticks = stick[:1]
			d.state.Update = technician.Update{Phase: technician.PhaseFailed, Wanted: "1.1.0", Percent: -1, Fault: &technician.Fault{Code: "update_altered", Text: "Un fichier de la mise à jour n’est pas celui qui a été signé : il est refusé."}}
			d.state.Fault = &technician.Fault{Code: "update_older", Text: "Cette version n’est pas plus récente que celle de la borne : elle est refusée.", Detail: "update: update_older: 1.0.0"}
		}},
		{"stick", at("/stick?folder=" + url.QueryEscape(stick[0].Folder)), false, func(d *desk) { d.sticks = stick }},
		{"stick-gone", at("/stick?folder=x"), false, func(*desk) {}},
		{"setup", at("/setup"), false, func(*desk) {}},
		{"power", at("/power"), false, func(*desk) {}},
		{"erase", at("/erase"), false, func(*desk) {}},
		{"erase-bad", at("/erase?bad"), false, func(*desk) {}},
		{"task-setup", at(""), false, task(technician.TaskSetup)},
		{"task-erase", at(""), false, task(technician.TaskErase)},
		{"task-erased", at(""), false, func(d *desk) { d.state.Task, d.state.Proof = technician.TaskErased, proof }},
	}
}

// wide are the screens that are also looked at lying, and from right to left:
// those with the most on them.
var wide = []string{"code", "problems", "failed", "erase-bad", "task-erased"}

// TestScreens shows every screen in Chromium and checks what a machine can
// check of it. With POINTNUM_SHOTS set to a folder it leaves a picture of each
// there.
func TestScreens(t *testing.T) {
	axe, err := os.ReadFile("../../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run make deps: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
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
	type run struct {
		lang          string
		width, height int
		axe           bool
	}
	runs := []run{{"fr", 1080, 1920, true}, {"ar", 1920, 1080, false}}
	if os.Getenv("POINTNUM_SHOTS") != "" {
		runs = append(runs, run{"fr", 1920, 1080, false}, run{"en", 1080, 1920, false})
	}
	for _, run := range runs {
		r := serve(t)
		p, err := b.OpenPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Screen(ctx, run.width, run.height); err != nil {
			t.Fatal(err)
		}
		plain := r.State()
		plain.Lang = run.lang
		for _, c := range screens() {
			if !run.axe && os.Getenv("POINTNUM_SHOTS") == "" && !slices.Contains(wide, c.name) {
				continue
			}
			// The page before would load itself again in the middle of this.
			if err := p.Navigate(ctx, "about:blank"); err != nil {
				t.Fatal(err)
			}
			r.set(func(d *desk) { d.state, d.stand, d.sticks = plain, technician.Stand{Left: 5}, nil })
			if !c.out {
				enter(ctx, t, p, r.url)
				if err := p.Navigate(ctx, "about:blank"); err != nil {
					t.Fatal(err)
				}
			}
			r.set(c.change)
			name := fmt.Sprintf("%s-%s-%dx%d", c.name, run.lang, run.width, run.height)
			look(ctx, t, p, r.url+c.path, name, run.height)
			if run.axe {
				check(ctx, t, p, name, string(axe))
			}
			shoot(ctx, t, p, name)
		}
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

// enter types the code on the pad, unless the menu is open already.
func enter(ctx context.Context, t *testing.T, p *devtools.Page, base string) {
	t.Helper()
	if err := p.Navigate(ctx, base+technician.Base); err != nil {
		t.Fatal(err)
	}
	var step string
	if err := p.Eval(ctx, `document.querySelector('main').dataset.step`, &step); err != nil || step == "menu" {
		return
	}
	err := p.Eval(ctx, fmt.Sprintf(`(() => {
		for (const d of %q) document.querySelector('[data-digit="' + d + '"]').click();
		document.querySelector('#form').requestSubmit();
	})()`, code), nil)
	for deadline := time.Now().Add(40 * time.Second); err == nil && step != "menu"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the code does not open the menu")
		}
		_ = p.Eval(ctx, `document.querySelector('main')?.dataset.step ?? ''`, &step) // between two pages
	}
	if err != nil {
		t.Fatal(err)
	}
}

// look opens a screen and measures it.
func look(ctx context.Context, t *testing.T, p *devtools.Page, address, name string, height int) {
	t.Helper()
	if err := p.Navigate(ctx, address); err != nil {
		t.Fatal(err)
	}
	var found []string
	err := p.Eval(ctx, fmt.Sprintf(`(async () => {
		await document.fonts.ready;
		await new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)));
		const bad = [];
		const high = %d;
		if (document.documentElement.scrollWidth > innerWidth) bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
		if (document.documentElement.scrollHeight > high + 1) bad.push('the page is ' + document.documentElement.scrollHeight + ' high');
		for (const e of document.querySelectorAll('button, a, input:not([type="hidden"])')) {
			if (!e.checkVisibility()) continue;
			const r = e.getBoundingClientRect();
			const name = (e.textContent.trim() || e.name) + ' ' + Math.round(r.width) + 'x' + Math.round(r.height);
			const key = e.closest('.keyboard');
			if (key ? r.height < 64 || r.width < 60 : Math.min(r.width, r.height) < 87) bad.push('too small: ' + name);
			if (r.left < -1 || r.right > innerWidth + 1) bad.push('beyond the sides: ' + name);
			if (r.bottom > high + 1 || r.top < -1) bad.push('off the screen: ' + name);
			if (!e.matches('input') && e.scrollWidth > e.clientWidth + 1) bad.push('text does not fit: ' + name);
		}
		for (const e of document.querySelectorAll('.pad button')) {
			const box = document.querySelector('.body').getBoundingClientRect(), r = e.getBoundingClientRect();
			if (r.bottom > box.bottom + 1 || r.top < box.top - 1) bad.push('a digit is out of sight');
		}
		for (const u of document.querySelectorAll('use')) if (u.checkVisibility() && u.getBBox().width === 0) bad.push('no picture ' + u.getAttribute('href'));
		for (const e of document.querySelectorAll('.body > *, .lines > li')) if (e.scrollWidth > e.clientWidth + 1) bad.push('too wide: ' + e.textContent.trim().slice(0, 40));
		const field = document.querySelector('input[data-typing]');
		if (field && (document.activeElement !== field || document.querySelector('#keyboard').hidden)) bad.push('no keyboard for the field');
		if (document.querySelectorAll('h1').length !== 1) bad.push('headings');
		return bad;
	})()`, height), &found)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, f := range found {
		t.Errorf("%s: %s", name, f)
	}
}

// check runs the rules of WCAG 2.2 A and AA and axe's best practices.
func check(ctx context.Context, t *testing.T, p *devtools.Page, name, source string) {
	t.Helper()
	if err := p.Eval(ctx, source, nil); err != nil {
		t.Fatal(err)
	}
	var violations []struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
	if err := p.Eval(ctx, `axe.run(document, {resultTypes: ['violations'],
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations)`, &violations); err != nil {
		t.Fatalf("%s: axe: %v", name, err)
	}
	for _, v := range violations {
		for _, n := range v.Nodes {
			t.Errorf("%s: %s (%s)\n%s\n%s", name, v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

func shoot(ctx context.Context, t *testing.T, p *devtools.Page, name string) {
	t.Helper()
	dir := os.Getenv("POINTNUM_SHOTS")
	if dir == "" {
		return
	}
	img, err := p.Screenshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), img, 0o600); err != nil {
		t.Fatal(err)
	}
}
