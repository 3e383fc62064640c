package decode

import (
	"errors"
	"image"
	"math"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/raster"
)

type pdfFile struct {
	doc   *mupdf.Document
	pages int
	l     Limits
}

func openPDF(data []byte, l Limits) (Source, error) {
	doc, err := mupdf.Open(data, int(l.MaxMemory))
	if err != nil {
		return nil, pdfFault(err, "decode: open pdf")
	}
	n, err := doc.Pages()
	switch {
	case err != nil:
		err = pdfFault(err, "decode: count pdf pages")
	case n <= 0:
		err = fault(kiosk.CodeFileBroken, "decode: pdf without a page")
	case n > l.MaxPages:
		err = fault(kiosk.CodeFileTooLong, "decode: pdf of too many pages")
	}
	if err != nil {
		doc.Close()
		return nil, err
	}
	return &pdfFile{doc, n, l}, nil
}

func pdfFault(err error, op string) error {
	switch {
	case errors.Is(err, mupdf.ErrPassword):
		return fault(kiosk.CodeFilePassword, op)
	case errors.Is(err, mupdf.ErrMemory):
		return fault(kiosk.CodeFileTooBig, op)
	}
	return fault(kiosk.CodeFileBroken, op)
}

func (f *pdfFile) Format() Format   { return PDF }
func (f *pdfFile) Restricted() bool { return f.doc.Encrypted() }
func (f *pdfFile) Pages() int       { return f.pages }
func (f *pdfFile) Close()           { f.doc.Close() }

// largestPage is the longest side of a page that is drawn, in points: 7 m.
const largestPage = 20000

func (f *pdfFile) Page(i int) (Picture, error) {
	frame, err := f.doc.Bounds(i)
	if err != nil {
		return Picture{}, pdfFault(err, "decode: load pdf page")
	}
	w, h := frame.Width(), frame.Height()
	if w <= 0 || h <= 0 {
		return Picture{}, fault(kiosk.CodeFileBroken, "decode: pdf page without a size")
	}
	if max(w, h) > largestPage {
		return Picture{}, fault(kiosk.CodeFileTooBig, "decode: pdf page of a giant")
	}
	content, scan, err := f.doc.Look(i)
	if err != nil {
		return Picture{}, pdfFault(err, "decode: look at pdf page")
	}
	if content.Unfinished {
		return Picture{}, fault(kiosk.CodeFileTooSlow, "decode: pdf page of millions of drawings")
	}
	raster.MakeRoom(content.Largest)
	p := Picture{Width: w, Height: h, Vector: content.Vector(), Searchable: !content.Vector() && content.Hidden > 0}
	if scan != nil {
		done := f.scanned(scan, &p)
		scan.Close()
		if done {
			return p, nil
		}
	}
	dpi := pageDPI(w/72, h/72, f.l.wantSide())
	pw, ph := max(1, int(math.Round(w*dpi/72))), max(1, int(math.Round(h*dpi/72)))
	img, flaws, err := f.doc.Render(i, frame, pw, ph)
	if err != nil {
		return Picture{}, pdfFault(err, "decode: draw pdf page")
	}
	p.Image, p.Orientation, p.DPI = img, 1, int(math.Round(dpi))
	p.Partial = flaws > 0 || f.doc.Repaired()
	if flaws > 0 && content.Glyphs+content.Segments+content.Shades == 0 {
		p.Vector = false // what it lives by is lost
	}
	return p, nil
}

// scanned takes the pixels of the one picture that a page consists of as they
// are: drawing the page would cost more and blur them. It reports false when
// that can't be done.
func (f *pdfFile) scanned(scan *mupdf.Image, p *Picture) bool {
	if scan.Width*scan.Height > f.l.MaxPixels || scan.DPI < 10 {
		return false
	}
	// 300 dpi of its paper is enough, unless that is said to be tiny.
	want := f.l.wantSide()
	if inches := float64(max(scan.Width, scan.Height)) / scan.DPI; inches > card {
		want = min(want, int(math.Ceil(inches*300)))
	}
	var img image.Image
	var flawed bool
	var err error
	if h, ok := ReadJPEGHeader(scan.JPEG); ok && h.Width == scan.Width && h.Height == scan.Height && h.Components != 4 {
		img, flawed, err = turboJPEG(scan.JPEG, h, eighths(h.Width, h.Height, want), f.l)
		if err != nil {
			img = nil
		}
	}
	if img == nil {
		if scan.Bits == 1 {
			want = 0
		}
		var flaws int
		if img, flaws, err = scan.Pixels(want, reducedTo(want)); err != nil {
			return false
		}
		flawed = flaws > 0
		if scan.Bits == 1 {
			img = twoColors(img)
		}
	}
	scale := float64(img.Bounds().Dx()) / float64(scan.Width)
	p.Image = visible(img, scan, scale)
	p.Orientation = scan.Orientation
	p.DPI = max(1, int(math.Round(scan.DPI*scale)))
	p.Partial = flawed || f.doc.Repaired()
	return true
}

// visible cuts a picture to what its page shows of it.
func visible(img image.Image, scan *mupdf.Image, scale float64) image.Image {
	r := scan.Visible
	whole := image.Rect(0, 0, scan.Width, scan.Height)
	near := max(1, whole.Dx()/500)
	if r.Min.X <= near && r.Min.Y <= near && whole.Max.X-r.Max.X <= near && whole.Max.Y-r.Max.Y <= near {
		return img
	}
	at := func(v int) int { return int(math.Round(float64(v) * scale)) }
	r = image.Rect(at(r.Min.X), at(r.Min.Y), at(r.Max.X), at(r.Max.Y)).Intersect(img.Bounds())
	if r.Empty() {
		return img
	}
	switch m := img.(type) {
	case *image.Gray:
		dst := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()])
		}
		return dst
	case *image.RGBA:
		dst := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):][:4*r.Dx()])
		}
		return dst
	}
	return img
}

// twoColors makes a grey picture of one whose two colours are greys.
func twoColors(img image.Image) image.Image {
	m, ok := img.(*image.RGBA)
	if !ok {
		return img
	}
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		if p := m.Pix[i : i+3 : i+3]; p[0] != p[1] || p[1] != p[2] {
			return img
		}
	}
	g := image.NewGray(m.Rect)
	for i := range g.Pix {
		g.Pix[i] = m.Pix[4*i]
	}
	return g
}

// card is the longest side, in inches, of a page that nobody prints.
const card = 2.5

// pageDPI chooses how finely a page of w by h inches is drawn: 300 dpi, less
// for sheets larger than A4 so that the long side stays within what is wanted,
// and more for pages that say they are smaller than a card: those are sheets
// whose program got their size wrong.
func pageDPI(w, h float64, want int) float64 {
	long := max(w, h)
	if long < card {
		return min(2400, min(2480, float64(want))/long)
	}
	return min(300, float64(want)/long)
}
