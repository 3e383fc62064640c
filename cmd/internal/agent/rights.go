package agent

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// A kiosk's agent is no root: its service gives it the few capabilities that a
// browser of another user needs, and gives them as ambient ones, since only
// these outlive the start of a program (capabilities(7)). So would they that of
// every program that the agent starts: Chromium, and what opens strangers'
// files. keepRights takes them out of the ambient set, for all threads: from
// then on the agent has them, and nothing that it starts. Where no thread has
// one, none is interrupted: an emulator's own threads would never answer.
func keepRights() error {
	if some, err := ambient(); err == nil && !some {
		return nil
	}
	_, _, errno := psx.Syscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("keep rights: %w", errno)
	}
	return nil
}

// ambient says whether any thread of this program has an ambient capability
// (proc(5), status). A new thread has what the one that made it has, and that
// one is looked at too.
func ambient() (bool, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, fmt.Errorf("own threads: %w", err)
	}
	for _, t := range tasks {
		status, err := os.ReadFile("/proc/self/task/" + t.Name() + "/status")
		if err != nil { // it may have ended, and left another
			return false, fmt.Errorf("own threads: %w", err)
		}
		_, after, found := strings.Cut(string(status), "\nCapAmb:\t")
		set, _, _ := strings.Cut(after, "\n")
		if !found || strings.Trim(set, "0") != "" {
			return true, nil
		}
	}
	return false, nil
}

// passRights puts back into the ambient set what the service gave, on this
// thread, which is to start this program again.
func passRights() error {
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if err := unix.Capget(&header, &have[0]); err != nil {
		return fmt.Errorf("pass rights on: %w", err)
	}
	var errs []error
	for c := range 64 {
		if given := have[c/32].Permitted & have[c/32].Inheritable; given&(1<<(c%32)) != 0 {
			errs = append(errs, unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0))
		}
	}
	return errors.Join(errs...)
}
