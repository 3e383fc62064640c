package cell

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endTimeout is how long killed processes may take to be gone.
const endTimeout = 5 * time.Second

// process is a line of /proc.
type process struct {
	pid, parent, group int
	uid                int
	state              byte
}

// endStrays ends what the browser left: on a kiosk every process of its user,
// but for those of the other cells.
func (c *Cell) endStrays() error {
	pgid := c.Browser.PID()
	return endAll(func(p process, all map[int]process) bool {
		if p.group == pgid {
			return true
		}
		if c.owner == nil || p.uid != c.owner.uid {
			return false
		}
		// The leader of another cell's group is our own child.
		leader, ok := all[p.group]
		return !ok || leader.parent != os.Getpid()
	})
}

// endAll kills until nothing that is meant is left.
func endAll(meant func(process, map[int]process) bool) error {
	deadline := time.Now().Add(endTimeout)
	for {
		all, err := processes()
		if err != nil {
			return fmt.Errorf("cell: read the processes: %w", err)
		}
		left := 0
		for _, p := range all {
			if p.state == 'Z' || !meant(p, all) {
				continue // a dead one holds nothing, its parent has to fetch it
			}
			left++
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // no such process: it went meanwhile
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

func processes() (map[int]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	all := map[int]process{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			all[pid] = p
		}
	}
	return all, nil
}

// readProcess reads /proc/PID/stat (proc_pid_stat(5)): the name in brackets
// may hold anything, what counts stands behind the last bracket.
func readProcess(pid int) (process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	raw, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return process{}, false
	}
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	var st unix.Stat_t
	if len(f) < 3 || unix.Stat(dir, &st) != nil {
		return process{}, false
	}
	p := process{pid: pid, uid: int(st.Uid), state: f[0][0]}
	p.parent, _ = strconv.Atoi(f[1])
	p.group, _ = strconv.Atoi(f[2])
	return p, true
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
	err = endAll(func(p process, _ map[int]process) bool {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
		return err == nil && bytes.Contains(line, []byte(old+"/"))
	})
	return errors.Join(err, plain("wipe an old folder", wipe(old)))
}
