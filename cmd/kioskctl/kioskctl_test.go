package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/clitest"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/sample"
)

// bin holds the commands, built once.
var bin string

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &bin, ".", "../kioskdev")) }

// ctl runs the tool and returns its exit code and what it said.
func ctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(filepath.Join(bin, "kioskctl"), args...)
	cmd.Env = append(os.Environ(), "LANG=fr_FR.UTF-8")
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errs.String()
}

// pages writes sample pages and returns their paths.
func pages(t *testing.T, n int) []string {
	t.Helper()
	var paths []string
	for i := range n {
		data, err := sample.JPEG(i+1, sample.Options{Total: n, DPI: 150})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), fmt.Sprintf("page %d.jpg", i+1))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestManyFilesMakeOneDocument(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.pdf")
	code, stdout, stderr := ctl(t, append([]string{"convert", "--portal", "caf", "--json", "-o", out}, pages(t, 3)...)...)
	if code != cli.ExitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var answer struct {
		Pages      int   `json:"pages"`
		MaxBytes   int64 `json:"max_bytes"`
		LimitKnown bool  `json:"limit_known"`
		Files      []struct{ Bytes int64 }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Pages != 3 || answer.LimitKnown || answer.MaxBytes != 2_000_000 || len(answer.Files) != 1 {
		t.Errorf("%+v", answer)
	}
	if text, err := exec.Command(drivertest.Tool(t, "qpdf"), "--check", out).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	if text, err := exec.Command(drivertest.Tool(t, "pdfinfo"), out).CombinedOutput(); err != nil || !bytes.Contains(text, []byte("Pages:           3\n")) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestTheExitCodeSaysWhatWentWrong(t *testing.T) {
	page := pages(t, 1)[0]
	empty := filepath.Join(t.TempDir(), "empty.pdf")
	text := filepath.Join(t.TempDir(), "text.jpg")
	for path, data := range map[string]string{empty: "", text: "<html>no picture</html>"} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out.pdf")
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"no file":                 {[]string{"convert", "-o", out}, cli.ExitUsage},
		"nowhere to write":        {[]string{"convert", page}, cli.ExitUsage},
		"a portal nobody knows":   {[]string{"convert", "--portal", "nowhere", "-o", out, page}, cli.ExitUsage},
		"a format nobody makes":   {[]string{"convert", "--format", "docx", "-o", out, page}, cli.ExitUsage},
		"a file that is missing":  {[]string{"convert", "-o", out, "missing.jpg"}, cli.ExitFailed},
		"a file without a byte":   {[]string{"convert", "-o", out, empty}, cli.ExitFile},
		"a page that is no page":  {[]string{"convert", "-o", out, text}, cli.ExitFile},
		"a limit nothing meets":   {[]string{"convert", "--max-bytes", "900", "-o", out, page}, cli.ExitFile},
		"a scanner that is gone":  {[]string{"scan", "--driver", "escl", "--uri", "http://127.0.0.1:1/eSCL", "-o", out}, cli.ExitNoDevice},
		"an agent that is not up": {[]string{"status", "--control", filepath.Join(t.TempDir(), "none.sock")}, cli.ExitNoDevice},
	} {
		code, _, stderr := ctl(t, c.args...)
		if code != c.code || strings.TrimSpace(stderr) == "" {
			t.Errorf("%s: exit %d, want %d: %q", name, code, c.code, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a file was written", name)
		}
	}
}

// The tool drives every device of a kiosk.
func TestTheToolDrivesTheDevices(t *testing.T) {
	dir := t.TempDir()
	memory, err := os.MkdirTemp("/dev/shm", "kioskdev-ctl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(memory) })
	config := filepath.Join(dir, "kiosk.yaml")
	kit := exec.Command(filepath.Join(bin, "kioskdev"), "-hardware", "-browser=false", "-write-config", config, "-out", dir, "-panel", "127.0.0.1:0",
		"-spool", filepath.Join(memory, "spool"), "-page-time", "50ms", "-side-time", "20ms")
	kit.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := kit.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kit.Process.Signal(syscall.SIGTERM) //nolint:errcheck // Wait tells
		if err := kit.Wait(); err != nil {
			t.Error(err)
		}
	})
	drivertest.Eventually(t, "all devices", func() bool {
		code, _, _ := ctl(t, "devices", "-config", config)
		return code == cli.ExitDone
	})

	scanned := filepath.Join(dir, "scan.pdf")
	for _, args := range [][]string{
		{"scan", "-config", config, "-o", scanned},
		{"print", "-config", config, scanned},
		{"receipt", "-config", config},
		{"receipt", "-config", config, "--lang", "ar"},
		{"selftest", "-config", config},
	} {
		if code, stdout, stderr := ctl(t, args...); code != cli.ExitDone {
			t.Errorf("%s: exit %d: %s%s", args[0], code, stdout, stderr)
		}
	}
	for _, path := range []string{"printed/1.pdf", "receipts/1.png", "receipts/2.png"} {
		drivertest.Eventually(t, path, func() bool {
			info, err := os.Stat(filepath.Join(dir, path))
			return err == nil && info.Size() > 0
		})
	}
	// The feeder is empty now: somebody has to lay sheets in, or use the glass.
	code, _, stderr := ctl(t, "scan", "-config", config, "--source", "feeder", "-o", scanned)
	if code != cli.ExitHand {
		t.Errorf("an empty feeder: exit %d: %s", code, stderr)
	}
	code, stdout, stderr := ctl(t, "devices", "--json", "-config", config)
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(stdout), &list); err != nil || len(list) != 4 {
		t.Errorf("devices --json: exit %d, %v: %s%s", code, err, stdout, stderr)
	}
}
