package sane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/kiosk"
)

func TestFaultsOfTheBackend(t *testing.T) {
	conf := drivertest.SANETest(t)
	cases := []struct {
		status string
		source kiosk.Source
		code   kiosk.Code
	}{
		{"SANE_STATUS_COVER_OPEN", kiosk.SourceFeeder, kiosk.CodeCoverOpen},
		{"SANE_STATUS_DEVICE_BUSY", kiosk.SourceFeeder, kiosk.CodeDeviceBusy},
		{"SANE_STATUS_CANCELLED", kiosk.SourceFeeder, kiosk.CodeCanceled},
		{"SANE_STATUS_IO_ERROR", kiosk.SourceFeeder, kiosk.CodeBadPage},
		{"SANE_STATUS_NO_MEM", kiosk.SourceFeeder, kiosk.CodeInternal},
		// scanimage ends with 0 and a page of a header without rows.
		{"SANE_STATUS_EOF", kiosk.SourceGlass, kiosk.CodeBadPage},
		{"SANE_STATUS_EOF", kiosk.SourceFeeder, kiosk.CodeBadPage},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s on the %s", c.status, c.source), func(t *testing.T) {
			s := mustOpen(t, "test:0", map[string]string{"config_dir": conf, "extra": "read-return-value=" + c.status})
			j, err := s.Scan(t.Context(), kiosk.ScanOptions{Source: c.source, DPI: 75})
			if err == nil {
				_, err = j.Next()
				_ = j.Close()
			}
			if kiosk.CodeOf(err) != c.code || errors.Is(err, io.EOF) {
				t.Errorf("got %v (code %q), want %q", err, kiosk.CodeOf(err), c.code)
			}
		})
	}
}

func TestAutoTakesTheGlassWhenTheFeederIsEmpty(t *testing.T) {
	// A program that says that the feeder is empty, and passes everything else
	// to scanimage.
	program := filepath.Join(t.TempDir(), "scanimage")
	script := "#!/bin/sh\ncase \"$*\" in *Automatic*) echo 'scanimage: sane_start: Document feeder out of documents' >&2; exit 7;; esac\n" +
		"exec " + drivertest.Tool(t, "scanimage") + " \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, "test:0", map[string]string{"config_dir": drivertest.SANETest(t), "program": program})
	j, err := s.Scan(t.Context(), kiosk.ScanOptions{DPI: 75})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Next(); err != io.EOF {
		t.Errorf("after the page on the glass: %v", err)
	}
}

// slowest is a page that takes more than a minute.
const slowest = "read-limit=yes;read-limit-size=512;read-delay=yes;read-delay-duration=200000"

func TestAServerThatDiesOrHangsInMidScan(t *testing.T) {
	srv := drivertest.StartSANENet(t)
	shm, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(shm)
	s := mustOpen(t, srv.Device, map[string]string{"config_dir": srv.ConfigDir, "extra": slowest, "stall_timeout": "1s", "dir": shm})
	cases := []struct {
		name   string
		strike func(testing.TB) int
		codes  []kiosk.Code
	}{
		{"frozen", srv.FreezeChildren, []kiosk.Code{kiosk.CodeNotResponding}},
		{"frozen again", srv.FreezeChildren, []kiosk.Code{kiosk.CodePowerCycle}},
		// scanimage spins for ever, or ends with 0 after a SIGPIPE.
		{"killed", srv.KillChildren, []kiosk.Code{kiosk.CodePowerCycle, kiosk.CodeBadPage}},
	}
	for _, c := range cases {
		j, err := s.Scan(t.Context(), kiosk.ScanOptions{Source: kiosk.SourceGlass, DPI: 600})
		if err != nil {
			t.Fatal(err)
		}
		next := make(chan error, 1)
		go func() {
			_, err := j.Next()
			next <- err
		}()
		drivertest.Eventually(t, "the page has begun", func() bool { return len(files(t, shm)) > 0 })
		if c.strike(t) == 0 {
			t.Errorf("%s: saned served nobody", c.name)
		}
		select {
		case err := <-next:
			if !slices.Contains(c.codes, kiosk.CodeOf(err)) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.codes)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the watchdog sleeps")
		}
		_ = j.Close()
		if left := scanimages(t); len(left) > 0 {
			t.Fatalf("%s: scanimage lives on: %v", c.name, left)
		}
	}
}

// scanimages lists our children of that name.
func scanimages(t *testing.T) []string {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, task := range tasks {
		data, _ := os.ReadFile(task) // a thread may have ended
		for pid := range strings.FieldsSeq(string(data)) {
			name, _ := os.ReadFile("/proc/" + pid + "/comm") // the same
			if strings.TrimSpace(string(name)) == "scanimage" {
				found = append(found, pid)
			}
		}
	}
	return found
}

func TestAProcessThatIgnoresSIGINTIsKilledWithItsChildren(t *testing.T) {
	dir := t.TempDir()
	program, pidFile := filepath.Join(dir, "scanimage"), filepath.Join(dir, "pid")
	script := "#!/bin/sh\ncase \"$*\" in *--batch*) trap '' INT; sleep 1000 & echo $! > " + pidFile + ".part; mv " + pidFile + ".part " + pidFile +
		"; wait; wait;; esac\nexec " + drivertest.Tool(t, "scanimage") + " \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, "test:0", map[string]string{"config_dir": drivertest.SANETest(t), "program": program})
	ctx, cancel := context.WithCancel(t.Context())
	j, err := s.Scan(ctx, kiosk.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var pid string
	drivertest.Eventually(t, "the child runs", func() bool {
		data, err := os.ReadFile(pidFile)
		pid = strings.TrimSpace(string(data))
		return err == nil
	})
	cancel()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	drivertest.Eventually(t, "the child is gone", func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestPagesTouchNoDisk(t *testing.T) {
	conf := drivertest.SANETest(t)
	t.Run("a directory on a disk is refused", func(t *testing.T) {
		disk, err := os.MkdirTemp(".", "on-disk-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(disk)
		if _, err := open(t, "test:0", map[string]string{"config_dir": conf, "dir": disk}); kiosk.CodeOf(err) != kiosk.CodeInternal {
			t.Errorf("got %v", err)
		}
	})
	t.Run("pages are unlinked before they are read, and nothing stays", func(t *testing.T) {
		shm, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(shm)
		s := mustOpen(t, "test:0", map[string]string{"config_dir": conf, "dir": shm})
		j, err := s.Scan(t.Context(), kiosk.ScanOptions{Source: kiosk.SourceFeeder, DPI: 75})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Next(); err != nil {
			t.Fatal(err)
		}
		if names := files(t, shm); strings.Contains(strings.Join(names, " "), "/1.png") {
			t.Errorf("the page still has a name: %v", names)
		}
		_ = j.Close()
		if names := files(t, shm); len(names) > 0 {
			t.Errorf("after the job: %v", names)
		}
		_ = s.Close()
		if entries, err := os.ReadDir(shm); err != nil || len(entries) > 0 {
			t.Errorf("after closing: %v, %v", entries, err)
		}
	})
	t.Run("what a crash left is removed at the next start", func(t *testing.T) {
		shm, err := os.MkdirTemp("/dev/shm", "pointnum-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(shm)
		// No process has this number: it is above the kernel's largest.
		left := filepath.Join(shm, "pointnum-sane-4194999-1", "1.png")
		if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o700), os.WriteFile(left, []byte("a page"), 0o600)); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, "test:0", map[string]string{"config_dir": conf, "dir": shm})
		if _, err := os.Stat(left); !os.IsNotExist(err) {
			t.Errorf("it is still there: %v", err)
		}
		_ = s.Close()
	})
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOpening(t *testing.T) {
	conf := drivertest.SANETest(t)
	cases := []struct {
		name, uri string
		options   map[string]string
		code      kiosk.Code
	}{
		{"a device that is not there", "nosuch:0", nil, kiosk.CodeUnplugged},
		{"no device that begins so", "plustek:libusb:*", nil, kiosk.CodeUnplugged},
		{"a program that is not there", "test:0", map[string]string{"program": "/no/scanimage"}, kiosk.CodeInternal},
		{"an option nobody knows", "test:0", map[string]string{"speed": "2"}, kiosk.CodeInternal},
		{"a name that is an option", "--help", nil, kiosk.CodeInternal},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := map[string]string{"config_dir": conf}
			for k, v := range c.options {
				options[k] = v
			}
			if _, err := open(t, c.uri, options); kiosk.CodeOf(err) != c.code {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
	t.Run("a name with a star finds the device", func(t *testing.T) {
		s := mustOpen(t, "sane:test:*", map[string]string{"config_dir": conf})
		if i := s.Info(); i.URI != "test:0" || i.Make != "Noname" || i.Model != "frontend-tester" {
			t.Errorf("%+v", i)
		}
	})
}

func TestTheDeviceGetsWhatItLists(t *testing.T) {
	conf := drivertest.SANETest(t)
	s := mustOpen(t, "test:0", map[string]string{"config_dir": conf})
	j, err := s.Scan(t.Context(), kiosk.ScanOptions{Source: kiosk.SourceGlass, DPI: 100000, Color: kiosk.Gray, Width: 10, Height: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	p, err := j.Next()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(p)
	if err != nil || p.DPI != 1200 || !bytes.HasPrefix(data, []byte("\x89PNG")) {
		t.Errorf("%d dpi, %d bytes, %v; want 1200, the most the device lists", p.DPI, len(data), err)
	}
}
