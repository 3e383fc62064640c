package agent_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pointnum/cmd/internal/agent"
)

// A program that is one already is not started again: it would be for ever.
func TestAProgramThatForgetsIsLeftAsItIs(t *testing.T) {
	t.Setenv("GODEBUG", "madvdontneed=1,clobberfree=1")
	if err := agent.ForgetFreed(); err != nil || !strings.HasPrefix(os.Getenv("GODEBUG"), "madvdontneed=1,") {
		t.Errorf("%v, GODEBUG is %q", err, os.Getenv("GODEBUG"))
	}
}

// underService says that this program was started as a service starts the
// agent: with a capability that what it starts would have too.
const underService = "POINTNUM_TEST_UNDER_SERVICE"

func TestNoThreadPassesTheServicesCapabilitiesOn(t *testing.T) {
	if os.Getenv(underService) != "" {
		lookAtRights(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), underService+"=1", "GODEBUG=clobberfree=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 970, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 970, HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_KILL},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const began, kept = "given true", "passed on false, kept true"
	if s := string(out); !strings.Contains(s, began) || !strings.Contains(s, kept) {
		t.Errorf("got\n%s, want %q and %q", out, began, kept)
	}
}

// lookAtRights says what the threads have, before and after.
func lookAtRights(t *testing.T) {
	t.Logf("given %v", anyThread(t, "CapAmb:"))
	if err := agent.ForgetFreed(); err != nil {
		t.Fatal(err)
	}
	t.Logf("passed on %v, kept %v", anyThread(t, "CapAmb:"), anyThread(t, "CapEff:"))
}

// anyThread says whether a thread of this program has a capability in a set.
func anyThread(t *testing.T, set string) bool {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) < 2 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, name := range tasks {
		status, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		_, after, found := strings.Cut(string(status), set)
		if value, _, _ := strings.Cut(after, "\n"); !found || strings.Trim(value, "\t0") != "" {
			return true
		}
	}
	return false
}
