// Package tool runs two programs of Debian packages on what visitors bring,
// when the host installed them: LibreOffice makes PDFs of office files,
// tesseract reads the words of a page. A kiosk works without either.
//
// Each run has a room of its own (sandbox.Room): the system's programs and
// fonts to read, a work folder in memory that nobody outside sees, no network,
// no other files, processes or rights. It is watched and ended with all it
// started when it takes too long or too much, when its context ends, and when
// the calling program dies; nothing is left of it then, on no disk and in no
// folder. Where the system permits no such room, nothing is run.
//
//	caller ──bytes──▶ first process of the room ──file──▶ soffice ──▶ PDF ──▶ caller
//	                  (the same program again)
//
// The program is started again as the first process of a room: its main
// function, and the TestMain of tests, must begin with
//
//	if tool.IsChild() {
//		tool.RunChild()
//	}
package tool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
)

// Options configure Tools. Zero values mean the defaults.
type Options struct {
	// Executable is started as the first process of a room; os.Executable()
	// when empty. Its main function must begin with RunChild.
	Executable string
	// Stderr gets what the programs say; nothing when nil. It may hold parts
	// of documents: for developers only.
	Stderr *os.File
	Log    *slog.Logger

	Jobs      int           // of each program that work at the same time; 1
	Time      time.Duration // for one run, waiting for a turn not included; 60 s
	MaxMemory int64         // bytes of a run, its work folder included; above it is ended; 1 GiB
	MaxInput  int64         // bytes of an office file or picture; 100 MB
	MaxOutput int64         // bytes of a PDF or list of words; 100 MB
}

func (o *Options) setDefaults() error {
	if o.Jobs == 0 {
		o.Jobs = 1
	}
	if o.Time == 0 {
		o.Time = time.Minute
	}
	for _, d := range []struct {
		v   *int64
		def int64
	}{{&o.MaxMemory, 1 << 30}, {&o.MaxInput, 100_000_000}, {&o.MaxOutput, 100_000_000}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Executable == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("tool: find own program: %w", err)
		}
		o.Executable = self
	}
	return nil
}

// Tools runs the programs. Methods may be called from any goroutine.
type Tools struct {
	o                  Options
	soffice, tesseract string // paths; "" when not installed
	// A token for each program that runs: somebody waits for a PDF, nobody
	// for words.
	writing, reading chan struct{}

	mu        sync.Mutex
	sandbox   []string
	peak      int64
	languages []string // of tesseract; nil until it was asked
}

// New looks for the programs and starts none. There is nothing to close: each
// run has ended, with all its processes, when its method returns.
func New(o Options) (*Tools, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("tool: needs linux")
	}
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	return &Tools{o: o, soffice: find("soffice"), tesseract: find("tesseract"),
		writing: make(chan struct{}, o.Jobs), reading: make(chan struct{}, o.Jobs)}, nil
}

// find gives the real path of a program from a Debian package, "" when it is
// not installed. One from elsewhere is none: a room shows only /usr.
func find(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	path, err = filepath.EvalSymlinks(path)
	if err != nil || strings.HasPrefix(path, "/usr/local/") || !strings.HasPrefix(path, "/usr/") {
		return ""
	}
	return path
}

// Available says which programs are installed: LibreOffice (packages
// libreoffice-writer-nogui, -calc-nogui, -impress-nogui) and tesseract
// (tesseract-ocr, tesseract-ocr-fra…).
func (t *Tools) Available() (office, words bool) {
	return t.soffice != "", t.tesseract != ""
}

// Sandbox says which locks the last room that was made got; names are those of
// package sandbox. It is empty before the first run.
func (t *Tools) Sandbox() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sandbox)
}

// PeakMemory is the most that one run's processes held so far, in bytes;
// libraries that several of them share count for each.
func (t *Tools) PeakMemory() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.peak
}

// missing is the error for a program, or a part of it, that is not installed.
func missing(packages string) error {
	return &kiosk.Error{Code: kiosk.CodeFileUnsupported, Op: "tool: find program", Err: fmt.Errorf("%s is not installed", packages)}
}
