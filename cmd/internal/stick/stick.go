// Package stick finds the technician's USB stick and writes on it. It needs
// root where nobody mounts sticks by themselves.
package stick

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
)

// Places are where USB sticks are looked for; the zero Places are this
// machine's.
type Places struct {
	Sys    string // "" is /sys
	Mounts string // "" is /proc/self/mounts
}

// With calls do with the folder of the one USB stick that is plugged in,
// and returns when what was written is on it. A stick that nobody has mounted
// is mounted for that time. Errors: kiosk.CodeKeyAbsent.
func With(ctx context.Context, p Places, do func(dir string) error) (err error) {
	device, dir, err := p.Find()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("/run", "pointnum-stick-"); err != nil {
			return fmt.Errorf("stick: %w", err)
		}
		if err = mount(device, dir); err != nil {
			return errors.Join(&kiosk.Error{Code: kiosk.CodeKeyError, Op: "stick: mount", Err: err}, os.Remove(dir))
		}
		defer func() { err = errors.Join(err, unix.Unmount(dir, 0), os.Remove(dir)) }()
	}
	err = do(dir)
	unix.Sync()
	return err
}

func mount(device, dir string) error {
	var all error
	for _, kind := range []string{"vfat", "exfat", "ntfs3", "ext4"} {
		err := unix.Mount(device, dir, kind, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		if err == nil {
			return nil
		}
		all = errors.Join(all, fmt.Errorf("%s: %w", kind, err))
	}
	return all
}

// Find returns a stick's device and where it is mounted, "" nowhere. A disk
// that the machine itself uses is none, on whatever plug. Errors:
// kiosk.CodeKeyAbsent.
func (p Places) Find() (device, dir string, err error) {
	if p.Sys == "" {
		p.Sys = "/sys"
	}
	if p.Mounts == "" {
		p.Mounts = "/proc/self/mounts"
	}
	text, err := os.ReadFile(p.Mounts)
	if err != nil {
		return "", "", fmt.Errorf("stick: %w", err)
	}
	where := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[0], "/dev/") {
			where[strings.TrimPrefix(f[0], "/dev/")] = strings.ReplaceAll(f[1], `\040`, " ")
		}
	}
	disks, err := filepath.Glob(filepath.Join(p.Sys, "block", "sd*"))
	if err != nil {
		return "", "", fmt.Errorf("stick: %w", err)
	}
	for _, disk := range disks {
		parts := partitions(disk)
		if real, err := filepath.EvalSymlinks(disk); err != nil || !strings.Contains(real, "/usb") || slices.ContainsFunc(parts, func(part string) bool {
			return where[part] != "" && !forSticks(where[part])
		}) {
			continue
		}
		for _, part := range parts {
			if where[part] != "" {
				return "/dev/" + part, where[part], nil
			}
		}
		return "/dev/" + parts[len(parts)-1], "", nil
	}
	return "", "", &kiosk.Error{Code: kiosk.CodeKeyAbsent, Op: "stick"}
}

// partitions are a disk's name and those of its partitions, the first one at
// the end: most sticks have one, and some none.
func partitions(disk string) []string {
	name := filepath.Base(disk)
	list, _ := filepath.Glob(filepath.Join(disk, name+"*"))
	out := []string{name}
	for i := range list {
		out = append(out, filepath.Base(list[len(list)-1-i]))
	}
	return out
}

// forSticks says whether sticks are mounted there.
func forSticks(dir string) bool {
	return strings.HasPrefix(dir, "/media/") || strings.HasPrefix(dir, "/mnt") || strings.HasPrefix(dir, "/run/media/")
}
