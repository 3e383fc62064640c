package usbkey

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Socket finds the key that is in.
type Socket interface {
	// Volume opens the key's file system; the caller closes it. The error is
	// fs.ErrNotExist when no key is in.
	Volume() (Volume, error)
}

// Volume is the file system of one key. Paths are relative to its top and use
// slashes; links are never followed out of it.
type Volume interface {
	// ID differs between two keys, as far as the system can tell.
	ID() string
	// Present says whether this key is still the one that is in.
	Present() bool
	// Space says how many bytes are free and whether nothing can be written.
	Space() (free int64, readOnly bool, err error)
	// Create makes a new file for writing; fs.ErrExist when there is one.
	Create(name string) (File, error)
	// Open opens a regular file for reading.
	Open(name string) (File, error)
	// Rename never replaces a file: fs.ErrExist.
	Rename(from, to string) error
	// Remove deletes a file or an empty folder.
	Remove(name string) error
	// ReadDir returns at most max entries of a folder, not following links.
	ReadDir(name string, max int) ([]fs.FileInfo, error)
	// Sync returns when everything written is on the key.
	Sync() error
	// Close frees the volume; files still open stay valid.
	Close() error
}

// File is an open file of a Volume.
type File interface {
	io.ReadWriteCloser
	// Stat describes the open file itself, whatever its name points at now.
	Stat() (fs.FileInfo, error)
	// Sync returns when what was written is on the key.
	Sync() error
	// Forget drops the system's copy in memory, so that what is read next
	// comes from the key.
	Forget() error
}

// Folder opens a plain folder as a volume, for development and for virtual
// keys.
func Folder(dir string) (Volume, error) {
	v, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	v.id = dir
	v.present = func() bool {
		now, err := os.Stat(dir)
		if err != nil {
			return false
		}
		then, err := v.top.Stat()
		return err == nil && os.SameFile(now, then)
	}
	return v, nil
}

// folder is a Volume on the system's own file calls.
type folder struct {
	root    *os.Root
	top     *os.File // the folder itself, for calls that want its descriptor
	id      string
	present func() bool
}

func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	top, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &folder{root: root, top: top}, nil
}

func (v *folder) ID() string    { return v.id }
func (v *folder) Present() bool { return v.present() }

func (v *folder) Space() (int64, bool, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(v.top.Fd()), &st); err != nil {
		return 0, false, err
	}
	const most = 1 << 50 // a key that claims more is lying; keeps the product in range
	free := most
	if st.Bavail < uint64(most)/uint64(max(st.Bsize, 1)) {
		free = int(st.Bavail) * int(st.Bsize)
	}
	return int64(free), st.Flags&unix.ST_RDONLY != 0, nil
}

func (v *folder) Create(name string) (File, error) {
	f, err := v.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (v *folder) Open(name string) (File, error) {
	before, err := v.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, unix.EINVAL
	}
	// Without O_NONBLOCK a pipe put in the file's place would hold us for ever.
	f, err := v.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = unix.ESTALE
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return file{f}, nil
}

func (v *folder) Rename(from, to string) error {
	fd := int(v.top.Fd())
	err := unix.Renameat2(fd, from, fd, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	// FUSE file systems (exFAT, NTFS) may not know the flag. Nobody else
	// writes on the key, so looking first is enough.
	if _, err := v.root.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fs.ErrExist)
	}
	return v.root.Rename(from, to)
}

func (v *folder) Remove(name string) error { return v.root.Remove(name) }

func (v *folder) ReadDir(name string, limit int) ([]fs.FileInfo, error) {
	d, err := v.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(limit)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	infos := make([]fs.FileInfo, 0, len(names))
	for _, n := range names {
		// A damaged FAT names files that can't be looked at: leave them out.
		if info, err := v.root.Lstat(path.Join(name, n)); err == nil {
			infos = append(infos, info)
		}
	}
	return infos, err
}

func (v *folder) Sync() error {
	if err := v.top.Sync(); err != nil {
		return err
	}
	return unix.Syncfs(int(v.top.Fd()))
}

func (v *folder) Close() error {
	return errors.Join(v.top.Close(), v.root.Close())
}

type file struct{ *os.File }

func (f file) Forget() error {
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
