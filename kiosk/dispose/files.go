package dispose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files overwrites all files below some paths with zeros and removes them,
// and the folders with them; a path that is not there is none to erase. It is
// for kiosks that share their disk with another system: what the file system
// or the disk keeps of old contents elsewhere is not reached. keep, if not
// nil, says which files stay; they and their folders are erased by the next
// call without it.
func Files(ctx context.Context, keep func(path string) bool, paths ...string) (n int, err error) {
	for _, path := range paths {
		var folders []string
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case d.IsDir():
				folders = append(folders, name)
				return nil
			case keep != nil && keep(name):
				return nil
			}
			if d.Type().IsRegular() {
				if err := overwrite(name, d); err != nil {
					return err
				}
			}
			n++
			return os.Remove(name)
		})
		if err != nil {
			return n, fmt.Errorf("dispose: %w", err)
		}
		for i := range folders { // the innermost first
			_ = os.Remove(folders[len(folders)-1-i]) // one that is kept, or a mount, is not empty
		}
	}
	for _, path := range paths {
		if err := gone(path, keep); err != nil {
			return n, err
		}
	}
	return n, nil
}

func overwrite(name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(info.Size(), chunk))
	for at := int64(0); at < info.Size() && err == nil; at += chunk {
		_, err = f.WriteAt(zeros[:min(chunk, info.Size()-at)], at)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// gone checks that no file is left.
func gone(path string, keep func(string) bool) error {
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (d.IsDir() || keep != nil && keep(name)) {
			return nil
		}
		return errors.Join(fmt.Errorf("dispose: %s is still there", name), err)
	})
}
