package child

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/document/decode"
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

func (c *child) importFile(job wire.JobMessage) error {
	data, err := wire.ReceiveInput(c.in, job.Size, job.MaxInput)
	if err != nil {
		return err
	}
	src, err := decode.Open(data, limits(job))
	if err != nil {
		return err
	}
	defer src.Close()
	total := src.Pages()
	if err := c.send(wire.Opened, wire.OpenedMessage{Total: total}); err != nil {
		return err
	}
	im := importing{child: c, job: job, total: total}
	for i := range total {
		p, err := src.Page(i)
		if err != nil {
			if total == 1 || kiosk.CodeOf(err) != kiosk.CodeFileBroken {
				return err
			}
			im.damaged, im.fault = true, err // the other pages may be whole
			continue
		}
		if err := im.page(p); err != nil {
			return err
		}
	}
	return im.end()
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
	message                wire.PageMessage
	master, preview, thumb []byte
	packed                 []byte
}

func (im *importing) page(p decode.Picture) error {
	im.damaged = im.damaged || p.Partial
	r, err := im.ready(p)
	if err != nil {
		return err
	}
	if p.Partial && slices.Contains(r.message.Findings, kiosk.Finding{Verdict: kiosk.VerdictBlank}) {
		// What was on it is lost: it would be an empty proof.
		im.fault = fault(kiosk.CodeFileBroken, "import: nothing to see in a damaged file")
		return nil
	}
	r.message.Index, r.message.Total = im.index, im.total
	im.index++
	return im.sendWith(wire.Page, r.message, r.master, r.preview, r.thumb, r.packed)
}

// end refuses a file of which nothing could be saved.
func (im *importing) end() error {
	if im.index == 0 {
		return im.fault
	}
	return nil
}

// ready straightens, cuts, scales and judges a page and writes its pictures.
func (im *importing) ready(p decode.Picture) (ready, error) {
	img := raster.Orient(p.Image, p.Orientation)
	dpi := p.DPI
	if im.job.Scanned {
		if im.job.DPI > 0 {
			dpi = im.job.DPI
		}
		img, _ = raster.Deskew(img)
		if r, ok := raster.CropBed(img); ok {
			img = cut(img, r)
		}
	}
	img, dpi = toMaster(img, dpi)
	gray := raster.IsGray(img)
	if gray {
		img = raster.Gray(img)
	}
	r := ready{message: wire.PageMessage{Width: img.Bounds().Dx(), Height: img.Bounds().Dy(), DPI: dpi, Gray: gray}}
	r.message.Kind = kiosk.PagePicture
	for _, v := range raster.Verdicts(img, dpi) {
		r.message.Findings = append(r.message.Findings, kiosk.Finding{Verdict: v})
	}
	if im.damaged {
		r.message.Findings = append(r.message.Findings, kiosk.Finding{Verdict: kiosk.VerdictPartial})
	}
	var err error
	if r.master, err = encodeMaster(img); err != nil {
		return r, err
	}
	preview := shrink(img, previewSide)
	if r.preview, err = raster.EncodeJPEG(preview, previewQual); err != nil {
		return r, err
	}
	r.thumb, err = raster.EncodeJPEG(shrink(preview, thumbSide), thumbQual)
	return r, err
}

// toMaster scales a page down to 300 dpi of its paper, which is taken to be
// no larger than A4, and says its resolution then. Pixels that do not say
// their size fill A4.
func toMaster(img image.Image, dpi int) (image.Image, int) {
	w, h := float64(img.Bounds().Dx()), float64(img.Bounds().Dy())
	long, short := max(w, h), min(w, h)
	d := max(long/a4Long, short/a4Short)
	if dpi > 0 {
		d = max(d, float64(dpi)) // never larger than A4
	}
	f := min(1, masterSide/long)
	if d > 300 && long/d > 2.5 {
		f = min(f, 300/d)
	}
	if f < 1 {
		img = raster.Scale(img, max(1, int(math.Round(w*f))), max(1, int(math.Round(h*f))))
	}
	return img, max(1, int(math.Round(d*f)))
}

func shrink(img image.Image, side int) image.Image {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if max(w, h) <= side {
		return img
	}
	f := float64(side) / float64(max(w, h))
	return raster.Scale(img, max(1, int(float64(w)*f+0.5)), max(1, int(float64(h)*f+0.5)))
}

// cut copies a part of a page, so that the whole can be freed.
func cut(img image.Image, r image.Rectangle) image.Image {
	r = r.Intersect(img.Bounds())
	if r.Empty() || r == img.Bounds() {
		return img
	}
	switch m := img.(type) {
	case *image.Gray:
		dst := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()])
		}
		return dst
	default:
		src := raster.ToRGBA(img)
		dst := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], src.Pix[src.PixOffset(r.Min.X, r.Min.Y+y):][:4*r.Dx()])
		}
		return dst
	}
}

// encodeMaster keeps black and white pages without loss; everything else
// becomes a JPEG of high quality.
func encodeMaster(img image.Image) ([]byte, error) {
	if g, ok := img.(*image.Gray); ok && bilevel(g) {
		return encodeBilevel(g)
	}
	return raster.EncodeJPEG(img, masterQuality)
}

func bilevel(g *image.Gray) bool {
	for y := range g.Rect.Dy() {
		for _, v := range g.Pix[y*g.Stride:][:g.Rect.Dx()] {
			if v != 0 && v != 255 {
				return false
			}
		}
	}
	return true
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
