package virtual

import (
	"io/fs"
	"log/slog"
	"strconv"
	"sync"
	"syscall"

	"pointnum/drivers/usbkey"
	"pointnum/kiosk"
)

// Key is a virtual USB key: a plain folder behind the code that drives real
// keys, with the faults that real ones have. It starts outside its socket.
type Key struct {
	*usbkey.Key
	socket *keySocket
}

var _ kiosk.Key = (*Key)(nil)

// NewKey makes a key of a folder, which must exist. log may be nil.
func NewKey(id kiosk.DeviceID, dir string, log *slog.Logger) *Key {
	s := &keySocket{dir: dir, pullAfter: -1}
	info := kiosk.Info{ID: id, Kind: kiosk.KindKey, Driver: "virtual", Make: "Pointnum", Model: "Virtual key", URI: "dir:" + dir}
	return &Key{Key: usbkey.New(info, s, log), socket: s}
}

// Dir is the folder that holds the key's files.
func (k *Key) Dir() string { return k.socket.dir }

// Insert puts the key in its socket.
func (k *Key) Insert() {
	k.socket.change(func(s *keySocket) {
		if !s.in {
			s.in = true
			s.turn++
		}
	})
}

// Pull takes the key out, whatever is being done with it.
func (k *Key) Pull() { k.socket.change(func(s *keySocket) { s.in = false }) }

// PullAfter pulls the key once so many bytes were written to it.
func (k *Key) PullAfter(bytes int64) {
	k.socket.change(func(s *keySocket) { s.pullAfter = bytes })
}

// SetFull makes the key full, or gives it room again.
func (k *Key) SetFull(full bool) { k.socket.change(func(s *keySocket) { s.full = full }) }

// SetReadOnly moves the key's write protection.
func (k *Key) SetReadOnly(on bool) { k.socket.change(func(s *keySocket) { s.readOnly = on }) }

// keySocket is the socket with its faults.
type keySocket struct {
	dir string

	mu        sync.Mutex
	in        bool
	turn      int // how often a key was put in
	full      bool
	readOnly  bool
	pullAfter int64 // bytes still to be written before the key is pulled; -1 is never
}

func (s *keySocket) change(f func(*keySocket)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// Volume implements usbkey.Socket.
func (s *keySocket) Volume() (usbkey.Volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.in {
		return nil, fs.ErrNotExist
	}
	v, err := usbkey.Folder(s.dir)
	if err != nil {
		return nil, err
	}
	return &keyVolume{Volume: v, socket: s, turn: s.turn}, nil
}

// keyVolume fails as a key does; what it does not define always works.
type keyVolume struct {
	usbkey.Volume
	socket *keySocket
	turn   int
}

// ID implements usbkey.Volume.
func (v *keyVolume) ID() string { return "virtual " + strconv.Itoa(v.turn) }

// Present implements usbkey.Volume.
func (v *keyVolume) Present() bool {
	v.socket.mu.Lock()
	defer v.socket.mu.Unlock()
	return v.socket.in && v.socket.turn == v.turn
}

// fault is what a call answers: a key that is gone fails with EIO, as the
// kernel does once the device is lost.
func (v *keyVolume) fault(writes bool) error {
	v.socket.mu.Lock()
	defer v.socket.mu.Unlock()
	switch {
	case !v.socket.in || v.socket.turn != v.turn:
		return syscall.EIO
	case writes && v.socket.readOnly:
		return syscall.EROFS
	}
	return nil
}

// Space implements usbkey.Volume.
func (v *keyVolume) Space() (int64, bool, error) {
	if err := v.fault(false); err != nil {
		return 0, false, err
	}
	free, readOnly, err := v.Volume.Space()
	v.socket.mu.Lock()
	defer v.socket.mu.Unlock()
	if v.socket.full {
		free = 0
	}
	return free, readOnly || v.socket.readOnly, err
}

// Create implements usbkey.Volume.
func (v *keyVolume) Create(name string) (usbkey.File, error) {
	if err := v.fault(true); err != nil {
		return nil, err
	}
	return v.file(v.Volume.Create(name))
}

// Open implements usbkey.Volume.
func (v *keyVolume) Open(name string) (usbkey.File, error) {
	if err := v.fault(false); err != nil {
		return nil, err
	}
	return v.file(v.Volume.Open(name))
}

func (v *keyVolume) file(f usbkey.File, err error) (usbkey.File, error) {
	if err != nil {
		return nil, err
	}
	return &keyFile{File: f, volume: v}, nil
}

// Rename implements usbkey.Volume.
func (v *keyVolume) Rename(from, to string) error {
	if err := v.fault(true); err != nil {
		return err
	}
	return v.Volume.Rename(from, to)
}

// Remove implements usbkey.Volume.
func (v *keyVolume) Remove(name string) error {
	if err := v.fault(true); err != nil {
		return err
	}
	return v.Volume.Remove(name)
}

// ReadDir implements usbkey.Volume.
func (v *keyVolume) ReadDir(name string, limit int) ([]fs.FileInfo, error) {
	if err := v.fault(false); err != nil {
		return nil, err
	}
	return v.Volume.ReadDir(name, limit)
}

// Sync implements usbkey.Volume.
func (v *keyVolume) Sync() error {
	if err := v.fault(false); err != nil {
		return err
	}
	return v.Volume.Sync()
}

// keyFile is an open file of a keyVolume.
type keyFile struct {
	usbkey.File
	volume *keyVolume
}

// Read implements usbkey.File.
func (f *keyFile) Read(b []byte) (int, error) {
	if err := f.volume.fault(false); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

// Write implements usbkey.File.
func (f *keyFile) Write(b []byte) (int, error) {
	if err := f.volume.fault(true); err != nil {
		return 0, err
	}
	s := f.volume.socket
	s.mu.Lock()
	full, part := s.full, -1
	if s.pullAfter >= 0 {
		if int64(len(b)) >= s.pullAfter {
			part = int(s.pullAfter)
			s.in, s.pullAfter = false, -1
		} else {
			s.pullAfter -= int64(len(b))
		}
	}
	s.mu.Unlock()
	switch {
	case full:
		return 0, syscall.ENOSPC
	case part >= 0:
		n, _ := f.File.Write(b[:part]) // what came through before
		return n, syscall.EIO
	}
	return f.File.Write(b)
}

// Sync implements usbkey.File.
func (f *keyFile) Sync() error {
	if err := f.volume.fault(false); err != nil {
		return err
	}
	return f.File.Sync()
}
