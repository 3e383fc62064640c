package usbkey

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"pointnum/kiosk"
)

const (
	// maxDepth is how many folders deep a visitor's files are looked for.
	maxDepth = 3
	// maxEntries bounds what is looked at on a key: a music collection must
	// not keep the screen waiting.
	maxEntries = 20_000
)

// List implements kiosk.Key.
func (k *Key) List(ctx context.Context, limit int) ([]kiosk.KeyFile, error) {
	if limit <= 0 {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.listed = nil
		return nil, nil
	}
	v, err := k.volume("list")
	if err != nil {
		return nil, err
	}
	defer v.Close()
	w := &walk{v: v, left: maxEntries}
	if err := w.folder(ctx, ".", 0); err != nil {
		if ctx.Err() != nil {
			return nil, k.fault("list", kiosk.CodeOf(context.Cause(ctx)), context.Cause(ctx))
		}
		return nil, k.fault("list", codeOf(v, err), err)
	}
	slices.SortFunc(w.found, func(a, b found) int {
		if c := b.file.Modified.Compare(a.file.Modified); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	files := make([]kiosk.KeyFile, 0, min(limit, len(w.found)))
	listed := make(map[string]place)
	prefix := strings.ToLower(rand.Text()[:8])
	for i, f := range w.found[:cap(files)] {
		f.file.ID = fmt.Sprintf("%s-%d", prefix, i)
		listed[f.file.ID] = place{volume: v.ID(), path: f.path, file: f.file}
		files = append(files, f.file)
	}
	k.mu.Lock()
	k.listed = listed
	k.mu.Unlock()
	return files, nil
}

// Open implements kiosk.Key. An ID that is not of the last List is
// CodeBadRequest; a file of a key that was changed meanwhile CodeKeyRemoved.
func (k *Key) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	if ctx.Err() != nil {
		return nil, k.fault("open", kiosk.CodeOf(context.Cause(ctx)), context.Cause(ctx))
	}
	k.mu.Lock()
	where, ok := k.listed[id]
	k.mu.Unlock()
	if !ok {
		return nil, k.fault("open", kiosk.CodeBadRequest, errors.New("no such file in the last list"))
	}
	v, err := k.volume("open")
	if err != nil {
		return nil, err
	}
	if v.ID() != where.volume {
		_ = v.Close()
		return nil, k.fault("open", kiosk.CodeKeyRemoved, nil)
	}
	f, err := v.Open(where.path)
	if err != nil {
		code := codeOf(v, err)
		_ = v.Close()
		return nil, k.fault("open", code, err)
	}
	r := &reading{ctx: ctx, key: k, volume: v, file: f}
	if info, err := f.Stat(); err != nil || info.Size() != where.file.Size || !info.ModTime().Equal(where.file.Modified) {
		_ = r.Close()
		return nil, k.fault("open", kiosk.CodeKeyRemoved, errChanged)
	}
	return r, nil
}

var errChanged = errors.New("the file is not the one that was listed")

// reading is an open file of a visitor's. It is a stream, so that it carries
// the context it was opened with.
type reading struct {
	ctx    context.Context
	key    *Key
	volume Volume
	file   File
}

func (r *reading) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, r.key.fault("read", kiosk.CodeOf(context.Cause(r.ctx)), context.Cause(r.ctx))
	}
	n, err := r.file.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, r.key.fault("read", codeOf(r.volume, err), err)
	}
	return n, err
}

func (r *reading) Close() error {
	return nameless(errors.Join(r.file.Close(), r.volume.Close()))
}

type found struct {
	path string
	file kiosk.KeyFile
}

// walk goes through a key's folders.
type walk struct {
	v     Volume
	left  int // entries that may still be looked at
	found []found
}

func (w *walk) folder(ctx context.Context, dir string, depth int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.left <= 0 {
		return nil
	}
	entries, err := w.v.ReadDir(dir, w.left)
	if err != nil && (depth == 0 || !w.v.Present()) {
		return err
	}
	w.left -= len(entries)
	for _, e := range entries {
		name, where := e.Name(), path.Join(dir, e.Name())
		switch {
		case hidden(name):
		case e.Mode().IsRegular() && !program(name):
			w.found = append(w.found, found{path: where, file: kiosk.KeyFile{
				Name: shownName(name), Size: e.Size(), Modified: e.ModTime(),
			}})
		case e.IsDir() && depth < maxDepth:
			if err := w.folder(ctx, where, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
