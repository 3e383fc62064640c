// Package sandbox locks the calling process in: no files, no network, no
// other programs, no memory, processor time or descriptors beyond what is
// given. It is for the document engine's child, which opens hostile files and
// needs nothing but its two pipes: Enter. A foreign program that can't live
// without files gets a Room.
//
// Each lock of Enter is a second line behind another one, and kernels and service
// managers differ in what they permit: a lock that can't be had is left out
// and missing from the report.
package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// Limits are hard limits of the process; what goes beyond one ends it or
// fails.
type Limits struct {
	CPUSeconds uint64
	// Data is how many bytes of writable memory the process may still ask
	// for.
	Data uint64
	// Files is the highest count of open descriptors.
	Files uint64
	// FileSize is how many bytes a file that is written may have; none can
	// be written when 0.
	FileSize uint64
	// Processes is how many processes and threads there may be; as many as
	// the machine permits when 0.
	Processes uint64
}

// The names of the locks in a report.
const (
	NoNewPrivs = "no_new_privs"
	NoDump     = "no_dump"
	RLimits    = "rlimits"
	MemLimit   = "rlimit_data"
	Landlock   = "landlock"
	Seccomp    = "seccomp"
)

// Enter locks the process in, for good, and reports the locks that hold.
func Enter(l Limits) []string {
	var got []string
	add := func(name string, err error) {
		if err == nil {
			got = append(got, name)
		}
	}
	add(NoNewPrivs, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	add(NoDump, unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
	add(RLimits, setLimits(l))
	add(MemLimit, limitMemory(l.Data))
	add(Landlock, enterLandlock())
	add(Seccomp, filterCalls(program()))
	return got
}

func setLimits(l Limits) error {
	for _, r := range []struct {
		resource int
		value    uint64
	}{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_FSIZE, l.FileSize},
		{unix.RLIMIT_CPU, l.CPUSeconds},
		{unix.RLIMIT_NOFILE, l.Files},
		{unix.RLIMIT_NPROC, l.Processes},
	} {
		if r.resource == unix.RLIMIT_NPROC && r.value == 0 {
			continue
		}
		if err := unix.Setrlimit(r.resource, &unix.Rlimit{Cur: r.value, Max: r.value}); err != nil {
			return fmt.Errorf("sandbox: limit %d: %w", r.resource, err)
		}
	}
	return nil
}

// limitMemory bounds writable memory rather than address space: Go and the
// WebAssembly host reserve much more addresses than they ever use. Under the
// race detector, whose shadow memory counts too, there is no bound that makes
// sense.
func limitMemory(data uint64) error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	used := field(status, "VmData:") << 10
	if used > 16<<30 {
		return fmt.Errorf("sandbox: %d bytes of memory in use", used)
	}
	limit := used + data
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit})
}

// field gives a number of /proc/self/status, 0 when it is not there.
func field(status []byte, name string) uint64 {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				n, _ := strconv.ParseUint(string(f[0]), 10, 64)
				return n
			}
		}
	}
	return 0
}

// enterLandlock takes all rights to files, TCP and signals to other
// processes, as far as the kernel knows them.
func enterLandlock() error {
	if v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || v != 1 {
		return fmt.Errorf("sandbox: privileges not dropped: %w", err)
	}
	if err := landlock.V7.BestEffort().Restrict(); err != nil {
		return fmt.Errorf("sandbox: landlock: %w", err)
	}
	// Best effort may mean none at all.
	if f, err := os.Open("/"); err == nil {
		f.Close()
		return fmt.Errorf("sandbox: landlock does not hold")
	}
	return nil
}
