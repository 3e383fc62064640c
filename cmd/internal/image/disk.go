package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pointnum/provisioning/setup"
)

// Sizes, MiB. A slot has room for a system half as large again as today's.
const (
	espSize    = 512
	rootSize   = 1536
	veritySize = 16
	confSize   = 32
	dataSize   = 64 // grows to what the disk has, at the first start
	mib        = 1 << 20
)

// Partition types: UAPI.2 Discoverable Partitions.
const (
	typeESP    = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	typeRoot   = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
	typeVerity = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"
	typeBasic  = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7" // what a PC shows
	typeLinux  = "0fc63daf-8483-4772-8e79-3d69d8477de4"
)

// partition is one of a disk; content is a file, "" for none.
type partition struct {
	name, kind, uuid, content string
	size                      int
}

// image writes the disk: a loader, two slots of which one is empty, the
// partition that any PC can open, and the kiosk's own.
func (m *maker) image(ctx context.Context, r built, tools, work, path string) error {
	m.say("system %s: disk", m.version)
	esp, conf, data := filepath.Join(work, "esp"), filepath.Join(work, "conf"), filepath.Join(work, "data")
	if err := m.esp(ctx, r, tools, work, esp); err != nil {
		return err
	}
	if err := m.conf(ctx, conf); err != nil {
		return err
	}
	if err := m.data(ctx, data); err != nil {
		return err
	}
	parts := []partition{
		{"esp", typeESP, named("esp"), esp, espSize},
		{"pointnum_" + m.version + "_v", typeVerity, r.checkUUID, r.verity, veritySize},
		{"pointnum_" + m.version + "_r", typeRoot, r.rootUUID, r.root, rootSize},
		{"_empty", typeVerity, named("verity b"), "", veritySize},
		{"_empty", typeRoot, named("root b"), "", rootSize},
		{"KIOSK-CONF", typeBasic, named("conf"), conf, confSize},
		{"pointnum-data", typeLinux, named("data"), data, dataSize},
	}
	half := path + ".half"
	if err := m.write(ctx, half, parts); err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(half)))
	}
	return os.Rename(half, path)
}

func (m *maker) write(ctx context.Context, path string, parts []partition) error {
	if err := ignoreMissing(os.Remove(path)); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	at := 1
	script := "label: gpt\nlabel-id: " + named("disk") + "\nfirst-lba: 2048\n"
	starts := make([]int, len(parts))
	for i, p := range parts {
		starts[i] = at
		script += fmt.Sprintf("start=%d, size=%d, type=%s, uuid=%s, name=\"%s\"\n", at*mib/512, p.size*mib/512, p.kind, p.uuid, p.name)
		at += p.size
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := errors.Join(f.Truncate(int64(at+1)*mib), f.Close()); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	table := path + ".table"
	defer os.Remove(table)
	if err := os.WriteFile(table, []byte(script), 0o644); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := m.run(ctx, "sh", "-c", `exec sfdisk --quiet "$1" <"$2"`, "sh", path, table); err != nil {
		return err
	}
	for i, p := range parts {
		if p.content == "" {
			continue
		}
		info, err := os.Stat(p.content)
		if err != nil {
			return fmt.Errorf("image: %w", err)
		}
		if info.Size() > int64(p.size)*mib {
			return fmt.Errorf("image: %s has %d MiB, its partition %d", filepath.Base(p.content), info.Size()/mib, p.size)
		}
		if err := m.run(ctx, "dd", "if="+p.content, "of="+path, "bs=1M", "seek="+strconv.Itoa(starts[i]), "conv=notrunc,sparse", "status=none"); err != nil {
			return err
		}
	}
	return nil
}

// loaderConf is systemd-boot's: no menu, nobody edits, and a machine in set-up
// mode takes our keys by itself (loader.conf(5)).
const loaderConf = "timeout 0\neditor no\nauto-entries no\nsecure-boot-enroll if-safe\n"

// esp makes the loader's partition.
func (m *maker) esp(ctx context.Context, r built, tools, work, path string) error {
	loader := filepath.Join(work, "loader.efi")
	if _, err := m.inside(ctx, tools, "sbsign", "--key", m.boot("db", "key"), "--cert", m.boot("db", "crt"), "--output", loader,
		filepath.Join(tools, "usr/lib/systemd/boot/efi/systemd-bootx64.efi")); err != nil {
		return err
	}
	var auths []string
	if r.dir != "" { // not for a system that is nobody's release
		var err error
		if auths, err = m.enrolment(ctx, tools, work); err != nil {
			return err
		}
	}
	conf := filepath.Join(work, "loader.conf")
	if err := os.WriteFile(conf, []byte(loaderConf), 0o644); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	files := map[string]string{
		"EFI/BOOT/BOOTX64.EFI": loader, "EFI/systemd/systemd-bootx64.efi": loader, "loader/loader.conf": conf,
		"EFI/Linux/" + filepath.Base(r.uki): r.uki,
	}
	for _, a := range auths {
		files["loader/keys/auto/"+filepath.Base(a)] = a
	}
	dirs := []string{"EFI", "EFI/BOOT", "EFI/Linux", "EFI/systemd", "loader", "loader/keys", "loader/keys/auto"}
	return m.fat(ctx, path, espSize, "32", "POINTNUMESP", "504e4553", dirs, files)
}

// conf makes the partition that a technician opens on any PC.
func (m *maker) conf(ctx context.Context, path string) error {
	// Under another name than the one that is read: nobody lives in its place.
	example := path + ".txt"
	if err := os.WriteFile(example, []byte(setup.ConfExample()), 0o644); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	files := map[string]string{"borne-exemple.txt": example}
	return m.fat(ctx, path, confSize, "16", "KIOSK-CONF", "504e434f", nil, files)
}

// fat makes a FAT file system in a file.
func (m *maker) fat(ctx context.Context, path string, size int, bits, label, id string, dirs []string, files map[string]string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := errors.Join(f.Truncate(int64(size)*mib), f.Close()); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := m.run(ctx, "mkfs.vfat", "-F", bits, "-n", label, "-i", id, "--invariant", path); err != nil {
		return err
	}
	for _, d := range dirs {
		if err := m.run(ctx, "mmd", "-i", path, "::/"+d); err != nil {
			return err
		}
	}
	for _, name := range sorted(files) {
		if err := m.run(ctx, "mcopy", "-i", path, files[name], "::/"+name); err != nil {
			return err
		}
	}
	return nil
}

// data makes the kiosk's own partition, empty: its folders are made at each
// start where they are missing (pointnum-data.service).
func (m *maker) data(ctx context.Context, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := errors.Join(f.Truncate(dataSize*mib), f.Close()); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	return m.run(ctx, "mke2fs", "-q", "-t", "ext4", "-L", "pointnum-data", "-U", named("data file system"),
		"-E", "hash_seed="+named("data hash seed"), path)
}

// named makes a UUID of a name: the same each time.
func named(name string) string {
	h := fmt.Sprintf("%x", sha256.Sum256([]byte("pointnum "+name)))
	return strings.Join([]string{h[:8], h[8:12], "4" + h[13:16], "8" + h[17:20], h[20:32]}, "-")
}
