package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/cmd/internal/cli"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/dispose"
)

// partition is a file that stands for one, full of a canary.
func partition(t *testing.T, megabytes int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(path, bytes.Repeat([]byte("CANARI-7731-----"), megabytes<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func holds(t *testing.T, path, text string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

// A kiosk of the image: nothing is left on its partitions but the proof.
func TestDisposeErasesThePartitions(t *testing.T) {
	data, conf, proof := partition(t, 8), partition(t, 8), filepath.Join(t.TempDir(), "preuve.txt")
	absent := filepath.Join(t.TempDir(), "none.yaml")
	code, _, stderr := ctl(t, "dispose", "--config", absent, "--data", data, "--conf", conf)
	if code != cli.ExitCanceled || !holds(t, data, "CANARI") {
		t.Errorf("without the word: exit %d: %s", code, stderr)
	}
	code, stdout, stderr := ctl(t, "dispose", "--config", absent, "--data", data, "--conf", conf, "--yes", "--full", "-o", proof)
	if code != cli.ExitDone || !strings.Contains(stdout, "VERDICT : tout ce qui était propre à cette borne est effacé") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if holds(t, data, "CANARI") || holds(t, conf, "CANARI") || !holds(t, conf, "VERDICT") {
		t.Error("the canary is there, or the proof is not")
	}
	if b, err := os.ReadFile(proof); err != nil || string(b) != stdout {
		t.Errorf("the proof is %q (%v)", b, err)
	}
}

// The power goes while it is erased: it goes on when the kiosk starts, and
// leaves a kiosk alone that nobody disposes of.
func TestDisposeGoesOnAfterACut(t *testing.T) {
	data, conf := partition(t, 256), partition(t, 8)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "kioskctl"), "dispose", "--config", "/none.yaml", "--data", data, "--conf", conf, "--yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drivertest.Eventually(t, "the mark", func() bool { _, ok, _ := dispose.Marked(data); return ok })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok {
		t.Fatal("it was done before the power went")
	}
	code, stdout, stderr := ctl(t, "dispose", "--resume", "--data", data, "--conf", conf)
	if code != cli.ExitDone || !strings.Contains(stdout, "VERDICT : tout ce qui") || holds(t, data, "CANARI") || holds(t, conf, "CANARI") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	other := partition(t, 1)
	if code, stdout, stderr := ctl(t, "dispose", "--resume", "--data", other); code != cli.ExitDone || stdout != "" || !holds(t, other, "CANARI") {
		t.Errorf("a kiosk in service: exit %d: %s%s", code, stdout, stderr)
	}
}

// The agent asks root, and only with the word that a person typed.
func TestDisposeByTheAgentsWord(t *testing.T) {
	data, conf := partition(t, 8), partition(t, 8)
	ask := func(request string) (reply struct {
		Answer *dispose.Proof
		Code   string
		Error  string
	}) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "kioskctl"), "dispose", "--steward", "--config", "/none.yaml", "--data", data, "--conf", conf)
		cmd.Stdin = strings.NewReader(request + "\n")
		out, err := cmd.Output()
		if err != nil || json.Unmarshal(out, &reply) != nil {
			t.Fatalf("%s: %v: %s", request, err, out)
		}
		return reply
	}
	for _, request := range []string{`{}`, `{"confirm":"oui"}`, `{"confirm":"EFFACER","data":"/dev/sda"}`, `"EFFACER"`} {
		if r := ask(request); r.Code != "bad_request" || !holds(t, data, "CANARI") {
			t.Errorf("%s: %+v", request, r)
		}
	}
	if r := ask(`{"confirm":"EFFACER"}`); r.Answer == nil || !r.Answer.Verdict || holds(t, data, "CANARI") {
		t.Errorf("%+v", r)
	}
}

// A machine that has another system, too: the kiosk's files go.
func TestDisposeErasesTheFilesOfAPackage(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"etc/pointnum/kiosk.yaml", "var/lib/pointnum/identity.json", "var/lib/pointnum-root/network/network.json", "var/log/journal/1/system.journal", "srv/other"} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("CANARI"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := ctl(t, "dispose", "--root", root, "--yes")
	if code != cli.ExitDone || !strings.Contains(stdout, "4 fichiers recouverts de zéros") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	left, err := filepath.Glob(filepath.Join(root, "*/*"))
	if err != nil || len(left) != 3 || !holds(t, filepath.Join(root, "srv/other"), "CANARI") { // etc/pointnum itself is gone
		t.Errorf("left: %v (%v)", left, err)
	}
}
