// Package update is what a release of a kiosk's system is: a folder of files,
// a manifest that names them with their sha256, and a signature over that.
//
// A release has no date after which it is refused: a kiosk that stood in a
// cupboard for years takes it by the keys that its own system holds, whatever
// its clock says. What keeps old releases out is their version.
//
// Packages below it bring a release to a kiosk (fetch), say when it is put in
// (updater) and put it in with root's rights (install).
package update

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

// Names in a release's folder, beside its files.
const (
	ManifestName  = "manifest.json"
	SignatureName = "manifest.json.sig"
)

// Image is what Manifest.Image has to be.
const Image = "pointnum"

// Words is the version of a manifest's words. Fields are only ever added
// under one; a kiosk does not take another.
const Words = 1

// Limits of a release.
const (
	MaxManifest = 64 << 10 // bytes
	maxFiles    = 8
	maxFile     = 8 << 30 // bytes
	maxNotes    = 4 << 10 // bytes
)

// Manifest says what a release is.
type Manifest struct {
	Words   int    `json:"words"`
	Image   string `json:"image"` // Image
	Arch    string `json:"arch"`  // as Go calls it: "amd64"
	Version string `json:"version"`
	// Minimum is the lowest version that may go to this one directly; "" is
	// any.
	Minimum string `json:"minimum,omitempty"`
	Created int64  `json:"created"` // s since 1970; nothing is decided by it
	Notes   string `json:"notes,omitempty"`
	Files   []File `json:"files"`
}

// File is one file of a release.
type File struct {
	Name   string `json:"name"` // without a folder
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Size is how many bytes all files are.
func (m *Manifest) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// signPrefix keeps signatures of releases apart from whatever else the key
// may sign.
const signPrefix = "pointnum release 1\n"

// Sign signs the bytes of a manifest.
func Sign(key ed25519.PrivateKey, manifest []byte) (sig []byte) {
	return ed25519.Sign(key, append([]byte(signPrefix), manifest...))
}

// Open verifies the bytes of a manifest with one of the keys, and reads them.
// Its fields are checked: names are plain, of this version, and the root, its
// hashes and the kernel are there. Errors: provisioning.CodeUpdateSignature;
// CodeUpdateMinimum for words that came after this code; CodeUpdateAltered
// for what was signed and still makes no sense.
func Open(keys []ed25519.PublicKey, manifest, sig []byte) (Manifest, error) {
	if len(manifest) > MaxManifest || !signed(keys, manifest, sig) {
		return Manifest{}, &kiosk.Error{Code: provisioning.CodeUpdateSignature, Op: "update: manifest"}
	}
	var m Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return Manifest{}, &kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: "update: manifest", Err: err}
	}
	if m.Words != Words {
		return Manifest{}, &kiosk.Error{Code: provisioning.CodeUpdateMinimum, Op: "update: manifest", Err: fmt.Errorf("words %d", m.Words)}
	}
	if err := m.check(); err != nil {
		return Manifest{}, &kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: "update: manifest", Err: err}
	}
	return m, nil
}

func signed(keys []ed25519.PublicKey, manifest, sig []byte) bool {
	text := append([]byte(signPrefix), manifest...)
	for _, k := range keys {
		if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, text, sig) {
			return true
		}
	}
	return false
}

// tail is what follows "pointnum_VERSION" in the name of a file: the UUID of
// the partition it goes to, and what it is.
var tail = regexp.MustCompile(`^(_[0-9a-fA-F-]{32,36})?\.([a-z]{2,10})$`)

// kindOf is what a file of a version is by its name: "root", "verity", "efi".
func kindOf(name, version string) (string, bool) {
	rest, ok := strings.CutPrefix(name, Image+"_"+version)
	m := tail.FindStringSubmatch(rest)
	if !ok || m == nil {
		return "", false
	}
	return m[2], true
}

func (m *Manifest) check() error {
	switch {
	case m.Image != Image:
		return errors.New("of another image")
	case !short(m.Arch):
		return errors.New("no architecture")
	case !provisioning.ValidVersion(m.Version):
		return errors.New("no version")
	case m.Minimum != "" && !provisioning.ValidVersion(m.Minimum):
		return errors.New("minimum is no version")
	case len(m.Notes) > maxNotes:
		return errors.New("notes too long")
	case len(m.Files) > maxFiles:
		return errors.New("too many files")
	}
	kinds := map[string]bool{}
	for _, f := range m.Files {
		kind, ok := kindOf(f.Name, m.Version)
		sum, err := hex.DecodeString(f.SHA256)
		if !ok || kinds[kind] || f.Size < 1 || f.Size > maxFile || err != nil || len(sum) != 32 || f.SHA256 != strings.ToLower(f.SHA256) {
			return fmt.Errorf("file %q", f.Name)
		}
		kinds[kind] = true
	}
	for _, kind := range []string{"root", "verity", "efi"} {
		if !kinds[kind] {
			return errors.New("no ." + kind)
		}
	}
	return nil
}

func short(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// Fits says whether a kiosk may go to this release: one that runs version,
// and ran confirmed well before; "" for none. Errors: CodeUpdateOlder,
// CodeUpdateMinimum, CodeUpdateForeign for another architecture.
func (m *Manifest) Fits(arch, version, confirmed string) error {
	code := kiosk.Code("")
	switch {
	case m.Arch != arch:
		code = provisioning.CodeUpdateForeign
	case provisioning.CompareVersions(m.Version, version) <= 0 || provisioning.CompareVersions(m.Version, confirmed) <= 0:
		code = provisioning.CodeUpdateOlder
	case m.Minimum != "" && provisioning.CompareVersions(version, m.Minimum) < 0:
		code = provisioning.CodeUpdateMinimum
	default:
		return nil
	}
	return &kiosk.Error{Code: code, Op: "update: " + m.Version, Err: fmt.Errorf("%s on %s, %s runs, %s did", m.Arch, arch, version, confirmed)}
}

// encode is the bytes that are signed.
func (m *Manifest) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("update: manifest: %w", err)
	}
	if b.Len() > MaxManifest {
		return nil, errors.New("update: manifest: too long")
	}
	return b.Bytes(), nil
}
