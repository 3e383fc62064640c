// Package install puts a release beside the one that runs, with root's
// rights. Whoever asks is the agent, which reads strangers' bytes and may be
// taken over: it says a version and nothing else, and what lies in its folder
// is believed only once root has copied and hashed it.
//
//	agent's folder --copy, sha256--> DIR/coming --rename--> DIR/staged --systemd-sysupdate--> the other slot
package install

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
)

// Name is the steward's socket.
const Name = "update"

// Request is what the agent asks. The release is in the folder Version of
// Options.From.
type Request struct {
	Version string `json:"version"`
}

// Answer is what came of it: it was written, and the next start of the
// machine tries it.
type Answer struct {
	Detail string `json:"detail,omitempty"` // what systemd-sysupdate said, for the log
}

// Where things are on a kiosk.
const (
	From        = "/var/lib/pointnum/update"
	Dir         = "/data/update"
	Loader      = "/efi/EFI/Linux"
	Program     = "/usr/lib/systemd/systemd-sysupdate"
	Definitions = "/usr/lib/pointnum/sysupdate.d"
)

// spare is what stays free on the disk.
const spare = 32 << 20

// Options say where things are. Keys, Arch and Running are needed.
type Options struct {
	Keys    []ed25519.PublicKey
	Arch    string // as Go calls it
	Running string // the version that runs
	From    string // the agent's folder; "" for the constant, as are the next ones
	Dir     string // root's own; staged releases go to its folder "staged"
	Loader  string // the boot loader's kernels
	Program string // systemd-sysupdate
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *string
		value string
	}{{&o.From, From}, {&o.Dir, Dir}, {&o.Loader, Loader}, {&o.Program, Program}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return o
}

// Do does what a request of the steward's socket asks, and returns an Answer.
// It returns when the release is written, or when nothing of it is left but
// what systemd-sysupdate itself can go on from. Errors have the codes of
// package provisioning, CodeUpdateBusy while another one runs.
func Do(ctx context.Context, o Options, request []byte) (any, error) {
	o = o.withDefaults()
	var r Request
	d := json.NewDecoder(bytes.NewReader(request))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() || !provisioning.ValidVersion(r.Version) {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "install: request", Err: err}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, failed("install", err)
	}
	unlock, err := lock(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	said, err := o.put(ctx, r.Version)
	if err != nil {
		return nil, err
	}
	return Answer{Detail: said}, nil
}

// lock keeps two requests apart; the kernel gives it back when this process
// dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, failed("install: lock", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(&kiosk.Error{Code: provisioning.CodeUpdateBusy, Op: "install", Err: err}, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func (o *Options) put(ctx context.Context, version string) (said string, err error) {
	from, err := openFolder(o.From, version)
	if err != nil {
		return "", err
	}
	defer from.Close()
	m, err := o.manifest(from, version)
	if err != nil {
		return "", err
	}
	// "staged" is what systemd-sysupdate looks at: only whole releases are
	// ever under that name, and none is left there.
	coming, staged := filepath.Join(o.Dir, "coming"), filepath.Join(o.Dir, "staged")
	defer func() { err = errors.Join(err, os.RemoveAll(coming), os.RemoveAll(staged)) }()
	if err := errors.Join(os.RemoveAll(coming), os.RemoveAll(staged), os.Mkdir(coming, 0o700)); err != nil {
		return "", failed("install", err)
	}
	if err := room(o.Dir, m.Size()+spare); err != nil {
		return "", err
	}
	for _, f := range m.Files {
		if err := copyFile(ctx, from, coming, f); err != nil {
			return "", err
		}
	}
	if err := os.Rename(coming, staged); err != nil {
		return "", failed("install", err)
	}
	if err := forget(o.Loader, version); err != nil {
		return "", err
	}
	said, err = run(ctx, o.Program, version)
	if err != nil {
		return "", err
	}
	return said, o.written(version)
}

// manifest verifies the release once more, by root's keys, and that this
// kiosk may go to it.
func (o *Options) manifest(from *os.File, version string) (m update.Manifest, err error) {
	text, err := readIn(from, update.ManifestName, update.MaxManifest)
	if err != nil {
		return m, err
	}
	sig, err := readIn(from, update.SignatureName, ed25519.SignatureSize)
	if err != nil {
		return m, err
	}
	if m, err = update.Open(o.Keys, text, sig); err != nil {
		return m, err
	}
	if m.Version != version {
		return m, &kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: "install", Err: fmt.Errorf("folder %s holds %s", version, m.Version)}
	}
	entries, err := Entries(o.Loader)
	if err != nil {
		return m, failed("install: loader", err)
	}
	confirmed := ""
	for _, e := range entries {
		if e.Good && provisioning.CompareVersions(e.Version, confirmed) > 0 {
			confirmed = e.Version
		}
	}
	return m, m.Fits(o.Arch, o.Running, confirmed)
}

// openFolder opens the agent's folder of a version. What is above o.From is
// root's; from there on nothing may be a link.
func openFolder(from, version string) (*os.File, error) {
	above, err := os.Open(filepath.Dir(from))
	if err != nil {
		return nil, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "install", Err: err}
	}
	defer above.Close()
	return openIn(above, filepath.Join(filepath.Base(from), version), unix.O_DIRECTORY)
}

// openIn opens something below a folder without following any link and
// without waiting for a pipe. It goes step by step: openat2(2), which would do
// it at once, is closed to units with RestrictSUIDSGID, as its arguments can't
// be looked at.
func openIn(dir *os.File, name string, flags int) (*os.File, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "install: " + name, Err: fs.ErrInvalid}
	}
	const always = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_NOFOLLOW
	at := int(dir.Fd())
	parts := strings.Split(name, "/")
	for i, part := range parts {
		how := always | unix.O_DIRECTORY
		if i == len(parts)-1 {
			how = always | flags
		}
		fd, err := unix.Openat(at, part, how, 0)
		if at != int(dir.Fd()) {
			_ = unix.Close(at)
		}
		if err != nil {
			return nil, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "install: " + name, Err: err}
		}
		at = fd
	}
	return os.NewFile(uintptr(at), name), nil
}

// openPlain opens a plain file in a folder.
func openPlain(dir *os.File, name string) (*os.File, error) {
	f, err := openIn(dir, name, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, errors.Join(&kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "install: " + name, Err: err}, f.Close())
	}
	return f, nil
}

func readIn(dir *os.File, name string, limit int64) ([]byte, error) {
	f, err := openPlain(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1)) // Open refuses what is too long
	if err != nil {
		return nil, failed("install: "+name, err)
	}
	return b, nil
}

// copyFile copies a file while hashing it, so that what is checked is what is
// used, whatever becomes of the agent's.
func copyFile(ctx context.Context, from *os.File, to string, f update.File) (err error) {
	in, err := openPlain(from, f.Name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(to, f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return failed("install: "+f.Name, err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), update.Reader(ctx, io.LimitReader(in, f.Size+1)))
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return failed("install: "+f.Name, err)
	}
	if n != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return &kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: "install: " + f.Name}
	}
	return nil
}

// room says whether a disk has so many bytes left.
func room(dir string, bytes int64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return failed("install", err)
	}
	if free := int64(s.Bavail) * s.Bsize; free < bytes {
		return &kiosk.Error{Code: provisioning.CodeUpdateNoRoom, Op: "install", Err: fmt.Errorf("%d bytes free, %d needed", free, bytes)}
	}
	return nil
}

// failed names a fault of the disk.
func failed(op string, err error) error {
	code := provisioning.CodeUpdateInstall
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		code = provisioning.CodeUpdateNoRoom
	case errors.Is(err, context.Canceled):
		code = kiosk.CodeCanceled
	}
	return &kiosk.Error{Code: code, Op: op, Err: err}
}
