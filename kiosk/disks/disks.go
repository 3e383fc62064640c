// Package disks says which disks a machine has, for whoever wants to put the
// kiosk's system on one. It reads sysfs (Documentation/ABI/stable/sysfs-block)
// and opens no disk.
package disks

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Disk is a whole disk.
type Disk struct {
	Path      string `json:"path"`  // "/dev/nvme0n1"
	Model     string `json:"model"` // as it says itself; "" unknown
	Size      int64  `json:"size"`  // bytes
	Removable bool   `json:"removable"`
	USB       bool   `json:"usb"`
	ReadOnly  bool   `json:"read_only"`
	System    bool   `json:"system"` // the running system is on it
}

// Least is the size of the smallest disk on which the system has room for two
// versions and an update on its way.
const Least = 8e9

// Takes says whether a system can be installed on the disk: one that is built
// in, large enough, and not the one that runs.
func (d Disk) Takes() bool {
	return !d.Removable && !d.USB && !d.ReadOnly && !d.System && d.Size >= Least
}

// List returns the machine's disks, in the order of their names. sys is where
// sysfs is; system names the partitions from which the system runs, such as
// "vda1".
func List(sys string, system ...string) ([]Disk, error) {
	entries, err := os.ReadDir(filepath.Join(sys, "block"))
	if err != nil {
		return nil, fmt.Errorf("disks: %w", err)
	}
	var out []Disk
	for _, e := range entries {
		dir := filepath.Join(sys, "block", e.Name())
		// What has no device behind it is made by the kernel: loop, ram, dm, zram.
		if _, err := os.Stat(filepath.Join(dir, "device")); err != nil {
			continue
		}
		sectors, err := strconv.ParseInt(word(dir, "size"), 10, 64)
		if err != nil || sectors <= 0 {
			continue // a reader without a card
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, fmt.Errorf("disks: %w", err)
		}
		d := Disk{
			Path: "/dev/" + e.Name(), Model: strings.TrimSpace(word(dir, "device/model")), Size: sectors * 512,
			Removable: word(dir, "removable") == "1", USB: strings.Contains(real, "/usb"), ReadOnly: word(dir, "ro") == "1",
		}
		for _, name := range system {
			if _, err := os.Stat(filepath.Join(dir, name)); name != "" && (err == nil || name == e.Name()) {
				d.System = true
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// Verity returns the partitions of a dm-verity device by its name: that of the
// data and that of the hashes, as "vda3", "vda2". The image's end in "_r" and
// "_v". An error when there is no such device.
func Verity(sys, name string) (data, hashes string, err error) {
	tables, err := filepath.Glob(filepath.Join(sys, "block/dm-*"))
	if err != nil {
		return "", "", fmt.Errorf("disks: %w", err)
	}
	for _, dir := range tables {
		if word(dir, "dm/name") != name {
			continue
		}
		slaves, err := os.ReadDir(filepath.Join(dir, "slaves"))
		if err != nil {
			return "", "", fmt.Errorf("disks: %w", err)
		}
		for _, s := range slaves {
			label := ""
			for line := range strings.Lines(word(filepath.Join(dir, "slaves", s.Name()), "uevent")) {
				if v, ok := strings.CutPrefix(strings.TrimSpace(line), "PARTNAME="); ok {
					label = v
				}
			}
			switch {
			case strings.HasSuffix(label, "_r"):
				data = s.Name()
			case strings.HasSuffix(label, "_v"):
				hashes = s.Name()
			}
		}
	}
	if data == "" || hashes == "" {
		return "", "", fmt.Errorf("disks: no verified %s: %w", name, os.ErrNotExist)
	}
	return data, hashes, nil
}

// word reads a small file of sysfs; "" when it can't be read.
func word(dir, name string) string {
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
