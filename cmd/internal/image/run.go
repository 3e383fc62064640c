package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// run runs a program, and tells all it said when it fails.
func (m *maker) run(ctx context.Context, name string, args ...string) error {
	_, err := m.output(ctx, name, args...)
	return err
}

// output is run for a program whose answer is wanted.
func (m *maker) output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	epoch := strconv.FormatInt(m.epoch, 10)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "SOURCE_DATE_EPOCH="+epoch, "E2FSPROGS_FAKE_TIME="+epoch,
		"TZ=UTC", "FAKETIME="+time.Unix(m.epoch, 0).UTC().Format(time.DateTime))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("image: %s: %w\n%s%s", name, err, out, said.Bytes())
	}
	return string(out), nil
}

// inside runs a program of another tree on files of this one, with that
// tree's own libraries: nothing has to be mounted there. A program of the tools
// sees the build's own time, as signatures for Secure Boot tell it.
func (m *maker) inside(ctx context.Context, tree, name string, args ...string) (string, error) {
	lib := tree + "/usr/lib/x86_64-linux-gnu"
	own := []string{"--library-path", lib + ":" + lib + "/systemd"}
	clock := lib + "/faketime/libfaketime.so.1"
	if _, err := os.Stat(clock); err == nil {
		own = append(own, "--preload", clock)
	}
	args = slices.Concat(own, []string{tree + "/usr/bin/" + name}, args)
	return m.output(ctx, tree+"/usr/lib64/ld-linux-x86-64.so.2", args...)
}

// sorted returns a map's keys in their order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
