package disks_test

import (
	"os"
	"path/filepath"
	"testing"

	"pointnum/kiosk/disks"
)

// block makes a disk in a sysfs of the test's.
func block(t *testing.T, sys, name, under string, files map[string]string) {
	t.Helper()
	dir := filepath.Join(sys, "devices", under, "block", name)
	files["device/model"] = files["model"]
	delete(files, "model")
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(sys, "block"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(sys, "block", name)); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyABuiltInDiskTakesTheSystem(t *testing.T) {
	sys := t.TempDir()
	gb := func(n string) string { return n + "000000" } // of 512 bytes each: half as many GB
	block(t, sys, "nvme0n1", "pci0000:00/nvme/nvme0", map[string]string{"size": gb("500"), "removable": "0", "ro": "0", "model": "Samsung 980   "})
	block(t, sys, "sda", "pci0000:00/usb1/1-1", map[string]string{"size": gb("60"), "removable": "0", "ro": "0", "sda1/partition": "1", "model": "Stick"})
	block(t, sys, "sdb", "pci0000:00/ata1", map[string]string{"size": gb("4"), "removable": "0", "ro": "0", "model": "small"})
	block(t, sys, "sdc", "pci0000:00/ata2", map[string]string{"size": gb("200"), "removable": "0", "ro": "0", "sdc1/partition": "1", "model": "running"})
	block(t, sys, "sdd", "pci0000:00/ata3", map[string]string{"size": "0", "removable": "1", "ro": "0", "model": "card reader"})
	block(t, sys, "mmcblk0", "pci0000:00/mmc0", map[string]string{"size": gb("64"), "removable": "0", "ro": "1", "model": "locked"})
	if err := os.MkdirAll(filepath.Join(sys, "block/loop0"), 0o755); err != nil {
		t.Fatal(err)
	}
	all, err := disks.List(sys, "sdc1")
	if err != nil {
		t.Fatal(err)
	}
	takes := map[string]bool{}
	for _, d := range all {
		takes[d.Path] = d.Takes()
	}
	want := map[string]bool{"/dev/nvme0n1": true, "/dev/sda": false, "/dev/sdb": false, "/dev/sdc": false, "/dev/mmcblk0": false}
	if len(takes) != len(want) {
		t.Errorf("disks %v", takes)
	}
	for path, ok := range want {
		if takes[path] != ok {
			t.Errorf("%s takes the system: %v", path, takes[path])
		}
	}
	if all[1].Path != "/dev/nvme0n1" || all[1].Model != "Samsung 980" || all[1].Size != 256e9 {
		t.Errorf("%+v", all[1])
	}
}

func TestMachineWithoutSysfsSaysSo(t *testing.T) {
	if _, err := disks.List(t.TempDir(), ""); err == nil {
		t.Error("no disks, and no error")
	}
}

func TestVerifiedSystemIsFoundByItsPartitions(t *testing.T) {
	sys := t.TempDir()
	block(t, sys, "dm-0", "virtual", map[string]string{"dm/name": "root", "size": "1", "removable": "0", "ro": "1",
		"slaves/vda3/uevent": "DEVTYPE=partition\nPARTN=3\nPARTNAME=pointnum_1.0.0_r", "slaves/vda2/uevent": "PARTN=2\nPARTNAME=pointnum_1.0.0_v"})
	data, hashes, err := disks.Verity(sys, "root")
	if err != nil || data != "vda3" || hashes != "vda2" {
		t.Errorf("%s, %s, %v", data, hashes, err)
	}
	if _, _, err := disks.Verity(sys, "usr"); err == nil {
		t.Error("a device that is not there")
	}
}
