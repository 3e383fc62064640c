package erase_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"pointnum/kiosk/erase"
)

func TestAFileIsZerosInPlace(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "page")
	was := bytes.Repeat([]byte("secret "), 100_000)
	if err := os.WriteFile(path, was, 0o400); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(path) // the same pages, not a new file
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := os.Symlink(path, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := erase.File(root, "link"); err == nil {
		t.Error("a link was followed")
	}
	if err := erase.File(root, "page"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(was))
	if _, err := held.ReadAt(got, 0); err != nil || !bytes.Equal(got, make([]byte, len(was))) {
		t.Errorf("not all zeros: %v", err)
	}
	if err := erase.File(root, "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}
