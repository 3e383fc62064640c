// Package devtools starts Chromium and talks to it over the DevTools pipe
// (--remote-debugging-pipe): two file descriptors that only the starting
// process has, so no port listens and no other user of the machine reaches the
// browser. Messages are JSON, each ended by a NUL; sessions are flat, each
// message names its own.
//
// The profile lies in a memory-backed folder and is removed by Close. The
// browser runs in its own process group, which Close ends to the last process,
// and the kernel ends it when our process dies.
package devtools

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"pointnum/kiosk/browser/proc"
)

// The limits of this package.
const (
	startTimeout = 30 * time.Second // until the browser answers its first call
	closeTimeout = 5 * time.Second  // for a clean exit, then it is killed
	writeTimeout = 5 * time.Second  // until the browser reads a call
	groupTimeout = 5 * time.Second  // for killed processes to be gone
	maxQueued    = 4096             // events that wait for one reader
)

// ErrClosed is the error of calls to a browser that is gone: closed, crashed or
// killed.
var ErrClosed = errors.New("devtools: browser is gone")

// Options say how a browser is started. The zero value is a headed Chromium
// from PATH with a fresh profile in memory.
type Options struct {
	Path     string       // program; "" is chromium from PATH
	Headless bool         // no window
	Args     []string     // further flags, and the first address
	Env      []string     // "KEY=value", added to our own environment
	Dir      string       // where the profile folder is made; "" is /dev/shm
	Profile  string       // a folder of the caller's to use as it is; Close leaves it there
	Log      *slog.Logger // nil drops the browser's own output
	// Credential is another unix user's, as whom the browser runs with its
	// sandbox on. It gets nothing of our environment but where the display is.
	// Profile must be set and be that user's. We must be root then, or have the
	// capabilities to become that user and to end its processes.
	Credential *syscall.Credential
}

// Browser is a running Chromium. Its methods may be called from any goroutine.
type Browser struct {
	cmd     *exec.Cmd
	profile string
	keep    bool // the profile is the caller's
	w       *os.File
	output  *lineLogger
	gone    chan struct{} // closed when the pipe ended and every reader was told
	reading sync.WaitGroup

	writing sync.Mutex // one message at a time on the pipe

	mu      sync.Mutex
	lastID  int64
	pending map[int64]chan message
	readers map[*Events]struct{}
	closed  bool
	reaped  bool

	closing  sync.Once
	closeErr error
}

// message is what travels on the pipe, in both directions.
type message struct {
	ID      int64           `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

// Error is the browser's refusal of a call.
type Error struct {
	Method  string `json:"-"`
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
}

// Error gives the browser's words, for the log.
func (e *Error) Error() string {
	if e.Data == "" {
		return fmt.Sprintf("devtools: %s: %s", e.Method, e.Message)
	}
	return fmt.Sprintf("devtools: %s: %s: %s", e.Method, e.Message, e.Data)
}

// Start starts a browser and returns when it answers. ctx covers the start
// only; the caller closes the browser. A program that is missing is an error
// that wraps exec.ErrNotFound.
func Start(ctx context.Context, o Options) (*Browser, error) {
	path := o.Path
	if path == "" {
		path = "chromium"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, fmt.Errorf("devtools: find the browser: %w", err)
	}
	profile, err := profileFolder(o)
	if err != nil {
		return nil, fmt.Errorf("devtools: make the profile folder: %w", err)
	}
	b := &Browser{
		profile: profile,
		keep:    o.Profile != "",
		gone:    make(chan struct{}),
		pending: map[int64]chan message{},
		readers: map[*Events]struct{}{},
		output:  &lineLogger{log: o.Log},
	}
	if err := b.spawn(path, o); err != nil {
		return nil, errors.Join(err, b.removeProfile())
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := b.Call(ctx, "", "Browser.getVersion", nil, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("devtools: start the browser: %w", err), b.Close())
	}
	return b, nil
}

func profileFolder(o Options) (string, error) {
	switch {
	case o.Profile != "":
		return o.Profile, nil
	case o.Credential != nil:
		return "", errors.New("a browser of another user needs a folder of that user's")
	}
	dir := o.Dir
	if dir == "" {
		dir = "/dev/shm"
	}
	return os.MkdirTemp(dir, "pointnum-browser-")
}

func (b *Browser) removeProfile() error {
	if b.keep {
		return nil
	}
	return os.RemoveAll(b.profile)
}

// spawn starts the process with our ends of the two pipes: the browser reads
// calls from its descriptor 3 and writes answers and events to 4.
func (b *Browser) spawn(path string, o Options) error {
	callsR, callsW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("devtools: make a pipe: %w", err)
	}
	answersR, answersW, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("devtools: make a pipe: %w", err), callsR.Close(), callsW.Close())
	}
	cmd := exec.Command(path, flags(b.profile, o)...)
	cmd.ExtraFiles = []*os.File{callsR, answersW}
	// HOME and the caches lie in the profile folder as well: Chromium and the
	// font library write there, whatever --user-data-dir says.
	cmd.Env = append(environment(o), "HOME="+b.profile, "XDG_CACHE_HOME="+b.profile, "XDG_CONFIG_HOME="+b.profile)
	cmd.Env = append(cmd.Env, o.Env...)
	cmd.Stdout, cmd.Stderr = b.output, b.output
	// A renderer may keep our output pipe open a moment longer than the
	// browser process; do not wait for it for ever.
	cmd.WaitDelay = closeTimeout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: o.Credential}
	err = cmd.Start()
	err = errors.Join(err, callsR.Close(), answersW.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("devtools: start the browser: %w", err), callsW.Close(), answersR.Close())
	}
	b.cmd, b.w = cmd, callsW
	b.reading.Go(func() { b.read(answersR) })
	return nil
}

// environment is ours, or for another user only what a window needs.
func environment(o Options) []string {
	if o.Credential == nil {
		return os.Environ()
	}
	env := []string{"LANG=C.UTF-8"}
	for _, name := range []string{"PATH", "DISPLAY", "XAUTHORITY", "TZ"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// flags are those of every browser of this project.
func flags(profile string, o Options) []string {
	f := []string{
		"--remote-debugging-pipe",
		"--user-data-dir=" + profile,
		"--disk-cache-dir=" + profile + "/cache",
		"--no-first-run", "--no-default-browser-check",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-quic", "--disable-gpu", "--disable-breakpad", "--disable-crash-reporter",
		"--password-store=basic",
	}
	if os.Geteuid() == 0 && o.Credential == nil {
		// Chromium refuses to run as root with its sandbox. Tests in a
		// container only: on a kiosk it has its own user.
		f = append(f, "--no-sandbox")
	}
	if o.Headless {
		f = append(f, "--headless", "--hide-scrollbars")
	}
	return append(f, o.Args...)
}

// read hands answers and events over until the pipe ends.
func (b *Browser) read(r io.ReadCloser) {
	defer r.Close()
	defer b.end()
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		raw, err := in.ReadBytes(0)
		if err != nil {
			return // the browser is gone; there is nobody to tell but our callers
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(raw, []byte{0}), &m) != nil {
			continue
		}
		b.mu.Lock()
		if m.ID != 0 {
			if answer := b.pending[m.ID]; answer != nil {
				delete(b.pending, m.ID)
				answer <- m // never waits: one answer, room for one
			}
		} else {
			for e := range b.readers {
				e.put(Event{Session: m.Session, Method: m.Method, Params: m.Params})
			}
		}
		b.mu.Unlock()
	}
}

// end tells everyone that the browser is gone.
func (b *Browser) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for e := range b.readers {
		e.end()
	}
	close(b.gone)
}

// Done is closed when the browser is gone, for whatever reason.
func (b *Browser) Done() <-chan struct{} { return b.gone }

// PID is the process id of the browser, which is also its group's.
func (b *Browser) PID() int { return b.cmd.Process.Pid }

// Profile is the folder that holds everything the browser writes.
func (b *Browser) Profile() string { return b.profile }

// Close ends the browser and every process it started, and removes its
// profile. It may be called twice, and after a crash; the later calls return
// what the first one returned.
func (b *Browser) Close() error {
	b.closing.Do(func() { b.closeErr = b.close() })
	return b.closeErr
}

func (b *Browser) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	// A browser that is gone or stuck can't say goodbye; it is killed below.
	_ = b.Call(ctx, "", "Browser.close", nil, nil)
	select {
	case <-b.gone:
	case <-ctx.Done():
	}
	pid := b.cmd.Process.Pid
	b.Kill()
	b.mu.Lock()
	b.reaped = true
	b.mu.Unlock()
	_ = b.cmd.Wait() // killed or not, its status says nothing we need
	errs := []error{b.w.Close()}
	b.reading.Wait()
	b.output.flush()
	errs = append(errs, waitGroupGone(pid), b.removeProfile())
	return errors.Join(errs...)
}

// waitGroupGone waits until no process of the group runs: a renderer that
// still did could write into the profile while it is removed. Dead ones that
// nobody has fetched yet do not count: on some machines that takes a second.
func waitGroupGone(pgid int) error {
	deadline := time.Now().Add(groupTimeout)
	for syscall.Kill(-pgid, 0) == nil {
		all, err := proc.All()
		if err != nil {
			return fmt.Errorf("devtools: look for processes: %w", err)
		}
		runs := false
		for _, p := range all {
			runs = runs || (p.Group == pgid && !p.Dead())
		}
		if !runs {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("devtools: processes of group %d are still there", pgid)
		}
		time.Sleep(5 * time.Millisecond) // pacing: the kernel offers no wait for a whole group
	}
	return nil
}
