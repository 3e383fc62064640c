package cell

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/browser/proc"
)

// endTimeout is how long killed processes may take to be gone.
const endTimeout = 5 * time.Second

// endStrays ends what the browser left: on a kiosk every process of its user,
// but for those of the other cells.
func (c *Cell) endStrays() error {
	pgid := c.Browser.PID()
	return endAll(func(p proc.Process, all map[int]proc.Process) bool {
		if p.Group == pgid {
			return true
		}
		if c.owner == nil || p.UID != c.owner.uid {
			return false
		}
		// The leader of another cell's group is our own child.
		leader, ok := all[p.Group]
		return !ok || leader.Parent != os.Getpid()
	})
}

// endAll kills until nothing that is meant is left.
func endAll(meant func(proc.Process, map[int]proc.Process) bool) error {
	deadline := time.Now().Add(endTimeout)
	for {
		all, err := proc.All()
		if err != nil {
			return fmt.Errorf("cell: read the processes: %w", err)
		}
		left := 0
		for _, p := range all {
			if p.Dead() || !meant(p, all) {
				continue // a dead one holds nothing, its parent has to fetch it
			}
			left++
			_ = syscall.Kill(p.PID, syscall.SIGKILL) // no such process: it went meanwhile
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cell: %d processes of the browser do not end", left)
		}
		time.Sleep(5 * time.Millisecond) // pacing: the kernel offers no wait for strangers
	}
}

// Sweep removes the cells of an agent that died: their folders are not locked
// any more. Processes that still use one are ended before.
func Sweep(dir string) error {
	if dir == "" {
		dir = "/dev/shm"
	}
	found, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
	if err != nil {
		return fmt.Errorf("cell: look for old folders: %w", err)
	}
	var errs []error
	for _, old := range found {
		errs = append(errs, sweepOne(old))
	}
	return errors.Join(errs...)
}

func sweepOne(old string) error {
	f, err := os.Open(old)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cell: open an old folder: %w", err)
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil // of an agent that lives
	}
	err = endAll(func(p proc.Process, _ map[int]proc.Process) bool {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "cmdline"))
		return err == nil && bytes.Contains(line, []byte(old+"/"))
	})
	return errors.Join(err, plain("wipe an old folder", wipe(old)))
}
