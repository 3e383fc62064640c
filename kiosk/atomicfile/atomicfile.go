// Package atomicfile writes files so that a reader, a crash or a power cut
// finds the old content or the new one, never a part of it.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts data into the file at path, replacing what was there. The file
// gets exactly perm, whatever the umask says. When Write returns nil, content
// and name survive a power cut, as far as the disk keeps its word. Nothing is
// left beside the file after an error.
func Write(path string, data []byte, perm fs.FileMode) error {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	// In the same folder: rename is atomic within one file system only.
	f, err := os.CreateTemp(dir, "."+name+".*.tmp")
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	err = errors.Join(fill(f, data, perm), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("atomicfile: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return syncDir(dir)
}

func fill(f *os.File, data []byte, perm fs.FileMode) error {
	if err := f.Chmod(perm); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes the new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return nil
}
