package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/provisioning/setup"
)

// steward hands kioskctl a request as the agent does, and returns the answer.
func steward(t *testing.T, request string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "kioskctl"), args...)
	cmd.Stdin = strings.NewReader(request + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

// Root's side of blanking: it takes a strict request on its input, and leaves
// the rest of the file alone.
func TestConfBlanksWhatWasUsed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, setup.ConfName)
	if err := os.WriteFile(path, []byte(setup.ConfExample()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ request, answer string }{
		{`{"code":true,"path":"/etc/passwd"}`, `"code":"bad_request"`},
		{`[]`, `"code":"bad_request"`},
		{`{"code":true}`, `"answer":"ok"`},
		{`{"code":true}`, `"answer":"ok"`}, // there is none any more
	} {
		out := steward(t, c.request, "conf", "--steward", "--dir", dir)
		if !strings.Contains(out, c.answer) {
			t.Errorf("%s: answered %s", c.request, out)
		}
	}
	left, err := setup.LoadConf(dir)
	if err != nil || left.Code != "" || left.Server == "" || left.Language != "fr" {
		t.Errorf("left %+v, %v", left, err)
	}
	if out := steward(t, `{"code":true}`, "conf", "--steward", "--dir", filepath.Join(dir, "none")); !strings.Contains(out, `"ok"`) {
		t.Errorf("no such partition: %s", out)
	}
}

// Root erases no disk that a person did not confirm, and none of a machine
// that is no kiosk of the image.
func TestInstallIsRefusedWithoutTheWord(t *testing.T) {
	for _, request := range []string{`{"disk":"/dev/none","confirm":"oui"}`, `{"disk":"","confirm":"EFFACER"}`, `{"disk":"/dev/none","confirm":"EFFACER","yes":true}`, `[]`, `{"disk":"/dev/none","confirm":"EFFACER"}`} {
		if out := steward(t, request, "install", "--steward"); !strings.Contains(out, `"code":"bad_request"`) {
			t.Errorf("%s: answered %s", request, out)
		}
	}
}
