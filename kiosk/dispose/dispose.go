// Package dispose erases a kiosk's storage for ever, and proves it by reading
// it back: before a kiosk is given away, sold or thrown away.
//
// A mark in the first block of the data partition, which no file system uses,
// is there from before the first byte is erased until after the last one was
// read back: a kiosk that loses its power in between goes on when it starts
// (Marked). What an SSD keeps in its spare blocks can't be read back by
// anybody through its plug; whoever fears a laboratory destroys the disk.
package dispose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Mark says that a kiosk is being erased.
type Mark struct {
	All bool `json:"all"` // the system, too: it does not start again
}

// markHead begins the first block of a data partition that is being erased.
const markHead = "POINTNUM DISPOSE 1\n"

// markSize is kept until the end. A file system's own words begin behind
// (ext4: the super block at 1,024).
const markSize = 512

// Set writes the mark into the first block of the data partition, or of a
// file, and returns when it is on the disk. The file system may be mounted.
func Set(path string, m Mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("dispose: %w", err)
	}
	block := make([]byte, markSize)
	copy(block, markHead+string(text)+"\n")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_SYNC, 0)
	if err != nil {
		return fmt.Errorf("dispose: mark: %w", err)
	}
	_, err = f.WriteAt(block, 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("dispose: mark: %w", err)
	}
	return nil
}

// Marked reads the mark; false when there is none.
func Marked(path string) (m Mark, ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, false, fmt.Errorf("dispose: mark: %w", err)
	}
	block := make([]byte, markSize)
	_, err = io.ReadFull(f, block)
	if err = errors.Join(err, f.Close()); err != nil {
		return m, false, fmt.Errorf("dispose: mark: %w", err)
	}
	text, ok := bytes.CutPrefix(block, []byte(markHead))
	if !ok {
		return m, false, nil
	}
	text, _, _ = bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(text, &m); err != nil {
		return Mark{}, true, nil // it was begun: that is what matters
	}
	return m, true, nil
}

// Region is what was erased, and how that was checked.
type Region struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`   // erased
	Checked int64  `json:"checked"` // read back
	SHA256  string `json:"sha256"`  // of what was read back
	Zeros   string `json:"zeros"`   // of as many zeros
	Discard bool   `json:"discard"` // the disk was told, too, that it is free
	OK      bool   `json:"ok"`
}

// Options say how a region is erased.
type Options struct {
	Name string // for the proof
	Full bool   // read all of it back; else both ends and a part of each stretch
	Tell func(part string, percent int)
}

// How much is read back unless all is.
const (
	chunk   = 1 << 20
	ends    = 16 << 20
	stretch = 32 << 20 // one chunk of each
)

// Erase writes zeros over all of a disk, a partition or a file, and reads them
// back from the disk. The first block, where a mark may be, comes last. It can
// be run again after any error. When it returns nil, Region.OK is true.
func Erase(ctx context.Context, path string, o Options) (r Region, err error) {
	r.Name = o.Name
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return r, fmt.Errorf("dispose: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if r.Bytes, err = f.Seek(0, io.SeekEnd); err != nil {
		return r, fmt.Errorf("dispose: %w", err)
	}
	first := min(int64(markSize), r.Bytes)
	r.Discard = discard(f, first, r.Bytes-first) == nil
	e := eraser{f: f, o: o, size: r.Bytes}
	if err := e.zero(ctx, first, r.Bytes); err != nil {
		return r, fmt.Errorf("dispose: write: %w", err)
	}
	if err := e.check(ctx, &r, first); err != nil {
		return r, err
	}
	if err := e.zero(ctx, 0, first); err != nil {
		return r, fmt.Errorf("dispose: write: %w", err)
	}
	begin := make([]byte, first)
	if _, err := f.ReadAt(begin, 0); err != nil || len(bytes.Trim(begin, "\x00")) > 0 {
		return r, errors.Join(fmt.Errorf("dispose: the first block of %s is not erased", o.Name), err)
	}
	r.OK = true
	return r, nil
}

// eraser is one Erase.
type eraser struct {
	f    *os.File
	o    Options
	size int64
}

func (e *eraser) tell(part string, at int64) {
	if e.o.Tell != nil {
		e.o.Tell(part, int(at*100/max(1, e.size)))
	}
}

// zero writes zeros, brings them to the disk and has the system forget them,
// so that what is read back comes from the disk.
func (e *eraser) zero(ctx context.Context, from, to int64) error {
	zeros := make([]byte, 4*chunk)
	for at, n := from, 0; at < to; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wrote, err := e.f.WriteAt(zeros[:min(int64(len(zeros)), to-at)], at)
		if err != nil {
			return err
		}
		if at += int64(wrote); n%64 == 63 { // a disk's progress, not the memory's
			if err := e.f.Sync(); err != nil {
				return err
			}
		}
		e.tell("effacer", at)
	}
	if err := e.f.Sync(); err != nil {
		return err
	}
	return unix.Fadvise(int(e.f.Fd()), from, to-from, unix.FADV_DONTNEED)
}

// check reads back what is behind the first block.
func (e *eraser) check(ctx context.Context, r *Region, first int64) error {
	got, want := sha256.New(), sha256.New()
	buf, zeros := make([]byte, chunk), make([]byte, chunk)
	for at := first; at < e.size; at += chunk {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !e.o.Full && at >= ends && at < e.size-ends && (at-first)%stretch != 0 {
			continue
		}
		n, err := e.f.ReadAt(buf[:min(chunk, e.size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("dispose: read back: %w", err)
		}
		if !bytes.Equal(buf[:n], zeros[:n]) {
			return fmt.Errorf("dispose: %s is not erased near byte %d", e.o.Name, at)
		}
		r.Checked += int64(n)
		got.Write(buf[:n])
		want.Write(zeros[:n])
		e.tell("relire", at)
	}
	r.SHA256, r.Zeros = sum(got), sum(want)
	return nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// discard tells a disk that a range is free; a file gets a hole. It proves
// nothing and is only for disks that keep what they were not told of.
func discard(f *os.File, from, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, size)
	}
	span := [2]uint64{uint64(from), uint64(size)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKDISCARD, uintptr(unsafe.Pointer(&span)))
	if errno != 0 {
		return errno
	}
	return nil
}
