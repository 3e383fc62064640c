package setup_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/provisioning/setup"
	"pointnum/provisioning/technician"
)

// journal is a log that several goroutines write.
type journal struct {
	mu sync.Mutex
	bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Buffer.Write(b)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.String()
}

// opens says whether a code opens the technician's menu of a kiosk.
func opens(t *testing.T, dir string, c technician.Code) bool {
	t.Helper()
	g := technician.Guard{Dir: dir}
	ok, err := g.Try(c)
	if err != nil {
		t.Error(err)
	}
	return ok
}

// toTheTest leads a flow as far as the self-test's end.
func toTheTest(t *testing.T, f *setup.Flow) setup.State {
	t.Helper()
	do(t, f, setup.SetLanguage{Lang: "fr"})
	until(t, f, "the network", at(setup.StepNetwork))
	do(t, f, setup.Next{})
	do(t, f, setup.GoAlone{Name: "Mairie"})
	until(t, f, "the devices", at(setup.StepDevices))
	do(t, f, setup.Next{})
	return until(t, f, "the test", func(st setup.State) bool { return at(setup.StepTest)(st) && st.Task == "" && len(st.Lines) >= 6 })
}

func TestASetupEndsWithANewCode(t *testing.T) {
	p := newPlace(t)
	o := p.options()
	log := &journal{}
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Times.Linger, o.Times.Note = time.Hour, time.Hour
	dir := o.Base.Fleet.Dir
	f, stop := run(t, o)
	if code := toTheTest(t, f).Code; code == "" || technician.Made(dir) {
		t.Errorf("code %q before the end, kept: %v", string(code), technician.Made(dir))
	}
	do(t, f, setup.Next{})
	first := until(t, f, "the end", at(setup.StepDone)).Code
	if !opens(t, dir, first) {
		t.Error("the code on the last screen does not open")
	}
	_ = stop() // the power goes before anybody has read it
	f, stop = run(t, o)
	second := until(t, f, "a new code", func(st setup.State) bool { return at(setup.StepDone)(st) && st.Code != "" && st.Task == "" }).Code
	if second == first || !opens(t, dir, second) || opens(t, dir, first) {
		t.Error("after a power cut nobody knows the code")
	}
	do(t, f, setup.Finish{})
	until(t, f, "the end", func(st setup.State) bool { return st.Ended })
	_ = stop()
	for _, c := range []technician.Code{first, second} {
		if text := log.text(); strings.Contains(text, string(c)) || strings.Contains(text, c.Shown()) {
			t.Errorf("in the log: %s", text)
		}
	}
	for _, path := range []string{p.path, filepath.Join(dir, technician.File)} {
		if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), string(second)) {
			t.Errorf("%s: %s, %v", path, b, err)
		}
	}
}

func TestTheCodeOfTheFileIsTakenOverAndGone(t *testing.T) {
	p := newPlace(t)
	p.write(t, "language: fr\nplace:\n  name: Mairie\nfleet:\n  alone: oui\ntechnique:\n  code: \"4821 7350\"\n")
	o := p.options()
	f, _ := run(t, o)
	st := until(t, f, "the end", func(st setup.State) bool { return st.Ended })
	if st.Code != "" || st.Fault != nil {
		t.Errorf("shown: %q, %+v", st.Code.Shown(), st.Fault)
	}
	if !opens(t, o.Base.Fleet.Dir, "48217350") {
		t.Error("the code of the file does not open")
	}
	if raw, err := os.ReadFile(filepath.Join(p.conf, setup.ConfName)); err != nil || strings.Contains(string(raw), "4821") || !strings.Contains(string(raw), "technique") {
		t.Errorf("left: %s, %v", raw, err)
	}
}

func TestACodeInTheFileHasEightDigits(t *testing.T) {
	for _, bad := range []string{`"4821"`, `"4821 735O"`, "[4821, 7350]"} {
		_, err := setup.ReadConf(strings.NewReader("technique:\n  code: " + bad + "\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "borne.txt:2: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if c, err := setup.ReadConf(strings.NewReader("technique:\n  code: 48217350\n")); err != nil || c.Technician != "48217350" {
		t.Errorf("%+v, %v", c, err)
	}
}
