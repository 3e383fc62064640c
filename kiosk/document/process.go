package document

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/wire"
)

// process is one child, for one job.
type process struct {
	cmd     *exec.Cmd
	in      *os.File // to the child
	out     *os.File
	r       *bufio.Reader
	sandbox []string

	ended chan struct{} // closed when it is gone and nothing watches it any more
	step  atomic.Pointer[step]
	peak  atomic.Int64 // bytes

	mu     sync.Mutex
	reason *kiosk.Error // why it was killed; the first counts
}

var (
	// errDone is the reason of a child whose job is over.
	errDone = &kiosk.Error{Code: kiosk.CodeInternal, Op: "document: job is over"}
	errSlow = &kiosk.Error{Code: kiosk.CodeFileTooSlow, Op: "document: time limit"}
	errBig  = &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "document: memory limit"}
)

const (
	// startTime is how long a child may take until it is ready.
	startTime = 10 * time.Second
	// watchEvery is how often a child's time and memory are looked at; at
	// 2 GB/s it grows by 40 MB in between.
	watchEvery = 20 * time.Millisecond
)

// namespaces keep the network and shared memory out of the child's sight. Not
// processes: without a /proc that fits, Landlock can't be applied to all
// threads; signals to others are refused by the child's own locks.
const namespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC

// start starts a child and waits until it is locked in. Where namespaces are
// not permitted it goes without: the child's own locks hold.
func start(o Options) (*process, error) {
	p, err := startWith(o, namespaces)
	if err == nil {
		p.sandbox = append(p.sandbox, "namespaces")
		return p, nil
	}
	o.Log.Debug("document child without namespaces", "error", err)
	return startWith(o, 0)
}

func startWith(o Options, flags uintptr) (*process, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("document: pipe: %w", err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return nil, fmt.Errorf("document: pipe: %w", err)
	}
	p := &process{in: inW, out: outR, r: bufio.NewReaderSize(outR, wire.ChunkSize), ended: make(chan struct{})}
	p.cmd = exec.Command(o.Executable)
	p.cmd.Args = []string{childName}
	p.cmd.Env = childEnv(o)
	p.cmd.Dir = "/"
	p.cmd.ExtraFiles = []*os.File{inR, outW}
	if o.Stderr != nil {
		p.cmd.Stderr = o.Stderr
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: flags}
	if flags != 0 {
		// Not 0 inside: nobody in there has any rights.
		p.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}}
		p.cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}
	}
	err = p.cmd.Start()
	// The child's ends: as long as we hold them too, a child that dies before
	// it is ready leaves no end of file to read.
	inR.Close()
	outW.Close()
	if err != nil {
		inW.Close()
		outR.Close()
		return nil, fmt.Errorf("document: start child: %w", err)
	}
	p.limit(startTime)
	go p.watch(o.MaxMemory)
	if err := p.ready(); err != nil {
		p.close(errDone)
		return nil, fmt.Errorf("document: child not ready: %w", err)
	}
	p.limit(0)
	return p, nil
}

// step is a piece of work that may take so long.
type step struct {
	began time.Time
	most  time.Duration
	used  time.Duration // of the processor, when it began
}

// patience is how many times as long a step may take when the machine is too
// busy to let the child work.
const patience = 3

// limit begins a step; 0 ends it.
func (p *process) limit(most time.Duration) {
	if most == 0 {
		p.step.Store(nil)
		return
	}
	p.step.Store(&step{time.Now(), most, p.processorTime()})
}

// late says whether the child took too long: by the clock, or by the processor
// where others keep it busy.
func (p *process) late(now time.Time) bool {
	s := p.step.Load()
	if s == nil || now.Sub(s.began) <= s.most {
		return false
	}
	starved := p.processorTime()-s.used < s.most/2
	return !starved || now.Sub(s.began) > patience*s.most
}

// processorTime is what the child used so far (proc(5), stat, fields 14, 15).
func (p *process) processorTime() time.Duration {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all that we run on
	return time.Duration(user+system) * tick
}

const nobody = 65534

func childEnv(o Options) []string {
	return []string{
		childMark + "=1",
		"GOMAXPROCS=" + strconv.Itoa(runtime.GOMAXPROCS(0)),
		// Collect early rather than be killed.
		"GOMEMLIMIT=" + strconv.FormatInt(o.MaxMemory/2, 10),
		"MALLOC_ARENA_MAX=2",
		"LANG=C",
	}
}

func (p *process) ready() error {
	_, payload, err := wire.Read(p.r, wire.MaxMessage, wire.Ready)
	if err != nil {
		return err
	}
	var m wire.ReadyMessage
	if err := wire.Decode(payload, &m); err != nil {
		return err
	}
	p.sandbox = m.Sandbox
	return nil
}

// watch waits for the child's end and ends it when it goes over its limits.
func (p *process) watch(maxMemory int64) {
	waited := make(chan struct{})
	go func() {
		p.cmd.Wait()
		close(waited)
	}()
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	statm, err := os.Open("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/statm")
	if err == nil {
		defer statm.Close()
	}
	for {
		select {
		case <-waited:
			close(p.ended)
			return
		case now := <-t.C:
			if p.late(now) {
				p.kill(errSlow)
			}
			if statm == nil {
				continue
			}
			rss := residentBytes(statm)
			p.peak.Store(max(p.peak.Load(), rss))
			if rss > maxMemory {
				p.kill(errBig)
			}
		}
	}
}

// residentBytes reads the second number of /proc/<pid>/statm, pages.
func residentBytes(statm *os.File) int64 {
	var b [128]byte
	n, _ := statm.ReadAt(b[:], 0)
	var size, resident int64
	fmt.Sscan(string(b[:n]), &size, &resident)
	return resident * int64(os.Getpagesize())
}

// kill ends the child for a reason; only the first counts.
func (p *process) kill(reason *kiosk.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == nil {
		p.reason = reason
	}
	p.cmd.Process.Kill() // no group: it can't fork
}

// close kills the child, waits for its end and closes the pipes: not before,
// what it said last may still be in them.
func (p *process) close(reason *kiosk.Error) {
	p.kill(reason)
	<-p.ended
	p.in.Close()
	p.out.Close()
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stopAfter kills the child when ctx ends, until the returned function is
// called.
func (p *process) stopAfter(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		p.kill(&kiosk.Error{Code: kiosk.CodeOf(cause), Op: "document: stopped", Err: cause})
	})
}

// fail says why talking to the child failed: the reason it was killed for, or
// what the child's own death or nonsense means for the visitor.
func (p *process) fail(err error, died kiosk.Code) error {
	if errors.Is(err, wire.ErrProtocol) {
		p.kill(&kiosk.Error{Code: died, Op: "document: child talks nonsense", Err: err})
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		// It is gone or going: what it says of itself can wait for that.
		select {
		case <-p.ended:
		case <-time.After(time.Second):
			p.kill(&kiosk.Error{Code: died, Op: "document: child hung up", Err: err})
			<-p.ended
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != nil {
		return p.reason
	}
	if s, ok := p.waitStatus(); ok && s.Signaled() && s.Signal() == syscall.SIGXCPU {
		return &kiosk.Error{Code: kiosk.CodeFileTooSlow, Op: "document: processor time limit"}
	}
	return &kiosk.Error{Code: died, Op: "document: child died", Err: err}
}

func (p *process) waitStatus() (syscall.WaitStatus, bool) {
	if p.alive() || p.cmd.ProcessState == nil {
		return 0, false
	}
	s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return s, ok
}
