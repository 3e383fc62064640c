package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pointnum/kiosk"
	"pointnum/kiosk/erase"
)

// errWiped is what writers and readers get that a wipe overtook.
var errWiped = errors.New("the visit was wiped")

// Put keeps what r gives, to its end, and returns its name. Nothing counts
// until all of it is there: after an error of r or a crash nothing is left.
// Errors: CodeSpoolFull when the spool holds too many blobs or bytes, or the
// memory ran out; errors of r are wrapped.
func (s *Spool) Put(r io.Reader) (Blob, error) {
	gen, err := s.reserve()
	if err != nil {
		return Blob{}, err
	}
	id := newID()
	w := &writer{spool: s, gen: gen, hash: sha256.New()}
	err = w.fill(id, r)
	if err == nil {
		err = w.keep(id)
	}
	if err != nil {
		w.undo(id)
		return Blob{}, full("spool: put", err)
	}
	return Blob{ID: id, Size: w.size, SHA256: hex.EncodeToString(w.hash.Sum(nil))}, nil
}

// reserve counts one blob before it is written.
func (s *Spool) reserve() (gen int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.wiping:
		return 0, fmt.Errorf("spool: put: %w", errWiped)
	case s.used.Blobs >= s.opts.MaxBlobs:
		return 0, &kiosk.Error{Code: kiosk.CodeSpoolFull, Op: "spool: put"}
	}
	s.used.Blobs++
	return s.gen, nil
}

// writer writes one blob. It stops as soon as a wipe begins, so that a late
// writer never leaves a page of one visit in the next.
type writer struct {
	spool *Spool
	gen   int
	file  *os.File
	hash  hash.Hash
	size  int64
}

func (w *writer) fill(id string, r io.Reader) (err error) {
	w.file, err = w.spool.root.OpenFile(filepath.Join(blobsDir, id+partSuffix),
		os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.file.Close())
}

// Write counts the bytes before it writes them.
func (w *writer) Write(p []byte) (int, error) {
	if err := w.count(int64(len(p))); err != nil {
		return 0, err
	}
	w.hash.Write(p)
	return w.file.Write(p)
}

func (w *writer) count(n int64) error {
	s := w.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gen != w.gen || s.wiping:
		return errWiped
	case s.used.Bytes+n > s.opts.MaxBytes:
		return &kiosk.Error{Code: kiosk.CodeSpoolFull, Op: "spool: put"}
	}
	s.used.Bytes += n
	w.size += n
	return nil
}

// keep gives the blob its name, unless a wipe began.
func (w *writer) keep(id string) error {
	s := w.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen != w.gen || s.wiping {
		return errWiped
	}
	return s.root.Rename(filepath.Join(blobsDir, id+partSuffix), filepath.Join(blobsDir, id))
}

func (w *writer) undo(id string) {
	s := w.spool
	_ = s.root.Remove(filepath.Join(blobsDir, id+partSuffix)) // gone already when a wipe was first
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen == w.gen && !s.wiping {
		s.used.Blobs--
		s.used.Bytes -= w.size
	}
}

// Open reads a blob. A wipe closes what is still open. The error is
// fs.ErrNotExist for a blob that is not there.
func (s *Spool) Open(id string) (io.ReadCloser, error) {
	if !validID(id) {
		return nil, fmt.Errorf("spool: open blob: %w", fs.ErrNotExist)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wiping {
		return nil, fmt.Errorf("spool: open blob: %w", errWiped)
	}
	f, err := s.root.Open(filepath.Join(blobsDir, id))
	if err != nil {
		return nil, fmt.Errorf("spool: open blob: %w", err)
	}
	r := &reader{File: f, spool: s}
	s.readers[r] = struct{}{}
	return r, nil
}

// reader is an open blob; the spool knows it until it is closed.
type reader struct {
	*os.File
	spool *Spool
}

// Close closes the blob.
func (r *reader) Close() error {
	r.spool.mu.Lock()
	delete(r.spool.readers, r)
	r.spool.mu.Unlock()
	return r.File.Close()
}

func (s *Spool) closeReaders() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.readers {
		_ = r.File.Close() // read only
		delete(s.readers, r)
	}
}

// Check reads a blob and says whether it is still what Put returned.
func (s *Spool) Check(b Blob) error {
	r, err := s.Open(b.ID)
	if err != nil {
		return err
	}
	defer r.Close()
	got, n, err := sum(r)
	if err != nil {
		return fmt.Errorf("spool: check: %w", err)
	}
	if n != b.Size || got != b.SHA256 {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "spool: check", Err: errors.New("the content changed")}
	}
	return nil
}

// IDs lists the blobs, in no order.
func (s *Spool) IDs() ([]string, error) {
	entries, err := fs.ReadDir(s.root.FS(), blobsDir)
	if err != nil {
		return nil, fmt.Errorf("spool: list: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if validID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// Remove overwrites and removes a blob. One that is not there is no error.
func (s *Spool) Remove(id string) error {
	if !validID(id) {
		return nil
	}
	name := filepath.Join(blobsDir, id)
	info, err := s.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(erase.File(s.root, name), s.root.Remove(name))
	}
	if err != nil {
		return fmt.Errorf("spool: remove: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used.Blobs--
	s.used.Bytes -= info.Size()
	return nil
}
