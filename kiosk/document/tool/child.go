package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/document/sandbox"
)

const (
	// childMark is the environment variable that makes a program a child; it
	// holds the job.
	childMark = "POINTNUM_TOOL_CHILD"
	// childName is what a list of processes shows.
	childName = "pointnum-tool"
)

// IsChild says whether this process was started as the first of a room.
func IsChild() bool {
	return os.Getenv(childMark) != "" && len(os.Args) == 1 && os.Args[0] == childName
}

// RunChild makes the room, does one job in it and ends the process, and with
// it the room.
func RunChild() {
	// What rights the program has is a matter of the thread it is started from.
	runtime.LockOSThread()
	// A folder somebody left open would be a way out of the room.
	if err := unix.CloseRange(reportFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		os.Exit(1)
	}
	var said report
	err := inside(&said)
	if err != nil {
		said.Code, said.Detail = kiosk.CodeOf(err), err.Error()
	}
	os.Stdout.Close() // the reader waits for its end first
	if json.NewEncoder(os.NewFile(reportFD, "report")).Encode(said) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func inside(said *report) error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(childMark)), &j); err != nil {
		return fmt.Errorf("tool: read job: %w", err)
	}
	room := sandbox.Room{System: j.System, Limits: sandbox.Limits{
		// More than a run may take on all processors: its time ends it first.
		CPUSeconds: uint64(j.Limits.Time.Seconds())*4 + 10,
		Data:       uint64(j.Limits.MaxMemory),
		Files:      1024,
		FileSize:   uint64(max(j.Limits.MaxInput, j.Limits.MaxOutput)),
		Processes:  256,
	}}
	if j.Office != "" {
		room.Work = j.Limits.work()
	}
	var err error
	if said.Locks, err = room.Enter(); err != nil {
		return &kiosk.Error{Code: kiosk.CodeFileUnsupported, Op: "tool: make room", Err: err}
	}
	if j.Office != "" {
		return j.office()
	}
	// Nobody waits for words.
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 10); err != nil {
		return fmt.Errorf("tool: lower priority: %w", err)
	}
	cmd := j.command("OMP_THREAD_LIMIT=1")
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	return ran(cmd.Run())
}

// command is the program with a small environment.
func (j job) command(env ...string) *exec.Cmd {
	cmd := exec.Command(j.Args[0], j.Args[1:]...)
	cmd.Env = append([]string{"PATH=/usr/bin", "LANG=C.UTF-8", "MALLOC_ARENA_MAX=2"}, env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// ran says what a program's end means.
func ran(err error) error {
	if err == nil {
		return nil
	}
	code := kiosk.CodeFileBroken
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			switch s.Signal() {
			case syscall.SIGXCPU:
				code = kiosk.CodeFileTooSlow
			case syscall.SIGXFSZ:
				code = kiosk.CodeFileTooBig
			}
		}
	}
	return &kiosk.Error{Code: code, Op: "tool: program failed", Err: err}
}

// copyOut gives a file that a program wrote to whoever waits outside.
func copyOut(name string) error {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}
