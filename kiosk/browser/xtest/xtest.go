// Package xtest starts X servers for tests. No program contains it.
package xtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Display is DisplayOf a standing screen.
func Display(t *testing.T) string {
	t.Helper()
	return DisplayOf(t, 1080, 1920)
}

// DisplayOf starts an X server of a size in pixels without window manager,
// which ends with the test, and gives its name as $DISPLAY has it. Without
// Xvfb the test fails.
func DisplayOf(t *testing.T, width, height int) string {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Fatal("Xvfb is not installed: run 'make deps' first")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		_ = x.Wait() // it says how we ended it
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(line)
}
