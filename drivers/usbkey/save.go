package usbkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"pointnum/kiosk"
)

// The name of a file that is not finished: hidden, and nobody else's.
const (
	partPrefix = ".pointnum-"
	partSuffix = ".part"
)

// chunk is how much is written before ctx is looked at.
const chunk = 256 << 10

var (
	errSource  = errors.New("the document can't be read")
	errSize    = errors.New("the document is not as long as announced")
	errCompare = errors.New("the key reads back something else")
)

// Save implements kiosk.Key. The name used is ASCII; see fileName.
func (k *Key) Save(ctx context.Context, name string, r io.Reader, size int64) (string, error) {
	k.saving.Lock()
	defer k.saving.Unlock()
	v, err := k.volume("save")
	if err != nil {
		return "", err
	}
	defer v.Close()
	free, readOnly, err := v.Space()
	switch {
	case err != nil:
		return "", k.fault("save", codeOf(v, err), err)
	case readOnly:
		return "", k.fault("save", kiosk.CodeKeyReadOnly, nil)
	case size > free:
		return "", k.fault("save", kiosk.CodeKeyFull, nil)
	}
	k.tidy(v)
	used, err := k.save(ctx, v, name, r, size)
	if err == nil {
		return used, nil
	}
	switch {
	case ctx.Err() != nil:
		return "", k.fault("save", kiosk.CodeOf(context.Cause(ctx)), context.Cause(ctx))
	case k.isClosed():
		return "", k.fault("save", kiosk.CodeCanceled, fs.ErrClosed)
	case errors.Is(err, errSource), errors.Is(err, errSize):
		return "", k.fault("save", kiosk.CodeInternal, err)
	case errors.Is(err, errCompare) && v.Present():
		return "", k.fault("save", kiosk.CodeKeyError, err)
	}
	return "", k.fault("save", codeOf(v, err), err)
}

func (k *Key) save(ctx context.Context, v Volume, name string, r io.Reader, size int64) (used string, err error) {
	current := partPrefix + strings.ToLower(rand.Text()[:8]) + partSuffix
	sum, err := k.write(ctx, v, current, r, size)
	defer func() {
		if err != nil {
			// On a key that was pulled there is nothing to remove from.
			_ = v.Remove(current)
			_ = v.Sync()
		}
	}()
	if err != nil {
		return "", err
	}
	used, err = settle(v, current, name)
	if err != nil {
		return "", err
	}
	current = used
	if err := v.Sync(); err != nil {
		return "", err
	}
	if err := compare(ctx, v, used, sum, size); err != nil {
		return "", err
	}
	if !v.Present() {
		return "", fs.ErrNotExist // what was written went into a key that is gone
	}
	return used, nil
}

// write puts the document in a new file and returns its checksum once it is
// flushed.
func (k *Key) write(ctx context.Context, v Volume, name string, r io.Reader, size int64) (sum []byte, err error) {
	f, err := v.Create(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	buf := make([]byte, chunk)
	var total int64
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if k.isClosed() {
			return nil, fs.ErrClosed
		}
		n, readErr := io.ReadFull(r, buf)
		if total += int64(n); total > size {
			return nil, errSize
		}
		hash.Write(buf[:n])
		if _, err := f.Write(buf[:n]); err != nil {
			return nil, err
		}
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
			break
		}
		if readErr != nil {
			return nil, fmt.Errorf("%w: %w", errSource, readErr)
		}
	}
	if total != size {
		return nil, errSize
	}
	return hash.Sum(nil), f.Sync()
}

// maxNumber bounds how many files of one name a key may hold.
const maxNumber = 999

// settle gives a finished file its name, or that name with a number.
func settle(v Volume, from, name string) (string, error) {
	stem, ext := fileName(name)
	to := stem + ext
	for n := 2; ; n++ {
		err := v.Rename(from, to)
		if err == nil {
			return to, nil
		}
		if !errors.Is(err, fs.ErrExist) || n > maxNumber {
			return "", err
		}
		to = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
}

// compare reads a file back from the key.
func compare(ctx context.Context, v Volume, name string, sum []byte, size int64) error {
	f, err := v.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Forget(); err != nil {
		return err
	}
	hash := sha256.New()
	buf := make([]byte, chunk)
	var total int64
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := f.Read(buf)
		hash.Write(buf[:n])
		total += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if total != size || !bytes.Equal(hash.Sum(nil), sum) {
		return errCompare
	}
	return nil
}

// tidy removes what a Save left that was cut off by a power failure or by the
// key being pulled.
func (k *Key) tidy(v Volume) {
	entries, err := v.ReadDir(".", maxEntries)
	if err != nil {
		return // saving finds out what is wrong
	}
	for _, e := range entries {
		n := e.Name()
		if e.Mode().IsRegular() && strings.HasPrefix(n, partPrefix) && strings.HasSuffix(n, partSuffix) {
			if err := v.Remove(n); err != nil {
				k.log.Debug("leftover stays on the key", "device", k.info.ID, "err", nameless(err))
			}
		}
	}
}
