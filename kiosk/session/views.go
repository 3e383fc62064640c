package session

import (
	"fmt"
	"io"
	"io/fs"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// Picture is which picture of a page is wanted.
type Picture string

// The pictures.
const (
	PictureThumb Picture = "thumb" // long side about 320 pixels
	PictureView  Picture = "view"  // long side about 1,400 pixels
)

// File is one file of a result, ready to be handed on.
type File struct {
	Name      string
	MediaType string
	Size      int64
}

// views is what can be looked at without asking the actor.
type views struct {
	mu    sync.Mutex
	pages map[string]map[Picture]string // blob ids
	files map[string][]fileView         // of a document
}

type fileView struct {
	File
	blob spool.Blob
}

func (v *views) clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pages = make(map[string]map[Picture]string)
	v.files = make(map[string][]fileView)
}

// pictureName names the pictures of a page's version.
func pictureName(page string, asIs bool) string {
	if asIs {
		return page + "-as-is"
	}
	return page
}

// add shows a page that is ready.
func (v *views) add(id string, p *page) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pages[id] = p.pictures()
	if p.Came != nil {
		v.pages[pictureName(id, true)] = p.Came.pictures()
	}
}

func (v *version) pictures() map[Picture]string {
	return map[Picture]string{PictureThumb: v.Thumb.ID, PictureView: v.Preview.ID}
}

func (v *views) drop(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.pages, id)
	delete(v.pages, pictureName(id, true))
}

// addFiles shows a paper's result; none when it has none.
func (v *views) addFiles(p *paper) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.files, p.ID)
	if p.Result == nil {
		return
	}
	for i, b := range p.Result.Files {
		v.files[p.ID] = append(v.files[p.ID], fileView{blob: b, File: File{
			Name: p.Result.nameOf(i), MediaType: p.Result.Format.MediaType(), Size: b.Size}})
	}
}

// OpenPicture reads a picture of a page that is ready, by its Page.Picture,
// unturned: Page.Turn is for the reader to apply. It never waits for a task. The caller closes it;
// the end of the visit does, too. The error is fs.ErrNotExist when there is no
// such page (any more).
func (e *Engine) OpenPicture(name string, what Picture) (rc io.ReadCloser, mediaType string, err error) {
	e.views.mu.Lock()
	blob, ok := e.views.pages[name][what]
	e.views.mu.Unlock()
	if !ok {
		return nil, "", fmt.Errorf("session: picture: %w", fs.ErrNotExist)
	}
	rc, err = e.cfg.Spool.Open(blob)
	if err != nil {
		return nil, "", fmt.Errorf("session: picture: %w", err)
	}
	return rc, kiosk.FormatJPEG.MediaType(), nil
}

// OpenFile reads a file of a document's result, from 0 to Result.Files-1, to
// show it or to hand it to a portal. It never waits for a task. The caller
// closes it. The error is fs.ErrNotExist when there is no such file (any
// more).
func (e *Engine) OpenFile(document string, i int) (io.ReadCloser, File, error) {
	e.views.mu.Lock()
	files := e.views.files[document]
	e.views.mu.Unlock()
	if i < 0 || i >= len(files) {
		return nil, File{}, fmt.Errorf("session: file: %w", fs.ErrNotExist)
	}
	rc, err := e.cfg.Spool.Open(files[i].blob.ID)
	if err != nil {
		return nil, File{}, fmt.Errorf("session: file: %w", err)
	}
	return rc, files[i].File, nil
}
