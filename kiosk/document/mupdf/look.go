package mupdf

/*
#include "pn.h"
*/
import "C"

import (
	"image"
	"math"
	"unsafe"
)

// Content counts what a page shows.
type Content struct {
	Glyphs   int // that can be seen, spaces left out
	Hidden   int // that can't: the text layer of a scan
	Segments int // of lines and curves that are drawn, what is painted white left out
	Shades   int // colour gradients
	Images   int // pictures
	Stencils int // pictures of one bit that paint one colour
	Largest  int // pixels of the largest of the pictures
	// Unfinished is true when the page shows more than any that people make;
	// the rest was not looked at.
	Unfinished bool
	Text       float64 // the part of the page that glyphs take, 0 to 1 and above
	Covered    float64 // and that pictures and stencils cover, 0 to 1
	// Ground is the part of Covered that may be a scan's: without what is laid
	// over the page with soft edges.
	Ground float64
}

// mostOfPage is how much of a page its one picture covers when the rest is a
// white margin: that of a sheet of another shape, or of a camera's picture.
const mostOfPage = 0.75

// Vector says whether a page lives by text and drawings rather than by
// pictures of them: a form, a letter with its logo, slides on a coloured
// ground. A scan does not become one by its invisible text, a page number, a
// stamp, some fields that were filled in, or lines drawn on it.
func (c Content) Vector() bool {
	switch {
	case c.Images+c.Stencils == 0:
		return true
	case c.Ground < 0.7:
		return c.Glyphs >= 10 || c.Segments >= 20 || c.Shades > 0
	}
	return c.Glyphs >= 300 || c.Glyphs >= 60 && c.Text >= 0.03 || c.Segments >= 5000
}

// Image is the one picture that a page consists of.
type Image struct {
	Width, Height int // pixels
	Bits          int // of a component
	// Orientation is EXIF's, 1 to 8, that shows the picture as the page does.
	Orientation int
	// Visible is the part of the picture that the page shows.
	Visible image.Rectangle
	// DPI is its resolution on the page.
	DPI float64
	// JPEG is the picture's data when decoding it gives its colours; nil for
	// others. It is the document's and goes with Close.
	JPEG []byte

	doc *Document
	c   C.pn_image
}

// Look says what a page shows without drawing it, annotations and form fields
// included. Where the page is one picture and nothing else that can be seen,
// upright or turned by quarters, it gives it too, nil elsewhere; the caller
// must Close it before the document.
func (d *Document) Look(page int) (Content, *Image, error) {
	var n C.pn_content
	im := &Image{doc: d}
	if err := fail(C.pn_look(d.doc, C.int(page), &n, &im.c)); err != nil {
		return Content{}, nil, err
	}
	c := Content{
		Glyphs: int(n.glyphs), Hidden: int(n.hidden), Segments: int(n.segments), Shades: int(n.shades),
		Images: int(n.images), Stencils: int(n.stencils), Largest: int(n.largest), Unfinished: n.unfinished != 0,
		Text: float64(n.text), Covered: float64(n.covered), Ground: float64(n.ground),
	}
	if im.c.image == nil {
		return c, nil, nil
	}
	if c.Covered < mostOfPage || !im.measure() {
		im.Close()
		return c, nil, nil
	}
	return c, im, nil
}

// Close frees the picture.
func (im *Image) Close() {
	C.pn_drop_image(im.doc.doc, &im.c)
	im.JPEG = nil
}

// measure finds out how the page shows the picture; false when turned by other
// than quarters, or with pixels that are not square.
func (im *Image) measure() bool {
	c := &im.c
	im.Width, im.Height, im.Bits = int(c.w), int(c.h), int(c.bits)
	w, h := float64(im.Width), float64(im.Height)
	a, b, cc, d := float64(c.a), float64(c.b), float64(c.c), float64(c.d)
	long := max(math.Abs(a), math.Abs(b), math.Abs(cc), math.Abs(d))
	skew := func(v float64) bool { return math.Abs(v) > long/2000 }
	// x and y give a place on the picture, 0 to 1, for one on the page.
	var x, y func(px, py float64) float64
	var ptW, ptH float64
	switch e, f := float64(c.e), float64(c.f); {
	case !skew(b) && !skew(cc) && a != 0 && d != 0:
		im.Orientation = [4]int{1, 2, 4, 3}[sign(a)+2*sign(d)]
		x = func(px, _ float64) float64 { return (px - e) / a }
		y = func(_, py float64) float64 { return (py - f) / d }
		ptW, ptH = math.Abs(a), math.Abs(d)
	case !skew(a) && !skew(d) && b != 0 && cc != 0:
		im.Orientation = [4]int{5, 8, 6, 7}[sign(b)+2*sign(cc)]
		x = func(_, py float64) float64 { return (py - f) / b }
		y = func(px, _ float64) float64 { return (px - e) / cc }
		ptW, ptH = math.Abs(b), math.Abs(cc)
	default:
		return false
	}
	dpiX, dpiY := w/ptW*72, h/ptH*72
	if !(dpiX > 1 && dpiY > 1) || math.Abs(dpiX/dpiY-1) > 0.02 {
		return false
	}
	im.DPI = math.Sqrt(dpiX * dpiY)
	x0, y0, x1, y1 := float64(c.x0), float64(c.y0), float64(c.x1), float64(c.y1)
	im.Visible = image.Rect(
		int(math.Floor(x(x0, y0)*w+0.5)), int(math.Floor(y(x0, y0)*h+0.5)),
		int(math.Floor(x(x1, y1)*w+0.5)), int(math.Floor(y(x1, y1)*h+0.5)),
	).Intersect(image.Rect(0, 0, im.Width, im.Height))
	if c.jpeg != nil {
		im.JPEG = unsafe.Slice((*byte)(unsafe.Pointer(c.jpeg)), int(c.jpeg_len))
	}
	return !im.Visible.Empty()
}

// sign is 1 for what is below 0.
func sign(v float64) int {
	if v < 0 {
		return 1
	}
	return 0
}

// Pixels decodes the whole picture, as it is stored, to an *image.Gray or an
// opaque *image.RGBA. When want is above 0 and at most half its longer side it
// comes at a half, a quarter… of its size, never below. What is in colour then
// comes at the size that is wanted of one of its size; nil is as it is. flaws
// counts what was wrong with its data. The caller bounds its size.
func (im *Image) Pixels(want int, wanted func(w, h int) image.Point) (img image.Image, flaws int, err error) {
	var p C.pn_picture
	var warnings C.int
	wantW, wantH := 0, 0
	if long := max(im.Width, im.Height); want > 0 && want < long {
		// The library keeps two pixels more than it is asked for.
		wantW, wantH = max(1, im.Width*want/long-2), max(1, im.Height*want/long-2)
	}
	rc := C.pn_pixels(im.doc.doc, &im.c, C.int(wantW), C.int(wantH), &p, &warnings)
	if err := fail(rc); err != nil {
		return nil, int(warnings), err
	}
	defer C.pn_drop_pixels(im.doc.doc, &p)
	if p.components != 1 {
		return copyPicture(&p, wanted), int(warnings), nil
	}
	g := copyGray(&p)
	if im.c.stencil != 0 {
		for i, v := range g.Pix {
			g.Pix[i] = 255 - v
		}
	}
	return g, int(warnings), nil
}

func copyGray(p *C.pn_picture) *image.Gray {
	w, h := int(p.w), int(p.h)
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		copy(img.Pix[y*img.Stride:][:w], unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(p.samples), y*int(p.stride))), w))
	}
	return img
}

// Encrypted says whether the file is encrypted, with a password that is not
// needed to read it: its author meant to restrict its use.
func (d *Document) Encrypted() bool { return C.pn_encrypted(d.doc) != 0 }
