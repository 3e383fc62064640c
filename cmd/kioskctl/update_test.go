package main_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/cmd/internal/cli"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/provisioning"
)

// keeper is an agent that says how its system is.
type keeper struct {
	agent
	update control.Update
	checks []control.Check
	then   chan control.Update // how an update goes on after it was asked for
}

func (k keeper) Health(context.Context) ([]control.Check, error) { return k.checks, nil }
func (k keeper) Update(context.Context) (control.Update, error) {
	if k.then != nil {
		return <-k.then, nil
	}
	return k.update, nil
}
func (k keeper) ChangeUpdate(_ context.Context, a control.UpdateAsk) (control.Update, error) {
	if a.Do == control.UpdateNow {
		return control.Update{}, &kiosk.Error{Code: kiosk.CodeBadRequest}
	}
	return control.Update{Image: true, Version: "1.0.0", Wanted: "2.0.0", Phase: "fetching"}, nil
}

func (k keeper) serve(t *testing.T) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "c.sock")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, socket, k) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	client := control.Client{Path: socket}
	drivertest.Eventually(t, "the agent", func() bool { _, err := client.Status(t.Context()); return err == nil })
	return socket
}

func TestTheTechnicianSeesHowAnUpdateStands(t *testing.T) {
	for name, c := range map[string]struct {
		update control.Update
		want   string
	}{
		"packages": {control.Update{Version: "1.0.0", Phase: "idle"}, "apt"},
		"idle":     {control.Update{Image: true, Version: "1.0.0", Phase: "idle"}, "système : version 1.0.0, aucune mise à jour demandée"},
		"cut":      {control.Update{Image: true, Version: "1.0.0", Wanted: "2.0.0", Phase: "fetching", Percent: 40, Code: kiosk.CodeNoNetwork}, "2.0.0 se télécharge, 40 % : Le site ne répond pas"},
		"waiting":  {control.Update{Image: true, Version: "1.0.0", Wanted: "2.0.0", Phase: "waiting"}, "attend la fermeture"},
		"done":     {control.Update{Image: true, Version: "2.0.0", Wanted: "2.0.0", Phase: "done"}, "version 2.0.0, à jour"},
		"forged":   {control.Update{Image: true, Version: "1.0.0", Wanted: "2.0.0", Phase: "failed", Code: provisioning.CodeUpdateSignature}, "! système : version 1.0.0 ; la version 2.0.0 n’est pas installée : La mise à jour n’est pas signée"},
		"returned": {control.Update{Image: true, Version: "1.0.0", Wanted: "2.0.0", Phase: "returned", Code: provisioning.CodeUpdateUnhealthy}, "revenue à la version 1.0.0"},
	} {
		socket := keeper{update: c.update}.serve(t)
		if code, stdout, stderr := ctl(t, "update", "--control", socket); code != cli.ExitDone || !strings.Contains(stdout, c.want) {
			t.Errorf("%s: exit %d: %s%s", name, code, stdout, stderr)
		}
	}
	socket := keeper{}.serve(t)
	if code, stdout, _ := ctl(t, "update", "--control", socket, "--from", "/media/x", "--json"); code != cli.ExitDone || !strings.Contains(stdout, `"fetching"`) {
		t.Errorf("from: exit %d: %s", code, stdout)
	}
	if code, _, stderr := ctl(t, "update", "now", "--control", socket); code != cli.ExitFailed || stderr == "" {
		t.Errorf("now: exit %d: %s", code, stderr)
	}
	if code, _, _ := ctl(t, "update", "later", "--control", socket); code != cli.ExitUsage {
		t.Errorf("a word that is none: exit %d", code)
	}
}

func TestTheTechnicianWaitsBesideAnUpdate(t *testing.T) {
	at := func(phase string, percent int, code kiosk.Code) control.Update {
		return control.Update{Image: true, Version: "1.0.0", Wanted: "2.0.0", Phase: phase, Percent: percent, Code: code, Detail: "x.efi"}
	}
	for name, c := range map[string]struct {
		then []control.Update
		code int
		want []string
	}{
		"good": {[]control.Update{at("fetching", 50, ""), at("fetching", 50, ""), at("waiting", 100, ""), at("installing", 100, ""), at("trying", 100, "")}, cli.ExitDone,
			[]string{"0 %", "50 %", "fin de la visite", "s’écrit", "redémarre pour l’essayer"}},
		"altered": {[]control.Update{at("failed", 0, provisioning.CodeUpdateAltered)}, cli.ExitFile, []string{"0 %"}},
	} {
		k := keeper{then: make(chan control.Update, len(c.then))}
		for _, u := range c.then {
			k.then <- u
		}
		code, stdout, stderr := ctl(t, "update", "--control", k.serve(t), "--from", "/media/x")
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if code != c.code || len(lines) != len(c.want) || (code != cli.ExitDone) != strings.Contains(stderr, string(provisioning.CodeUpdateAltered)) {
			t.Errorf("%s: exit %d: %s%s", name, code, stdout, stderr)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%s: %q, want %q", name, lines[i], want)
			}
		}
	}
}

func TestHealthEndsWellOnlyWhenAllIsWell(t *testing.T) {
	good := []control.Check{{Name: "page", OK: true}, {Name: "screen", OK: true}}
	bad := []control.Check{{Name: "page", OK: true}, {Name: "screen", Code: kiosk.CodeNotResponding, Detail: "no page"}}
	for name, c := range map[string]struct {
		checks []control.Check
		code   int
	}{"well": {good, cli.ExitDone}, "a screen that is dark": {bad, cli.ExitNoDevice}, "nothing tried": {nil, cli.ExitFailed}} {
		socket := keeper{checks: c.checks}.serve(t)
		if code, stdout, stderr := ctl(t, "health", "--control", socket); code != c.code {
			t.Errorf("%s: exit %d: %s%s", name, code, stdout, stderr)
		}
	}
	if code, _, _ := ctl(t, "health", "--control", filepath.Join(t.TempDir(), "none"), "--wait", "3s"); code != cli.ExitNoDevice {
		t.Errorf("no agent: exit %d", code)
	}
}

func TestAReleaseIsSignedAndVerified(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"_0123456789abcdef0123456789abcdef.root", "_0123456789abcdef0123456789abcdef.verity", ".efi"} {
		if err := os.WriteFile(filepath.Join(dir, "pointnum_2.0.0"+name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, keys := filepath.Join(t.TempDir(), "release.key"), filepath.Join(t.TempDir(), "release.pub")
	code, public, stderr := ctl(t, "update", "key", key)
	if code != cli.ExitDone {
		t.Fatal(stderr)
	}
	private, err := os.ReadFile(key)
	if err != nil || strings.Contains(public+stderr, strings.TrimSpace(string(private))) {
		t.Error("the private key is shown", err)
	}
	if err := os.WriteFile(keys, []byte(public), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := ctl(t, "update", "sign", dir, "--key", key, "--minimum", "1.0.0"); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	if code, stdout, stderr := ctl(t, "update", "verify", dir, "--keys", keys); code != cli.ExitDone || !strings.Contains(stdout, "2.0.0") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "pointnum_2.0.0.efi"), []byte(".EFI"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := ctl(t, "update", "verify", dir, "--keys", keys); code != cli.ExitFile {
		t.Errorf("altered: exit %d", code)
	}
}
