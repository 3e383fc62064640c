package stick_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pointnum/cmd/internal/stick"
	"pointnum/kiosk"
)

// machine makes a /sys with disks, given with their bus and partitions, and a
// table of what is mounted.
func machine(t *testing.T, mounts string, disks map[string][]string) stick.Places {
	t.Helper()
	p := stick.Places{Sys: t.TempDir()}
	p.Mounts = filepath.Join(p.Sys, "mounts")
	err := errors.Join(os.WriteFile(p.Mounts, []byte(mounts), 0o600), os.Mkdir(filepath.Join(p.Sys, "block"), 0o700))
	for disk, parts := range disks {
		real := filepath.Join(p.Sys, "devices", parts[0], disk)
		err = errors.Join(err, os.MkdirAll(real, 0o700), os.Symlink(real, filepath.Join(p.Sys, "block", disk)))
		for _, part := range parts[1:] {
			err = errors.Join(err, os.Mkdir(filepath.Join(real, part), 0o700))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOnlyATechniciansStickIsTaken(t *testing.T) {
	for _, c := range []struct {
		name, mounts string
		disks        map[string][]string
		device, dir  string
	}{
		{"a stick that nobody mounted", "/dev/sda1 / ext4 rw 0 0\n", map[string][]string{"sda": {"ata1", "sda1"}, "sdb": {"usb1", "sdb1", "sdb2"}}, "/dev/sdb1", ""},
		{"a stick without partitions", "", map[string][]string{"sdb": {"usb1"}}, "/dev/sdb", ""},
		{"a stick that is mounted", "/dev/sdb2 /media/ma\\040cle vfat rw 0 0\n", map[string][]string{"sdb": {"usb1", "sdb1", "sdb2"}}, "/dev/sdb2", "/media/ma cle"},
		{"the system's own disk on USB is none", "/dev/sdb2 / ext4 rw 0 0\n", map[string][]string{"sdb": {"usb1", "sdb1", "sdb2"}}, "", ""},
		{"a disk within is none", "", map[string][]string{"sda": {"ata1", "sda1"}}, "", ""},
	} {
		device, dir, err := machine(t, c.mounts, c.disks).Find()
		if device != c.device || dir != c.dir || (err != nil) != (c.device == "") {
			t.Errorf("%s: %q on %q, %v", c.name, device, dir, err)
		}
		if err != nil && kiosk.CodeOf(err) != kiosk.CodeKeyAbsent {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAMountedStickIsWritten(t *testing.T) {
	p := machine(t, "/dev/sdb1 /media/x vfat rw 0 0\n", map[string][]string{"sdb": {"usb1", "sdb1"}})
	got := ""
	if err := stick.With(t.Context(), p, func(dir string) error { got = dir; return nil }); err != nil || got != "/media/x" {
		t.Errorf("%q, %v", got, err)
	}
	if err := stick.With(t.Context(), p, func(string) error { return os.ErrPermission }); !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v", err)
	}
}
