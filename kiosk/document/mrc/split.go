// Package mrc makes pages of writing small by splitting them into layers
// (mixed raster content, ITU-T T.44): where there is ink, sharp and of one bit
// a pixel; what colour it has, coarse; and the paper with all that is no ink,
// coarse too.
//
// What is not taken for ink stays in the background, so that nothing may
// vanish; Missing proves it of each page. Cards and photographs are
// recognised and not split. Nothing here does I/O or keeps state; the same
// page always gives the same layers.
package mrc

import (
	"image"
	"image/color"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/raster"
)

// Options say how coarse the coarse layers are. The zero value is meant for
// pages of about 300 dpi.
type Options struct {
	BackgroundDPI int // 100 when 0
	InkDPI        int // 25 when 0
}

// Layers is a page in layers. Every layer covers the whole page.
type Layers struct {
	Width, Height int // of the page and of Mask, pixels
	DPI           int // of the page; what Split took it for when it was told 0
	// Photo says that the page is a card or a photograph, or that it could
	// not be told ink from paper: it must be kept as a picture. There is
	// nothing else in Layers then.
	Photo bool
	Mask  *jbig2.Bitmap // black where there is ink; nil when there is none
	Ink   Ink
	// Background is what lies below the ink, *image.Gray or *image.RGBA; nil
	// when there is only white paper.
	Background image.Image
}

// Ink is the colour of the mask.
type Ink struct {
	Color  color.RGBA  // when Colors is nil
	Colors *image.RGBA // stretched over the page
}

// Split finds a page's layers. dpi is its resolution on paper; 0 takes it for
// a sheet of A4.
func Split(img image.Image, dpi int, o Options) Layers {
	b := img.Bounds()
	if dpi <= 0 {
		dpi = max(max(b.Dx(), b.Dy())*10/117, 1) // A4 is 11.7 inches long
	}
	if o.BackgroundDPI <= 0 {
		o.BackgroundDPI = 100
	}
	if o.InkDPI <= 0 {
		o.InkDPI = 25
	}
	l := Layers{Width: b.Dx(), Height: b.Dy(), DPI: dpi}
	if min(b.Dx(), b.Dy()) < 16 {
		l.Photo = true
		return l
	}
	flat := raster.Whiten(img)
	switch flat.(type) {
	case *image.Gray, *image.RGBA:
	default:
		flat = raster.ToRGBA(flat)
	}
	gray := raster.Gray(flat)
	g := measure(gray, dpi)
	pictures := g.pictures()
	if g.photo(flat, pictures) {
		l.Photo = true
		return l
	}
	mask := g.ink(gray, pictures)
	clean(mask, dpi)
	colored, _ := flat.(*image.RGBA)
	l.Background = background(flat, mask, dpi, o.BackgroundDPI, g.paper)
	if mask.Count() == 0 {
		return l
	}
	l.Mask = mask
	l.Ink = inkOf(colored, gray, mask, dpi, o.InkDPI)
	return l
}
