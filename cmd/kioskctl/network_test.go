package main_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a socket unit starts answers one request on its standard streams.
func TestStewardsAnswerAndRefuse(t *testing.T) {
	for _, name := range []string{"network", "clock"} {
		cmd := exec.Command(filepath.Join(bin, "kioskctl"), name, "--steward")
		cmd.Stdin = strings.NewReader(`{"do":"sh","at":"now","password":"secret phrase"}` + "\n")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), `"code":"bad_request"`) || strings.Contains(string(out), "secret") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
