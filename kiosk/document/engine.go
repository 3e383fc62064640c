// Package document reads what visitors bring and scan, makes pages of it, and
// writes pages as files that a portal takes.
//
// Nothing is parsed in the calling process: bytes go through pipes to a child
// process, one for each input, which is locked in before it sees them, watched
// and killed when it takes too long or too much. What comes back is untrusted
// too: its sizes and counts are bounded and its values checked.
//
//	decode → clean (raster) → encode a page → fit → write (pdf)
//	└────────────── in the child (package child) ────────────┘
//
// The child is the same program, started again: its main function, and the
// TestMain of tests, must begin with
//
//	if document.IsChild() {
//		document.RunChild()
//	}
package document

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/tool"
)

// Options configure an engine. Zero values mean the defaults.
type Options struct {
	// Executable is started as the child; os.Executable() when empty. Its main
	// function must begin with RunChild.
	Executable string
	// Stderr gets what children write before they crash; nothing when nil. It
	// may hold parts of documents: for developers only.
	Stderr *os.File
	Log    *slog.Logger

	Jobs      int           // children that work at the same time; 2
	MaxPages  int           // of an input; 200
	MaxPixels int           // of a page, decoded; 60 million
	MaxInput  int64         // bytes of an input; 100 MB
	MaxMemory int64         // bytes a child may hold; above it is killed; 900 MB
	Probe     time.Duration // until an input is opened; 5 s
	Page      time.Duration // from one page to the next; 8 s
	// Input is for a whole input; 15 s. Files of many pages get PerPage more
	// for each page that came out, so that steady work is not cut off.
	Input   time.Duration
	PerPage time.Duration // 3 s
	Office  time.Duration // for making a PDF of an office file; 20 s
	// Words lists the languages, as tesseract names them, in which pages are
	// read for a layer of text in PDFs, besides the visitor's; none when empty.
	Words []string
}

func (o *Options) setDefaults() error {
	set(&o.Jobs, 2)
	set(&o.MaxPages, 200)
	set(&o.MaxPixels, 60_000_000)
	set(&o.MaxInput, 100_000_000)
	set(&o.MaxMemory, 900<<20)
	set(&o.Probe, 5*time.Second)
	set(&o.Page, 8*time.Second)
	set(&o.Input, 15*time.Second)
	set(&o.PerPage, 3*time.Second)
	set(&o.Office, 20*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Executable == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("document: find own program: %w", err)
		}
		o.Executable = self
	}
	return nil
}

func set[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Engine implements kiosk.Documents. Methods may be called from any goroutine.
type Engine struct {
	o     Options
	tools *tool.Tools
	words *reader
	jobs  chan struct{} // a token for each job that runs
	done  chan struct{} // closed by Close

	mu      sync.Mutex
	warm    *process // started, waiting for a job; nil when there is none
	running map[*process]struct{}
	sandbox []string
	peak    int64
	closed  bool // done is closed
	// starting is closed when the child that is being started is ready or
	// failed; nil when none is.
	starting chan struct{}
}

var _ kiosk.Documents = (*Engine)(nil)

// New makes an engine and starts its first child, so that the first page does
// not wait for it. The caller must Close it.
func New(o Options) (*Engine, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("document: needs linux")
	}
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	tools, err := tool.New(tool.Options{Executable: o.Executable, Stderr: o.Stderr, Log: o.Log, MaxInput: o.MaxInput, MaxOutput: o.MaxInput, Time: o.Office})
	if err != nil {
		return nil, err
	}
	e := &Engine{o: o, tools: tools, words: newReader(tools, o.MaxPages), jobs: make(chan struct{}, o.Jobs), done: make(chan struct{}), running: map[*process]struct{}{}}
	e.prepare()
	return e, nil
}

// Close kills the children and waits for their end. Jobs that run fail with
// CodeCanceled. It may be called twice.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.done)
	e.mu.Unlock()
	e.words.close()
	e.settle()
	e.mu.Lock()
	warm := e.warm
	e.warm = nil
	for p := range e.running {
		p.kill(errClosed) // its job closes it
	}
	e.mu.Unlock()
	if warm != nil {
		warm.close(errClosed)
	}
	for range cap(e.jobs) { // until the last job is over
		e.jobs <- struct{}{}
	}
	return nil
}

// errClosed is why children end when the engine does.
var errClosed = &kiosk.Error{Code: kiosk.CodeCanceled, Op: "document: engine closed"}

// Forget drops what was read on pages; see kiosk.Documents.
func (e *Engine) Forget() { e.words.forget() }

// Sandbox says which locks the last child that was started got; names are
// those of package sandbox, and "namespaces". It is empty until one is ready.
func (e *Engine) Sandbox() []string {
	e.settle()
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.sandbox...)
}

// PeakMemory is the most that one child held so far, in bytes.
func (e *Engine) PeakMemory() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.peak
}

// prepare starts a child in the background for the next job.
func (e *Engine) prepare() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.warm != nil || e.starting != nil {
		return
	}
	started := make(chan struct{})
	e.starting = started
	go func() { // Close waits for it
		defer close(started)
		p, err := start(e.o)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.starting = nil
		if err != nil {
			e.o.Log.Warn("document child does not start", "error", err)
			return
		}
		e.warm, e.sandbox = p, p.sandbox
	}()
}

// settle waits until no child is being started.
func (e *Engine) settle() {
	e.mu.Lock()
	started := e.starting
	e.mu.Unlock()
	if started != nil {
		<-started
	}
}

// take gives a child for one job and starts the next one. The caller must
// release it.
func (e *Engine) take(ctx context.Context) (*process, error) {
	select {
	case e.jobs <- struct{}{}:
	case <-e.done:
		return nil, errClosed
	case <-ctx.Done():
		return nil, &kiosk.Error{Code: kiosk.CodeOf(context.Cause(ctx)), Op: "document: wait for a turn", Err: context.Cause(ctx)}
	}
	p, err := e.fresh()
	if err != nil {
		<-e.jobs
		return nil, err
	}
	e.prepare()
	return p, nil
}

func (e *Engine) fresh() (*process, error) {
	e.settle()
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, errClosed
	}
	p := e.warm
	e.warm = nil
	e.mu.Unlock()
	if p != nil && !p.alive() { // somebody killed it while it waited
		p.close(errDone)
		p = nil
	}
	if p == nil {
		var err error
		if p, err = start(e.o); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running[p] = struct{}{}
	if e.closed {
		p.kill(errClosed)
	}
	return p, nil
}

// release ends a job's child and waits for its end.
func (e *Engine) release(p *process) {
	p.close(errDone)
	e.mu.Lock()
	delete(e.running, p)
	e.peak = max(e.peak, p.peak.Load())
	e.mu.Unlock()
	<-e.jobs
}

// openInput opens an input and refuses what is empty or too big by what is
// said of it.
func openInput(open func() (io.ReadCloser, error), size, most int64) (io.ReadCloser, error) {
	if size > most {
		return nil, &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "document: input size"}
	}
	r, err := open()
	if err != nil {
		return nil, fmt.Errorf("document: open input: %w", err)
	}
	return r, nil
}
