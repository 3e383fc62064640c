// Package release is the folder of the releases that a server gives to kiosks:
// one folder a version, with its signed manifest and files. Nothing comes in
// that a key of the server's configuration has not signed; what is served is
// public and checked again by each kiosk.
package release

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/update"
)

// Path is where Handler serves: Path VERSION "/" FILE.
const Path = "/releases/"

// Shelf is a folder of releases. It may be used from any goroutine, and by
// several processes.
type Shelf struct {
	dir  string
	keys []ed25519.PublicKey
}

// Open takes the releases in a folder, which need not be there yet, that one
// of keys has signed.
func Open(dir string, keys []ed25519.PublicKey) *Shelf { return &Shelf{dir: dir, keys: keys} }

// Add copies a release into the folder, once all of it was read and is what
// was signed; until then nobody sees it. Errors: those of update.Verify,
// fleet.ErrExists when it is there.
func (s *Shelf) Add(ctx context.Context, from string) (m update.Manifest, err error) {
	if m, err = update.OpenFolder(s.keys, from); err != nil {
		return m, err
	}
	to := filepath.Join(s.dir, m.Version)
	if _, err := os.Lstat(to); err == nil {
		return m, fleet.ErrExists
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return m, fmt.Errorf("release: %w", err)
	}
	part, err := os.MkdirTemp(s.dir, ".add-")
	if err != nil {
		return m, fmt.Errorf("release: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	if err := os.Chmod(part, 0o755); err != nil {
		return m, fmt.Errorf("release: %w", err)
	}
	for _, name := range names(m) {
		if err := copyFile(ctx, filepath.Join(from, name), filepath.Join(part, name)); err != nil {
			return m, err
		}
	}
	// The copy is what counts: from may change while it is read.
	if m, err = update.Verify(ctx, s.keys, part); err != nil {
		return m, err
	}
	if err := syncFolder(part); err != nil {
		return m, err
	}
	if err := os.Rename(part, to); errors.Is(err, fs.ErrExist) {
		return m, fleet.ErrExists
	} else if err != nil {
		return m, fmt.Errorf("release: %w", err)
	}
	return m, syncFolder(s.dir)
}

// names are the files of a release, the manifest and its signature last.
func names(m update.Manifest) (out []string) {
	for _, f := range m.Files {
		out = append(out, f.Name)
	}
	return append(out, update.ManifestName, update.SignatureName)
}

func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := update.OpenPlain(from)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	_, err = io.Copy(out, update.Reader(ctx, in))
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("release: %s: %w", filepath.Base(from), err)
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// Has says whether a release is in the folder, signed by one of the keys. Its
// files are not read.
func (s *Shelf) Has(version string) bool {
	_, err := s.manifest(version)
	return err == nil
}

func (s *Shelf) manifest(version string) (update.Manifest, error) {
	if !provisioning.ValidVersion(version) {
		return update.Manifest{}, fleet.ErrNotFound
	}
	m, err := update.OpenFolder(s.keys, filepath.Join(s.dir, version))
	if err == nil && m.Version != version {
		err = fleet.ErrNotFound
	}
	return m, err
}

// Remove takes a release away; fleet.ErrNotFound when it is not there.
func (s *Shelf) Remove(version string) error {
	if !provisioning.ValidVersion(version) {
		return fleet.ErrNotFound
	}
	// Another name first: nobody begins to read what is half gone.
	gone := filepath.Join(s.dir, ".gone-"+version)
	err := os.Rename(filepath.Join(s.dir, version), gone)
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.ErrNotFound
	}
	if err == nil {
		err = os.RemoveAll(gone)
	}
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// Handler serves the files that a release's manifest names, the manifest and
// its signature, and nothing else; parts of a file too, so that a kiosk goes on
// where it was cut off.
func (s *Shelf) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"{version}/{file}", s.serve)
	return mux
}

func (s *Shelf) serve(w http.ResponseWriter, r *http.Request) {
	version, name := r.PathValue("version"), r.PathValue("file")
	m, err := s.manifest(version)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	tag, size := "", int64(-1)
	for _, f := range m.Files {
		if f.Name == name {
			tag, size = f.SHA256, f.Size
		}
	}
	if size < 0 && name != update.ManifestName && name != update.SignatureName {
		http.NotFound(w, r)
		return
	}
	f, err := update.OpenPlain(filepath.Join(s.dir, version, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && size < 0 {
		tag, err = hash(f)
	}
	if err != nil || size >= 0 && info.Size() != size {
		http.NotFound(w, r) // it is not the one that was signed
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "public, max-age=86400")
	http.ServeContent(&slow{ResponseWriter: w, c: http.NewResponseController(w)}, r, "", time.Time{}, f)
}

// hash is of a small file, which is then read from its beginning again.
func hash(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, update.MaxManifest)); err != nil {
		return "", err
	}
	_, err := f.Seek(0, io.SeekStart)
	return hex.EncodeToString(h.Sum(nil)), err
}

// patience is how long a kiosk may take nothing before it is let go.
const patience = time.Minute

// slow lets a file take as long as it needs while something moves: it is
// hundreds of megabytes, on a line that people work on.
type slow struct {
	http.ResponseWriter
	c *http.ResponseController
}

// Write is http.ResponseWriter's.
func (s *slow) Write(b []byte) (int, error) {
	// A writer without deadlines has none to extend.
	if err := s.c.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.ResponseWriter.Write(b)
}

// Serves says whether a request is Handler's.
func Serves(path string) bool { return strings.HasPrefix(path, Path) }

// Of is a manifest as the store keeps it.
func Of(m update.Manifest) fleet.Release {
	return fleet.Release{Version: m.Version, Minimum: m.Minimum, Arch: m.Arch, Notes: m.Notes, Size: m.Size(), Created: time.Unix(m.Created, 0).UTC()}
}
