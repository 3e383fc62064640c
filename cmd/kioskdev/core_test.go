package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A core dump is a copy of a visitor's papers on a disk. 1 is the limit that
// the kernel also obeys where dumps go to a program (core(5)); what the agent
// starts inherits it.
func TestAgentNeverLeavesACoreDump(t *testing.T) {
	dir := memory(t)
	listen := freePort(t)
	config := filepath.Join(dir, "kiosk.yaml")
	text := fmt.Sprintf("place:\n  name: x\nlisten: %s\nspool: %s/spool\ncontrol: %s/control.sock\n", listen, dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := start(t, "kioskd", "-config", config)
	eventually(t, "the screen's address", func() bool { return answers("http://" + listen + "/") })
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", agent.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			if f := strings.Fields(rest); len(f) < 2 || f[0] != "1" || f[1] != "1" {
				t.Errorf("core dumps are limited to %s", strings.TrimSpace(rest))
			}
			return
		}
	}
	t.Errorf("no limit of core dumps in:\n%s", limits)
}
