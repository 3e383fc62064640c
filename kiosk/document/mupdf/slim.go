package mupdf

/*
#include "slim.h"
*/
import "C"

import (
	"image"
	"math"
	"runtime"
	"unsafe"
)

// File is an open PDF as the objects it is made of, for the part of the engine
// that writes them anew. It draws and reads text as well, so that what was
// written can be held against what was there.
type File struct {
	file *C.pn_file
	data runtime.Pinner
}

// OpenFile reads a PDF's structure, repairing it when it is damaged; the
// library uses at most maxMemory bytes of its own. data must not change until
// Close. It fails with ErrPassword, ErrMemory or ErrBroken.
func OpenFile(data []byte, maxMemory int) (*File, error) {
	if len(data) == 0 {
		return nil, ErrBroken
	}
	f := &File{}
	f.data.Pin(&data[0])
	rc := C.pn_file_open(&f.file, (*C.uchar)(&data[0]), C.size_t(len(data)), C.size_t(maxMemory))
	if err := fail(rc); err != nil {
		f.data.Unpin()
		return nil, err
	}
	return f, nil
}

// Close frees the file.
func (f *File) Close() {
	C.pn_file_close(f.file)
	f.file = nil
	f.data.Unpin()
}

// Repaired says whether the file was damaged; it may become true later.
func (f *File) Repaired() bool { return C.pn_file_repaired(f.file) != 0 }

// Objects gives the number that the numbers of all objects are below.
func (f *File) Objects() (int, error) {
	var n C.int
	err := fail(C.pn_file_objects(f.file, &n))
	return int(n), err
}

// Pages counts the pages as the file says.
func (f *File) Pages() (int, error) {
	var n C.int
	err := fail(C.pn_file_pages(f.file, &n))
	return int(n), err
}

func taken(rc C.int, b *C.pn_bytes) ([]byte, error) {
	if err := fail(rc); err != nil {
		return nil, err
	}
	if b.len == 0 || b.len > math.MaxInt32 {
		return nil, fail(rc)
	}
	return C.GoBytes(unsafe.Pointer(b.data), C.int(b.len)), nil
}

// Root gives the document's catalog as PDF text: mostly a reference.
func (f *File) Root() ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_file_root(f.file, &b), &b)
}

// Object gives an object as PDF text of ASCII, and whether it has a stream.
func (f *File) Object(number int) (text []byte, stream bool, err error) {
	var b C.pn_bytes
	var s C.int
	rc := C.pn_file_object(f.file, C.int(number), &b, &s)
	text, err = taken(rc, &b)
	return text, s != 0, err
}

// Raw gives a stream as it lies in the file, decrypted.
func (f *File) Raw(number int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_file_raw(f.file, C.int(number), &b), &b)
}

// Stream gives a stream unpacked; ErrMemory when that is more than most bytes.
func (f *File) Stream(number, most int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_file_stream(f.file, C.int(number), C.size_t(most), &b), &b)
}

// Page gives a page's dictionary with what it inherits. Its /Annots are the
// annotations and form fields that show something, each with its appearance
// /N, its /Rect, its flags /F and its layer /OC.
func (f *File) Page(page int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_file_page(f.file, C.int(page), &b), &b)
}

// Text gives the words of a page's contents and annotations.
func (f *File) Text(page int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_file_text(f.file, C.int(page), &b), &b)
}

// Bounds gives the page's frame in points (1/72 inch), turned as it is shown.
func (f *File) Bounds(page int) (Frame, error) {
	var x0, y0, x1, y1 C.float
	if err := fail(C.pn_file_bounds(f.file, C.int(page), &x0, &y0, &x1, &y1)); err != nil {
		return Frame{}, err
	}
	r := Frame{float64(x0), float64(y0), float64(x1), float64(y1)}
	for _, v := range []float64{r.X0, r.Y0, r.Width(), r.Height()} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Frame{}, ErrBroken
		}
	}
	return r, nil
}

// Draw draws a page of the given frame on white, w by h pixels, with the
// annotations that Page lists. flaws counts what it could not draw.
func (f *File) Draw(page int, r Frame, w, h int) (img *image.RGBA, flaws int, err error) {
	img = image.NewRGBA(image.Rect(0, 0, w, h))
	var errs C.int
	rc := C.pn_file_draw(f.file, C.int(page), C.float(r.X0), C.float(r.Y0),
		C.float(float64(w)/r.Width()), C.float(float64(h)/r.Height()), C.int(w), C.int(h), (*C.uchar)(&img.Pix[0]), &errs)
	return img, int(errs), fail(rc)
}

// Glyphs says which glyphs of its font file a font draws a string with.
func (f *File) Glyphs(font int, s []byte) ([]int32, error) {
	if len(s) == 0 {
		return nil, nil
	}
	var b C.pn_bytes
	rc := C.pn_file_glyphs(f.file, C.int(font), (*C.uchar)(&s[0]), C.size_t(len(s)), &b)
	if err := fail(rc); err != nil || b.len == 0 {
		return nil, err
	}
	return append([]int32(nil), unsafe.Slice((*int32)(unsafe.Pointer(b.data)), int(b.len)/4)...), nil
}

// FontFile says what a font file is.
type FontFile struct {
	CFF      bool // of PostScript outlines, not TrueType
	Symbolic bool // it has its own encoding
	CID      bool // its glyphs are chosen by number, not by name or letter
}

// Subset gives a font file with only the given glyphs, sorted, left in it.
func (f *File) Subset(font []byte, kind FontFile, glyphs []int32) ([]byte, error) {
	if len(font) == 0 || len(glyphs) == 0 {
		return nil, ErrBroken
	}
	var b C.pn_bytes
	rc := C.pn_file_subset(f.file, flag(kind.CFF), flag(kind.Symbolic), flag(kind.CID),
		(*C.uchar)(&font[0]), C.size_t(len(font)), (*C.int)(&glyphs[0]), C.int(len(glyphs)), &b)
	return taken(rc, &b)
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// Pixels decodes an image XObject without its masks, as *image.Gray or opaque
// *image.RGBA, at its size or at a half, a quarter or an eighth of it that is
// not below wantW and wantH. The caller has bounded its size.
func (f *File) Pixels(number, wantW, wantH int) (image.Image, error) {
	var s C.pn_samples
	if err := fail(C.pn_file_pixels(f.file, C.int(number), C.int(wantW), C.int(wantH), &s)); err != nil {
		return nil, err
	}
	w, h, n := int(s.w), int(s.h), int(s.components)
	row := func(y int) []byte {
		return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(s.data), y*int(s.stride))), w*n)
	}
	if n == 1 {
		img := image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			copy(img.Pix[y*img.Stride:], row(y))
		}
		return img, nil
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		from, to := row(y), img.Pix[y*img.Stride:][:w*4]
		for i, j := 0, 0; j < len(to); i, j = i+3, j+4 {
			to[j], to[j+1], to[j+2], to[j+3] = from[i], from[i+1], from[i+2], 255
		}
	}
	return img, nil
}
