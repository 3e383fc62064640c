package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long one program may take; an emulator is slow, a machine
// that is busy is slower.
const patience = 4 * time.Minute

// accounts is how many there are in the namespace: root and the kiosk's own.
const accounts = 65536

// namespaces are those of the run: mounts, processes and network of its own,
// and accounts, since a user namespace can say by itself which programs an
// emulator runs (binfmt_misc, Linux 6.7).
func namespaces() *syscall.SysProcAttr {
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: accounts}}
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC,
		UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
		Pdeathsig: syscall.SIGKILL,
	}
}

// enter makes the tree one that programs can be started in.
func (t *trial) enter() error {
	if os.Getpid() != 1 {
		return errors.New("-inside is for its own use")
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	for _, m := range []struct {
		from, to, kind string
		flags          uintptr
	}{
		{"/dev", "dev", "", unix.MS_BIND | unix.MS_REC},
		{"tmpfs", "dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
		{"proc", "proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"tmpfs", "run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
	} {
		if err := unix.Mount(m.from, filepath.Join(t.tree, m.to), m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.to, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(t.tree, "run/pointnum"), 0o700); err != nil {
		return err
	}
	return errors.Join(t.emulate(), loopbackUp())
}

// binfmt is what Debian's package registers: the emulator for arm64 programs,
// opened beforehand, so that the tree needs none in it.
const binfmt = "/usr/lib/binfmt.d/qemu-aarch64.conf"

// emulate has arm64 programs run by the emulator, in these namespaces only.
// Kernels before 6.7 have one list for the whole machine: theirs is left as it
// is, and used.
func (t *trial) emulate() error {
	rule, err := os.ReadFile(binfmt)
	if err != nil {
		return err
	}
	at := filepath.Join(t.tree, "run/binfmt")
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	switch err := unix.Mount("binfmt_misc", at, "binfmt_misc", 0, ""); {
	case errors.Is(err, unix.EPERM):
		if _, err := os.Stat("/proc/sys/fs/binfmt_misc/qemu-aarch64"); err != nil {
			return errors.New("this kernel has no binfmt_misc for each user namespace (Linux 6.7), and the machine runs no arm64 program: start systemd-binfmt, or install binfmt-support")
		}
		t.say("arm64 programs run as the machine has it")
		return nil
	case err != nil:
		return fmt.Errorf("mount binfmt_misc: %w", err)
	}
	if err := os.WriteFile(filepath.Join(at, "register"), rule, 0o200); err != nil {
		return fmt.Errorf("register the emulator: %w", err)
	}
	return nil
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

// command is a program of the tree, not started.
func (t *trial) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Path, cmd.Err = args[0], nil // as it is called in the tree
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: t.tree}
	return cmd
}

// in runs a program of the tree, and gives what it says.
func (t *trial) in(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return outputOf(t.command(ctx, args...))
}

// on runs a program of this machine, and gives what it says.
func on(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return outputOf(exec.CommandContext(ctx, args[0], args[1:]...))
}

func outputOf(cmd *exec.Cmd) (string, error) {
	cmd.WaitDelay = 10 * time.Second // programs that it left keep its output open
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return string(out), nil
}
