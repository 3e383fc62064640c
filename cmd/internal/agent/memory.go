package agent

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// clobber has the garbage collector overwrite each object that it frees. It
// can be switched on only when a program starts (runtime, "Environment
// Variables").
const clobber = "clobberfree=1"

// ForgetFreed makes this program one whose freed memory holds nothing: it
// starts itself again, in the same process, unless it is one already. Without
// it a visitor's pages, addresses and passwords stay readable in memory that
// the collector gave up, for hours on a quiet kiosk. Programs that it starts
// have none of its capabilities. Main functions call it before anything else.
func ForgetFreed() error {
	have := os.Getenv("GODEBUG")
	if strings.Contains(","+have+",", ","+clobber+",") {
		return keepRights()
	}
	if have != "" {
		have += ","
	}
	if err := os.Setenv("GODEBUG", have+clobber); err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	return Again()
}

// Again starts this program again, in the same process. It returns only when
// that fails.
func Again() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if err := passRights(); err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	return fmt.Errorf("start again: %w", syscall.Exec(self, os.Args, os.Environ()))
}

// scrub clears what of a visit this process's memory still holds. Connections
// that wait for the screen's next request end: their buffers hold the last ones,
// and with them what was typed, letter by letter.
func (a *parts) scrub() {
	a.server.SetKeepAlivesEnabled(false)
	a.server.SetKeepAlivesEnabled(true)
	clearFreed()
}

// clearFreed clears what no part uses any more, and gives it back. Pools keep
// what they hold for two collections.
func clearFreed() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory() // collects as well
}

const (
	// scrubEvery and scrubTimes are how often memory is scrubbed after a visit:
	// beyond the goodbye screen, when the screen's page and its connections are
	// made anew.
	scrubEvery = 3 * time.Second
	scrubTimes = 8
)

// watchMemory scrubs again after each visit: what serves the screen ends a
// moment later than the visit does.
func (a *parts) watchMemory(ctx context.Context) error {
	var seq uint64
	visit, left, due := "", 0, time.Time{}
	for {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if left > 0 {
			wait, cancel = context.WithDeadline(ctx, due)
		}
		st, next, err := a.engine.State().Wait(wait, seq)
		cancel()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			if visit == "" {
				a.scrub()
			} else {
				clearFreed() // the next visitor's touches need their connections
			}
			left, due = left-1, time.Now().Add(scrubEvery)
			continue
		}
		seq = next
		if visit != "" && st.Visit != visit {
			left, due = scrubTimes, time.Now().Add(scrubEvery)
		}
		visit = st.Visit
	}
}
