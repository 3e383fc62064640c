package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/sandbox"
)

// job is what the first process of a room is told to do. It says nothing of
// the visitor: everybody on the machine can read it.
type job struct {
	Args   []string // of the program, its path first
	System []string // what it reads of the system, besides the usual
	Office OfficeKind
	Limits limits
}

// limits are those of a job, from Options.
type limits struct {
	Time                           time.Duration
	MaxMemory, MaxInput, MaxOutput int64
}

// work is how much of the memory the work folder may take.
func (l limits) work() int64 { return l.MaxMemory / 4 }

// report is what the first process says at its end, on a pipe of its own.
type report struct {
	Locks  []string
	Code   kiosk.Code // "" when all went well
	Detail string     // for the technician
}

const (
	reportFD  = 3
	maxReport = 1 << 16
	// watchEvery is how often a run's time and memory are looked at.
	watchEvery = 30 * time.Millisecond
)

// run waits for its turn, feeds a program in a room of its own and gives what
// it makes of it.
func (t *Tools) run(ctx context.Context, turn chan struct{}, j job, in io.Reader) ([]byte, error) {
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, stopped(ctx)
	}
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	j.Limits = limits{t.o.Time, t.o.MaxMemory, t.o.MaxInput, t.o.MaxOutput}
	p, err := start(t.o, j)
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeFileUnsupported, Op: "tool: make room", Err: err}
	}
	release := context.AfterFunc(ctx, func() { p.kill(stopped(ctx)) })
	out, err := p.talk(in, j.Limits)
	release()
	p.close()
	t.keep(p)
	if err != nil {
		return nil, p.fault(err)
	}
	return out, nil
}

func stopped(ctx context.Context) error {
	cause := context.Cause(ctx)
	return &kiosk.Error{Code: kiosk.CodeOf(cause), Op: "tool: stopped", Err: cause}
}

// keep notes what is worth knowing of a run.
func (t *Tools) keep(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.peak = max(t.peak, p.peak.Load())
	if len(p.said.Locks) > 0 {
		t.sandbox = slices.Clone(p.said.Locks)
	}
}

// process is the first process of a room, seen from outside.
type process struct {
	cmd              *exec.Cmd
	in, out, reports *os.File
	ended            chan struct{} // closed when all of the room are gone and nothing watches them
	peak             atomic.Int64
	said             report

	mu     sync.Mutex
	reason error // why it was killed; the first counts
}

func start(o Options, j job) (_ *process, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var theirs, ours [3]*os.File
	for i := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(theirs[:i], ours[:i]...))
			return nil, err
		}
		if theirs[i], ours[i] = w, r; i == 0 {
			theirs[i], ours[i] = r, w
		}
	}
	defer closeAll(theirs[:])
	p := &process{in: ours[0], out: ours[1], reports: ours[2], ended: make(chan struct{})}
	p.cmd = exec.Command(o.Executable)
	p.cmd.Args = []string{childName}
	p.cmd.Env = []string{childMark + "=" + string(text)}
	p.cmd.Dir = "/"
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.ExtraFiles = theirs[0], theirs[1], theirs[2:]
	if o.Stderr != nil {
		p.cmd.Stderr = o.Stderr
	}
	p.cmd.SysProcAttr = sandbox.RoomAttr()
	if err := p.cmd.Start(); err != nil {
		closeAll(ours[:])
		return nil, fmt.Errorf("start: %w", err)
	}
	go p.watch(j.Limits) // close waits for it
	return p, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// watch waits for the end of the room and brings it about when a limit is
// met. The work folder has its own limit.
func (p *process) watch(l limits) {
	waited := make(chan struct{})
	go func() {
		// The kernel lets go of the first process after all others.
		_ = p.cmd.Wait() // its report says more
		close(waited)
	}()
	deadline := time.Now().Add(l.Time)
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-waited:
			close(p.ended)
			return
		case now := <-t.C:
			if now.After(deadline) {
				p.kill(&kiosk.Error{Code: kiosk.CodeFileTooSlow, Op: "tool: time limit"})
			}
			held := resident(p.cmd.Process.Pid)
			p.peak.Store(max(p.peak.Load(), held))
			if held > l.MaxMemory-l.work() {
				p.kill(&kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "tool: memory limit"})
			}
		}
	}
}

// talk gives the input and takes the output and the report, in this order:
// nothing is said before the input was read.
func (p *process) talk(in io.Reader, l limits) ([]byte, error) {
	n, err := io.Copy(p.in, io.LimitReader(in, l.MaxInput+1))
	p.in.Close()
	switch {
	case err != nil && !errors.Is(err, syscall.EPIPE): // a pipe that broke: it says why
		return nil, fmt.Errorf("tool: read input: %w", err)
	case n == 0 && err == nil:
		return nil, &kiosk.Error{Code: kiosk.CodeFileEmpty, Op: "tool: read input"}
	case n > l.MaxInput:
		return nil, &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "tool: input size"}
	}
	out, err := io.ReadAll(io.LimitReader(p.out, l.MaxOutput+1))
	if err != nil {
		return nil, fmt.Errorf("tool: read output: %w", err)
	}
	if int64(len(out)) > l.MaxOutput {
		return nil, &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "tool: output size"}
	}
	if err := json.NewDecoder(io.LimitReader(p.reports, maxReport)).Decode(&p.said); err != nil {
		return nil, fmt.Errorf("tool: read report: %w", err)
	}
	if p.said.Code != "" {
		return nil, &kiosk.Error{Code: p.said.Code, Op: "tool: run", Err: errors.New(p.said.Detail)}
	}
	return out, nil
}

// kill ends all of the room for a reason.
func (p *process) kill(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == nil {
		p.reason = reason
	}
	_ = p.cmd.Process.Kill() // gone already: as wanted
}

// close ends the room and waits until nothing of it is left.
func (p *process) close() {
	p.kill(errOver)
	<-p.ended
	closeAll([]*os.File{p.in, p.out, p.reports})
}

// errOver is the reason of a room that is closed after its job.
var errOver = errors.New("tool: job is over")

// fault says what went wrong: the reason it was killed for comes before what
// the killing caused, and a death without a reason is the document's fault.
func (p *process) fault(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != errOver {
		return p.reason
	}
	if _, ok := errors.AsType[*kiosk.Error](err); ok {
		return err
	}
	return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: room collapsed", Err: err}
}
