package cell

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/erase"
)

// maxSearched is how much of a file left behind is searched for marks.
const maxSearched = 64 << 20

// canary is a file whose content is known, held open through the wipe.
type canary struct {
	mark string
	file *os.File
}

// plant puts a canary among each kind of content. The one in the profile
// looks like one of Chromium's own.
func (c *Cell) plant() error {
	for _, name := range []string{"profile/Default/canary", "downloads/canary", "files/canary", "tmp/canary"} {
		mark := make([]byte, 16)
		rand.Read(mark) // never fails
		k := canary{mark: hex.EncodeToString(mark)}
		f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		k.file = f
		c.canaries = append(c.canaries, k)
		if _, err := f.WriteString(strings.Repeat(k.mark, 256)); err != nil {
			return err
		}
	}
	return nil
}

// Mark is a text to be planted where only the browser can plant: in a cookie,
// a page and its storage. Erase searches for it too.
func (c *Cell) Mark() string { return c.canaries[0].mark }

// Erase ends the browser and every process of its user, wipes the folder and
// verifies all of it. It may be called again after an error, and then tries
// again. ctx bounds nothing of the wipe, only the search after it.
func (c *Cell) Erase(ctx context.Context) error {
	errs := []error{c.Browser.Close(), c.endStrays()}
	errs = append(errs, c.remove())
	for i := range c.canaries {
		errs = append(errs, c.canaries[i].verify())
	}
	errs = append(errs, c.search(ctx))
	return errors.Join(errs...)
}

// remove wipes the folder and lets it go.
func (c *Cell) remove() error {
	err := wipe(c.dir)
	if c.lock != nil && err == nil {
		err = c.lock.Close()
		c.lock = nil
	}
	return plain("wipe the folder", err)
}

// verify reads the canary through the handle that was open all the time: it
// must be zeros and have no name.
func (k *canary) verify() error {
	if k.file == nil {
		return nil
	}
	got, err := io.ReadAll(io.NewSectionReader(k.file, 0, 1<<20))
	if err != nil {
		return plain("read a canary", err)
	}
	if len(bytes.Trim(got, "\x00")) > 0 {
		return errors.New("cell: a canary was not overwritten")
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(k.file.Fd()), &st); err != nil || st.Nlink != 0 {
		return errors.Join(errors.New("cell: a canary still has a name"), err)
	}
	err = k.file.Close()
	k.file = nil
	return err
}

// search looks for the marks in every place where the browser's user can
// write. When that user is ours (no kiosk, but a developer's machine), these
// places hold everything else, too: then only the folder of the cells.
func (c *Cell) search(ctx context.Context) error {
	if _, err := os.Lstat(c.dir); !errors.Is(err, fs.ErrNotExist) {
		return errors.New("cell: the folder is still there")
	}
	places := []string{c.o.Dir}
	if c.owner != nil {
		places = append(places, c.owner.home, os.TempDir(), "/tmp", "/var/tmp", "/dev/shm", fmt.Sprintf("/run/user/%d", c.owner.uid))
	}
	var marks [][]byte
	for _, k := range c.canaries {
		marks = append(marks, []byte(k.mark), wide(k.mark))
	}
	seen := map[string]bool{}
	for _, p := range places {
		if p == "" || p == "/" || seen[p] {
			continue
		}
		seen[p] = true
		if err := c.searchPlace(ctx, p, marks); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cell) searchPlace(ctx context.Context, place string, marks [][]byte) error {
	return filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("cell: search what is left: %w", context.Cause(ctx))
		case err != nil:
			return nil // gone meanwhile, or closed to us: another user's
		case d.IsDir() && path != place && (c.owner == nil || strings.HasPrefix(d.Name(), prefix)):
			return fs.SkipDir // another cell, or not where Chromium would write
		case !d.Type().IsRegular():
			return nil
		}
		var st unix.Stat_t
		if unix.Lstat(path, &st) != nil || (c.owner != nil && int(st.Uid) != c.owner.uid) {
			return nil
		}
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil
		}
		defer f.Close()
		raw, err := io.ReadAll(io.LimitReader(f, maxSearched))
		if err != nil {
			return nil
		}
		for _, m := range marks {
			if bytes.Contains(raw, m) {
				return errors.New("cell: a canary's mark was found in a file that is left")
			}
		}
		return nil
	})
}

// wide is a text as Chromium stores some: UTF-16.
func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// wipe overwrites and removes a folder with all it holds.
func wipe(dir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if err := erase.File(root, name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
