package visits

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/cmd/internal/leftover"
)

// Figures are what a kiosk takes while nobody uses it.
type Figures struct {
	Processes   int
	Descriptors int     // of the agent
	Goroutines  int     // of the agent
	Memory      float64 // of the agent, resident, in MB
	Files       float64 // in the memory file system, in MB
}

// The bounds within which Figures have to stay from one measure to a later
// one. Memory moves with the collector and what it has given back.
const (
	moreDescriptors = 3
	moreGoroutines  = 3
	moreMemory      = 25 // MB
	moreFiles       = 2  // MB
)

// Grown says what is more than the bounds allow; nil when nothing is.
func (f Figures) Grown(since Figures) error {
	var errs []error
	over := func(what string, is, was, most float64) {
		if is > was+most {
			errs = append(errs, fmt.Errorf("%s: %.4g, was %.4g; %.4g more are allowed", what, is, was, most))
		}
	}
	over("processes", float64(f.Processes), float64(since.Processes), 0)
	over("descriptors of the agent", float64(f.Descriptors), float64(since.Descriptors), moreDescriptors)
	over("goroutines of the agent", float64(f.Goroutines), float64(since.Goroutines), moreGoroutines)
	over("MB of the agent", f.Memory, since.Memory, moreMemory)
	over("MB of files in memory", f.Files, since.Files, moreFiles)
	return errors.Join(errs...)
}

// Figures measures when the kiosk has come to rest: the process for the next
// visit is there, and nothing moves for a second and a half.
func (k *Kiosk) Figures(ctx context.Context) (Figures, error) {
	var last Figures
	same := 0
	for range 80 {
		f, err := k.now(ctx)
		if err != nil {
			return f, err
		}
		if f.Processes == last.Processes && f.Descriptors == last.Descriptors && f.Goroutines == last.Goroutines && f.Processes > 1 {
			same++
		} else {
			same = 0
		}
		last = f
		if same == 3 {
			return f, nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return f, context.Cause(ctx)
		}
	}
	return last, errors.New("visits: the kiosk does not come to rest")
}

func (k *Kiosk) now(ctx context.Context) (f Figures, err error) {
	pids, err := leftover.Processes(mark, k.id)
	if err != nil {
		return f, fmt.Errorf("visits: %w", err)
	}
	f.Processes = len(pids)
	dir := fmt.Sprintf("/proc/%d/", k.pid)
	open, err := os.ReadDir(dir + "fd")
	if err != nil {
		return f, fmt.Errorf("visits: %w", err)
	}
	f.Descriptors = len(open)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return f, fmt.Errorf("visits: %w", err)
	}
	words := strings.Fields(string(status))
	at := slices.Index(words, "VmRSS:")
	kB, err := strconv.ParseFloat(words[at+1], 64)
	if err != nil || at < 0 {
		return f, fmt.Errorf("visits: memory of the agent: %w", err)
	}
	f.Memory = kB / 1024
	var st unix.Statfs_t
	if err := unix.Statfs(dir+"root/dev/shm", &st); err != nil {
		return f, fmt.Errorf("visits: files in memory: %w", err)
	}
	f.Files = float64(st.Blocks-st.Bfree) * float64(st.Bsize) / (1 << 20)
	if err := k.agent.Process.Signal(syscall.SIGUSR1); err != nil {
		return f, fmt.Errorf("visits: %w", err)
	}
	line, err := k.line(ctx)
	if err != nil {
		return f, err
	}
	if f.Goroutines, err = strconv.Atoi(line); err != nil {
		return f, fmt.Errorf("visits: goroutines: %w", err)
	}
	return f, nil
}
