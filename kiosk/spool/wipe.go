package spool

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/erase"
)

// rounds is how often a wipe sweeps: a child that was just ended may have
// written once more.
const rounds = 3

// Report says what a wipe did.
type Report struct {
	Files    int   // overwritten and removed, the canaries included
	Bytes    int64 // overwritten
	Canaries int   // planted, and found overwritten and gone
	Took     time.Duration
}

// Wipe overwrites and removes everything, and checks it: canaries planted
// before, each among a kind of content, must read as zeros through a handle
// that was open all the time, must have lost their name, and the folder must
// be empty. Blobs still open for reading are closed, blobs being written are
// refused. A crash in mid-wipe makes the next Open finish it. When anything
// can't be verified the error has CodeOutOfOrder and the spool takes nothing
// more until a wipe succeeds.
func (s *Spool) Wipe() (Report, error) {
	start := time.Now()
	s.wipes.Lock()
	defer s.wipes.Unlock()
	s.mu.Lock()
	s.wiping = true
	s.gen++
	s.mu.Unlock()
	s.closeReaders()

	var rep Report
	err := s.wipe(&rep)
	rep.Took = time.Since(start)
	if err != nil {
		return rep, &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "spool: wipe", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = Usage{}
	s.wiping = false
	return rep, nil
}

func (s *Spool) wipe(rep *Report) error {
	canaries, err := s.prepareWipe()
	if errors.Is(err, unix.ENOSPC) {
		// The visit filled the memory: no room for a canary beside it.
		closeAll(canaries)
		if _, err = s.sweep(rep); err == nil {
			canaries, err = s.prepareWipe()
		}
	}
	defer closeAll(canaries)
	if err != nil {
		return err
	}
	for range rounds {
		var left int
		if left, err = s.sweep(rep); err == nil && left == 0 {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := s.verify(canaries); err != nil {
		return err
	}
	rep.Canaries = len(canaries)
	if err := s.root.Remove(wipingFile); err != nil {
		return err
	}
	return s.makeFolders()
}

// prepareWipe sets the marker and plants the canaries. What it planted is
// returned with an error, too.
func (s *Spool) prepareWipe() ([]canary, error) {
	if err := atomicfile.Write(filepath.Join(s.dir, wipingFile), nil, 0o600); err != nil {
		return nil, err
	}
	if err := s.makeFolders(); err != nil {
		return nil, err
	}
	return s.plant()
}

func closeAll(canaries []canary) {
	for _, c := range canaries {
		_ = c.file.Close() // read only
	}
}

// sweep overwrites and removes everything but the marker and says how many
// files and folders it found.
func (s *Spool) sweep(rep *Report) (found int, err error) {
	var dirs []string
	walk := func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case name == "." || name == wipingFile:
			return nil
		}
		found++
		if d.IsDir() {
			dirs = append(dirs, name)
			return s.root.Chmod(name, 0o700) // a child may have closed it
		}
		if d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				rep.Bytes += info.Size()
			}
			if err := erase.File(s.root, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		rep.Files++
		if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := fs.WalkDir(s.root.FS(), ".", walk); err != nil {
		return found, err
	}
	for _, d := range slices.Backward(dirs) { // the deepest first
		// Not empty when somebody wrote meanwhile: for the next round.
		if err := s.root.Remove(d); err != nil && !errors.Is(err, unix.ENOTEMPTY) {
			return found, err
		}
	}
	return found, nil
}

// canary is a file whose content is known, held open through the wipe.
type canary struct {
	name  string
	token []byte
	file  *os.File
}

func (s *Spool) plant() ([]canary, error) {
	var all []canary
	for _, dir := range []string{".", blobsDir, tempDir} {
		c := canary{name: filepath.Join(dir, "canary-"+newID()), token: make([]byte, 8192)}
		rand.Read(c.token) // never fails
		if err := s.root.WriteFile(c.name, c.token, 0o600); err != nil {
			return all, err
		}
		f, err := s.root.Open(c.name)
		if err != nil {
			return all, err
		}
		c.file = f
		all = append(all, c)
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, c.token) {
			return all, errors.Join(errors.New("a canary was not there before"), err)
		}
	}
	return all, nil
}

// verify is the proof: it reads, it does not believe.
func (s *Spool) verify(canaries []canary) error {
	for _, c := range canaries {
		got := make([]byte, len(c.token))
		if _, err := c.file.ReadAt(got, 0); err != nil {
			return fmt.Errorf("canary: %w", err)
		}
		if !bytes.Equal(got, make([]byte, len(got))) {
			return errors.New("a canary was not overwritten")
		}
		var st unix.Stat_t
		if err := unix.Fstat(int(c.file.Fd()), &st); err != nil || st.Nlink != 0 {
			return errors.Join(errors.New("a canary still has a name"), err)
		}
	}
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != wipingFile {
			return errors.New("the folder is not empty")
		}
	}
	return nil
}
