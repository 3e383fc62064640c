package kiosk

import (
	"context"
	"io"
	"time"
)

// Key is the socket for a visitor's USB key, with or without a key in it.
// Status is ready when a key is in; CodeKeyAbsent is its condition when none
// is, CodeKeyReadOnly and CodeKeyFull when nothing can be saved on it.
type Key interface {
	Device
	// Save writes a file at the top of the key under name, or under a name
	// with a number when that one is taken, never over another file. It
	// returns the name used, once the bytes are on the key and were read back
	// the same. A file that could not be finished is removed. Errors:
	// CodeKeyAbsent, CodeKeyFull, CodeKeyReadOnly, CodeKeyRemoved,
	// CodeKeyError.
	Save(ctx context.Context, name string, r io.Reader, size int64) (string, error)
	// List returns the files that a visitor may want to bring in, the newest
	// first, at most max; hidden files, programs and folders of the system
	// are left out, and so is everything deeper than three folders. With a max
	// of 0 it only forgets what it listed before, and needs no key for that.
	List(ctx context.Context, max int) ([]KeyFile, error)
	// Open reads a file of the last List by its ID.
	Open(ctx context.Context, id string) (io.ReadCloser, error)
}

// KeyFile is one file on a visitor's key.
type KeyFile struct {
	ID       string // opaque; no path
	Name     string // last part of its path, made safe to show (no control or direction characters)
	Size     int64
	Modified time.Time
}
