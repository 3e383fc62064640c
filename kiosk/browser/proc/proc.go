// Package proc reads which processes there are (proc(5)).
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Process is a line of /proc.
type Process struct {
	PID, Parent, Group int
	UID                int
	State              byte // 'R', 'S', 'Z'…
}

// Dead says that it only waits for its parent to fetch its status: it holds
// nothing any more.
func (p Process) Dead() bool { return p.State == 'Z' || p.State == 'X' }

// All gives every process by its id.
func All() (map[int]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("proc: %w", err)
	}
	all := map[int]Process{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		raw, err := os.ReadFile(filepath.Join(dir, "stat"))
		var st unix.Stat_t
		if err != nil || unix.Stat(dir, &st) != nil {
			continue // it went meanwhile
		}
		if p, err := Parse(raw); err == nil {
			p.PID, p.UID = pid, int(st.Uid)
			all[pid] = p
		}
	}
	return all, nil
}

// Parse reads /proc/PID/stat (proc_pid_stat(5)). The name in brackets may
// hold anything: what counts stands behind the last bracket.
func Parse(stat []byte) (Process, error) {
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(f) < 3 || len(f[0]) != 1 {
		return Process{}, errors.New("proc: not a process's status")
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return Process{}, errors.New("proc: no parent")
	}
	group, err := strconv.Atoi(f[2])
	if err != nil {
		return Process{}, errors.New("proc: no group")
	}
	return Process{Parent: parent, Group: group, State: f[0][0]}, nil
}
