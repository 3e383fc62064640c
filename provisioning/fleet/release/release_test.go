package release_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/release"
	"pointnum/provisioning/update"
)

const uuid = "0123456789abcdef0123456789abcdef"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is a signed release in a folder.
func made(t *testing.T, key ed25519.PrivateKey, version string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, size := range map[string]int{"_" + uuid + ".root": 300_000, "_" + uuid + ".verity": 5000, ".efi": 700} {
		must(t, os.WriteFile(filepath.Join(dir, "pointnum_"+version+name), bytes.Repeat([]byte(name[len(name)-4:]), size/4), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, "secret.txt"), []byte("not of the release"), 0o600))
	m, err := update.WriteManifest(t.Context(), dir, update.Manifest{Arch: "amd64", Version: version, Minimum: "1.0.0", Created: 1_790_000_000, Notes: "Plus rapide."})
	must(t, err)
	must(t, update.SignFolder(dir, key))
	if m.Size() != 305_700 {
		t.Fatalf("made of %d bytes", m.Size())
	}
	return dir
}

func keys(t *testing.T) (ed25519.PrivateKey, []ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	must(t, err)
	return private, []ed25519.PublicKey{public}
}

func TestOnlyWhatWasSignedComesIn(t *testing.T) {
	key, trusted := keys(t)
	stranger, _ := keys(t)
	shelf := filepath.Join(t.TempDir(), "releases")
	s := release.Open(shelf, trusted)
	if _, err := s.Add(t.Context(), made(t, stranger, "2.0.0")); err == nil {
		t.Error("a stranger's release came in")
	}
	altered := made(t, key, "2.0.0")
	must(t, os.WriteFile(filepath.Join(altered, "pointnum_2.0.0.efi"), []byte(strings.Repeat("x", 700)), 0o600))
	if _, err := s.Add(t.Context(), altered); err == nil {
		t.Error("an altered release came in")
	}
	if in, err := os.ReadDir(shelf); err == nil && len(in) != 0 {
		t.Errorf("something is left behind: %v", in)
	}
	from := made(t, key, "2.0.0")
	m, err := s.Add(t.Context(), from)
	must(t, err)
	if r := release.Of(m); r.Version != "2.0.0" || r.Size != 305_700 || r.Notes != "Plus rapide." || r.Minimum != "1.0.0" || r.Created.Year() != 2026 {
		t.Errorf("it is %+v", r)
	}
	if _, err := s.Add(t.Context(), from); !errors.Is(err, fleet.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if _, err := os.Stat(filepath.Join(shelf, "2.0.0", "secret.txt")); err == nil {
		t.Error("more than the release was copied")
	}
	if !s.Has("2.0.0") || s.Has("2.0.1") || s.Has("../2.0.0") || release.Open(shelf, nil).Has("2.0.0") {
		t.Error("what is there is not what was added")
	}
	must(t, s.Remove("2.0.0"))
	if err := s.Remove("2.0.0"); !errors.Is(err, fleet.ErrNotFound) || s.Has("2.0.0") {
		t.Errorf("removed twice: %v", err)
	}
	if err := s.Remove("../releases"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("outside of the folder: %v", err)
	}
}

func TestKiosksFetchPartsAndNothingElse(t *testing.T) {
	key, trusted := keys(t)
	shelf := t.TempDir()
	s := release.Open(shelf, trusted)
	from := made(t, key, "2.0.0")
	_, err := s.Add(t.Context(), from)
	must(t, err)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	get := func(method, path string, header ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, nil)
		must(t, err)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		must(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		must(t, err)
		return res, string(b)
	}
	root := release.Path + "2.0.0/pointnum_2.0.0_" + uuid + ".root"
	whole, err := os.ReadFile(filepath.Join(from, filepath.Base(root)))
	must(t, err)
	res, body := get("GET", root)
	tag := res.Header.Get("ETag")
	if res.StatusCode != 200 || body != string(whole) || len(tag) != 66 || res.Header.Get("Last-Modified") != "" {
		t.Fatalf("status %d, %d bytes, tag %s", res.StatusCode, len(body), tag)
	}
	if res, body := get("GET", root, "Range", "bytes=299990-", "If-Range", tag); res.StatusCode != 206 || body != string(whole[299990:]) {
		t.Errorf("the rest: status %d, %d bytes", res.StatusCode, len(body))
	}
	if res, body := get("GET", root, "Range", "bytes=299990-", "If-Range", `"another"`); res.StatusCode != 200 || len(body) != len(whole) {
		t.Errorf("the rest of another file: status %d, %d bytes", res.StatusCode, len(body))
	}
	if res, body := get("HEAD", root); res.StatusCode != 200 || res.ContentLength != 300_000 || body != "" {
		t.Errorf("HEAD: status %d, %d bytes", res.StatusCode, res.ContentLength)
	}
	if res, _ := get("GET", root, "If-None-Match", tag); res.StatusCode != 304 {
		t.Errorf("the same again: status %d", res.StatusCode)
	}
	for _, name := range []string{update.ManifestName, update.SignatureName} {
		want, err := os.ReadFile(filepath.Join(from, name))
		must(t, err)
		if res, body := get("GET", release.Path+"2.0.0/"+name); res.StatusCode != 200 || body != string(want) {
			t.Errorf("%s: status %d", name, res.StatusCode)
		}
	}
	must(t, os.WriteFile(filepath.Join(shelf, "2.0.0", "other.txt"), []byte("x"), 0o600))
	must(t, os.Symlink("/etc/hostname", filepath.Join(shelf, "2.0.0", "link")))
	for _, path := range []string{"", "2.0.0", "2.0.0/", "2.0.0/other.txt", "2.0.0/link", "2.0.1/manifest.json", "2.0.0/..%2f..%2fsecret", "../release.go", "..%2f2.0.0/manifest.json", "2.0.0/manifest.json/x"} {
		if res, _ := get("GET", release.Path+path); res.StatusCode == 200 {
			t.Errorf("%q is served", path)
		}
	}
	if res, _ := get("POST", root); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", res.StatusCode)
	}
	must(t, os.Truncate(filepath.Join(shelf, "2.0.0", filepath.Base(root)), 5))
	if res, _ := get("GET", root); res.StatusCode != 404 {
		t.Errorf("half a file: status %d", res.StatusCode)
	}
}
