// Package fetch brings a release into a folder of the kiosk: over HTTPS,
// going on after a cut where it was, or from a stick.
//
// Every byte is hashed on its way. A file is called by its name only once all
// of it is there and is the one that was signed; until then it ends in
// ".part". Whatever a server, a stick or a power cut does, what is under a
// release's names is the release.
package fetch

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
)

// spare is what stays free on the disk for the kiosk's own files.
const spare = 64 << 20

// Options say what is fetched. All but Rate, Progress and Stall are needed.
type Options struct {
	Source  Source
	Keys    []ed25519.PublicKey
	Version string
	Into    string // the release's own folder, made when missing
	// Accept says whether this kiosk may have the release; it is asked before
	// anything large is fetched.
	Accept func(*update.Manifest) error
	// Rate is how many bytes a second are good now; nil for as fast as can
	// be. It is asked again and again: a visit needs the line.
	Rate func() int64
	// Progress is told how many bytes of all are there.
	Progress func(done, total int64)
	// Stall is the time in which something has to come, MinStall bytes; 0 is
	// a minute. A server that gives a byte now and then is no server.
	Stall time.Duration
	// Free says how many bytes a folder's disk has; nil asks the system.
	Free func(dir string) (int64, error)
}

// MinStall is how much has to come in Options.Stall.
const MinStall = 16 << 10

// Fetch tries once to have the whole release in Options.Into. What came
// before an error stays and is used by the next try. Errors: those of
// update.Open, of Options.Accept and of the Source; CodeUpdateAltered for a
// file that is another one; CodeUpdateNoRoom; kiosk.CodeNotResponding for a
// server that stalls.
func Fetch(ctx context.Context, o Options) (update.Manifest, error) {
	if o.Stall == 0 {
		o.Stall = time.Minute
	}
	if o.Free == nil {
		o.Free = free
	}
	m, err := o.manifest(ctx)
	if err != nil {
		return m, err
	}
	f := fetcher{Options: o, total: m.Size()}
	missing := m.Size()
	for _, file := range m.Files {
		missing -= f.have(file)
	}
	// Root copies all of it before it writes it.
	if err := f.room(missing + m.Size()); err != nil {
		return m, err
	}
	for _, file := range m.Files {
		if err := f.file(ctx, file); err != nil {
			return m, err
		}
	}
	return m, nil
}

// manifest gets the manifest, and begins anew when it is another one than
// that of what is there.
func (o *Options) manifest(ctx context.Context) (m update.Manifest, err error) {
	text, err := o.small(ctx, update.ManifestName, update.MaxManifest)
	if err != nil {
		return m, err
	}
	sig, err := o.small(ctx, update.SignatureName, ed25519.SignatureSize)
	if err != nil {
		return m, err
	}
	if m, err = update.Open(o.Keys, text, sig); err != nil {
		return m, err
	}
	if m.Version != o.Version {
		return m, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "fetch", Err: fmt.Errorf("%s instead of %s", m.Version, o.Version)}
	}
	if err := o.Accept(&m); err != nil {
		return m, err
	}
	path := filepath.Join(o.Into, update.ManifestName)
	if have, err := os.ReadFile(path); err != nil || string(have) != string(text) {
		if err := os.RemoveAll(o.Into); err != nil {
			return m, failed("fetch", err)
		}
	}
	if err := os.MkdirAll(o.Into, 0o700); err != nil {
		return m, failed("fetch", err)
	}
	err = atomicfile.Write(filepath.Join(o.Into, update.SignatureName), sig, 0o600)
	if err == nil {
		err = atomicfile.Write(path, text, 0o600)
	}
	if err != nil {
		return m, failed("fetch", err)
	}
	return m, nil
}

// small gets a file that is not hashed, whole.
func (o *Options) small(ctx context.Context, name string, limit int64) (b []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Stall, errStalled)
	defer cancel()
	r, _, err := o.Source.Open(ctx, name, 0, "")
	if err != nil {
		return nil, lost(ctx, "fetch: "+name, err)
	}
	defer func() { _ = r.Close() }()
	b, err = io.ReadAll(io.LimitReader(r, limit+1)) // Open refuses what is too long
	if err != nil {
		return nil, lost(ctx, "fetch: "+name, err)
	}
	return b, nil
}

// fetcher is one try.
type fetcher struct {
	Options
	total, done int64
}

func (f *fetcher) path(file update.File) string { return filepath.Join(f.Into, file.Name) }
func (f *fetcher) part(file update.File) string { return f.path(file) + ".part" }

// have is how much of a file seems to be there.
func (f *fetcher) have(file update.File) int64 {
	for _, path := range []string{f.path(file), f.part(file)} {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() <= file.Size {
			return info.Size()
		}
	}
	return 0
}

func (f *fetcher) room(bytes int64) error {
	n, err := f.Free(f.Into)
	if err != nil {
		return failed("fetch", err)
	}
	if n < bytes+spare {
		return &kiosk.Error{Code: provisioning.CodeUpdateNoRoom, Op: "fetch", Err: fmt.Errorf("%d bytes free, %d needed", n, bytes+spare)}
	}
	return nil
}

func free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// file has one file under its name, verified.
func (f *fetcher) file(ctx context.Context, file update.File) error {
	// A part of another file, or one that a power cut spoilt, shows in the end
	// only: then all of it comes once more, and what is wrong now is the
	// source's.
	if info, err := os.Lstat(f.path(file)); err == nil && info.Mode().IsRegular() {
		if err := os.Rename(f.path(file), f.part(file)); err != nil {
			return failed("fetch: "+file.Name, err)
		}
	}
	resumed, err := f.try(ctx, file)
	if kiosk.CodeOf(err) == provisioning.CodeUpdateAltered && resumed {
		_, err = f.try(ctx, file)
	}
	return err
}

// try goes on with a file's part. resumed says that there was one. A part
// that is not the file is removed.
func (f *fetcher) try(ctx context.Context, file update.File) (resumed bool, err error) {
	out, err := os.OpenFile(f.part(file), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return false, failed("fetch: "+file.Name, err)
	}
	defer func() { err = errors.Join(err, closed(out)) }()
	h := sha256.New()
	at, err := io.Copy(h, update.Reader(ctx, out))
	if err != nil {
		return false, failed("fetch: "+file.Name, err)
	}
	resumed = at > 0
	if at < file.Size {
		if at, err = f.append(ctx, out, h, at, file); err != nil {
			return resumed, err
		}
	}
	if at != file.Size || hex.EncodeToString(h.Sum(nil)) != file.SHA256 {
		return resumed, errors.Join(&kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: "fetch: " + file.Name}, os.Remove(f.part(file)))
	}
	if err := out.Sync(); err != nil {
		return resumed, failed("fetch: "+file.Name, err)
	}
	if err := os.Rename(f.part(file), f.path(file)); err != nil {
		return resumed, failed("fetch: "+file.Name, err)
	}
	f.done += file.Size
	f.tell(0)
	return resumed, syncDir(f.Into)
}

// append writes what the source has of a file behind the part that is there.
func (f *fetcher) append(ctx context.Context, out *os.File, h hash.Hash, at int64, file update.File) (int64, error) {
	op := "fetch: " + file.Name
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWatch(f.Stall, func() { cancel(errStalled) })
	defer w.stop()
	in, from, err := f.Source.Open(ctx, file.Name, at, file.SHA256)
	if err != nil {
		return at, lost(ctx, op, err)
	}
	defer func() { _ = in.Close() }()
	if from != at {
		h.Reset()
		at = from
		if from != 0 {
			return 0, &kiosk.Error{Code: provisioning.CodeUpdateAltered, Op: op}
		}
	}
	if err := out.Truncate(at); err != nil {
		return at, failed(op, err)
	}
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return at, failed(op, err)
	}
	b := make([]byte, 64<<10)
	p := pacer{rate: f.Rate, watch: w}
	for at < file.Size {
		n, readErr := in.Read(b[:min(int64(len(b)), file.Size-at)])
		w.count(n)
		if _, err := out.Write(b[:n]); err != nil {
			return at, f.full(op, err)
		}
		h.Write(b[:n])
		at += int64(n)
		f.tell(at)
		if readErr != nil && at < file.Size {
			if errors.Is(readErr, io.EOF) {
				readErr = io.ErrUnexpectedEOF
			}
			if _, stick := f.Source.(Folder); stick && ctx.Err() == nil { // no network is in the way
				return at, &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: op, Err: readErr}
			}
			return at, lost(ctx, op, readErr)
		}
		if err := p.wait(ctx, n); err != nil {
			return at, lost(ctx, op, err)
		}
	}
	return at, nil
}

// full makes room again when the disk is full: the kiosk's own files need it.
func (f *fetcher) full(op string, err error) error {
	err = failed(op, err)
	if kiosk.CodeOf(err) == provisioning.CodeUpdateNoRoom {
		err = errors.Join(err, os.RemoveAll(f.Into))
	}
	return err
}

func (f *fetcher) tell(of int64) {
	if f.Progress != nil {
		f.Progress(f.done+of, f.total)
	}
}

// failed names a fault of the kiosk's own disk.
func failed(op string, err error) error {
	code := kiosk.CodeInternal
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		code = provisioning.CodeUpdateNoRoom
	}
	return &kiosk.Error{Code: code, Op: op, Err: err}
}

func closed(f *os.File) error {
	if err := f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return failed("fetch", err)
	}
	return nil
}

// syncDir makes names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return failed("fetch", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return failed("fetch", err)
	}
	return nil
}
