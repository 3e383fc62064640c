package setup_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/watch"
	"pointnum/ui/safeweb"
	"pointnum/ui/setup"
)

// flow shows canned states and keeps what it is told.
type flow struct {
	state watch.Value[setup.State]
	done  chan setup.Action
	err   error
}

func (f *flow) State() (setup.State, uint64) { return f.state.Load() }

func (f *flow) Wait(ctx context.Context, after uint64) (setup.State, uint64, error) {
	return f.state.Wait(ctx, after)
}

func (f *flow) Do(_ context.Context, a setup.Action) error {
	if f.done != nil {
		f.done <- a
	}
	return f.err
}

// serve serves a flow on a port of its own.
func serve(t *testing.T, f *flow) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := safeweb.Hosts(ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s, err := setup.New(setup.Options{Flow: f, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	server := safeweb.Server(s.Handler(), nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		_ = server.Close()
		if err := <-done; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

// canned is a screen to look at.
type canned struct {
	name, path string
	state      setup.State
}

func screens() []canned {
	found := setup.Network{OK: true, Looked: true, Wired: true, Radio: true, Address: "192.168.1.20/24", DNS: true, Server: true, Clock: 3 * time.Hour, CAs: []string{"mairie-ca.pem"},
		Points: []setup.Point{{SSID: "Mairie-Public", Signal: 90}, {SSID: "CCAS Bureaux", Signal: 55, Secured: true}, {SSID: "Livebox-4F2A", Signal: 20, Secured: true}}}
	lost := found
	lost.OK, lost.Server, lost.Clock, lost.Proxy = false, false, 0, "http://proxy.mairie-exempleville.fr:3128"
	enrolled := setup.Host{Server: "https://bornes.exemple.fr", Enrolled: true, Structure: "Centre social des Tilleuls", Label: "Hall d’accueil", Place: "Point numérique"}
	devices := []setup.Device{
		{ID: "scanner", Kind: kiosk.KindScanner, Model: "Epson DS-1630", Where: "USB", Keep: true, First: true},
		{ID: "imprimante", Kind: kiosk.KindPrinter, Model: "Brother HL-L2445DW", Where: "réseau", Keep: true, First: true, Several: true},
		{ID: "imprimante-du-bureau", Kind: kiosk.KindPrinter, Model: "Kyocera ECOSYS M2040dn", Where: "réseau", Keep: true, Several: true},
		{ID: "tickets", Kind: kiosk.KindReceipt, Model: "Epson TM-m30III", Where: "USB", Keep: true, First: true},
		{ID: "cle", Kind: kiosk.KindKey, Where: "USB", Keep: false},
	}
	lines := []setup.Line{
		{About: setup.AboutTouch, State: setup.LineOK}, {About: setup.AboutNetwork, State: setup.LineOK, Name: "https://bornes.exemple.fr"}, {About: setup.AboutClock, State: setup.LineOK},
		{About: setup.AboutHost, State: setup.LineOK, Name: "Hall d’accueil"}, {About: setup.AboutIdentity, State: setup.LineOK, Name: "TPM"},
		{About: setup.AboutScanner, Name: "scanner", State: setup.LineOK}, {About: setup.AboutPrinter, Name: "imprimante", State: setup.LineOK},
		{About: setup.AboutReceipt, Name: "tickets", State: setup.LineOK}, {About: setup.AboutMemory, State: setup.LineOK}, {About: setup.AboutPolicies, State: setup.LineOK},
		{About: setup.AboutVersion, Name: "1.0.0", State: setup.LineOK},
	}
	bad := append([]setup.Line(nil), lines...)
	bad[0].State = setup.LineWait
	bad[6] = setup.Line{About: setup.AboutPrinter, Name: "imprimante", State: setup.LineBad, Code: kiosk.CodePaperEmpty, Detail: "media-empty-error"}
	bad[9] = setup.Line{About: setup.AboutPolicies, State: setup.LineWarn, Detail: "2 differences"}
	disks := []setup.Disk{{Path: "/dev/nvme0n1", Model: "Samsung SSD 980 PRO", Size: 256e9}, {Path: "/dev/sda", Size: 64e9}}
	st := func(s setup.Step, change func(*setup.State)) setup.State {
		out := setup.State{Step: s, Percent: -1, Network: found, Host: setup.Host{Place: "Point numérique"}}
		if change != nil {
			change(&out)
		}
		return out
	}
	return []canned{
		{"language", "/", st(setup.StepLanguage, nil)},
		{"again", "/", st(setup.StepLanguage, func(s *setup.State) { s.Before = true })},
		{"wrong", "/", st(setup.StepLanguage, func(s *setup.State) {
			s.Wrong = []string{"borne.txt:12: « langue » n’est pas une clé connue ici : les clés possibles sont language, place, network, fleet", "borne.txt:20: ce n’est pas un code : recopiez celui de la console, par exemple QRTV-6YYE-63PX"}
		})},
		{"looking", "/", st(setup.StepNetwork, func(s *setup.State) { s.Task, s.Network = setup.TaskLook, setup.Network{} })},
		{"network", "/", st(setup.StepNetwork, nil)},
		{"lost", "/", st(setup.StepNetwork, func(s *setup.State) {
			s.Network = lost
			s.Fault = &setup.Fault{Task: setup.TaskLook, Code: "server_certificate", Detail: "x509: certificate signed by unknown authority (possibly because of \"x509: ECDSA verification failure\")"}
		})},
		{"wifi", "/wifi", st(setup.StepNetwork, nil)},
		{"join", "/wifi/join?ssid=CCAS+Bureaux", st(setup.StepNetwork, nil)},
		{"hidden", "/wifi/join?hidden&bad", st(setup.StepNetwork, nil)},
		{"proxy", "/proxy", st(setup.StepNetwork, func(s *setup.State) { s.Network = lost })},
		{"ca", "/ca", st(setup.StepNetwork, nil)},
		{"host", "/", st(setup.StepHost, nil)},
		{"code-wrong", "/", st(setup.StepHost, func(s *setup.State) {
			s.Host.Server, s.Fault = "https://bornes.exemple.fr", &setup.Fault{Task: setup.TaskEnrol, Code: "enrol_code", Detail: "enrol: enrol_code: 403 Forbidden"}
		})},
		{"enrolling", "/", st(setup.StepHost, func(s *setup.State) { s.Task = setup.TaskEnrol })},
		{"enrolled", "/", st(setup.StepHost, func(s *setup.State) { s.Host = enrolled })},
		{"alone", "/alone", st(setup.StepHost, nil)},
		{"devices", "/", st(setup.StepDevices, func(s *setup.State) { s.Devices = devices })},
		{"no-devices", "/", st(setup.StepDevices, func(s *setup.State) {
			s.Fault = &setup.Fault{Task: setup.TaskFind, Code: kiosk.CodeNoDevice}
		})},
		{"rename", "/rename?id=imprimante-du-bureau", st(setup.StepDevices, func(s *setup.State) { s.Devices = devices })},
		{"testing", "/", st(setup.StepTest, func(s *setup.State) { s.Task, s.Lines = setup.TaskTest, lines[:5] })},
		{"test-bad", "/", st(setup.StepTest, func(s *setup.State) { s.Lines = bad })},
		{"test", "/", st(setup.StepTest, func(s *setup.State) { s.Lines, s.Printed, s.Host = lines, true, enrolled })},
		{"touch", "/touch", st(setup.StepTest, nil)},
		{"done", "/", st(setup.StepDone, nil)},
		{"stick", "/", st(setup.StepLanguage, func(s *setup.State) { s.Disks = disks[:1] })},
		{"which-disk", "/install", st(setup.StepLanguage, func(s *setup.State) { s.Disks = disks })},
		{"install", "/install?disk=%2Fdev%2Fnvme0n1&bad", st(setup.StepLanguage, func(s *setup.State) { s.Disks = disks })},
		{"installing", "/", st(setup.StepLanguage, func(s *setup.State) { s.Disks, s.Task = disks, setup.TaskInstall })},
		{"installed", "/", st(setup.StepLanguage, func(s *setup.State) { s.Disks, s.Installed = disks, true })},
		{"done-code", "/", st(setup.StepDone, func(s *setup.State) { s.Code = "4821 7350" })},
	}
}

// alike are screens whose parts are all on others.
var alike = []string{"wrong", "looking", "hidden", "code-wrong", "enrolling", "no-devices", "testing", "test", "alone", "proxy", "ca", "join", "again", "enrolled"}

// TestScreens shows every screen in Chromium and checks what a machine can
// check of it. With POINTNUM_SHOTS set to a folder it leaves a picture of each
// there.
func TestScreens(t *testing.T) {
	axe, err := os.ReadFile("../../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run make deps: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel) // after the runs, which are parallel
	b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: []string{"--force-prefers-reduced-motion"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
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
		t.Run(fmt.Sprintf("%s %dx%d", run.lang, run.width, run.height), func(t *testing.T) {
			t.Parallel()
			f := &flow{}
			base := serve(t, f)
			p, err := b.OpenPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close(ctx)
			if err := p.Screen(ctx, run.width, run.height); err != nil {
				t.Fatal(err)
			}
			for _, c := range screens() {
				st := c.state
				st.Lang = run.lang
				// The page before would load itself again in the middle of this.
				if err := p.Navigate(ctx, "about:blank"); err != nil {
					t.Fatal(err)
				}
				f.state.Set(st)
				look(ctx, t, p, base, c, run.width, run.height)
				if run.axe && !slices.Contains(alike, c.name) {
					check(ctx, t, p, c.name, string(axe))
				}
				shoot(ctx, t, p, fmt.Sprintf("%s-%s-%dx%d", c.name, run.lang, run.width, run.height))
			}
		})
	}
}

// look opens a screen and measures it.
func look(ctx context.Context, t *testing.T, p *devtools.Page, base string, c canned, width, height int) {
	t.Helper()
	if err := p.Navigate(ctx, base+c.path); err != nil {
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
			if ((e.closest('.actions, .keyboard, .targets') || e.matches('input')) && (r.bottom > high + 1 || r.top < -1)) bad.push('off the screen: ' + name);
			if (!e.matches('input') && e.scrollWidth > e.clientWidth + 1) bad.push('text does not fit: ' + name);
		}
		for (const u of document.querySelectorAll('use')) if (u.checkVisibility() && u.getBBox().width === 0) bad.push('no picture ' + u.getAttribute('href'));
		for (const e of document.querySelectorAll('.body > *, .lines > li')) if (e.scrollWidth > e.clientWidth + 1) bad.push('too wide: ' + e.textContent.trim().slice(0, 40));
		const field = document.querySelector('input[autofocus]');
		if (field && (document.activeElement !== field || document.querySelector('#keyboard').hidden)) bad.push('no keyboard for the field');
		if (field) {
			const box = document.querySelector('.body').getBoundingClientRect(), r = field.getBoundingClientRect();
			if (r.bottom > box.bottom + 1 || r.top < box.top - 1) bad.push('the field is out of sight');
		}
		for (const e of document.querySelectorAll('.actions')) if (!e.checkVisibility()) bad.push('the buttons are hidden');
		if (document.querySelectorAll('h1').length !== 1) bad.push('headings');
		return bad;
	})()`, height), &found)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	for _, f := range found {
		t.Errorf("%s %d: %s", c.name, width, f)
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
