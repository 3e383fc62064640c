package child

import (
	"image"
	"runtime"

	"pointnum/kiosk"
	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/fit"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/wire"
)

// cachedPages is how many pages' pixels are kept between encodings: 35 MB
// each for A4 in colour.
const cachedPages = 2

func (c *child) convert(job wire.JobMessage) (wire.DoneMessage, error) {
	if len(job.Pages) == 0 {
		return wire.DoneMessage{}, fault(kiosk.CodeInternal, "convert: no pages")
	}
	if job.Whole && len(job.Origins) == 1 {
		file, ok, err := c.pass(job)
		if err != nil {
			return wire.DoneMessage{}, err
		}
		if ok {
			done := wire.DoneMessage{Passed: true}
			return done, c.sendWith(wire.File, wire.FileMessage{Pages: len(job.Pages)}, file)
		}
		// What comes out should not be larger than what was brought.
		if aim := job.Target.AimBytes; aim == 0 || aim > job.Origins[0] {
			job.Target.AimBytes = job.Origins[0]
		}
	}
	pages := make([]fit.Page, len(job.Pages))
	for i, p := range job.Pages {
		pages[i] = fit.Page{DPI: p.DPI, Load: func() (image.Image, error) { return c.load(job, i) }}
	}
	var failed error
	r, err := fit.Fit(pages, job.Target, fit.Options{
		Workers: max(1, runtime.GOMAXPROCS(0)-1),
		Cached:  cachedPages,
		Progress: func(done, total int) {
			if err := c.progress(done, total); err != nil {
				failed = err
			}
		},
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return wire.DoneMessage{}, err
	}
	for _, f := range r.Files {
		if err := c.sendWith(wire.File, wire.FileMessage{Pages: f.Pages}, f.Data); err != nil {
			return wire.DoneMessage{}, err
		}
	}
	return wire.DoneMessage{DPI: r.DPI, Gray: r.Gray}, nil
}

// load fetches a page's master and decodes it. It was written by a child like
// this one, which may have been taken over: it is trusted no more than a file.
func (c *child) load(job wire.JobMessage, i int) (image.Image, error) {
	data, err := c.need(wire.NeedMessage{Part: wire.Master, N: i}, job.Pages[i].Size, job.MaxInput)
	if err != nil {
		return nil, err
	}
	src, err := decode.Open(data, limits(job))
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
	return raster.Turn(img, job.Pages[i].Turn), nil
}

// pass gives the origin as it came, when it is of the format wanted, fits, and
// holds nothing but its pages; what else it holds is taken out without
// touching them.
func (c *child) pass(job wire.JobMessage) ([]byte, bool, error) {
	limit := job.Target.MaxBytes - 1
	data, err := c.need(wire.NeedMessage{Part: wire.Origin}, job.Origins[0], job.MaxInput)
	if err != nil {
		return nil, false, err
	}
	var out []byte
	ok := false
	switch f := decode.Sniff(data); {
	case f == decode.PDF && job.Target.Format == kiosk.FormatPDF:
		out, ok = cleanpdf.Clean(data, len(job.Pages), int(job.MaxMemory))
	case f == decode.JPEG && job.Target.Format == kiosk.FormatJPEG && len(job.Pages) == 1:
		out, ok = decode.StripJPEG(data)
	case f == decode.PNG && job.Target.Format == kiosk.FormatPNG && len(job.Pages) == 1:
		out, ok = decode.StripPNG(data)
	}
	return out, ok && int64(len(out)) <= limit, nil
}
