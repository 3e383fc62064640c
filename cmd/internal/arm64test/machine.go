package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// first moves the system out of the kernel's first file system: a room can't
// take the place of that one (pivot_root(2)).
const first = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /dev /proc /sys /run /new
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /new
cp -a /bin /etc /lib /sbin /trial /usr /var /new/
mkdir /new/dev /new/proc /new/sys /new/run /new/tmp
exec switch_root /new /trial/second
`

// second is the trial; then the machine is off.
const second = `#!/bin/sh
export HOME=/tmp LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
/trial/sandbox.test -test.v; echo "sandbox ended $?"
kioskctl convert --portal caf -o /tmp/out.pdf /trial/scan.jpg; echo "convert ended $?"
echo "the file"; base64 /tmp/out.pdf; echo "that was it"
echo o >/proc/sysrq-trigger
sleep 600
`

// machine starts Debian's arm64 kernel on an emulated computer. There the locks
// of the document engine are a real kernel's: their own tests are run, and a
// page is converted behind them.
func (t *trial) machine(ctx context.Context, sandbox string) error {
	dir := filepath.Dir(t.tree)
	trial := filepath.Join(t.tree, "trial")
	scan := filepath.Join(trial, "scan.jpg")
	native := filepath.Join(dir, "native.pdf")
	if err := os.Mkdir(trial, 0o755); err != nil {
		return err
	}
	for name, script := range map[string]string{"first": first, "second": second, "scan.pdf": attestation} {
		if err := os.WriteFile(filepath.Join(trial, name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	for _, s := range [][]string{
		{"pdftoppm", "-q", "-jpeg", "-r", "150", "-singlefile", filepath.Join(trial, "scan.pdf"), strings.TrimSuffix(scan, ".jpg")},
		{t.native, "convert", "--portal", "caf", "-o", native, scan},
		{"cp", sandbox, filepath.Join(trial, "sandbox.test")},
		{"sh", "-c", `cd "$1" && find . \( -path ./boot -o -path ./lib/modules -o -path ./usr/share/doc -o -path ./usr/share/locale \) -prune -o -print |
			cpio --quiet -o -H newc | gzip -1 >"$2"`, "pack", t.tree, filepath.Join(dir, "initrd")},
	} {
		if _, err := on(ctx, s...); err != nil {
			return err
		}
	}
	began := time.Now()
	said, err := t.boot(ctx, filepath.Join(dir, "initrd"))
	if err != nil {
		return err
	}
	t.check(fmt.Sprintf("on an arm64 kernel, the tests of the document engine's locks (%.0f s)", time.Since(began).Seconds()),
		strings.Contains(said, "sandbox ended 0"), said)
	return t.handedOver(ctx, said, native)
}

// boot starts the computer, waits until it is off, and gives what it wrote.
func (t *trial) boot(ctx context.Context, initrd string) (string, error) {
	kernels, err := filepath.Glob(filepath.Join(t.tree, "boot/vmlinuz-*"))
	if err != nil || len(kernels) == 0 {
		return "", fmt.Errorf("no kernel in the tree: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Its clock counts instructions, one each 2 ns: the engine's time limits are
	// those of a computer, however busy this one is.
	out, err := exec.CommandContext(ctx, "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-m", "2048", "-smp", "1",
		"-icount", "shift=1,sleep=off",
		"-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot",
		"-kernel", kernels[0], "-initrd", initrd, "-append", "console=ttyAMA0 loglevel=4 panic=-1 rdinit=/trial/first").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the arm64 computer: %w\n%s", err, out)
	}
	return strings.ReplaceAll(string(out), "\r", ""), nil
}

// handedOver compares the file that the computer wrote on its serial line.
func (t *trial) handedOver(ctx context.Context, said, native string) error {
	_, after, _ := strings.Cut(said, "the file\n")
	text, _, found := strings.Cut(after, "that was it\n")
	data, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil || len(data) == 0 {
		t.check("and behind them a page becomes a file", false, said)
		return nil
	}
	path := filepath.Join(filepath.Dir(native), "computer.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return t.compare(ctx, paper{}, path, native, fmt.Sprintf("and behind them a page becomes a file: %d bytes", len(data)))
}
