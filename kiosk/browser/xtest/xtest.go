// Package xtest starts X servers for tests. No program contains it.
package xtest

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Display starts an X server without window manager, which ends with the test,
// and gives its name as $DISPLAY has it. Without Xvfb the test fails.
func Display(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Fatal("Xvfb is not installed: run 'make deps' first")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command(path, "-displayfd", "3", "-screen", "0", "1080x1920x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = x.Process.Signal(os.Interrupt)
		_ = x.Wait()
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
