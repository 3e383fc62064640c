package drivertest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EvePrinter is a running ippeveprinter: the IPP Everywhere printer of CUPS, a
// monochrome laser with A4 in two trays.
type EvePrinter struct {
	Host string // host:port
	dir  string
	cmd  *exec.Cmd
}

// eveScript prints: one side in a fifth of a second, told as the printer's own
// filters do. Files in its folder are the faults.
const eveScript = `#!/bin/sh
dir=$(dirname "$0")
pages=$(grep -ac '/Type /Page ' "$1")
side=1
while [ "$side" -le "$pages" ]; do
	if [ -e "$dir/abort" ]; then exit 1; fi
	while [ "$side" -gt 1 ] && [ -e "$dir/hold" ]; do sleep 0.05; done
	for f in "$dir"/fault-*; do
		[ -e "$f" ] || continue
		reason=${f##*/fault-}
		echo "STATE: +$reason" >&2
		while [ -e "$f" ]; do sleep 0.05; done
		echo "STATE: -$reason" >&2
	done
	sleep 0.2
	echo "ATTR: job-impressions-completed=$side" >&2
	side=$((side + 1))
done
echo "$IPP_JOB_NAME" >> "$dir/printed"
`

// StartEvePrinter starts ippeveprinter on the loopback. The test's end stops it
// with its helpers.
func StartEvePrinter(t testing.TB) *EvePrinter {
	t.Helper()
	// Not t.TempDir: the bus's socket needs a short path.
	dir, err := os.MkdirTemp("", "eve")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	script := filepath.Join(dir, "print")
	if err := os.WriteFile(script, []byte(eveScript), 0o700); err != nil {
		t.Fatal(err)
	}
	spool := filepath.Join(dir, "spool")
	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	// ippeveprinter wants a message bus although it is told to announce
	// nothing (-r off); a bus of its own keeps it away from any avahi-daemon.
	bus := filepath.Join(dir, "bus")
	startEve(t, nil, Tool(t, "dbus-daemon"), "--session", "--nofork", "--nopidfile", "--address=unix:path="+bus)
	// The socket is there a moment before the bus listens on it.
	if !waitEve(func() bool {
		c, err := net.Dial("unix", bus)
		return err == nil && c.Close() == nil
	}) {
		t.Fatal("dbus-daemon did not start")
	}
	e := &EvePrinter{dir: dir}
	for range 3 { // somebody else may take the free port first
		port := freeEvePort(t)
		e.Host = "localhost:" + port
		e.cmd = startEve(t, []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + bus}, Tool(t, "ippeveprinter"),
			"-p", port, "-n", "localhost", "-r", "off", "-d", spool, "-c", script, "-2", "-s", "30",
			"-M", "Acme", "-m", "MonoLaser", "-f", "application/pdf,image/pwg-raster,image/urf", "Kiosk Laser")
		if waitEve(func() bool { return e.form("media", url.Values{}) == nil }) {
			e.Paper(t, 250)
			return e
		}
		stopEve(e.cmd)
	}
	t.Fatal("ippeveprinter did not start")
	return nil
}

// URI is where a driver finds the printer.
func (e *EvePrinter) URI() string { return "ipp://" + e.Host + "/ipp/print" }

// Paper puts so many sheets of A4 in the main tray; with none the by-pass tray
// is empty too.
func (e *EvePrinter) Paper(t testing.TB, sheets int) {
	t.Helper()
	e.Load(t, "iso_a4_210x297mm", sheets)
}

// Load puts paper of any size in both trays, as Paper does. It uses the
// printer's own web form.
func (e *EvePrinter) Load(t testing.TB, media string, sheets int) {
	t.Helper()
	v := url.Values{
		"size1": {media}, "type1": {"stationery"}, "level1": {fmt.Sprint(sheets)},
		"size3": {media}, "type3": {"stationery"}, "level3": {fmt.Sprint(min(sheets, 25))},
	}
	if err := e.form("media", v); err != nil {
		t.Errorf("ippeveprinter: put paper in: %v", err)
	}
}

// Toner sets how many percent of toner are left, by the web form.
func (e *EvePrinter) Toner(t testing.TB, percent int) {
	t.Helper()
	v := url.Values{"supply0": {"25"}, "supply1": {fmt.Sprint(percent)}}
	if err := e.form("supplies", v); err != nil {
		t.Errorf("ippeveprinter: set toner: %v", err)
	}
}

// Fault switches a printer-state-reasons keyword on or off for the job under
// way, which stops meanwhile. Keywords are "media-jam", "cover-open",
// "media-empty", "toner-empty".
func (e *EvePrinter) Fault(t testing.TB, reason string, on bool) {
	t.Helper()
	e.flag(t, "fault-"+reason, on)
}

// Hold keeps the job under way after its first side, without a reason given.
func (e *EvePrinter) Hold(t testing.TB, on bool) {
	t.Helper()
	e.flag(t, "hold", on)
}

// Abort makes the printer give up jobs.
func (e *EvePrinter) Abort(t testing.TB, on bool) {
	t.Helper()
	e.flag(t, "abort", on)
}

func (e *EvePrinter) flag(t testing.TB, name string, on bool) {
	t.Helper()
	path := filepath.Join(e.dir, name)
	var err error
	if on {
		err = os.WriteFile(path, nil, 0o600)
	} else {
		err = os.Remove(path)
	}
	if err != nil {
		t.Error(err)
	}
}

// Printed returns the names of the jobs that were printed to their end.
func (e *EvePrinter) Printed() []string {
	data, err := os.ReadFile(filepath.Join(e.dir, "printed"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// Stop ends the printer before the test does.
func (e *EvePrinter) Stop() { stopEve(e.cmd) }

func (e *EvePrinter) form(page string, v url.Values) error {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + e.Host + "/" + page + "?" + v.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	// The printer says OK first and does what the form asks while it writes
	// the page: only the page's end means that it is done.
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func startEve(t testing.TB, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its filters end with it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopEve(cmd) })
	return cmd
}

// stopEve kills a program and its children: a job that waits for paper keeps
// ippeveprinter from ending in another way.
func stopEve(cmd *exec.Cmd) {
	if cmd.ProcessState != nil {
		return
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

// waitEve says whether something is ready before long.
func waitEve(ready func() bool) bool {
	for end := time.Now().Add(printerWait / 2); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ready() {
			return true
		}
	}
	return false
}

func freeEvePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
