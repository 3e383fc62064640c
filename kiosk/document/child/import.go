package child

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/fit"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/wire"
)

// What a page is made ready as.
const (
	masterSide    = 3508 // 300 dpi of A4's long side
	previewSide   = 1400
	thumbSide     = 320
	masterQuality = 90
	previewQual   = 75
	thumbQual     = 70

	a4Long, a4Short = 11.69, 8.27 // inches
)

func (c *child) importFile(job wire.JobMessage) (done wire.DoneMessage, err error) {
	data, err := wire.ReceiveInput(c.in, job.Size, job.MaxInput)
	if err != nil {
		return done, err
	}
	format := decode.Sniff(data)
	src, err := decode.Open(data, limits(job))
	if err != nil {
		if kiosk.CodeOf(err) == kiosk.CodeFileUnsupported {
			done.Office = strings.ToLower(format.String())
		}
		return done, err
	}
	defer src.Close()
	total := src.Pages()
	if err := c.send(wire.Opened, wire.OpenedMessage{Total: total, Format: strings.ToLower(format.String())}); err != nil {
		return done, err
	}
	im := importing{child: c, job: job, total: total}
	if err := im.all(src); err != nil {
		return done, err
	}
	return done, im.end()
}

// outcome is a page made ready, or why it was not.
type outcome struct {
	ready
	partial bool  // what was decoded is not the whole page
	lost    error // the page could not be decoded
	err     error
}

// all makes the pages ready, as many at once as there are processors but one,
// and sends them in order. Only so many are in memory at any time.
func (im *importing) all(src decode.Source) error {
	workers := max(1, runtime.GOMAXPROCS(0)-1)
	turns, stop := make(chan struct{}, workers), make(chan struct{})
	queue := make(chan chan outcome, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		defer close(queue)
		for i := range im.total {
			select {
			case turns <- struct{}{}:
			case <-stop:
				return
			}
			out := make(chan outcome, 1)
			p, err := src.Page(i)
			if err != nil {
				out <- outcome{lost: err}
			} else {
				wg.Go(func() {
					r, err := im.ready(&p)
					out <- outcome{ready: r, partial: p.Partial, err: err}
				})
			}
			queue <- out // never more than there are turns
		}
	})
	for out := range queue {
		o := <-out
		if err := im.page(o); err != nil {
			return err
		}
		<-turns
	}
	return nil
}

// importing is what is known of an input while its pages are made ready.
type importing struct {
	*child
	job     wire.JobMessage
	total   int
	index   int   // of the next page
	damaged bool  // a page was lost or is not whole
	fault   error // why the last page that was lost was
}

// ready is a page that is to be sent.
type ready struct {
	message                        wire.PageMessage
	master, preview, thumb, packed []byte
}

// page sends a page. One that can't be decoded is left out where others may be
// whole.
func (im *importing) page(o outcome) error {
	switch {
	case o.err != nil:
		return o.err
	case o.lost != nil && (im.total == 1 || kiosk.CodeOf(o.lost) != kiosk.CodeFileBroken):
		return o.lost
	case o.lost != nil:
		im.damaged, im.fault = true, o.lost
		return nil
	}
	im.damaged = im.damaged || o.partial
	if o.partial && slices.Contains(o.message.Findings, kiosk.Finding{Verdict: kiosk.VerdictBlank}) {
		// What was on it is lost: it would be an empty proof.
		im.fault = fault(kiosk.CodeFileBroken, "import: nothing to see in a damaged file")
		return nil
	}
	if im.damaged {
		o.message.Findings = append(o.message.Findings, kiosk.Finding{Verdict: kiosk.VerdictPartial})
	}
	o.message.Index, o.message.Total = im.index, im.total
	im.index++
	return im.sendWith(wire.Page, o.message, o.master, o.preview, o.thumb, o.packed)
}

// end refuses a file of which nothing could be saved.
func (im *importing) end() error {
	if im.index == 0 {
		return im.fault
	}
	return nil
}

// ready cleans, scales and judges a page and writes its pictures. It takes the
// picture out of p.
func (im *importing) ready(p *decode.Picture) (ready, error) {
	s, dpi := sheetOf(p, im.job)
	r := ready{message: wire.PageMessage{Kind: kiosk.PageDigital, SourceDPI: p.DPI, Searchable: p.Searchable || p.Vector, Turned: s.turned}}
	m := &r.message
	if s.IsGray() {
		s.Overview, m.Gray = s.Gray(), true
	}
	size := s.Page().Bounds().Size()
	m.Width, m.Height, m.DPI = size.X, size.Y, dpi
	m.Findings = s.judge(dpi)
	if !im.job.AsIs && !im.job.Scanned && !p.Vector {
		s.even()
	}
	m.Changes = s.changes
	if err := r.pictures(s); err != nil || p.Vector {
		return r, err
	}
	packed, kind, err := fit.Pack(s.Overview, dpi)
	if err == nil {
		m.Kind = kind
		r.packed, err = packed.MarshalBinary()
	}
	return r, err
}

// pictures writes the page for later, for the screen and for the list.
func (r *ready) pictures(s *sheetOfPaper) (err error) {
	if r.master, err = encodeMaster(s.Page()); err != nil {
		return err
	}
	preview := raster.NewOverview(s.Reduced(previewSide))
	if r.preview, err = raster.EncodeJPEG(preview.Page(), previewQual); err != nil {
		return err
	}
	r.thumb, err = raster.EncodeJPEG(preview.Reduced(thumbSide), thumbQual)
	return err
}

// leastPaper is the length in inches below which nothing is a paper that
// somebody brought: its resolution is a mistake.
const leastPaper = 3.0

// toMaster scales a page down to 300 dpi of its paper, which is taken to be
// no larger than A4, and says its resolution then. Pixels that do not say
// their size, or a size that can't be, fill A4.
func toMaster(img image.Image, dpi int) (image.Image, int) {
	w, h := float64(img.Bounds().Dx()), float64(img.Bounds().Dy())
	long, short := max(w, h), min(w, h)
	d := max(long/a4Long, short/a4Short)
	if dpi > 0 && long/float64(dpi) >= leastPaper {
		d = max(d, float64(dpi)) // never larger than A4
	}
	f := min(1, masterSide/long)
	if d > 300 && long/d > 2.5 {
		f = min(f, 300/d)
	}
	if f > 0.97 { // not worth a scaling, which takes some of the sharpness
		f = 1
	}
	if f < 1 {
		img = raster.Scale(img, max(1, int(math.Round(w*f))), max(1, int(math.Round(h*f))))
	}
	return img, max(1, int(math.Round(d*f)))
}

// encodeMaster keeps black and white pages without loss; everything else
// becomes a JPEG of high quality.
func encodeMaster(img image.Image) ([]byte, error) {
	if raster.IsBilevel(img) {
		return encodeBilevel(img.(*image.Gray))
	}
	return raster.EncodeJPEG(img, masterQuality)
}

func encodeBilevel(g *image.Gray) ([]byte, error) {
	p := image.NewPaletted(g.Rect, color.Palette{color.Black, color.White})
	for y := range g.Rect.Dy() {
		row := p.Pix[y*p.Stride:]
		for x, v := range g.Pix[y*g.Stride:][:g.Rect.Dx()] {
			row[x] = v >> 7
		}
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
