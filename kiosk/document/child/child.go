// Package child is the inside of the document engine's child process: it does
// one job over two pipes and ends. What it opens is hostile, so it is locked
// in before the first byte of it arrives.
package child

import (
	"bufio"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/sandbox"
	"pointnum/kiosk/document/turbojpeg"
	"pointnum/kiosk/document/wire"
)

// Run locks the process in, says so on out, reads a job from in and does it.
// It returns when the job is done or the other side is gone.
func Run(in io.Reader, out io.Writer, l sandbox.Limits) error {
	got := sandbox.Enter(l)
	w := bufio.NewWriterSize(out, wire.ChunkSize)
	c := &child{in: bufio.NewReaderSize(in, wire.ChunkSize), out: w}
	if err := c.send(wire.Ready, wire.ReadyMessage{Sandbox: got}); err != nil {
		return err
	}
	_, payload, err := wire.Read(c.in, wire.MaxMessage, wire.Job)
	if err == io.EOF {
		return nil // not needed any more
	}
	if err != nil {
		return err
	}
	var job wire.JobMessage
	if err := wire.Decode(payload, &job); err != nil {
		return err
	}
	done, err := c.do(job)
	if err != nil {
		var fault *kiosk.Error
		if !errors.As(err, &fault) {
			return err // the pipe's, or our own
		}
		done = wire.DoneMessage{Code: fault.Code, Op: fault.Op, Office: done.Office}
	}
	return c.send(wire.Done, done)
}

// softMemory is what the collector tries to stay under: pages are few large
// blocks, and looking for those that are free costs next to nothing.
const softMemory = 120 << 20

// largePages asks the kernel for pages of 2 MB for the first of the heap: a
// sheet of paper takes tens of thousands of small ones, and each costs as much
// as computing on it. Nothing is taken yet, and where there are no large pages
// nothing changes.
func largePages() {
	const arena = 64 << 20 // the runtime maps so much at a time
	heap := make([]byte, softMemory)
	first := uintptr(unsafe.Pointer(unsafe.SliceData(heap)))
	end := (first + softMemory + arena - 1) &^ (arena - 1)
	first &^= arena - 1
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, first, end-first, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(heap)
	runtime.GC() // it is free again
}

// Main runs a child on the descriptors 3 and 4 and gives its exit status.
func Main(l sandbox.Limits) int {
	debug.SetMemoryLimit(softMemory)
	largePages()
	turbojpeg.Available() // while files can still be opened
	if err := Run(os.NewFile(3, "in"), os.NewFile(4, "out"), l); err != nil {
		return 1
	}
	return 0
}

type child struct {
	in  *bufio.Reader
	out *bufio.Writer
	mu  sync.Mutex // one question and its answer at a time
}

func (c *child) do(job wire.JobMessage) (wire.DoneMessage, error) {
	switch job.Op {
	case wire.Import:
		return c.importFile(job)
	case wire.Convert:
		return c.convert(job)
	}
	return wire.DoneMessage{}, wire.ErrProtocol
}

func (c *child) send(k wire.Kind, m any) error {
	if err := wire.Send(c.out, k, m); err != nil {
		return err
	}
	return c.out.Flush()
}

// sendWith sends a message and the bytes that belong to it.
func (c *child) sendWith(k wire.Kind, m any, data ...[]byte) error {
	if err := wire.Send(c.out, k, m); err != nil {
		return err
	}
	for _, d := range data {
		if err := wire.Write(c.out, wire.Data, d); err != nil {
			return err
		}
	}
	return c.out.Flush()
}

// need asks for an input of a conversion.
func (c *child) need(n wire.NeedMessage, size, max int64) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.send(wire.Need, n); err != nil {
		return nil, err
	}
	return wire.ReceiveInput(c.in, size, max)
}

func (c *child) progress(done, total int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(wire.Progress, wire.ProgressMessage{Done: done, Total: total})
}

func limits(job wire.JobMessage) decode.Limits {
	return decode.Limits{MaxPages: job.MaxPages, MaxPixels: job.MaxPixels, MaxMemory: job.MaxMemory}
}

func fault(code kiosk.Code, op string) error { return &kiosk.Error{Code: code, Op: op} }
