package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning/update"
)

// built is one release: what a slot and the loader get.
type built struct {
	dir                 string
	root, verity, uki   string // paths
	rootUUID, checkUUID string // of the partitions, from the root hash
}

// fixed are UUIDs of file systems, which need not differ from one kiosk to another.
const (
	rootFS   = "706f696e-746e-4000-8000-00000000000f"
	verityFS = "706f696e-746e-4000-8000-00000000000e"
)

var rootHash = regexp.MustCompile(`Root hash:\s*([0-9a-f]{64})`)

// release closes a tree: a read-only root, the hashes by which each of its
// blocks is checked when it is read (dm-verity), and the kernel that knows the
// hash of these. The partitions' UUIDs are the hash's halves, by which the
// kernel finds them (systemd-veritysetup-generator(8)).
func (m *maker) release(ctx context.Context, tree, work, tools string) (built, error) {
	r := built{dir: filepath.Join(m.out, "releases", m.version)}
	if err := errors.Join(os.RemoveAll(r.dir), os.MkdirAll(r.dir, 0o755)); err != nil {
		return r, fmt.Errorf("image: %w", err)
	}
	list, err := m.installed(ctx, tree)
	if err != nil {
		return r, err
	}
	if err := atomicfile.Write(filepath.Join(m.out, "pointnum_"+m.version+".packages"), []byte(list), 0o644); err != nil {
		return r, err
	}
	m.say("system %s: root", m.version)
	root, verity := filepath.Join(work, "root"), filepath.Join(work, "verity")
	if _, err := m.inside(ctx, tools, "mkfs.erofs", "-zlz4hc,6", "-T", fmt.Sprint(m.epoch), "-U", rootFS, "--quiet",
		"--exclude-regex=^boot/.+", root, tree); err != nil {
		return r, err
	}
	salt := fmt.Sprintf("%x", sha256.Sum256([]byte("pointnum "+m.version)))
	said, err := m.output(ctx, "veritysetup", "format", root, verity, "--uuid="+verityFS, "--salt="+salt)
	if err != nil {
		return r, err
	}
	found := rootHash.FindStringSubmatch(said)
	if found == nil {
		return r, fmt.Errorf("image: veritysetup says no root hash: %s", said)
	}
	hash := found[1]
	r.rootUUID, r.checkUUID = uuid(hash[:32]), uuid(hash[32:])
	r.root = filepath.Join(r.dir, "pointnum_"+m.version+"_"+r.rootUUID+".root")
	r.verity = filepath.Join(r.dir, "pointnum_"+m.version+"_"+r.checkUUID+".verity")
	if err := errors.Join(os.Rename(root, r.root), os.Rename(verity, r.verity)); err != nil {
		return r, fmt.Errorf("image: %w", err)
	}
	m.say("system %s: kernel", m.version)
	r.uki = filepath.Join(r.dir, "pointnum_"+m.version+".efi")
	if err := m.kernel(ctx, tree, tools, commandLine(hash), r.uki); err != nil {
		return r, err
	}
	return r, m.sign(ctx, r)
}

// commandLine is the kernel's. What is written is in memory, over the root;
// a kernel that dies starts again.
func commandLine(hash string) string {
	return "root=/dev/mapper/root rootfstype=erofs ro roothash=" + hash +
		" systemd.volatile=overlay systemd.machine_id=firmware panic=10 rd.shell=0 rd.emergency=reboot quiet loglevel=3 console=tty0"
}

// kernel makes the one file that the firmware checks and starts: kernel,
// initrd and command line (unified kernel image).
func (m *maker) kernel(ctx context.Context, tree, tools, command, out string) error {
	dir, err := os.MkdirTemp(filepath.Join(tools, "tmp"), "uki-")
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	defer os.RemoveAll(dir)
	kernels, err := filepath.Glob(filepath.Join(tree, "boot/vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		return fmt.Errorf("image: %d kernels in the tree, not one", len(kernels))
	}
	for from, name := range map[string]string{
		kernels[0]: "vmlinuz", filepath.Join(tree, "boot/initrd.img"): "initrd", filepath.Join(tree, "usr/lib/os-release"): "osrel",
		m.boot("db", "key"): "db.key", m.boot("db", "crt"): "db.crt",
	} {
		if err := m.run(ctx, "cp", from, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	in := "/tmp/" + filepath.Base(dir)
	// As in inside, with the time of the environment.
	err = m.run(ctx, "chroot", tools, "env", "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "ukify", "build", "--linux="+in+"/vmlinuz", "--initrd="+in+"/initrd", "--os-release=@"+in+"/osrel",
		"--uname="+strings.TrimPrefix(filepath.Base(kernels[0]), "vmlinuz-"), "--cmdline="+command,
		"--secureboot-private-key="+in+"/db.key", "--secureboot-certificate="+in+"/db.crt", "--output="+in+"/out.efi")
	if err != nil {
		return err
	}
	return m.run(ctx, "cp", filepath.Join(dir, "out.efi"), out)
}

// sign writes the release's manifest and signs it.
func (m *maker) sign(ctx context.Context, r built) error {
	_, err := update.WriteManifest(ctx, r.dir, update.Manifest{Arch: "amd64", Version: m.version, Minimum: "0.1.0", Created: m.epoch})
	if err != nil {
		return err
	}
	key, err := update.LoadPrivateKey(m.releaseKey())
	if err != nil {
		return err
	}
	return update.SignFolder(r.dir, key)
}

// uuid writes 32 hexadecimal digits as a UUID.
func uuid(h string) string {
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
