package document_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/sandbox"
)

// letter is a page of A4 at 300 dpi.
var letter = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, sheet(2480, 3508, true, 8), &jpeg.Options{Quality: 90}); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
})

func TestAKilledChildCostsOneFile(t *testing.T) {
	e := newEngine(t, document.Options{})
	data := letter()
	in := kiosk.Input{Size: int64(len(data)), Open: opener(data)}
	in.Open = func() (r readCloser, err error) { return &killing{Reader: bytes.NewReader(data), t: t}, nil }
	err := e.Import(t.Context(), in, func(kiosk.Page) error { return nil })
	if code := kiosk.CodeOf(err); code != kiosk.CodeFileBroken {
		t.Errorf("got %v, want %q", err, kiosk.CodeFileBroken)
	}
	if _, err := pages(t.Context(), e, input(data)); err != nil {
		t.Errorf("the next file fails too: %v", err)
	}
}

// A program that does not get as far as to say that it is ready, for want of a
// library for one, is told of and not waited for.
func TestAChildThatEndsBeforeItIsReadyIsNotWaitedFor(t *testing.T) {
	e, err := document.New(document.Options{Executable: "/bin/false"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := pages(t.Context(), e, input(letter()))
		ended <- errors.Join(err, e.Close())
	}()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "child not ready") {
			t.Errorf("got %v", err)
		}
	case <-time.After(40 * time.Second):
		t.Fatal("still waiting")
	}
}

// killing is an input that kills all children while it is read.
type killing struct {
	*bytes.Reader
	t    *testing.T
	done bool
}

func (k *killing) Read(p []byte) (int, error) {
	if !k.done {
		k.done = true
		for _, pid := range children(k.t) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return k.Reader.Read(p)
}

func (k *killing) Close() error { return nil }

// children lists this process's children that are the engine's.
func children(t testing.TB) []int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, f := range tasks {
		b, _ := os.ReadFile(f)
		for _, s := range strings.Fields(string(b)) {
			pid, _ := strconv.Atoi(s)
			cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if strings.HasPrefix(string(cmd), "pointnum-document") {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func TestJobsEndWithTheirContext(t *testing.T) {
	e := newEngine(t, document.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	data := letter()
	in := input(data)
	in.Open = func() (r readCloser, err error) { cancel(); return opener(data)() }
	err := e.Import(ctx, *in, func(kiosk.Page) error { return nil })
	if code := kiosk.CodeOf(err); code != kiosk.CodeCanceled {
		t.Errorf("got %v, want %q", err, kiosk.CodeCanceled)
	}
}

func TestTimeIsLimited(t *testing.T) {
	e := newEngine(t, document.Options{Probe: 10 * time.Second, Page: time.Millisecond})
	_, err := pages(t.Context(), e, input(letter()))
	if code := kiosk.CodeOf(err); code != kiosk.CodeFileTooSlow {
		t.Errorf("got %v, want %q", err, kiosk.CodeFileTooSlow)
	}
}

func TestMemoryIsLimited(t *testing.T) {
	e := newEngine(t, document.Options{MaxMemory: 40 << 20})
	_, err := pages(t.Context(), e, input(letter()))
	if code := kiosk.CodeOf(err); code != kiosk.CodeFileTooBig {
		t.Errorf("got %v, want %q", err, kiosk.CodeFileTooBig)
	}
}

func TestTheChildIsLockedIn(t *testing.T) {
	got := newEngine(t, document.Options{}).Sandbox()
	for _, want := range []string{sandbox.NoNewPrivs, sandbox.NoDump, sandbox.RLimits, sandbox.Seccomp} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %v", want, got)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	e, err := document.New(document.Options{Jobs: 3, Executable: childProgram})
	if err != nil {
		t.Fatal(err)
	}
	data := asJPEG(t, sheet(800, 1000, true, 12), 80)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := pages(t.Context(), e, input(data)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("children %v are left", left)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
	if _, err := pages(t.Context(), e, input(data)); kiosk.CodeOf(err) != kiosk.CodeCanceled {
		t.Errorf("a closed engine answers %v", err)
	}
}
