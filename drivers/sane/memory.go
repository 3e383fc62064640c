package sane

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The file systems that keep files in memory (statfs(2)).
const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

const dirPrefix = "pointnum-sane-"

// checkMemoryBacked refuses a directory whose files reach a disk.
func checkMemoryBacked(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	if kind := uint32(st.Type); kind != tmpfsMagic && kind != ramfsMagic {
		return fmt.Errorf("%s is not memory-backed (file system %#x)", dir, kind)
	}
	return nil
}

// makeDir makes a private directory that tells whose it is.
func makeDir(parent string) (string, error) {
	return os.MkdirTemp(parent, dirPrefix+strconv.Itoa(os.Getpid())+"-")
}

// sweepDirs removes what processes that have died left, as far as it is ours
// to remove.
func sweepDirs(parent string) {
	dirs, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*"))
	if err != nil {
		return // only a bad pattern: parent has brackets in its name
	}
	for _, dir := range dirs {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		n, err := strconv.Atoi(pid)
		if err == nil && n > 0 && syscall.Kill(n, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir) // somebody else's, then
		}
	}
}

// emptyDir removes pages nobody will ask for.
func emptyDir(dir string, log *slog.Logger) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if rmErr := os.RemoveAll(filepath.Join(dir, e.Name())); rmErr != nil {
			err = rmErr
		}
	}
	if err != nil && !os.IsNotExist(err) {
		log.Error("pages could not be removed", "err", err)
	}
}
