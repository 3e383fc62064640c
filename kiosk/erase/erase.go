// Package erase overwrites files that hold what a visitor brought. It is for
// memory file systems only: on a disk the old blocks may stay.
package erase

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// File writes zeros over the content of a file in root, in place, and leaves
// the file. On a memory file system these are the very pages that held it.
// Holes are skipped: a sparse file must not eat the memory while it is wiped.
// A file closed to us is opened first, a link is not followed. A file that is
// gone is an fs.ErrNotExist.
func File(root *os.Root, name string) error {
	const flags = os.O_WRONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	f, err := root.OpenFile(name, flags, 0)
	if errors.Is(err, fs.ErrPermission) {
		if err = root.Chmod(name, 0o600); err == nil {
			f, err = root.OpenFile(name, flags, 0)
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(Content(f), f.Close())
}

// Content is File for one that is open for writing, whatever its name.
func Content(f *os.File) error {
	zeros := make([]byte, 1<<18)
	var at int64
	for {
		from, err := f.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // no data behind at
			return nil
		}
		if err != nil {
			return err
		}
		to, err := f.Seek(from, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		for at = from; at < to; {
			n, err := f.WriteAt(zeros[:min(int64(len(zeros)), to-at)], at)
			if err != nil {
				return err
			}
			at += int64(n)
		}
	}
}
