package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// output runs a program of this machine.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("imagetest: %s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// diskSize is the test's disk: larger than the image, as a real one is.
const diskSize = 10 << 30

// newDisk copies an image to a larger disk.
func (t *trial) newDisk(ctx context.Context, version, name string) (string, error) {
	path := filepath.Join(t.dir, name)
	if _, err := output(ctx, "cp", "--sparse=always", filepath.Join(t.image, "pointnum_"+version+".img"), path); err != nil {
		return "", err
	}
	return path, os.Truncate(path, diskSize)
}

// withoutKeys takes our Secure Boot keys from a disk's loader: the machine
// then stays as most are sold, and its kernel speaks on the serial line.
func withoutKeys(ctx context.Context, disk string) error {
	parts, err := partitions(ctx, disk)
	if err != nil {
		return err
	}
	esp, err := find(parts, "esp")
	if err != nil {
		return err
	}
	_, err = output(ctx, "mdeltree", "-i", fmt.Sprintf("%s@@%d", disk, esp.Start*512), "::/loader/keys")
	return err
}

// raw are a disk's arguments for a machine.
func raw(path string) []string {
	return []string{"-drive", "if=none,id=d0,format=raw,cache=writeback,file=" + path}
}

// snapshot is raw whose writes are forgotten when the machine goes off.
func snapshot(path string) []string {
	return []string{"-drive", "if=none,id=d0,format=raw,snapshot=on,cache=unsafe,file=" + path}
}

// part is a partition on a disk, in sectors of 512 bytes.
type part struct {
	Node  string `json:"node"`
	Start int64  `json:"start"`
	Size  int64  `json:"size"`
	Name  string `json:"name"`
	UUID  string `json:"uuid"`
}

func partitions(ctx context.Context, disk string) ([]part, error) {
	out, err := exec.CommandContext(ctx, "sfdisk", "-J", disk).Output()
	if err != nil {
		return nil, fmt.Errorf("imagetest: partitions of %s: %w", disk, err)
	}
	var table struct {
		PartitionTable struct{ Partitions []part } `json:"partitiontable"`
	}
	if err := json.Unmarshal(out, &table); err != nil {
		return nil, fmt.Errorf("imagetest: partitions of %s: %w", disk, err)
	}
	return table.PartitionTable.Partitions, nil
}

func find(parts []part, name string) (part, error) {
	for _, p := range parts {
		if p.Name == name {
			return p, nil
		}
	}
	return part{}, fmt.Errorf("imagetest: no partition %s", name)
}

// putConf writes files on a disk's KIOSK-CONF, as a technician's PC does.
func putConf(ctx context.Context, disk string, files map[string]string) error {
	parts, err := partitions(ctx, disk)
	if err != nil {
		return err
	}
	p, err := find(parts, "KIOSK-CONF")
	if err != nil {
		return err
	}
	for name, text := range files {
		tmp, err := os.CreateTemp("", "conf")
		if err != nil {
			return err
		}
		if _, err := tmp.WriteString(text); err != nil {
			return err
		}
		if err := tmp.Close(); err != nil {
			return err
		}
		_, err = output(ctx, "mcopy", "-o", "-i", fmt.Sprintf("%s@@%d", disk, p.Start*512), tmp.Name(), "::/"+name)
		_ = os.Remove(tmp.Name())
		if err != nil {
			return err
		}
	}
	return nil
}
