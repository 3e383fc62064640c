package main_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk/sample"
)

// memory is a folder in memory that ends with the test.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removed(t, dir) })
	return dir
}

// removed removes a folder that may be left by a program that was killed.
func removed(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

// papers paints three pages into a folder below dir, which it returns. They
// hide a word, and are askew as those of no other visit: what is found of them
// is not of a kiosk that runs beside this one.
func papers(t *testing.T, dir, word string) string {
	t.Helper()
	dir = filepath.Join(dir, "papers")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var skew [2]byte
	rand.Read(skew[:]) // never fails
	o := sample.Options{Total: 3, DPI: 200, Marker: word, Skew: 0.2 + float64(binary.BigEndian.Uint16(skew[:]))/(1<<16)}
	for n := 1; n <= 3; n++ {
		jpeg, err := sample.JPEG(n, o)
		if err != nil {
			t.Fatal(err)
		}
		comment := binary.BigEndian.AppendUint16([]byte{0xFF, 0xFE}, uint16(2+len(word)))
		jpeg = slices.Concat(jpeg[:2], comment, []byte(word), jpeg[2:])
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.jpg", n)), jpeg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fragments are pieces of everything a spool holds: pages, previews, originals.
// They can only be of these files: white paper is the same everywhere.
func fragments(t *testing.T, spool string) [][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(spool, "blobs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var pieces [][]byte
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) <= 2000 {
			continue
		}
		piece := data[len(data)/2 : len(data)/2+48]
		different := map[byte]bool{}
		for _, b := range piece {
			different[b] = true
		}
		if len(different) >= 24 {
			pieces = append(pieces, piece)
		}
	}
	if len(pieces) < 3 {
		t.Fatalf("%d pieces of %d files: to look for them proves nothing", len(pieces), len(paths))
	}
	return pieces
}

// File systems of the kernel, which store nothing (statfs(2)).
const (
	procMagic = 0x9fa0
	sysMagic  = 0x62656572
)

// holds looks for pieces in every file changed since a time, but in folders
// that are not the kiosk's: the visitor's paper.
func holds(t *testing.T, dirs []string, pieces [][]byte, since time.Time, but ...string) bool {
	t.Helper()
	found := false
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil // gone meanwhile, or not ours to read
			}
			if e.IsDir() {
				for _, b := range but {
					if path == b {
						return filepath.SkipDir
					}
				}
				var fsys syscall.Statfs_t
				if syscall.Statfs(path, &fsys) == nil && (fsys.Type == procMagic || fsys.Type == sysMagic) {
					return filepath.SkipDir // a change root of somebody else's
				}
				if strings.Contains(e.Name(), "go-build") || strings.HasPrefix(e.Name(), "pointnum-bin-") || e.Name() == "mod" {
					return filepath.SkipDir
				}
				return nil
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(since) || info.Size() > 200<<20 {
				return nil
			}
			data, err := os.ReadFile(path)
			for i, piece := range pieces {
				if err == nil && bytes.Contains(data, piece) {
					t.Logf("piece %d of %d found in %s", i+1, len(pieces), path)
					found = true
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return found
}

// erased wants nothing left of a visit: no process and no folder of its
// browser, no file with a piece of its papers.
func erased(t *testing.T, spool, cell, out string, pieces [][]byte, since time.Time) {
	t.Helper()
	checkEmpty(t, spool)
	if _, err := os.Stat(cell); !os.IsNotExist(err) {
		t.Errorf("the browser's folder is still there: %v", err)
	}
	if n := processesOf(t, cell); n > 0 {
		t.Errorf("%d processes of the browser are still there", n)
	}
	where := []string{os.TempDir(), "/dev/shm", "/run", "/var/tmp", "/var/log", "/var/spool"}
	if home, err := os.UserHomeDir(); err == nil {
		where = append(where, home)
	}
	if holds(t, where, pieces, since, out) {
		t.Error("something of the visit is left")
	}
}

// checkEmpty wants no page and no journal in a spool.
func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if !e.IsDir() && info.Size() > 0 {
			t.Errorf("the spool still holds %s (%d bytes)", e.Name(), info.Size())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
