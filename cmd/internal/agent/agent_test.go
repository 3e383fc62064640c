package agent_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/hardware"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/spool"
)

// kioskd is built as it is installed: the document engine's child does not run
// under the race detector.
func kioskd(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kioskd")
	if out, err := exec.Command("go", "build", "-o", path, "../../kioskd").CombinedOutput(); err != nil {
		t.Fatalf("build kioskd: %v\n%s", err, out)
	}
	return path
}

// memory is a folder in memory for one test.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-agent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A whole agent on whole virtual hardware starts, answers, erases a visit when
// it is told to stop, and leaves nothing running.
func TestAStoppedAgentLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", os.TempDir()) // Run changes it
	child := kioskd(t)
	before := runtime.NumGoroutine()
	dir := memory(t)
	bench, err := hardware.New(t.Context(), hardware.Options{Dir: t.TempDir(), Sheets: 1, PageTime: time.Millisecond, SideTime: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	below, stopBench := context.WithCancel(context.Background())
	benchEnded := make(chan error, 1)
	go func() { benchEnded <- bench.Run(below) }()

	cfg := config.Default()
	cfg.Browser.Headless = true
	cfg.Spool, cfg.Control, cfg.Devices = filepath.Join(dir, "spool"), filepath.Join(dir, "control.sock"), bench.Specs(true)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- agent.Run(ctx, agent.Options{Config: cfg, Drivers: append(agent.Drivers(), bench.Drivers()...),
			Listener: ln, Child: child, Ready: func(url string) { ready <- url }})
	}()
	url := <-ready
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	act := func(name, body string) {
		t.Helper()
		r, err := client.Post(url+"act/"+name, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	ctl := control.Client{Path: cfg.Control}
	drivertest.Eventually(t, "five devices that are ready, but for the empty key socket", func() bool {
		s, err := ctl.Status(t.Context())
		n := 0
		for _, d := range s.Devices {
			if d.Ready {
				n++
			}
		}
		return err == nil && len(s.Devices) == 5 && n == 4
	})
	seeHealth(t, ctl, url)
	act("start", `{"lang":"fr"}`)
	act("leave", `{}`)
	drivertest.Eventually(t, "the visit told to be erased", func() bool {
		s, err := ctl.Status(t.Context())
		return err == nil && s.Wiped != nil && s.Wiped.OK && time.Since(s.Wiped.At) < time.Hour
	})
	act("start", `{"lang":"fr"}`)
	act("scan", `{}`)
	drivertest.Eventually(t, "the review", func() bool {
		s, err := ctl.Status(t.Context())
		return err == nil && s.Screen == "review"
	})
	if files(t, cfg.Spool) == 0 {
		t.Fatal("no page in the spool")
	}

	stop()
	if err := <-ended; err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	if n := files(t, cfg.Spool); n > 0 {
		t.Errorf("%d files left in the spool", n)
	}
	stopBench()
	if err := <-benchEnded; err != nil {
		t.Error(err)
	}
	drivertest.Eventually(t, "goroutines back to where they were", func() bool { return runtime.NumGoroutine() <= before })
}

// files counts the files in a folder that hold something.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			n++
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

func TestAgentRefusesPagesOnADisk(t *testing.T) {
	cfg := config.Default()
	cfg.Spool, cfg.Control = filepath.Join("testdata", "spool"), filepath.Join(memory(t), "control.sock")
	cfg.Listen = "127.0.0.1:0"
	t.Cleanup(func() { os.RemoveAll("testdata") })
	if err := agent.Run(t.Context(), agent.Options{Config: cfg}); !errors.Is(err, spool.ErrNotMemory) {
		t.Errorf("got %v, want %v", err, spool.ErrNotMemory)
	}
}

func TestAPortalThatIsNotInTheCatalogueIsToldWithItsLine(t *testing.T) {
	cfg, err := config.Load(strings.NewReader("place: {name: Ici}\nportals: [caf, nowhere]\n"), "kiosk.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Catalogue(cfg); err == nil || !strings.Contains(err.Error(), "kiosk.yaml:2") {
		t.Errorf("got %v", err)
	}
}
