package sane

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one run of scanimage. It dies with us: in the kernel by
// Pdeathsig, and with its children by its own process group.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and its output is read
	wake chan struct{} // gets a token when a page was finished

	stall    time.Duration
	watchdog *time.Timer
	stopping sync.Once

	mu       sync.Mutex
	finished []string // names of pages not handed out yet
	progress string   // the last progress seen
	newPage  chan struct{}
	last     string // the last thing it said that was not progress
	status   int    // the status of SANE it told, 0 when none
	closing  bool   // it has told that the batch is over
	stopped  bool   // stop has begun: pages from now on are not to be trusted
	stalled  bool
	wasKill  bool
}

// startProcess runs scanimage in dir. Its standard output goes to out; when out
// is nil it is the names of finished pages. A stall of 0 is no watchdog.
func startProcess(c config, dir string, stall time.Duration, out io.Writer, args []string) (*process, error) {
	cmd := exec.Command(c.program, args...)
	cmd.Dir = dir
	// The words of options and the messages are matched: no translations.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "LANGUAGE=", "TMPDIR="+dir)
	if c.configDir != "" {
		cmd.Env = append(cmd.Env, "SANE_CONFIG_DIR="+c.configDir)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = pipeGrace
	p := &process{cmd: cmd, stall: stall, done: make(chan struct{}), wake: make(chan struct{}, 1),
		newPage: make(chan struct{}, 1)}
	if cmd.Stdout = out; out == nil {
		cmd.Stdout = &lines{each: p.pageDone}
	}
	cmd.Stderr = &lines{each: p.said}
	started := make(chan error)
	go p.supervise(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// supervise keeps the thread that started the process: Pdeathsig means the
// death of that thread, and Go ends threads it does not need.
func (p *process) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	if p.stall > 0 {
		p.mu.Lock()
		p.watchdog = time.AfterFunc(p.stall, p.bark)
		p.mu.Unlock()
	}
	started <- nil
	_ = p.cmd.Wait() // what it returns is in ProcessState too
	if p.stall > 0 {
		p.watchdog.Stop()
	}
	close(p.done)
}

// bark ends a process that makes no progress.
func (p *process) bark() {
	p.mu.Lock()
	p.stalled = true
	p.mu.Unlock()
	p.stop()
}

// moved feeds the watchdog.
func (p *process) moved() {
	if p.watchdog != nil && !p.stalled {
		p.watchdog.Reset(p.stall)
	}
}

// pageDone takes a line of standard output: the name of a page's file.
func (p *process) pageDone(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.moved()
	p.finished = append(p.finished, line)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// said takes a line of standard error. The same progress again is none: a
// backend whose peer died goes round and round.
func (p *process) said(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasPrefix(line, "Progress:") {
		if line != p.progress {
			p.progress = line
			p.moved()
		}
		return
	}
	p.progress = ""
	p.moved()
	switch {
	case strings.HasPrefix(line, "Scanning page"):
		select {
		case p.newPage <- struct{}{}:
		default:
		}
	case strings.HasPrefix(line, "Batch terminated"):
		// It only has to let go of the device. Some backends never do.
		p.closing = true
		if p.watchdog != nil {
			p.watchdog.Reset(min(p.stall, closeGrace))
		}
	default:
		if _, message, ok := strings.Cut(line, ": "); ok {
			p.last = strings.ToValidUTF8(message[:min(len(message), 200)], "?")
			p.status = max(p.status, statusOf(message))
		}
	}
}

// statusOf reads the status in a message such as "sane_read: Document feeder
// jammed"; 0 when there is none.
func statusOf(message string) int {
	call, text, _ := strings.Cut(message, ": ")
	if call != "sane_start" && call != "sane_read" {
		return 0
	}
	return statusTexts[text]
}

// stop ends the process: SIGINT, which cancels the scan in the backend, then
// SIGKILL. It returns when the process is gone. With some backends a batch goes
// on with the next sheet after SIGINT: then it gets only a moment.
func (p *process) stop() {
	p.stopping.Do(func() {
		p.mu.Lock()
		p.stopped = true
		p.mu.Unlock()
		select {
		case <-p.newPage: // the page that is being scanned
		default:
		}
		_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
		grace := time.NewTimer(cancelGrace)
		defer grace.Stop()
		for waiting := true; waiting; {
			select {
			case <-p.done:
				return
			case <-p.newPage:
				grace.Reset(cancelMoment)
			case <-grace.C:
				waiting = false
			}
		}
		p.mu.Lock()
		p.wasKill = true
		p.mu.Unlock()
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the group is its own
	})
	<-p.done
}

// take hands out the name of the next finished page.
func (p *process) take() (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.finished) == 0 {
		return "", false
	}
	name := p.finished[0]
	p.finished = p.finished[1:]
	return name, true
}

// ending is how a process ended.
type ending struct {
	exit    int // -1 when a signal ended it
	status  int // of SANE, by its exit or else by what it said; 0 when unknown
	said    string
	stalled bool // in mid-scan
	killed  bool // by us
}

// ending is known once done is closed.
func (p *process) ending() ending {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := ending{exit: p.cmd.ProcessState.ExitCode(), status: p.status, said: p.last,
		stalled: p.stalled && !p.closing, killed: p.wasKill}
	if e.exit > 0 {
		e.status = e.exit
	}
	return e
}

// lines is an io.Writer that cuts what is written at line ends and carriage
// returns. What is longer than a line may be is dropped.
type lines struct {
	each func(string)
	part []byte
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			break
		}
		if line := strings.TrimSpace(string(append(l.part, b[:i]...))); line != "" && len(line) <= maxLine {
			l.each(line)
		}
		l.part, b = l.part[:0], b[i+1:]
	}
	if len(l.part)+len(b) <= maxLine {
		l.part = append(l.part, b...)
	}
	return n, nil
}
