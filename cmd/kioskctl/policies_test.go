package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pointnum/cmd/internal/cli"
)

func TestPoliciesAreWrittenAndChecked(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	config, file := filepath.Join(dir, "kiosk.yaml"), filepath.Join(folder, "pointnum.json")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, "place: {name: Mairie}\nlisten: 127.0.0.1:8123\nportals: [caf]\nbrowser:\n  hosts: [mairie.exemple.fr]\n")
	code, written, stderr := ctl(t, "policies", "--config", config)
	if code != cli.ExitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var got struct{ URLAllowlist []string }
	if err := json.Unmarshal([]byte(written), &got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"https://caf.fr", "https://franceconnect.gouv.fr", "http://127.0.0.1:8123", "https://mairie.exemple.fr"} {
		if !slices.Contains(got.URLAllowlist, want) {
			t.Errorf("%s is not allowed", want)
		}
	}
	for _, not := range []string{"https://visale.fr", "https://amendes.gouv.fr"} {
		if slices.Contains(got.URLAllowlist, not) {
			t.Errorf("%s is allowed, though no portal that is shown needs it", not)
		}
	}

	write(file, written)
	var stdout string
	for _, path := range []string{file, folder} {
		if code, stdout, stderr = ctl(t, "policies", "--config", config, "--check", path); code != cli.ExitDone || stdout != "Les règles du navigateur sont les bonnes.\n" {
			t.Errorf("%s: exit %d: %q %q", path, code, stdout, stderr)
		}
	}
	write(file, strings.Replace(written, `"PrintingEnabled": false`, `"PrintingEnabled": true`, 1))
	const line = "La règle « PrintingEnabled » vaut true au lieu de false."
	if code, stdout, stderr = ctl(t, "policies", "--config", config, "--check", file); code != cli.ExitFailed || stdout != line+"\n" || stderr == "" {
		t.Errorf("exit %d: %q %q", code, stdout, stderr)
	}
	code, stdout, _ = ctl(t, "policies", "--config", config, "--check", file, "--json")
	var answer struct {
		OK          bool     `json:"ok"`
		Differences []string `json:"differences"`
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != cli.ExitFailed || answer.OK || !slices.Equal(answer.Differences, []string{line}) {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
	for name, args := range map[string][]string{
		"a file that is missing":    {"--check", filepath.Join(dir, "none.json")},
		"a file without its option": {file},
	} {
		if code, _, stderr := ctl(t, append([]string{"policies", "--config", config}, args...)...); code == cli.ExitDone || stderr == "" {
			t.Errorf("%s: exit %d, %q", name, code, stderr)
		}
	}
}
