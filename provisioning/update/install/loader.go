package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
)

// Entry is a kernel of ours that the boot loader knows. How often it was
// tried is in the file's name: pointnum_2.0.0+1-2.efi has one try left after
// two that failed, pointnum_2.0.0.efi has passed its health check
// (systemd.io, Automatic Boot Assessment).
type Entry struct {
	Version string
	Good    bool // it passed
	Left    int  // tries, when it is not Good
	Failed  int
}

// Entries lists the kernels in a folder; none when there is no such folder.
// Other files are left out.
func Entries(dir string) ([]Entry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("install: loader: %w", err)
	}
	var entries []Entry
	for _, f := range files {
		if e, ok := entryOf(f.Name()); ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func entryOf(name string) (Entry, bool) {
	rest, ours := strings.CutPrefix(name, update.Image+"_")
	rest, efi := strings.CutSuffix(rest, ".efi")
	version, tries, counted := strings.Cut(rest, "+")
	e := Entry{Version: version, Good: !counted}
	if !ours || !efi || !provisioning.ValidVersion(version) {
		return Entry{}, false
	}
	if !counted {
		return e, true
	}
	left, done, _ := strings.Cut(tries, "-")
	var err error
	if e.Left, err = strconv.Atoi(left); err != nil || e.Left < 0 {
		return Entry{}, false
	}
	if done != "" {
		if e.Failed, err = strconv.Atoi(done); err != nil || e.Failed < 0 {
			return Entry{}, false
		}
	}
	return e, true
}

// forget removes the kernel of a version that was tried in vain, so that the
// same version can be written and tried once more.
func forget(dir, version string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed("install: loader", err)
	}
	for _, f := range files {
		if e, ok := entryOf(f.Name()); ok && e.Version == version && !e.Good && e.Left == 0 {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return failed("install: loader", err)
			}
		}
	}
	return nil
}

// written says whether the loader can try a version: systemd-sysupdate also
// ends well when it found nothing to do.
func (o *Options) written(version string) error {
	entries, err := Entries(o.Loader)
	if err != nil {
		return failed("install", err)
	}
	for _, e := range entries {
		if e.Version == version && (e.Good || e.Left > 0) {
			return nil
		}
	}
	return &kiosk.Error{Code: provisioning.CodeUpdateInstall, Op: "install", Err: fmt.Errorf("no kernel of %s in %s", version, o.Loader)}
}
