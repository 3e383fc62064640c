package update

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning"
)

// WriteManifest looks at the files in dir that are of m.Version, "" for that
// of the only kernel there, completes m by them and writes it to dir. What is
// in m.Files does not count. A signature over what was there before is
// removed.
func WriteManifest(ctx context.Context, dir string, m Manifest) (Manifest, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return m, fmt.Errorf("update: %w", err)
	}
	m.Words, m.Image, m.Files = Words, Image, nil
	if m.Version == "" {
		if m.Version, err = versionIn(entries); err != nil {
			return m, err
		}
	}
	for _, e := range entries {
		if _, ok := kindOf(e.Name(), m.Version); !ok {
			continue
		}
		f, err := measure(ctx, dir, e.Name())
		if err != nil {
			return m, err
		}
		m.Files = append(m.Files, f)
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("update: %s: %w", dir, err)
	}
	b, err := m.encode()
	if err != nil {
		return m, err
	}
	if err := os.Remove(filepath.Join(dir, SignatureName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("update: %w", err)
	}
	return m, atomicfile.Write(filepath.Join(dir, ManifestName), b, 0o644)
}

// versionIn is the version of the only kernel of ours in a folder.
func versionIn(entries []fs.DirEntry) (string, error) {
	var found []string
	for _, e := range entries {
		v, ok := strings.CutPrefix(e.Name(), Image+"_")
		if v, efi := strings.CutSuffix(v, ".efi"); ok && efi && provisioning.ValidVersion(v) {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("update: %d files %s_VERSION.efi, one is needed", len(found), Image)
	}
	return found[0], nil
}

func measure(ctx context.Context, dir, name string) (File, error) {
	f, err := OpenPlain(filepath.Join(dir, name))
	if err != nil {
		return File{}, fmt.Errorf("update: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, Reader(ctx, f))
	if err != nil {
		return File{}, fmt.Errorf("update: %s: %w", name, err)
	}
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// SignFolder signs the manifest in dir.
func SignFolder(dir string, key ed25519.PrivateKey) error {
	b, err := readSmall(filepath.Join(dir, ManifestName), MaxManifest)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, SignatureName), Sign(key, b), 0o644)
}

// OpenFolder opens the manifest of a release in a folder; its files are not
// looked at. Errors: those of Open, and CodeUpdateMissing.
func OpenFolder(keys []ed25519.PublicKey, dir string) (Manifest, error) {
	b, err := readSmall(filepath.Join(dir, ManifestName), MaxManifest)
	if err != nil {
		return Manifest{}, err
	}
	sig, err := readSmall(filepath.Join(dir, SignatureName), ed25519.SignatureSize)
	if err != nil {
		return Manifest{}, err
	}
	return Open(keys, b, sig)
}

// Verify opens a release in a folder and reads all of its files. Errors:
// those of OpenFolder, and CodeUpdateAltered.
func Verify(ctx context.Context, keys []ed25519.PublicKey, dir string) (Manifest, error) {
	m, err := OpenFolder(keys, dir)
	if err != nil {
		return m, err
	}
	for _, f := range m.Files {
		got, err := measure(ctx, dir, f.Name)
		if errors.Is(err, fs.ErrNotExist) {
			return m, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "update: " + f.Name, Err: err}
		}
		if err != nil {
			return m, err
		}
		if got != f {
			return m, &kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: "update: " + f.Name}
		}
	}
	return m, nil
}

// readSmall reads a file that may not be larger than max, and is a plain one:
// a folder comes from a stick or from a program that may be taken over.
func readSmall(path string, limit int64) ([]byte, error) {
	missing := func(err error) error {
		return &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "update: " + filepath.Base(path), Err: err}
	}
	f, err := OpenPlain(path)
	if err != nil {
		return nil, missing(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, missing(err)
	}
	if int64(len(b)) > limit {
		return nil, missing(errors.New("too long"))
	}
	return b, nil
}

// Reader stops reading when ctx ends.
func Reader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p)
}
