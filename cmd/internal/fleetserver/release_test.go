package fleetserver_test

import (
	"crypto/ed25519"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning/fleet/release"
	"pointnum/provisioning/update"
)

// Kiosks fetch releases from the same port, without a login, under the
// server's own name only.
func TestReleasesAreServedBesideTheConsole(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	from := t.TempDir()
	for _, name := range []string{"_0123456789abcdef0123456789abcdef.root", "_0123456789abcdef0123456789abcdef.verity", ".efi"} {
		must(t, os.WriteFile(filepath.Join(from, "pointnum_2.0.0"+name), []byte("content of "+name), 0o600))
	}
	_, err = update.WriteManifest(t.Context(), from, update.Manifest{Arch: "amd64", Version: "2.0.0", Created: 1})
	must(t, err)
	must(t, update.SignFolder(from, private))
	shelf := release.Open(t.TempDir(), []ed25519.PublicKey{public})
	_, err = shelf.Add(t.Context(), from)
	must(t, err)
	s := start(t, func(o *fleetserver.Options) { o.Releases, o.Relay = shelf, "https://telephone.example" })
	if status, text := s.get("https", s.host, "/releases/2.0.0/pointnum_2.0.0.efi", http.Header{"Range": {"bytes=8-"}}); status != http.StatusPartialContent || text != "of .efi" {
		t.Errorf("status %d: %q", status, text)
	}
	if status, text := s.get("https", s.host, "/releases/2.0.0/", nil); status != http.StatusNotFound || strings.Contains(text, "efi") {
		t.Errorf("a listing: status %d: %q", status, text)
	}
	if status, text := s.get("https", "telephone.example", "/releases/2.0.0/pointnum_2.0.0.efi", nil); status == http.StatusOK {
		t.Errorf("under the relay's name: %q", text)
	}
	if _, text := s.inner("/metrics"); !strings.Contains(text, "pointnum_rollout_stopped 0") {
		t.Error("no measure of rollouts")
	}
}
