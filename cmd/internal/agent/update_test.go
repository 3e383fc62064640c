package agent_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/steward"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/install"
	"pointnum/provisioning/update/updater"
)

// stick makes a signed release in a folder, and the file of its key.
func stick(t *testing.T, version string) (dir, keys string, public ed25519.PublicKey) {
	t.Helper()
	dir = t.TempDir()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	uuid := strings.Repeat("0a", 16)
	for _, name := range []string{"_" + uuid + ".root", "_" + uuid + ".verity", ".efi"} {
		if err := os.WriteFile(filepath.Join(dir, "pointnum_"+version+name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := update.WriteManifest(t.Context(), dir, update.Manifest{Arch: runtime.GOARCH}); err != nil {
		t.Fatal(err)
	}
	keys = filepath.Join(t.TempDir(), "release.pub")
	if err := errors.Join(update.SignFolder(dir, key), os.WriteFile(keys, []byte(update.PublicLine(public)), 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir, keys, public
}

// An agent takes a release from a stick, has root write it and the machine
// started anew. The socket, root's side and its checks are real; what writes
// partitions is a script.
func TestAnAgentPutsANewReleaseIn(t *testing.T) {
	t.Setenv("TMPDIR", os.TempDir()) // Run changes it
	child := kioskd(t)
	dir, files := memory(t), t.TempDir()
	from, keys, public := stick(t, "2.0.0")
	loader := filepath.Join(files, "efi")
	program, osRelease := filepath.Join(files, "sysupdate"), filepath.Join(files, "os-release")
	if err := errors.Join(os.Mkdir(loader, 0o700),
		os.WriteFile(filepath.Join(loader, "pointnum_1.0.0.efi"), nil, 0o600),
		os.WriteFile(program, []byte("#!/bin/sh\necho well\ntouch "+loader+"/pointnum_2.0.0+3-0.efi\n"), 0o700),
		os.WriteFile(osRelease, []byte("IMAGE_ID=pointnum\nIMAGE_VERSION=1.0.0\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Browser.On, cfg.Voice = false, false
	cfg.Spool, cfg.Control, cfg.Fleet.Dir = filepath.Join(dir, "spool"), filepath.Join(dir, "control.sock"), filepath.Join(files, "lib")
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- steward.Serve(ctx, dir, install.Name, func(ctx context.Context, request []byte) (any, error) {
			return install.Do(ctx, install.Options{Keys: []ed25519.PublicKey{public}, Arch: runtime.GOARCH, Running: "1.0.0",
				From: filepath.Join(cfg.Fleet.Dir, "update"), Dir: filepath.Join(files, "data"), Loader: loader, Program: program}, request)
		})
	}()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rebooted, ready, ended := make(chan struct{}, 9), make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- agent.Run(ctx, agent.Options{
			Config: cfg, Drivers: agent.Drivers(), Listener: ln, Child: child, Ready: func(url string) { ready <- url },
			Reboot:  func(context.Context) error { rebooted <- struct{}{}; return nil },
			Updates: agent.UpdateOptions{OSRelease: osRelease, Keys: keys, Loader: loader, Stewards: dir, Pace: updater.Pace{Look: 10 * time.Millisecond}},
		})
	}()
	defer func() {
		stop()
		if err := errors.Join(<-ended, <-served); err != nil {
			t.Error(err)
		}
	}()
	<-ready
	ctl := control.Client{Path: cfg.Control}
	drivertest.Eventually(t, "the version that runs", func() bool {
		s, err := ctl.Status(t.Context())
		return err == nil && s.Update != nil && s.Update.Version == "1.0.0" && s.Update.Confirmed == "1.0.0" && s.Update.Phase == "idle"
	})
	if _, err := ctl.ChangeUpdate(t.Context(), control.UpdateAsk{Do: control.UpdateFrom, From: t.TempDir()}); kiosk.CodeOf(err) != provisioning.CodeUpdateMissing {
		t.Errorf("an empty stick: %v", err)
	}
	if _, err := ctl.ChangeUpdate(t.Context(), control.UpdateAsk{Do: control.UpdateFrom, From: from}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-rebooted:
	case <-time.After(40 * time.Second):
		u, err := ctl.Update(t.Context())
		t.Fatalf("no restart: %+v, %v", u, err)
	}
	if u, err := ctl.Update(t.Context()); err != nil || u.Phase != string(provisioning.UpdateTrying) || u.Wanted != "2.0.0" {
		t.Errorf("%+v, %v", u, err)
	}
	if entries, err := install.Entries(loader); err != nil || len(entries) != 2 {
		t.Errorf("%+v, %v", entries, err)
	}
}
