package mrc

import (
	"image"
	"image/color"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/raster"
)

// Options say how to split. The zero value is meant for all pages.
type Options struct {
	// White says that the page's paper was made white before, by
	// raster.Whiten.
	White bool
	// Doubled says that the page was enlarged to twice its own resolution,
	// and dpi is that of the enlarged one.
	Doubled bool
}

// Layers is a page in layers, and what is needed to encode it.
type Layers struct {
	Width, Height int // of the page, pixels
	DPI           int // of the page; what Split took it for when it was told 0
	// Photo says that the page is a card or a photograph, or that it could
	// not be told ink from paper: it must be kept as a picture. There is
	// nothing else in Layers then.
	Photo bool
	// Stencils are what is ink, by its colour; none on an empty sheet.
	Stencils []Stencil

	page     *page
	cells    *cells
	limit    []uint8
	mask     *jbig2.Bitmap // all stencils; nil when there is none
	ground   *ground
	original image.Image // as large as the page's copy, not whitened
	guard    guard
	doubled  bool // see Options
}

// Stencil is ink of one colour: where it is, and the colour.
type Stencil struct {
	Mask  *jbig2.Bitmap
	Color color.RGBA
}

// Split finds a page's layers. img is the page as it was scanned; dpi is its
// resolution on paper, and 0 takes it for a sheet of A4. Layers hold copies of
// half its size, and its brightness.
func Split(img image.Image, dpi int, o Options) *Layers {
	return SplitPage(raster.NewOverview(img), dpi, o)
}

// SplitPage is Split of a page that was looked at before.
func SplitPage(img *raster.Overview, dpi int, o Options) *Layers {
	b := img.Page().Bounds()
	if dpi <= 0 {
		dpi = max(max(b.Dx(), b.Dy())*10/117, 1) // A4 is 11.7 inches long
	}
	l := &Layers{Width: b.Dx(), Height: b.Dy(), DPI: dpi, doubled: o.Doubled}
	if min(b.Dx(), b.Dy()) < 16 {
		l.Photo = true
		return l
	}
	p := newPage(img, dpi, o.White)
	c := p.measure()
	f := p.pictures(c)
	if f.isPhoto(c) {
		l.Photo = true
		return l
	}
	l.page, l.cells = p, c
	l.original = p.before(img)
	l.limit = c.limits(f.in)
	mask := threshold(p.gray, l.limit, c)
	found := clean(mask, p.gray, c, dpi)
	l.ground = p.ground(mask, c)
	if len(found.runs) > 0 {
		l.mask = mask
		s := p.strokes(found)
		l.Stencils = s.stencils(mask, p.inks(s, l.ground.white))
	}
	p.color, p.white = nil, nil // done with
	l.repair()
	return l
}

// before gives a copy of the page before it was whitened.
func (p *page) before(img *raster.Overview) image.Image {
	if p.white == nil && p.copyColor != nil {
		return p.copyColor
	}
	if p.white == nil {
		return p.copyGray.gray()
	}
	if size := img.Page().Bounds().Size(); p.factor == 2 && size.X%2 == 0 && size.Y%2 == 0 {
		return img.Half()
	}
	return sight{factor: p.factor, dpi: p.dpi}.copyOf(img.Page())
}
