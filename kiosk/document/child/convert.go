package child

import (
	"encoding/json"
	"image"
	"runtime"

	"pointnum/kiosk"
	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/fit"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/wire"
)

// cachedPages is how many pages' pixels are kept between encodings: 35 MB
// each for A4 in colour.
const cachedPages = 2

// converting is one conversion.
type converting struct {
	*child
	job       wire.JobMessage
	data      [][]byte             // of the origins; nil until asked for
	originals []*cleanpdf.Original // nil where it is no PDF that can be taken from
}

func (c *child) convert(job wire.JobMessage) (wire.DoneMessage, error) {
	if len(job.Pages) == 0 {
		return wire.DoneMessage{}, fault(kiosk.CodeInternal, "convert: no pages")
	}
	v := &converting{child: c, job: job, data: make([][]byte, len(job.Origins)), originals: make([]*cleanpdf.Original, len(job.Origins))}
	defer v.close()
	if err := v.open(); err != nil {
		return wire.DoneMessage{}, err
	}
	if file, ok, err := v.untouched(); ok || err != nil {
		return wire.DoneMessage{Passed: ok}, v.deliver(err, kiosk.File{Data: file, Pages: len(job.Pages)})
	}
	r, err := v.fit()
	if err != nil {
		return wire.DoneMessage{}, err
	}
	if file, ok := v.smaller(r); ok {
		return wire.DoneMessage{Passed: true}, v.deliver(nil, kiosk.File{Data: file, Pages: len(job.Pages)})
	}
	done := wire.DoneMessage{DPI: r.DPI, Gray: r.Gray, Level: r.Level}
	for _, f := range r.Forms {
		done.Forms = append(done.Forms, string(f))
	}
	return done, v.deliver(nil, r.Files...)
}

// open reads the PDFs that pages may be taken from. One that can't be taken
// from any more is no loss: its pages have their masters.
func (v *converting) open() error {
	if v.job.Target.Format != kiosk.FormatPDF {
		return nil
	}
	for _, p := range v.job.Pages {
		if p.Origin < 0 || p.Origin >= len(v.data) || v.data[p.Origin] != nil || p.Kind != kiosk.PageDigital && !v.job.Whole {
			continue
		}
		data, err := v.origin(p.Origin)
		if err != nil {
			return err
		}
		if decode.Sniff(data) != decode.PDF {
			continue
		}
		if o, err := cleanpdf.Open(data, int(v.job.MaxMemory)); err == nil {
			v.originals[p.Origin] = o
		}
	}
	return nil
}

func (v *converting) close() {
	for _, o := range v.originals {
		if o != nil {
			o.Close()
		}
	}
}

// origin fetches an input, once.
func (v *converting) origin(n int) ([]byte, error) {
	if v.data[n] == nil {
		data, err := v.need(wire.NeedMessage{Part: wire.Origin, N: n}, v.job.Origins[n], v.job.MaxInput)
		if err != nil {
			return nil, err
		}
		v.data[n] = data
	}
	return v.data[n], nil
}

func (v *converting) deliver(err error, files ...kiosk.File) error {
	for _, f := range files {
		if err != nil {
			return err
		}
		err = v.sendWith(wire.File, wire.FileMessage{Pages: f.Pages}, f.Data)
	}
	return err
}

// untouched gives the input as it came where that is worth more than what
// could be made of it: a signed PDF, and a picture of the right format that
// is light enough, but for its metadata.
func (v *converting) untouched() ([]byte, bool, error) {
	if !v.job.Whole || len(v.job.Origins) != 1 {
		return nil, false, nil
	}
	t := v.job.Target
	for _, p := range v.job.Pages {
		if p.Turn != 0 {
			return nil, false, nil
		}
	}
	if o := v.originals[0]; o != nil {
		ok := o.Signed() && !o.Active() && int64(len(v.data[0])) < t.MaxBytes
		return v.data[0], ok, nil
	}
	most := t.MaxBytes - 1
	if t.AimBytes > 0 {
		most = min(most, t.AimBytes)
	}
	if len(v.job.Pages) != 1 || v.job.Pages[0].Changed || v.job.Pages[0].Turned != 0 || t.Format == kiosk.FormatPDF {
		return nil, false, nil
	}
	data, err := v.origin(0)
	if err != nil {
		return nil, false, err
	}
	var out []byte
	ok := false
	switch f := decode.Sniff(data); {
	case f == decode.JPEG && t.Format == kiosk.FormatJPEG:
		out, ok = decode.StripJPEG(data)
	case f == decode.PNG && t.Format == kiosk.FormatPNG:
		out, ok = decode.StripPNG(data)
	}
	return out, ok && int64(len(out)) <= most, nil
}

// smaller gives the input's pages as they came when what was made of them is
// larger.
func (v *converting) smaller(r fit.Result) ([]byte, bool) {
	if !v.job.Whole || len(v.job.Origins) != 1 || v.originals[0] == nil || len(r.Files) != 1 {
		return nil, false
	}
	made := len(r.Files[0].Data)
	if made <= len(v.data[0]) {
		return nil, false
	}
	var parts []cleanpdf.Part
	for i, p := range v.job.Pages {
		if p.Changed {
			return nil, false
		}
		parts = append(parts, cleanpdf.Part{Original: v.originals[0], Page: i, Turn: (p.Turn + p.Turned) % 360})
	}
	kept, err := cleanpdf.Assemble(parts, cleanpdf.Quality{}, int(v.job.MaxMemory))
	return kept, err == nil && len(kept) < made
}

// neverGrow lets what comes out not be larger than what was brought, but for
// pictures of a PDF's pages: they would be coarse for no limit's sake.
func (v *converting) neverGrow() error {
	if !v.job.Whole || len(v.job.Origins) != 1 {
		return nil
	}
	if v.job.Target.Format != kiosk.FormatPDF {
		data, err := v.origin(0)
		if err != nil || decode.Sniff(data) == decode.PDF {
			return err
		}
	}
	if aim := v.job.Target.AimBytes; aim == 0 || aim > v.job.Origins[0] {
		v.job.Target.AimBytes = v.job.Origins[0]
	}
	return nil
}

func (v *converting) fit() (fit.Result, error) {
	if err := v.neverGrow(); err != nil {
		return fit.Result{}, err
	}
	pages := make([]fit.Page, len(v.job.Pages))
	for i, p := range v.job.Pages {
		pages[i] = fit.Page{DPI: p.DPI, Kind: p.Kind, Turn: p.Turn, Index: p.Index,
			Load: func() (image.Image, error) { return v.load(i) }}
		if p.Words > 0 {
			words, err := v.words(i)
			if err != nil {
				return fit.Result{}, err
			}
			pages[i].Words = words
		}
		if p.Packed > 0 {
			pages[i].Packed = func() (pdf.Page, error) { return v.packed(i) }
		}
		if p.Origin >= 0 && p.Origin < len(v.originals) {
			pages[i].Original = v.originals[p.Origin]
		}
	}
	var failed error
	r, err := fit.Fit(pages, v.job.Target, fit.Options{
		Workers: max(1, runtime.GOMAXPROCS(0)-1),
		Cached:  cachedPages, MaxMemory: int(v.job.MaxMemory),
		Progress: func(done, total int) {
			if err := v.progress(done, total); err != nil {
				failed = err
			}
		},
	})
	if err == nil {
		err = failed
	}
	return r, err
}

// packed fetches a page as it was packed when it came in.
func (v *converting) packed(i int) (p pdf.Page, err error) {
	data, err := v.need(wire.NeedMessage{Part: wire.Packed, N: i}, v.job.Pages[i].Packed, v.job.MaxInput)
	if err == nil {
		err = p.UnmarshalBinary(data)
	}
	return p, err
}

// words fetches what was read on a page.
func (v *converting) words(i int) (*fit.Words, error) {
	p := v.job.Pages[i]
	data, err := v.need(wire.NeedMessage{Part: wire.Words, N: i}, p.Words, v.job.MaxInput)
	if err != nil {
		return nil, err
	}
	w := &fit.Words{Width: p.Width, Height: p.Height}
	if json.Unmarshal(data, &w.All) != nil {
		return nil, nil // the page is as good without
	}
	return w, nil
}

// load fetches a page's master and decodes it. It was written by a child like
// this one, which may have been taken over: it is trusted no more than a file.
func (v *converting) load(i int) (image.Image, error) {
	data, err := v.need(wire.NeedMessage{Part: wire.Master, N: i}, v.job.Pages[i].Size, v.job.MaxInput)
	if err != nil {
		return nil, err
	}
	src, err := decode.Open(data, limits(v.job))
	if err != nil {
		return nil, err
	}
	defer src.Close()
	p, err := src.Page(0)
	if err != nil {
		return nil, err
	}
	img := p.Image
	switch img.(type) {
	case *image.Gray:
	case *image.Paletted:
		if raster.IsGray(img) {
			img = raster.Gray(img)
		} else {
			img = raster.ToRGBA(img)
		}
	default:
		img = raster.ToRGBA(img)
	}
	return img, nil
}
