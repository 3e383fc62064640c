package main_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
)

// A supervision that takes the connection and never answers is nobody's
// business but the host's: the visit goes on.
func TestAVisitIsNotDisturbedByItsSupervision(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan net.Conn, 64)
	go func() { // ends with the listener
		for {
			c, err := silent.Accept()
			if err != nil {
				close(came)
				return
			}
			came <- c
		}
	}()
	t.Cleanup(func() {
		silent.Close()
		for c := range came {
			c.Close()
		}
	})
	dir := t.TempDir()
	key, err := enrol.New()
	if err != nil {
		t.Fatal(err)
	}
	server := "https://" + silent.Addr().String()
	id := &enrol.Identity{Server: server, Present: enrol.Pair{Key: key, Credential: provisioning.Credential{
		Structure: "mairie", Kiosk: "k1", Label: "Hall", Token: "none", Expires: time.Now().Add(time.Hour).Unix(), Keys: []string{"none"},
	}}}
	if err := id.Save(filepath.Join(dir, "identity.json")); err != nil {
		t.Fatal(err)
	}
	kiosk := start(t, "kioskdev", "-json", "-browser=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0",
		"-sheets", "2", "-page-time", "100ms", "-side-time", "50ms", "-fleet", server, "-fleet-dir", dir)
	told := kiosk.told(t)
	s := openScreen(t, told.Screen, 1080, 1920)
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.shows("scan")
	s.touch(`[data-section="scan"] [data-act="scan"]`)
	s.shows("review")
	eventually(t, "two pages", func() bool { return s.pages() == 2 })
	select {
	case c := <-came:
		defer c.Close()
	case <-time.After(40 * time.Second):
		t.Error("the kiosk never asked for its supervision")
	}
	eventually(t, "the technician is told", func() bool {
		out := run(t, filepath.Join(bin, "kioskctl"), "status", "--control", told.Control)
		return strings.Contains(out, "supervision") && strings.Contains(out, server)
	})
	s.touch(`[data-open="leave"]`)
	s.touch(`#leave [data-act="leave"]`)
	s.shows("goodbye")
}

// What the agent can't do without ends the program, and it says why.
func TestKioskdevEndsWithItsAgent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "kioskdev"), "-json", "-browser=false", "-listen", "127.0.0.1:0",
		"-panel", "127.0.0.1:0", "-spool", t.TempDir()).CombinedOutput()
	if ctx.Err() != nil || err == nil || !strings.Contains(string(out), "spool") {
		t.Errorf("got %v, %v: %s", err, ctx.Err(), out)
	}
}
