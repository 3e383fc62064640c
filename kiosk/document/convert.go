package document

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/wire"
)

// Convert makes files of pages; see kiosk.Documents.
func (e *Engine) Convert(ctx context.Context, pages []kiosk.PageRef, t kiosk.Target, progress func(done, total int)) (kiosk.Conversion, error) {
	if len(pages) == 0 {
		return kiosk.Conversion{}, &kiosk.Error{Code: kiosk.CodeInternal, Op: "document: convert", Err: errNoPages}
	}
	p, err := e.take(ctx)
	if err != nil {
		return kiosk.Conversion{}, err
	}
	defer e.release(p)
	defer p.stopAfter(ctx)()
	c := conversion{Engine: e, process: p, pages: pages, target: t, progress: progress, timer: newTimer(e.o, p)}
	defer c.timer.stop()
	// Each page may be encoded several times.
	c.timer.left += time.Duration(len(pages)) * 2 * e.o.PerPage
	job := e.job(wire.Convert)
	job.Target = t
	job.Whole = whole(pages)
	c.words = make([][]byte, len(pages))
	for i, ref := range pages {
		var w, h int
		if ref.Packed == nil {
			ref.PackedSize = 0
		}
		if t.Format == kiosk.FormatPDF {
			c.words[i], w, h = e.words.of(ref)
		}
		job.Pages = append(job.Pages, wire.PageSource{Words: int64(len(c.words[i])), Width: w, Height: h,
			Size: ref.Size, Packed: ref.PackedSize, DPI: ref.DPI, Turn: ref.Turn,
			Kind: ref.Kind, Changed: ref.Changed, Turned: ref.Turned, Origin: c.originOf(ref), Index: ref.Index})
	}
	for _, in := range c.origins {
		job.Origins = append(job.Origins, in.Size)
	}
	c.timer.whole()
	if err := wire.Send(p.in, wire.Job, job); err != nil {
		return kiosk.Conversion{}, p.fail(err, kiosk.CodeInternal)
	}
	return c.run()
}

// whole says whether the pages are all those of one input, in order.
func whole(pages []kiosk.PageRef) bool {
	in := pages[0].Origin
	if in == nil || pages[0].OriginPages != len(pages) {
		return false
	}
	for i, p := range pages {
		if p.Origin != in || p.Index != i {
			return false
		}
	}
	return true
}

// originOf numbers the inputs that the child may ask for; -1 is none. A scan
// is none: its master is straight and cut, it is not.
func (c *conversion) originOf(p kiosk.PageRef) int {
	in := p.Origin
	if in == nil || in.Scanned || in.Size <= 0 || in.Size > c.o.MaxInput {
		return -1
	}
	if i := slices.Index(c.origins, in); i >= 0 {
		return i
	}
	c.origins = append(c.origins, in)
	return len(c.origins) - 1
}

// conversion is a job that runs.
type conversion struct {
	*Engine
	*process
	pages    []kiosk.PageRef
	target   kiosk.Target
	origins  []*kiosk.Input
	words    [][]byte // of the pages; nil where there are none
	progress func(done, total int)
	timer    *timer
	result   kiosk.Conversion
	covered  int // pages in the files received
}

func (c *conversion) run() (kiosk.Conversion, error) {
	for {
		k, payload, err := wire.Read(c.r, wire.MaxMessage, wire.Need, wire.Progress, wire.File, wire.Done)
		if err != nil {
			return kiosk.Conversion{}, c.fail(err, kiosk.CodeInternal)
		}
		switch k {
		case wire.Need:
			err = c.answer(payload)
		case wire.Progress:
			err = c.report(payload)
		case wire.File:
			err = c.receive(payload)
		case wire.Done:
			return c.finish(payload)
		}
		if err != nil {
			return kiosk.Conversion{}, err
		}
	}
}

// answer sends the child what it asks for. The caller's reading is not
// the child's time.
func (c *conversion) answer(payload []byte) error {
	var m wire.NeedMessage
	if err := wire.Decode(payload, &m); err != nil {
		return c.fail(err, kiosk.CodeInternal)
	}
	var open func() (io.ReadCloser, error)
	var size int64
	page := kiosk.PageRef{}
	if m.Part != wire.Origin {
		if m.N < 0 || m.N >= len(c.pages) {
			return c.fail(wire.ErrProtocol, kiosk.CodeInternal)
		}
		page = c.pages[m.N]
	}
	switch {
	case m.Part == wire.Origin && m.N >= 0 && m.N < len(c.origins):
		open, size = c.origins[m.N].Open, c.origins[m.N].Size
	case m.Part == wire.Master:
		open, size = page.Open, page.Size
	case m.Part == wire.Words && c.words[m.N] != nil:
		open, size = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.words[m.N])), nil }, int64(len(c.words[m.N]))
	case m.Part == wire.Packed && page.Packed != nil:
		open, size = page.Packed, page.PackedSize
	default:
		return c.fail(wire.ErrProtocol, kiosk.CodeInternal)
	}
	c.timer.settle()
	r, err := openInput(open, size, c.o.MaxInput)
	if err != nil {
		return err
	}
	defer r.Close()
	c.timer.whole()
	if err := wire.SendInput(c.in, r, c.o.MaxInput); err != nil {
		return c.fail(err, kiosk.CodeInternal)
	}
	return nil
}

func (c *conversion) report(payload []byte) error {
	var m wire.ProgressMessage
	if err := wire.Decode(payload, &m); err != nil || m.Total != len(c.pages) || m.Done < 0 || m.Done > m.Total {
		return c.fail(wire.ErrProtocol, kiosk.CodeInternal)
	}
	if c.progress != nil {
		c.timer.pause()
		c.progress(m.Done, m.Total)
		c.timer.whole()
	}
	return nil
}

// receive takes a file, if it is one that the target allows.
func (c *conversion) receive(payload []byte) error {
	var m wire.FileMessage
	if err := wire.Decode(payload, &m); err != nil {
		return c.fail(err, kiosk.CodeInternal)
	}
	c.covered += m.Pages
	if m.Pages < 1 || c.covered > len(c.pages) || len(c.result.Files) >= max(c.target.MaxFiles, 1) {
		return c.fail(wire.ErrProtocol, kiosk.CodeInternal)
	}
	_, data, err := wire.Read(c.r, int(min(c.target.MaxBytes-1, 1<<30)), wire.Data)
	if err == nil {
		err = checkFile(data, c.target.Format)
	}
	if err != nil {
		return c.fail(err, kiosk.CodeInternal)
	}
	c.result.Files = append(c.result.Files, kiosk.File{Format: c.target.Format, Data: data, Pages: m.Pages})
	return nil
}

// checkFile looks at a file's ends: whether it is what it should be and was
// not cut.
func checkFile(data []byte, f kiosk.Format) error {
	magic, tail := magicPDF, []byte("%%EOF")
	switch f {
	case kiosk.FormatJPEG:
		magic, tail = magicJPEG, []byte("\xff\xd9")
	case kiosk.FormatPNG:
		magic, tail = magicPNG, []byte("IEND\xaeB`\x82")
	case kiosk.FormatTIFF:
		magic, tail = magicTIFF, nil // it may end with anything
	}
	if !bytes.HasPrefix(data, magic) || !bytes.Contains(data[max(0, len(data)-1024):], tail) {
		return fmt.Errorf("%w: not a %s file", wire.ErrProtocol, f)
	}
	return nil
}

func (c *conversion) finish(payload []byte) (kiosk.Conversion, error) {
	if err := doneError(payload, len(c.result.Files)); err != nil {
		return kiosk.Conversion{}, err
	}
	var m wire.DoneMessage
	if err := wire.Decode(payload, &m); err != nil {
		return kiosk.Conversion{}, err
	}
	if c.covered != len(c.pages) {
		return kiosk.Conversion{}, c.fail(io.ErrUnexpectedEOF, kiosk.CodeInternal)
	}
	c.result.Passed, c.result.Gray = m.Passed, m.Gray
	c.result.Level = max(0, min(m.Level, 100))
	for _, f := range m.Forms[:min(len(m.Forms), len(c.pages))] {
		c.result.Forms = append(c.result.Forms, checkedOp(f))
	}
	c.result.DPI = max(0, min(m.DPI, 5000))
	return c.result, nil
}
