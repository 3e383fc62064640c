package usbkey

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
)

// Driver returns the driver "usbkey".
func Driver() kiosk.Driver {
	return kiosk.Driver{
		Name: "usbkey",
		Kind: kiosk.KindKey,
		Open: func(_ context.Context, s kiosk.Spec, log *slog.Logger) (kiosk.Device, error) {
			socket, err := socketOf(s)
			if err != nil {
				return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "usbkey: open", Device: s.ID, Err: err}
			}
			return New(kiosk.Info{ID: s.ID, Kind: kiosk.KindKey, Driver: "usbkey", URI: s.URI}, socket, log), nil
		},
	}
}

func socketOf(s kiosk.Spec) (Socket, error) {
	u, err := url.Parse(s.URI)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "dir" || u.Host != "" || !filepath.IsAbs(u.Path) {
		return nil, errors.New("URI is not dir:/path")
	}
	dir := filepath.Clean(u.Path)
	switch s.Options["mount"] {
	case "", "required":
		return mountSocket{dir}, nil
	case "any":
		return folderSocket{dir}, nil
	}
	return nil, fmt.Errorf("mount is %q, not required or any", s.Options["mount"])
}

// Key is a socket for USB keys.
type Key struct {
	info   kiosk.Info
	socket Socket
	log    *slog.Logger
	saving sync.Mutex // one Save at a time

	mu     sync.Mutex
	closed bool
	listed map[string]place // by KeyFile.ID, of the last List
}

// place is where a listed file is.
type place struct {
	volume string // Volume.ID
	path   string
	file   kiosk.KeyFile
}

var _ kiosk.Key = (*Key)(nil)

// New makes a key of a socket of one's own.
func New(info kiosk.Info, socket Socket, log *slog.Logger) *Key {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Key{info: info, socket: socket, log: log}
}

// Info implements kiosk.Device.
func (k *Key) Info() kiosk.Info { return k.info }

// minFree is the least that must be free for a key not to count as full: one
// small document.
const minFree = 256 << 10

// Status implements kiosk.Device.
func (k *Key) Status(ctx context.Context) (kiosk.Status, error) {
	if err := ctx.Err(); err != nil {
		return kiosk.Status{}, k.fault("status", kiosk.CodeOf(context.Cause(ctx)), context.Cause(ctx))
	}
	v, err := k.volume("status")
	if err != nil {
		code := kiosk.CodeOf(err)
		if code == kiosk.CodeKeyAbsent || code == kiosk.CodeKeyError {
			return kiosk.Status{Conditions: []kiosk.Code{code}}, nil
		}
		return kiosk.Status{}, err
	}
	defer v.Close()
	free, readOnly, err := v.Space()
	switch {
	case err != nil && !v.Present():
		return kiosk.Status{Conditions: []kiosk.Code{kiosk.CodeKeyAbsent}}, nil
	case err != nil:
		return kiosk.Status{Conditions: []kiosk.Code{kiosk.CodeKeyError}, Detail: nameless(err).Error()}, nil
	case readOnly:
		return kiosk.Status{Ready: true, Conditions: []kiosk.Code{kiosk.CodeKeyReadOnly}}, nil
	case free < minFree:
		return kiosk.Status{Ready: true, Conditions: []kiosk.Code{kiosk.CodeKeyFull}}, nil
	}
	return kiosk.Status{Ready: true}, nil
}

// Close implements kiosk.Device. A Save under way ends at its next chunk.
func (k *Key) Close() error {
	k.mu.Lock()
	k.closed, k.listed = true, nil
	k.mu.Unlock()
	k.saving.Lock()
	defer k.saving.Unlock()
	return nil
}

func (k *Key) isClosed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.closed
}

// volume opens the key that is in; the error is a *kiosk.Error.
func (k *Key) volume(op string) (Volume, error) {
	if k.isClosed() {
		return nil, k.fault(op, kiosk.CodeUnplugged, fs.ErrClosed)
	}
	v, err := k.socket.Volume()
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return nil, k.fault(op, kiosk.CodeKeyAbsent, nil)
	}
	return nil, k.fault(op, kiosk.CodeKeyError, err)
}

func (k *Key) fault(op string, code kiosk.Code, err error) error {
	return &kiosk.Error{Code: code, Op: "usbkey: " + op, Device: k.info.ID, Err: nameless(err)}
}

// nameless takes the file's name out of an error: names are the visitor's.
func nameless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// codeOf gives an error of the key its code. absent is what it means that a
// file or the device is not there.
func codeOf(v Volume, err error) kiosk.Code {
	if !v.Present() {
		return kiosk.CodeKeyRemoved
	}
	switch {
	case isAny(err, unix.ENOSPC, unix.EDQUOT, unix.EFBIG):
		return kiosk.CodeKeyFull
	case errors.Is(err, unix.EROFS):
		return kiosk.CodeKeyReadOnly
	case isAny(err, unix.EIO, unix.ENODEV, unix.ENXIO, unix.ENOENT, unix.ESTALE):
		return kiosk.CodeKeyRemoved
	}
	return kiosk.CodeKeyError
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}
