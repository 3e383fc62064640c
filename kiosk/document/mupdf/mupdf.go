// Package mupdf draws the pages of PDF files, and decodes JPEG and TIFF images
// that the Go decoders refuse, with the MuPDF library.
//
// It is a face of its own on the library that github.com/gen2brain/go-fitz
// brings, because that module's face leaves out filled form fields and
// annotations, lets the library end the process on some errors, and bounds no
// memory. It still runs C on hostile bytes and may loop: use it only in the
// sandboxed child. Nothing here is safe for concurrent use.
package mupdf

/*
#include <stdlib.h>
#include "pn.h"
*/
import "C"

import (
	"errors"
	"image"
	"math"
	"runtime"
	"unsafe"

	// The module brings the library and tells the linker where it is.
	_ "github.com/gen2brain/go-fitz"

	"pointnum/kiosk/document/raster"
)

// What can be wrong with a file.
var (
	ErrBroken   = errors.New("mupdf: damaged")
	ErrMemory   = errors.New("mupdf: memory limit")
	ErrPassword = errors.New("mupdf: password needed")
	errVersion  = errors.New("mupdf: library of another version")
)

func fail(rc C.int) error {
	switch rc {
	case C.PN_OK:
		return nil
	case C.PN_MEMORY:
		return ErrMemory
	case C.PN_PASSWORD:
		return ErrPassword
	case C.PN_VERSION:
		return errVersion
	}
	return ErrBroken
}

// Document is an open PDF.
type Document struct {
	doc  *C.pn_doc
	data runtime.Pinner
}

// Open reads a PDF's structure; the library uses at most maxMemory bytes of
// its own for it and for drawing. data must not change until Close. It fails
// with ErrPassword, ErrMemory or ErrBroken.
func Open(data []byte, maxMemory int) (*Document, error) {
	if len(data) == 0 {
		return nil, ErrBroken
	}
	d := &Document{}
	d.data.Pin(&data[0])
	rc := C.pn_open(&d.doc, (*C.uchar)(&data[0]), C.size_t(len(data)), C.size_t(maxMemory))
	if err := fail(rc); err != nil {
		d.data.Unpin()
		return nil, err
	}
	return d, nil
}

// Close frees the document.
func (d *Document) Close() {
	C.pn_close(d.doc)
	d.doc = nil
	d.data.Unpin()
}

// Repaired says whether the file was damaged and had to be searched for its
// objects. It may become true while pages are drawn.
func (d *Document) Repaired() bool { return C.pn_repaired(d.doc) != 0 }

// Pages counts the pages as the file says: hostile files say millions.
func (d *Document) Pages() (int, error) {
	var n C.int
	err := fail(C.pn_count(d.doc, &n))
	return int(n), err
}

// Bounds gives the page's frame in points (1/72 inch), turned as it is shown.
func (d *Document) Bounds(page int) (Frame, error) {
	var x0, y0, x1, y1 C.float
	if err := fail(C.pn_bounds(d.doc, C.int(page), &x0, &y0, &x1, &y1)); err != nil {
		return Frame{}, err
	}
	f := Frame{float64(x0), float64(y0), float64(x1), float64(y1)}
	for _, v := range []float64{f.X0, f.Y0, f.Width(), f.Height()} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Frame{}, ErrBroken
		}
	}
	return f, nil
}

// Frame is a page's place, in points.
type Frame struct{ X0, Y0, X1, Y1 float64 }

// Width gives the frame's width in points.
func (f Frame) Width() float64 { return f.X1 - f.X0 }

// Height gives the frame's height in points.
func (f Frame) Height() float64 { return f.Y1 - f.Y0 }

// Render draws a page of the given frame on white, w by h pixels, with its
// annotations and form fields. flaws counts what it could not draw; the rest
// is there. The caller bounds w and h.
func (d *Document) Render(page int, f Frame, w, h int) (img *image.RGBA, flaws int, err error) {
	img = image.NewRGBA(image.Rect(0, 0, w, h))
	var errs C.int
	rc := C.pn_render(d.doc, C.int(page), C.float(f.X0), C.float(f.Y0),
		C.float(float64(w)/f.Width()), C.float(float64(h)/f.Height()),
		C.int(w), C.int(h), (*C.uchar)(&img.Pix[0]), &errs)
	if err := fail(rc); err != nil {
		return nil, int(errs), err
	}
	return img, int(errs), nil
}

// JPEG decodes a JPEG, a truncated one as far as it goes (the rest is grey)
// and flaws tells that it was. When wantW and wantH are above 0 and much below
// the image's size it is decoded at a half, a quarter or an eighth of it, never
// below them, which needs less memory.
func JPEG(data []byte, wantW, wantH, maxMemory int) (img *image.RGBA, flaws int, err error) {
	if len(data) == 0 {
		return nil, 0, ErrBroken
	}
	var p C.pn_picture
	var warnings C.int
	rc := C.pn_jpeg(&p, (*C.uchar)(&data[0]), C.size_t(len(data)), C.int(wantW), C.int(wantH), &warnings, C.size_t(maxMemory))
	if err := fail(rc); err != nil {
		return nil, int(warnings), err
	}
	defer C.pn_free(&p)
	return copyPicture(&p, nil), int(warnings), nil
}

// TIFF decodes one page of a TIFF, at the size that is wanted of one of its
// size; nil is as it is.
func TIFF(data []byte, page, maxMemory int, wanted func(w, h int) image.Point) (*image.RGBA, error) {
	if len(data) == 0 {
		return nil, ErrBroken
	}
	var p C.pn_picture
	rc := C.pn_tiff(&p, (*C.uchar)(&data[0]), C.size_t(len(data)), C.int(page), C.size_t(maxMemory))
	if err := fail(rc); err != nil {
		return nil, err
	}
	defer C.pn_free(&p)
	return copyPicture(&p, wanted), nil
}

// copyPicture copies samples of 1 (grey) or 3 (RGB) components, and perhaps a
// premultiplied alpha behind them, on white, and makes them smaller on the way.
func copyPicture(p *C.pn_picture, wanted func(w, h int) image.Point) *image.RGBA {
	w, h, n := int(p.w), int(p.h), int(p.components)
	size := image.Pt(w, h)
	if wanted != nil {
		size = wanted(w, h)
	}
	r := raster.NewReducer(image.Pt(w, h), size)
	for y := range h {
		src := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(p.samples), y*int(p.stride))), w*n)
		copyRow(r.Next(), src, n)
	}
	return r.Image()
}

func copyRow(dst, src []uint8, n int) {
	if n < 3 {
		for x, s := 0, 0; x < len(dst); x, s = x+4, s+n {
			v := src[s]
			if n == 2 {
				v += 255 - src[s+1]
			}
			dst[x], dst[x+1], dst[x+2], dst[x+3] = v, v, v, 255
		}
		return
	}
	if n == 4 {
		for x := 0; x < len(dst); x += 4 {
			white := 255 - src[x+3]
			dst[x], dst[x+1], dst[x+2], dst[x+3] = src[x]+white, src[x+1]+white, src[x+2]+white, 255
		}
		return
	}
	for x, s := 0, 0; x < len(dst); x, s = x+4, s+3 {
		dst[x], dst[x+1], dst[x+2], dst[x+3] = src[s], src[s+1], src[s+2], 255
	}
}
