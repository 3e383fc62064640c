package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SANETest makes a private SANE configuration that has the test backend only,
// and returns its directory, for SANE_CONFIG_DIR. The device is "test:0": a
// glass, and a feeder of ten sheets. Its area is 200 mm wide and high.
func SANETest(t testing.TB) (configDir string) {
	t.Helper()
	Tool(t, "scanimage")
	return saneConfig(t, map[string]string{"dll.conf": "test\n", "test.conf": "number_of_devices 1\n"})
}

// SANEAirscan makes a private SANE configuration that has sane-airscan only,
// a foreign eSCL client, with one scanner at url ("http://127.0.0.1:1/eSCL").
// Its device is "airscan:e0:SIM".
func SANEAirscan(t testing.TB, url string) (configDir string) {
	t.Helper()
	Tool(t, "scanimage")
	return saneConfig(t, map[string]string{"dll.conf": "airscan\n",
		"airscan.conf": "[devices]\n\"SIM\" = " + url + ", eSCL\n[options]\ndiscovery = disable\n"})
}

func saneConfig(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dll.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// SANEServer is a saned that serves the test backend on an address of its own.
type SANEServer struct {
	ConfigDir string // of the client
	Device    string // "net:127.…:test:0"
	pid       int
}

// StartSANENet starts saned with the test backend and makes the configuration
// of a client. saned ends with the test.
func StartSANENet(t testing.TB) *SANEServer {
	t.Helper()
	// SANE's port is fixed (6566), so each server takes a loopback address of
	// its own.
	pid := os.Getpid()
	addr := fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, 1+pid&0x7f)
	cmd := exec.Command(Tool(t, "saned"), "-l", "-b", addr, "-p", "6566", "-e", "-d", "1")
	cmd.Env = append(os.Environ(), "SANE_CONFIG_DIR="+saneConfig(t, map[string]string{
		"saned.conf": "127.0.0.0/8\n", "dll.conf": "test\n", "test.conf": "number_of_devices 1\n"}))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &SANEServer{Device: "net:" + addr + ":test:0", pid: cmd.Process.Pid}
	t.Cleanup(func() {
		s.KillChildren(t)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("saned: %s", out.String())
		}
	})
	s.ConfigDir = saneConfig(t, map[string]string{"dll.conf": "net\n", "net.conf": "connect_timeout = 5\n" + addr + "\n"})
	dialer := net.Dialer{}
	Eventually(t, "saned listens", func() bool {
		conn, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(addr, "6566"))
		if err != nil {
			return false
		}
		_ = conn.Close() // only to see that somebody listens
		return true
	})
	return s
}

// KillChildren kills the processes that serve clients, as when a cable is
// pulled in mid-scan, and reports how many there were.
func (s *SANEServer) KillChildren(t testing.TB) int {
	t.Helper()
	return s.signalChildren(syscall.SIGKILL)
}

// FreezeChildren stops the processes that serve clients, as when a device
// hangs, and reports how many there were.
func (s *SANEServer) FreezeChildren(t testing.TB) int {
	t.Helper()
	return s.signalChildren(syscall.SIGSTOP)
}

func (s *SANEServer) signalChildren(sig syscall.Signal) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.pid, s.pid))
	if err != nil {
		return 0 // saned has ended
	}
	n := 0
	for _, f := range strings.Fields(string(data)) {
		stat, err := os.ReadFile("/proc/" + f + "/stat")
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			continue // it has ended: saned is slow to bury its children
		}
		if pid, err := strconv.Atoi(f); err == nil && syscall.Kill(pid, sig) == nil {
			n++
		}
	}
	return n
}

// Eventually waits until ok and fails the test when it takes too long.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited too long: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
