package agent

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// A kiosk's agent is no root: its service gives it the few capabilities that a
// browser of another user needs, and gives them as ambient ones, since only
// these outlive the start of a program (capabilities(7)). So would they that of
// every program that the agent starts: Chromium, and what opens strangers'
// files. keepRights takes them out of the ambient set, for all threads: from
// then on the agent has them, and nothing that it starts.
func keepRights() error {
	_, _, errno := psx.Syscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("keep rights: %w", errno)
	}
	return nil
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
