package main_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/control"
)

// selftest gives the lines of the self-test by their names.
func selftest(t *testing.T, config string) map[string]struct {
	OK     bool
	Detail string
} {
	t.Helper()
	_, stdout, stderr := ctl(t, "selftest", "--json", "-config", config)
	var lines []struct {
		Name, Detail string
		OK           bool
	}
	if err := json.Unmarshal([]byte(stdout), &lines); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	out := map[string]struct {
		OK     bool
		Detail string
	}{}
	for _, l := range lines {
		out[l.Name] = struct {
			OK     bool
			Detail string
		}{l.OK, l.Detail}
	}
	return out
}

// What a kiosk lacks to open portals is told with what to do.
func TestTheSelftestTriesTheBrowser(t *testing.T) {
	dir := t.TempDir()
	memory, err := os.MkdirTemp("/dev/shm", "kioskctl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(memory); err != nil {
			t.Error(err)
		}
	})
	config := func(browser string) string {
		path := filepath.Join(dir, "kiosk.yaml")
		text := "place: {name: Mairie}\nspool: " + filepath.Join(memory, "spool") + "\nbrowser: {" + browser + "}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got := selftest(t, config("headless: oui"))
	for name, want := range map[string]struct {
		ok   bool
		says string
	}{
		"navigateur":            {true, "Chromium"},
		"compte du navigateur":  {false, "adduser"},
		"mémoire du navigateur": {true, "/dev/shm"},
		"sortie du navigateur":  {true, "refuse"},
		"visite du navigateur":  {true, "effacé"},
	} {
		if g, ok := got[name]; !ok || g.OK != want.ok || !strings.Contains(g.Detail, want.says) {
			t.Errorf("%s: got %+v, want %v, %q", name, g, want.ok, want.says)
		}
	}
	if g := got["règles du navigateur"]; !g.OK && !strings.Contains(g.Detail, "kioskctl policies") {
		t.Errorf("got %+v", g)
	}
	got = selftest(t, config("path: /nowhere/chromium, user: root, proxy: non"))
	for name, says := range map[string]string{
		"navigateur": "browser: path", "compte du navigateur": "root", "sortie du navigateur": "proxy: oui", "visite du navigateur": "",
	} {
		if g, ok := got[name]; !ok || g.OK || !strings.Contains(g.Detail, says) {
			t.Errorf("%s: got %+v, want %q", name, g, says)
		}
	}
	got = selftest(t, config("enabled: non"))
	if g := got["navigateur"]; !g.OK || len(got) != 6 {
		t.Errorf("switched off: %+v", got)
	}
}

// agent says how it is.
type agent struct{ status control.Status }

func (a agent) Status(context.Context) (control.Status, error) { return a.status, nil }
func (a agent) Enrol(context.Context, control.Enrolment) (control.Fleet, error) {
	return control.Fleet{}, nil
}

func (a agent) Leave(context.Context) error { return nil }

// The technician sees how the last visit was erased and what portals lack.
func TestTheStatusTellsOfWipesAndHosts(t *testing.T) {
	at := time.Date(2026, 11, 21, 14, 5, 0, 0, time.Local)
	for name, c := range map[string]struct {
		status control.Status
		want   []string
	}{
		"nothing yet": {control.Status{}, []string{"aucune depuis le démarrage"}},
		"erased":      {control.Status{Wiped: &control.Wipe{OK: true, At: at}}, []string{"effacé ✔ à 14:05"}},
		"not erased":  {control.Status{Wiped: &control.Wipe{At: at}}, []string{"pas prouvé, à 14:05"}},
		"hosts":       {control.Status{Refused: []string{"a.example", "b.example"}}, []string{"a.example b.example", "browser: hosts"}},
	} {
		socket := filepath.Join(t.TempDir(), "c.sock")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- control.Serve(ctx, socket, agent{c.status}) }()
		client := control.Client{Path: socket}
		drivertest.Eventually(t, "the agent", func() bool { _, err := client.Status(t.Context()); return err == nil })
		code, stdout, stderr := ctl(t, "status", "--control", socket)
		for _, want := range c.want {
			if code != cli.ExitDone || !strings.Contains(stdout, want) {
				t.Errorf("%s: exit %d, %q is not said: %s%s", name, code, want, stdout, stderr)
			}
		}
		stop()
		<-ended
	}
}
