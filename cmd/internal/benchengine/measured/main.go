// Command measured runs another program and writes what it took: processor
// time of its whole tree of processes, the memory of the largest of them, time
// by the clock. It is small, because Linux counts a program's memory from
// before exec: started by a large program, every program looks large.
//
//	measured RESULT.json SECONDS PROGRAM [ARGUMENT…]
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// usage is the answer; package peers reads it.
type usage struct {
	CPU      float64 `json:"cpu"` // seconds, user and system
	PeakKB   int64   `json:"peak_kb"`
	Wall     float64 `json:"wall"`
	Exit     int     `json:"exit"` // -1 when killed by a signal
	TimedOut bool    `json:"timed_out,omitempty"`
	Left     int     `json:"left,omitempty"` // processes that outlived the program
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "measured RESULT.json SECONDS PROGRAM [ARGUMENT…]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "measured:", err)
		os.Exit(1)
	}
}

func run(result, seconds string, args []string) error {
	limit, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return fmt.Errorf("time limit: %w", err)
	}
	// What outlives its parent comes to us, so that it is counted and ended.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("subreaper: %w", err)
	}
	// The signal for a dead parent is sent when the thread ends.
	runtime.LockOSThread()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	u, err := await(cmd.Process.Pid, time.Duration(limit*float64(time.Second)), stop)
	if err != nil {
		return err
	}
	u.Wall = time.Since(start).Seconds()
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return os.WriteFile(result, data, 0o600)
}

// end kills a group of processes.
func end(group int) {
	_ = syscall.Kill(-group, syscall.SIGKILL) // gone already: as wanted
}

// await waits for the program and all that it left behind, and ends its group
// of processes at the limit or at a signal.
func await(pid int, limit time.Duration, stop <-chan os.Signal) (usage, error) {
	done := make(chan struct{})
	killed := make(chan bool, 1)
	go func() {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		timedOut := false
		select {
		case <-timer.C:
			timedOut = true
			end(pid)
		case <-stop:
			end(pid)
		case <-done:
		}
		killed <- timedOut
	}()
	var u usage
	for {
		var status syscall.WaitStatus
		var ru syscall.Rusage
		got, err := syscall.Wait4(-1, &status, 0, &ru)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.ECHILD {
			break
		}
		if err != nil {
			return u, fmt.Errorf("wait: %w", err)
		}
		u.CPU += float64(ru.Utime.Nano()+ru.Stime.Nano()) / 1e9
		u.PeakKB = max(u.PeakKB, ru.Maxrss)
		if got != pid {
			u.Left++
			continue
		}
		u.Exit = -1
		if status.Exited() {
			u.Exit = status.ExitStatus()
		}
		end(pid) // it is done: what it left in its group goes too
	}
	close(done)
	u.TimedOut = <-killed
	return u, nil
}
