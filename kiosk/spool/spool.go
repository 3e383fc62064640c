// Package spool keeps one visit's pages and documents in memory-backed
// storage: they survive a crash of the agent, are gone at power-off, and are
// overwritten, removed and looked for again when the visit ends.
//
// A spool is one folder:
//
//	blobs/    pages and files, under random names
//	temp/     whatever the agent and its children write for a moment
//	journal   the state of the visit
//	wiping    there while a wipe is under way
//
// Only the agent's user can read it. No name in it says anything of a visitor.
package spool

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
)

const (
	blobsDir    = "blobs"
	tempDir     = "temp"
	journalFile = "journal"
	wipingFile  = "wiping"
	partSuffix  = ".part"
)

// Options say how to open a spool. The zero value is what a kiosk uses.
type Options struct {
	// Development accepts a folder that is not in memory. Never on a kiosk: a
	// visitor's pages would reach the disk.
	Development bool
	MaxBlobs    int   // 0 is 4,000
	MaxBytes    int64 // of all blobs together; 0 is 1 GiB
}

// Blob names something kept in a spool.
type Blob struct {
	ID     string // random, hexadecimal
	Size   int64  // bytes
	SHA256 string // of the content, hexadecimal
}

// Usage is how much a spool holds.
type Usage struct {
	Blobs int
	Bytes int64
}

// Spool is an open spool. Its methods may be called from any goroutine.
type Spool struct {
	dir  string
	opts Options
	lock *os.File // the folder itself, locked: one agent at a time
	// The folders are reached through root: no link somebody planted in them
	// leads out.
	root *os.Root

	wipes sync.Mutex // one wipe at a time

	mu      sync.Mutex
	used    Usage // blobs, those being written included
	readers map[*reader]struct{}
	gen     int // of the content; one more with each wipe
	wiping  bool
}

// ErrNotMemory is returned by Open for a folder that is on a disk.
var ErrNotMemory = errors.New("not on a memory file system (tmpfs, ramfs)")

// Open opens the spool in dir, which it makes when it is missing. What an
// earlier agent left is found again, except pages that were half written and
// temporary files, which are removed. A wipe that was cut short is finished
// first; when that can't be verified, Open fails. It fails with ErrNotMemory
// when dir is on a disk, and when another agent uses it.
func Open(dir string, o Options) (*Spool, error) {
	if o.MaxBlobs == 0 {
		o.MaxBlobs = 4000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	s := &Spool{dir: dir, opts: o, readers: make(map[*reader]struct{})}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("spool: open: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Spool) open() (err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if s.lock, err = os.Open(s.dir); err != nil {
		return err
	}
	if err := checkFolder(s.lock, s.opts.Development); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("in use by another agent: %w", err)
	}
	if s.root, err = os.OpenRoot(s.dir); err != nil {
		return err
	}
	if _, err := s.root.Lstat(wipingFile); err == nil {
		_, err := s.Wipe()
		return err
	}
	if err := s.root.RemoveAll(tempDir); err != nil {
		return err
	}
	if err := s.makeFolders(); err != nil {
		return err
	}
	return errors.Join(s.dropTemps(), s.recount())
}

// dropTemps removes journals that were not finished.
func (s *Spool) dropTemps() error {
	names, err := fs.Glob(s.root.FS(), "."+journalFile+".*.tmp")
	for _, n := range names {
		err = errors.Join(err, s.root.Remove(n))
	}
	return err
}

// checkFolder demands that the folder is in memory and ours alone.
func checkFolder(d *os.File, development bool) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(d.Fd()), &st); err != nil {
		return err
	}
	memory := st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC
	if !memory && !development {
		return ErrNotMemory
	}
	info, err := d.Stat()
	if err != nil {
		return err
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		return errors.New("the folder belongs to another user")
	}
	return d.Chmod(0o700)
}

func (s *Spool) makeFolders() error {
	for _, d := range []string{blobsDir, tempDir} {
		if err := s.root.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// recount removes half-written blobs and counts the whole ones.
func (s *Spool) recount() error {
	var u Usage
	entries, err := fs.ReadDir(s.root.FS(), blobsDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(blobsDir, e.Name())
		if strings.HasSuffix(e.Name(), partSuffix) {
			if err := s.root.Remove(name); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		u.Blobs++
		u.Bytes += info.Size()
	}
	s.used = u
	return nil
}

// Temp is the folder for temporary files of the agent and its children: what
// TMPDIR should name. It is emptied at each start and by each wipe.
func (s *Spool) Temp() string { return filepath.Join(s.dir, tempDir) }

// Usage says how much the spool holds.
func (s *Spool) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// SaveState replaces the visit's journal. After a crash LoadState gives the
// old one or the new one, never a mixture.
func (s *Spool) SaveState(data []byte) error {
	if err := atomicfile.Write(filepath.Join(s.dir, journalFile), data, 0o600); err != nil {
		return full("spool: save state", err)
	}
	return nil
}

// LoadState returns the visit's journal; nil when there is none.
func (s *Spool) LoadState() ([]byte, error) {
	data, err := s.root.ReadFile(journalFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("spool: load state: %w", err)
	}
	return data, nil
}

// Close frees the folder and leaves its content. It may be called twice.
func (s *Spool) Close() error {
	s.closeReaders()
	var errs []error
	if s.root != nil {
		errs = append(errs, s.root.Close())
	}
	if s.lock != nil {
		if err := s.lock.Close(); !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// full gives an error its code: a full memory file system is a full spool.
func full(op string, err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return &kiosk.Error{Code: kiosk.CodeSpoolFull, Op: op, Err: err}
	}
	return fmt.Errorf("%s: %w", op, err)
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func validID(id string) bool {
	if len(id) != 32 {
		return false
	}
	_, err := hex.DecodeString(id)
	return err == nil
}

func sum(r io.Reader) (string, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
