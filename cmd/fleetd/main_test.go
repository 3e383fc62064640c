package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/cmd/internal/clitest"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// patience is for a machine that does much else.
const patience = 60 * time.Second

// bin is the folder of the built program.
var bin string

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &bin, "pointnum/cmd/fleetd")) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fleetd runs a command; what it printed and told, and its exit code.
func fleetd(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "fleetd"), args...)
	var out, told strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &told
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), told.String(), cmd.ProcessState.ExitCode()
}

// done is fleetd that must do what it is asked.
func done(t testing.TB, args ...string) string {
	t.Helper()
	out, told, code := fleetd(t, args...)
	if code != 0 {
		t.Fatalf("fleetd %s: %d\n%s", args, code, told)
	}
	return out
}

// configure writes a configuration that works.
func configure(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "fleetd.yaml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, "url: https://bornes.example\nlisten: 127.0.0.1:0\nproxy: oui\nmetrics: \"\"\ndir: %s\n", filepath.Join(dir, "data")), 0o600))
	return path
}

// serve runs the server until the test ends or stop is called, and returns the
// first administrator's link.
func serve(t testing.TB, config string) (setup string, stop func()) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "fleetd"), "serve", "-config", config, "-admin", "Claire Martin", "-admin-email", "claire@example.fr")
	out, err := cmd.StdoutPipe()
	must(t, err)
	var told strings.Builder
	cmd.Stderr = &told
	must(t, cmd.Start())
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		if err := cmd.Wait(); err != nil {
			t.Errorf("fleetd ended with %v\n%s", err, told.String())
		}
	}
	t.Cleanup(stop)
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer late.Stop()
	for in := bufio.NewScanner(out); in.Scan(); {
		if line := strings.TrimSpace(in.Text()); strings.Contains(line, "/join/") {
			return line, stop
		}
	}
	ended = true
	t.Fatalf("no link for the first administrator: %v\n%s", cmd.Wait(), told.String())
	return "", nil
}

func TestTheExampleLoadsAndHasEveryKey(t *testing.T) {
	dir := t.TempDir()
	example := done(t, "serve", "-example")
	path := filepath.Join(dir, "fleetd.yaml")
	must(t, os.WriteFile(path, []byte(example), 0o600))
	done(t, "serve", "-check", "-config", path)
	source, err := os.ReadFile("config.go")
	must(t, err)
	keys := 0
	for _, call := range regexp.MustCompile(`\.Map\(("[^)]*")\)`).FindAllStringSubmatch(string(source), -1) {
		for key := range strings.SplitSeq(call[1], ",") {
			key = strings.Trim(key, " \"")
			if keys++; !regexp.MustCompile(`(?m)^ *` + key + `:`).MatchString(example) {
				t.Errorf("the example does not explain %q", key)
			}
		}
	}
	if keys < 40 {
		t.Errorf("only %d keys were found", keys)
	}
}

// What the example and the guide say of retention is what the store does.
func TestWhatIsWrittenOfRetentionHolds(t *testing.T) {
	guide, err := os.ReadFile("EXPLOITATION.md")
	must(t, err)
	example, d := done(t, "serve", "-example"), store.Defaults()
	for key, c := range map[string]struct {
		row  string
		keep time.Duration
	}{
		"events": {"messages des bornes", d.Events}, "slots": {"comptes par quart d’heure", d.Slots}, "days": {"comptes par jour", d.Days},
		"commands": {"commandes", d.Commands}, "alerts": {"pannes résolues", d.Alerts}, "audit": {"journal de qui a fait quoi", d.Audit},
	} {
		days := int(c.keep.Hours() / 24)
		if !strings.Contains(example, fmt.Sprintf("\n  %s: %d\n", key, days)) {
			t.Errorf("the example does not say %s: %d", key, days)
		}
		if !strings.Contains(string(guide), fmt.Sprintf("\n| %s | %d |", c.row, days)) {
			t.Errorf("the guide does not say %s: %d", c.row, days)
		}
	}
}

func TestMistakesAreToldWithTheirLine(t *testing.T) {
	const base = "url: https://bornes.example\nproxy: oui\n"
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", base + "adresse: x\n", "fleetd.yaml:3: "},
		{"no certificate", "url: https://bornes.example\n", "fleetd.yaml:1: il manque le certificat"},
		{"half a certificate", base + "tls:\n  key: /a\n", "il faut les deux"},
		{"no address", "proxy: oui\n", "url"},
		{"not https", "url: http://bornes.example\nproxy: oui\n", "fleetd.yaml:1: « http://bornes.example » n’est pas une adresse : écrivez"},
		{"a path", "url: https://bornes.example/x\nproxy: oui\n", "sans rien derrière"},
		{"metrics for all", base + "metrics: 0.0.0.0:9100\n", "fleetd.yaml:3: écrivez une adresse que le dehors n’atteint pas"},
		{"a choice", base + "mail:\n  server: a:25\n  security: none\n", "fleetd.yaml:5: "},
		{"a secret that is not there", base + "mail:\n  server: a:25\n  from: a@b.fr\n  password_file: /nowhere\n", "fleetd.yaml:6: ce fichier ne peut pas être lu"},
		{"both clusters", base + "nats: [nats://a:4222]\ncluster:\n  listen: a:1\n", "ne vont pas ensemble"},
		{"no days", base + "keep:\n  audit: 0\n", "fleetd.yaml:4: "},
		{"too often", base + "backup:\n  every: 1s\n", "fleetd.yaml:4: "},
		{"the relay", base + "relay: telephone\n", "fleetd.yaml:3: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fleetd.yaml")
			must(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, told, code := fleetd(t, "serve", "-check", "-config", path)
			if code != 125 || !strings.Contains(told, c.want) {
				t.Errorf("code %d: %s\nwant %s", code, told, c.want)
			}
		})
	}
}

// count enrols a kiosk in a server's database and counts visits on it.
func count(t testing.TB, database string) {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Options{})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	now := time.Now().UTC()
	must(t, s.AddCode(t.Context(), fleet.Code{ID: "c1", Structure: "mairie-vif", Label: "Hall", Created: now, Expires: now.Add(time.Hour)}, "hash"))
	_, err = s.Enrol(t.Context(), "hash", "k1", "key", now.Add(time.Hour))
	must(t, err)
	var evs []provisioning.Event
	for i := range int64(40) {
		evs = append(evs, provisioning.Event{Epoch: 1, Seq: i + 1, At: now.UnixMicro(), Kind: provisioning.EventCounts,
			Counts: &provisioning.Counts{Slot: now.Truncate(provisioning.Slot).Unix() - 900*i, N: map[string]int64{"visits": 3, "language/fr": 3}}})
	}
	n, err := s.Ingest(t.Context(), "mairie-vif", "k1", evs)
	must(t, err)
	if n != 40 {
		t.Fatalf("%d events stored", n)
	}
}

// counted is all that a database has counted.
func counted(t testing.TB, database string) string {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Options{})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	rows, err := s.Usage(t.Context(), fleet.Scope{All: true}, "2000-01-01", "2100-01-01")
	must(t, err)
	return fmt.Sprint(rows)
}

// A copy that is made while the server serves holds all, and a server starts
// on it; nothing that is there is ever written over.
func TestACopyOfARunningServerIsItsOwn(t *testing.T) {
	dir := t.TempDir()
	config := configure(t, dir)
	setup, stop := serve(t, config)
	if !strings.HasPrefix(setup, "https://bornes.example/join/") {
		t.Errorf("link %q", setup)
	}
	done(t, "structure", "-config", config, "-name", "Mairie de Vif", "mairie-vif")
	if _, told, code := fleetd(t, "structure", "-config", config, "-name", "Encore", "mairie-vif"); code == 0 {
		t.Errorf("the same one twice: %s", told)
	}
	code := strings.TrimSpace(done(t, "code", "-config", config, "-label", "Hall", "mairie-vif"))
	if !regexp.MustCompile(`^\w{4}-\w{4}-\w{4}$`).MatchString(code) {
		t.Errorf("code %q", code)
	}
	if _, _, n := fleetd(t, "code", "-config", config, "nowhere"); n == 0 {
		t.Error("a code for a structure that is not there")
	}
	here := filepath.Join(dir, "data", "fleet.db")
	count(t, here)
	before := counted(t, here)
	copied := filepath.Join(dir, "copie.db")
	done(t, "backup", "-config", config, copied)
	if _, _, n := fleetd(t, "backup", "-config", config, copied); n == 0 {
		t.Error("a copy was written over")
	}
	lines := done(t, "audit", "-config", config)

	other := t.TempDir()
	restored := configure(t, other)
	done(t, "restore", "-config", restored, copied)
	if after := counted(t, filepath.Join(other, "data", "fleet.db")); after != before || !strings.Contains(after, "visits") {
		t.Errorf("counted\n%s\nrestored\n%s", before, after)
	}
	if again := done(t, "audit", "-config", restored); again != lines || !strings.Contains(again, "la chaîne est entière") {
		t.Errorf("audit %q, restored %q", lines, again)
	}
	if out := done(t, "structure", "-config", restored); out != "mairie-vif\tMairie de Vif\n" {
		t.Errorf("structures %q", out)
	}
	if _, _, n := fleetd(t, "restore", "-config", restored, copied); n == 0 {
		t.Error("a database was written over")
	}
	if after := counted(t, filepath.Join(other, "data", "fleet.db")); after != before {
		t.Error("what was there is gone")
	}
	stop()
	_, stop = serve(t, restored)
	stop()
}
