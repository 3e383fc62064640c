package cell_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk/browser/cell"
)

func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestCellKeepsFilesAndErasesThem(t *testing.T) {
	dir := folder(t)
	c, err := cell.Start(t.Context(), cell.Options{Dir: dir, Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	path, err := c.Put("a b.pdf", 3, strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "abc" || filepath.Base(path) != "a b.pdf" {
		t.Errorf("%s: %q, %v", path, raw, err)
	}
	for _, size := range []int64{2, 4} {
		if _, err := c.Put("a.pdf", size, strings.NewReader("abc")); err == nil {
			t.Errorf("a file of 3 bytes was taken as one of %d", size)
		}
	}
	if err := os.WriteFile(filepath.Join(c.Downloads(), "guid"), []byte("down"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := c.Take("guid")
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(r); err != nil || string(raw) != "down" {
		t.Errorf("took %q, %v", raw, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"guid", "../profile", ""} {
		if _, err := c.Take(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	if err := cell.Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a sweep touched a cell that lives: %v", err)
	}
	if err := c.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestFolderMustBeInMemory(t *testing.T) {
	if _, err := cell.Start(t.Context(), cell.Options{Dir: "/proc", Headless: true}); err == nil {
		t.Error("a cell was made on another file system")
	}
}

// TestSweepEndsWhatADeadAgentLeft: a folder that nobody locks, with a process
// that still names it.
func TestSweepEndsWhatADeadAgentLeft(t *testing.T) {
	dir := folder(t)
	old := filepath.Join(dir, "pointnum-cell-old")
	if err := os.MkdirAll(filepath.Join(old, "profile"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(old, "profile", "secret"), []byte("secret"), 0o400); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "read x", old+"/profile")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := cell.Sweep(dir); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the process is still there")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
