package setup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/provisioning/setup"
)

// machine is a machine as tests want it.
type machine struct {
	mu      sync.Mutex
	online  bool
	joins   string // the Wi-Fi that leads out
	skew    time.Duration
	applied []setup.Network
	set     []time.Time
	found   []setup.Found
	wait    chan struct{} // Find waits for it; nil not
}

func (m *machine) with(f func()) { m.mu.Lock(); defer m.mu.Unlock(); f() }

func (m *machine) Links(context.Context) ([]setup.Link, error) {
	return []setup.Link{{Name: "enp1s0", Kind: setup.LinkWired, Up: true, Address: "192.168.1.20/24"}, {Name: "wlan0", Kind: setup.LinkWiFi}}, nil
}

func (m *machine) WiFi(context.Context) ([]setup.AccessPoint, error) {
	return []setup.AccessPoint{{SSID: "Mairie", Signal: 80, Secured: true}}, nil
}

func (m *machine) Apply(_ context.Context, n setup.Network) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = append(m.applied, n)
	if n.WiFi != nil && n.WiFi.SSID == m.joins {
		m.online = true
	}
	return nil
}

func (m *machine) Reach(_ context.Context, server string) setup.Reach {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.online {
		return setup.Reach{Link: true, Address: true, Code: kiosk.CodeNoNetwork, Detail: "no way out"}
	}
	r := setup.Reach{Link: true, Address: true, DNS: true, Server: true, SkewKnown: true, Skew: m.skew}
	if m.skew != 0 {
		r.Server, r.Code = false, "clock_wrong"
	}
	return r
}

func (m *machine) SetClock(_ context.Context, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.skew, m.set = 0, append(m.set, t)
	return nil
}

func (m *machine) Find(ctx context.Context) ([]setup.Found, error) {
	m.mu.Lock()
	wait, found := m.wait, m.found
	m.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return found, nil
}

func (m *machine) TPM(context.Context) (bool, error) { return true, nil }

func devices() []setup.Found {
	return []setup.Found{
		{Spec: kiosk.Spec{Driver: "escl", URI: "http://127.0.0.1:60000/eSCL"}, Model: "Epson DS-1630", Where: "USB", Kind: kiosk.KindScanner},
		{Spec: kiosk.Spec{Driver: "ipp", URI: "ipp://192.168.1.30/ipp/print"}, Model: "Brother HL-L2445DW", Where: "réseau", Kind: kiosk.KindPrinter},
		{Spec: kiosk.Spec{Driver: "ipp", URI: "ipp://192.168.1.31/ipp/print"}, Model: "Kyocera M2040dn", Where: "réseau", Kind: kiosk.KindPrinter},
		{Spec: kiosk.Spec{Driver: "escpos", URI: "usb:/dev/usb/lp0", Options: map[string]string{"dots": "576"}}, Model: "Epson TM-m30", Where: "USB", Kind: kiosk.KindReceipt},
	}
}

// place is where a kiosk under setup keeps its things.
type place struct {
	*machine
	dir, conf, path string
	mu              sync.Mutex
	id              *setup.Enrolled
	blanks          []setup.Blank
	prints          int
	enrolErr        error
	line            setup.Line
}

func newPlace(t *testing.T) *place {
	dir := t.TempDir()
	p := &place{machine: &machine{online: true, found: devices()}, dir: filepath.Join(dir, "lib"), conf: filepath.Join(dir, "conf"), path: filepath.Join(dir, "etc", "kiosk.yaml")}
	if err := os.Mkdir(p.conf, 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) options() setup.Options {
	base := config.Default()
	base.Place.Name, base.Fleet.Dir = "", p.dir
	return setup.Options{
		Machine: p.machine, Base: base, Path: p.path, Conf: p.conf, Langs: []string{"fr", "en", "ar"},
		Enrol: func(_ context.Context, e setup.Enrolment) (setup.Enrolled, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.enrolErr != nil {
				return setup.Enrolled{}, p.enrolErr
			}
			p.id = &setup.Enrolled{Server: e.Server, Structure: "tilleuls", Kiosk: "k1", Label: "Hall"}
			return *p.id, nil
		},
		Enrolled: func() (setup.Enrolled, bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.id == nil {
				return setup.Enrolled{}, false
			}
			return *p.id, true
		},
		Test: func(_ context.Context, c *config.Config, tell func(setup.Line)) error {
			for _, d := range c.Devices {
				tell(setup.Line{What: setup.LineScanner, Name: string(d.ID), State: setup.LineOK})
			}
			if p.line.What != "" {
				tell(p.line)
			}
			return nil
		},
		Print: func(context.Context, *config.Config, setup.State) error { p.prints++; return nil },
		Blank: func(_ context.Context, b setup.Blank) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.blanks = append(p.blanks, b)
			return setup.BlankFile(p.conf, b)
		},
		Times: setup.Times{Settle: time.Millisecond, Retry: 10 * time.Millisecond, Linger: 10 * time.Millisecond},
	}
}

// run starts a flow; stop cuts it off, as the power does.
func run(t *testing.T, o setup.Options) (f *setup.Flow, stop func() error) {
	t.Helper()
	f, err := setup.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return f, stop
}

func until(t *testing.T, f *setup.Flow, what string, ok func(setup.State) bool) setup.State {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	var seq uint64
	for {
		st, next, err := f.State().Wait(ctx, seq)
		if err != nil {
			last, _ := f.State().Load()
			t.Fatalf("waited for %s, is %+v", what, last)
		}
		if ok(st) {
			return st
		}
		seq = next
	}
}

func at(s setup.Step) func(setup.State) bool {
	return func(st setup.State) bool { return st.Step == s && st.Task == "" }
}

func do(t *testing.T, f *setup.Flow, a setup.Action) {
	t.Helper()
	if err := f.Do(t.Context(), a); err != nil {
		t.Fatalf("%T: %v", a, err)
	}
}

func (p *place) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.conf, setup.ConfName), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTechnicianIsLedThroughEveryStep(t *testing.T) {
	p := newPlace(t)
	f, stop := run(t, p.options())
	do(t, f, setup.SetLanguage{Lang: "fr"})
	until(t, f, "the network", func(st setup.State) bool { return at(setup.StepNetwork)(st) && st.Network.OK() })
	do(t, f, setup.Next{})
	if err := f.Do(t.Context(), setup.Next{}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("went on without a code: %v", err)
	}
	do(t, f, setup.UseCode{Server: "https://bornes.exemple.fr", Code: "QRTV-6YYE-63PX"})
	st := until(t, f, "devices", func(st setup.State) bool { return at(setup.StepDevices)(st) && len(st.Devices) == 4 })
	if st.Host.Is == nil || st.Devices[1].Spec.ID != "imprimante" || st.Devices[2].Spec.ID != "imprimante-2" {
		t.Errorf("got %+v", st)
	}
	do(t, f, setup.RenameDevice{ID: "imprimante-2", Name: "Imprimante du hall !"})
	do(t, f, setup.FirstDevice{ID: "imprimante-du-hall"})
	do(t, f, setup.KeepDevice{ID: "imprimante", Keep: false})
	do(t, f, setup.Next{})
	until(t, f, "the test", func(st setup.State) bool { return at(setup.StepTest)(st) && len(st.Lines) >= 6 })
	do(t, f, setup.Touched{})
	do(t, f, setup.Print{})
	until(t, f, "the sheet", func(st setup.State) bool { return st.Printed && st.Task == "" })
	do(t, f, setup.Next{})
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })
	if err := stop(); err != nil {
		t.Error(err)
	}
	c, err := config.LoadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Fleet.Server != "https://bornes.exemple.fr" || len(c.Devices) != 3 || c.Devices[0].ID != "imprimante-du-hall" || c.Devices[2].Options["dots"] != "576" {
		t.Errorf("written: %+v", c)
	}
	if setup.Begun(p.dir) || p.prints != 1 {
		t.Errorf("left behind: %v; %d sheets", setup.Begun(p.dir), p.prints)
	}
}

func TestFileLeadsWithoutATouch(t *testing.T) {
	p := newPlace(t)
	p.machine.online, p.machine.joins, p.machine.skew = false, "Mairie", 3*time.Hour
	p.write(t, "\ufefflanguage: en\r\n# garder\r\nnetwork:\r\n  wifi:\r\n    name: Mairie\r\n    password: \"motdepasse secret\"\r\nfleet:\r\n  server: https://bornes.exemple.fr\r\n  code: QRTV-6YYE-63PX\r\n")
	f, stop := run(t, p.options())
	st := until(t, f, "the end", func(st setup.State) bool { return st.Ended })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if st.Lang != "en" || st.Network.SSID != "Mairie" || st.Network.Clock != 3*time.Hour || !st.Printed || len(p.machine.set) != 1 {
		t.Errorf("got %+v", st)
	}
	raw, err := os.ReadFile(filepath.Join(p.conf, setup.ConfName))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if strings.Contains(text, "secret") || strings.Contains(text, "QRTV") || !strings.Contains(text, "# garder\r\n") || !strings.HasPrefix(text, "\ufeff") || !strings.Contains(text, "name: Mairie\r\n") {
		t.Errorf("left in the file: %q", text)
	}
	if c, err := config.LoadFile(p.path); err != nil || c.Languages[0] != "en" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, name := range []string{filepath.Join(p.dir, "setup.json"), p.path} {
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), "secret") {
			t.Errorf("%s holds the Wi-Fi's password", name)
		}
	}
}

func TestFileStopsWhereSomethingIsMissing(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*place)
		stop       func(setup.State) bool
		mend       func(*testing.T, *place, *setup.Flow)
	}{
		{"no code", "language: fr\n", nil, at(setup.StepHost), func(t *testing.T, _ *place, f *setup.Flow) {
			do(t, f, setup.UseCode{Server: "https://bornes.exemple.fr", Code: "QRTV-6YYE-63PX"})
		}},
		{"alone without a name", "language: fr\nfleet:\n  alone: oui\n", nil, at(setup.StepHost), func(t *testing.T, _ *place, f *setup.Flow) {
			do(t, f, setup.GoAlone{Name: "Médiathèque"})
		}},
		{"no language", "fleet:\n  alone: oui\nplace:\n  name: Mairie\n", nil, at(setup.StepLanguage), func(t *testing.T, _ *place, f *setup.Flow) {
			do(t, f, setup.SetLanguage{Lang: "ar"})
		}},
		{"the cable comes later", "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\n", func(p *place) { p.online = false },
			func(st setup.State) bool { return st.Fault != nil && st.Step == setup.StepNetwork },
			func(_ *testing.T, p *place, _ *setup.Flow) { p.with(func() { p.online = true }) }},
		{"the scanner is switched on later", "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\n", func(p *place) { p.found = nil },
			func(st setup.State) bool { return st.Fault != nil && st.Fault.Code == kiosk.CodeNoDevice },
			func(_ *testing.T, p *place, _ *setup.Flow) { p.with(func() { p.found = devices() }) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.write(t, c.text)
			if c.change != nil {
				c.change(p)
			}
			f, _ := run(t, p.options())
			until(t, f, "the stop", c.stop)
			c.mend(t, p, f)
			until(t, f, "the end", func(st setup.State) bool { return st.Ended })
		})
	}
}

func TestWhatDoesNotWorkIsNotCalledReady(t *testing.T) {
	p := newPlace(t)
	p.line = setup.Line{What: setup.LineMemory, State: setup.LineBad, Code: kiosk.CodeOutOfOrder}
	p.write(t, "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\n")
	f, _ := run(t, p.options())
	until(t, f, "the sheet", func(st setup.State) bool { return st.Printed && st.Task == "" })
	st, _ := f.State().Load()
	if st.Step != setup.StepTest {
		t.Errorf("went on to %s", st.Step)
	}
	do(t, f, setup.Next{}) // a person may
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })
}

func TestNothingIsLostByAPowerCut(t *testing.T) {
	p := newPlace(t)
	o := p.options()
	o.Times.Linger = time.Hour
	f, stop := run(t, o)
	cut := func(want setup.Step, ok func(setup.State) bool) {
		t.Helper()
		until(t, f, string(want), ok)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		f, stop = run(t, o)
		until(t, f, string(want)+" again", at(want))
	}
	do(t, f, setup.SetLanguage{Lang: "en"})
	cut(setup.StepNetwork, at(setup.StepNetwork))
	do(t, f, setup.UseProxy{Proxy: "http://u:p@proxy.exemple.fr:3128"})
	until(t, f, "the proxy", func(st setup.State) bool { return at(setup.StepNetwork)(st) && st.Network.Proxy != "" })
	do(t, f, setup.Next{})
	cut(setup.StepHost, at(setup.StepHost))
	do(t, f, setup.UseCode{Server: "https://bornes.exemple.fr", Code: "QRTV-6YYE-63PX"})
	cut(setup.StepDevices, func(st setup.State) bool { return at(setup.StepDevices)(st) && len(st.Devices) == 4 })
	do(t, f, setup.RenameDevice{ID: "tickets", Name: "Reçus"})
	do(t, f, setup.Next{})
	cut(setup.StepTest, at(setup.StepTest))
	until(t, f, "the test", func(st setup.State) bool { return at(setup.StepTest)(st) && len(st.Lines) >= 6 })
	do(t, f, setup.Next{})
	cut(setup.StepDone, at(setup.StepDone))
	until(t, f, "a new code", func(st setup.State) bool { return st.Code != "" && st.Task == "" })
	do(t, f, setup.Finish{})
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })
	c, err := config.LoadFile(p.path)
	if err != nil || c.Languages[0] != "en" || c.Fleet.Proxy != "http://u:p@proxy.exemple.fr:3128" || c.Devices[3].ID != "recus" {
		t.Errorf("written: %+v, %v", c, err)
	}
}

func TestBackAlwaysWorksAndLooksCanBeCancelled(t *testing.T) {
	p := newPlace(t)
	p.wait = make(chan struct{})
	f, _ := run(t, p.options())
	do(t, f, setup.SetLanguage{Lang: "fr"})
	do(t, f, setup.Next{}) // while it looks
	do(t, f, setup.GoAlone{Name: "Mairie"})
	until(t, f, "the search", func(st setup.State) bool { return st.Task == setup.TaskFind })
	do(t, f, setup.Cancel{})
	st := until(t, f, "the search's end", at(setup.StepDevices))
	if st.Fault != nil {
		t.Errorf("cancelling is no fault: %+v", st.Fault)
	}
	do(t, f, setup.Again{})
	for _, want := range []setup.Step{setup.StepHost, setup.StepNetwork, setup.StepLanguage} {
		do(t, f, setup.Back{})
		if st, _ := f.State().Load(); st.Step != want {
			t.Errorf("back to %s, want %s", st.Step, want)
		}
	}
	close(p.wait)
}

func TestKioskThatWasReadyCanBeLeftAsItWas(t *testing.T) {
	p := newPlace(t)
	o := p.options()
	o.Base.Place.Name = "Mairie"
	if err := setup.WriteConfig(p.path, o.Base); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := setup.Begin(o.Base, func(string) kiosk.Kind { return "" }); err != nil || !setup.Begun(p.dir) {
		t.Fatal(err)
	}
	f, _ := run(t, o)
	do(t, f, setup.SetLanguage{Lang: "en"})
	if err := f.Do(t.Context(), setup.Leave{}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("left in the middle: %v", err)
	}
	do(t, f, setup.Back{})
	do(t, f, setup.Leave{})
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })
	if after, err := os.ReadFile(p.path); err != nil || string(after) != string(before) || setup.Begun(p.dir) {
		t.Errorf("%v: it is not as it was", err)
	}
}

func TestMistakesAreToldAndTheScreenAsksInstead(t *testing.T) {
	p := newPlace(t)
	p.write(t, "language: fr\nfleet:\n  code: \"?\"\n")
	f, _ := run(t, p.options())
	st := until(t, f, "the first step", at(setup.StepLanguage))
	if !strings.Contains(st.Wrong, "borne.txt:3:") || st.Auto {
		t.Errorf("got %+v", st)
	}
}

func TestRefusedCodeCanBeTypedAgain(t *testing.T) {
	p := newPlace(t)
	p.enrolErr = &kiosk.Error{Code: "enrol_code", Op: "enrol"}
	p.write(t, "language: fr\nfleet:\n  server: https://bornes.exemple.fr\n  code: QRTV-6YYE-63PX\n")
	f, _ := run(t, p.options())
	st := until(t, f, "the refusal", func(st setup.State) bool { return st.Fault != nil })
	if st.Fault.Code != "enrol_code" || st.Step != setup.StepHost || slices.ContainsFunc(p.blanks, func(b setup.Blank) bool { return b.Code }) {
		t.Errorf("got %+v; blanked %v", st.Fault, p.blanks)
	}
	p.mu.Lock()
	p.enrolErr = nil
	p.mu.Unlock()
	do(t, f, setup.UseCode{Server: "https://bornes.exemple.fr", Code: "AAAA-BBBB-CCCC"})
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })
}
