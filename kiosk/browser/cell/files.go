package cell

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/erase"
)

// Put copies a file to where the browser, and nobody else, reads it, and
// returns its path there. It is checked: Chromium says nothing when it can't
// read a file that it shall attach, and the page gets an empty one.
func (c *Cell) Put(name string, size int64, r io.Reader) (string, error) {
	dir, err := c.Folder()
	if err != nil {
		return "", err
	}
	path, err := c.PutIn(dir, name, size, r)
	if err != nil {
		return "", errors.Join(err, plain("remove a file", wipe(dir)))
	}
	return path, nil
}

// Folder makes a folder for PutIn and returns its path: what is given to a
// page that asks for a whole folder.
func (c *Cell) Folder() (string, error) {
	dir, err := os.MkdirTemp(filepath.Join(c.dir, "files"), "papiers-")
	return dir, plain("make a folder", err)
}

// PutIn is Put into a folder of Folder's.
func (c *Cell) PutIn(dir, name string, size int64, r io.Reader) (string, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || len(name) > 200 {
		return "", errors.New("cell: not a file's name")
	}
	path := filepath.Join(dir, name)
	return path, c.write(path, size, r)
}

func (c *Cell) write(path string, size int64, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return plain("make a file", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, size+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return plain("copy a file", err)
	}
	if n != size {
		return fmt.Errorf("cell: a file has %d bytes, not the %d it was said to have", n, size)
	}
	if c.owner == nil {
		return nil
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		if err := os.Lchown(p, c.owner.uid, c.owner.gid); err != nil {
			return plain("give a file to the browser's user", err)
		}
	}
	return c.owner.canRead(path)
}

// canRead says whether the user reaches a file: owns it, and may walk through
// every folder above it.
func (o *owner) canRead(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return plain("look at a file", err)
	}
	if int(st.Uid) != o.uid || st.Mode&0o400 == 0 {
		return errors.New("cell: the browser's user can't read a file")
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if err := unix.Stat(dir, &st); err != nil {
			return plain("look at a folder", err)
		}
		bit := uint32(0o001)
		switch {
		case int(st.Uid) == o.uid:
			bit = 0o100
		case int(st.Gid) == o.gid:
			bit = 0o010
		}
		if st.Mode&bit == 0 {
			return errors.New("cell: the browser's user can't reach its folder")
		}
		if dir == "/" {
			return nil
		}
	}
}

// Take opens a download by the name it has in the folder, and takes the name
// away. Close overwrites what it held.
func (c *Cell) Take(guid string) (io.ReadCloser, error) {
	if guid == "" || guid != filepath.Base(guid) {
		return nil, errors.New("cell: not a download")
	}
	path := filepath.Join(c.Downloads(), guid)
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, plain("open a download", err)
	}
	if err := os.Remove(path); err != nil {
		return nil, errors.Join(plain("remove a download", err), f.Close())
	}
	return &taken{File: f}, nil
}

// taken is a download whose content goes when it is closed.
type taken struct{ *os.File }

// Close overwrites the content, which may be done more than once.
func (t *taken) Close() error {
	err := erase.Content(t.File)
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return errors.Join(plain("overwrite a download", err), t.File.Close())
}

// plain takes the path out of an error: it may hold the name of a visitor's
// file.
func plain(what string, err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return fmt.Errorf("cell: %s: %w", what, err)
}
