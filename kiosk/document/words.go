package document

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/tool"
)

// reader reads the words of pages behind the visitor's back, for a layer of
// text that can be searched and read aloud. Nobody ever waits for it: a file
// that is made before its pages are read has no such layer.
type reader struct {
	tools  *tool.Tools
	most   int // pages that may wait
	ctx    context.Context
	cancel context.CancelFunc
	turn   chan struct{} // one page at a time

	mu    sync.Mutex
	pages map[[sha256.Size]byte]*readPage // by their packed form
	wg    sync.WaitGroup
}

// readPage is a page that is read.
type readPage struct {
	cancel        context.CancelFunc
	width, height int
	words         []byte // JSON; nil until it is done
}

func newReader(tools *tool.Tools, most int) *reader {
	r := &reader{tools: tools, most: most, turn: make(chan struct{}, 1), pages: map[[sha256.Size]byte]*readPage{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// add reads a page some time. languages are those of package tool.
func (r *reader) add(p kiosk.Page, languages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := sha256.Sum256(p.Packed)
	if r.ctx.Err() != nil || len(p.Packed) == 0 || len(r.pages) >= r.most || r.pages[key] != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.ctx)
	one := &readPage{cancel: cancel, width: p.Width, height: p.Height}
	r.pages[key] = one
	r.wg.Go(func() {
		defer cancel()
		select {
		case r.turn <- struct{}{}:
			defer func() { <-r.turn }()
		case <-ctx.Done():
			return
		}
		found, err := r.tools.Words(ctx, p.Image, p.DPI, languages)
		if err != nil {
			return // the page is as good without
		}
		all := make([]pdf.Word, len(found))
		for i, w := range found {
			all[i] = pdf.Word{Text: w.Text, X0: w.X0, Y0: w.Y0, X1: w.X1, Y1: w.Y1}
		}
		data, err := json.Marshal(all)
		if err != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		one.words = data
	})
}

// of gives the words of a packed page, if it is read.
func (r *reader) of(p kiosk.PageRef) (words []byte, width, height int) {
	if p.Packed == nil || r.empty() {
		return nil, 0, 0
	}
	in, err := p.Packed()
	if err != nil {
		return nil, 0, 0
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return nil, 0, 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.pages[[sha256.Size]byte(h.Sum(nil))]; one != nil {
		return one.words, one.width, one.height
	}
	return nil, 0, 0
}

func (r *reader) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pages) == 0
}

// forget drops all words, and those that are being read.
func (r *reader) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pages {
		p.cancel()
	}
	r.pages = map[[sha256.Size]byte]*readPage{}
}

// close ends all reading.
func (r *reader) close() {
	r.cancel()
	r.forget()
	r.wg.Wait()
}
