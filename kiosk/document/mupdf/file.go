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

// File is an open PDF as the objects it is made of, for the part of the engine
// that writes them anew.
type File struct{ *Document }

// OpenFile is Open.
func OpenFile(data []byte, maxMemory int) (*File, error) {
	d, err := Open(data, maxMemory)
	if err != nil {
		return nil, err
	}
	return &File{d}, nil
}

// Objects gives the number that the numbers of all objects are below.
func (f *File) Objects() (int, error) {
	var n C.int
	err := fail(C.pn_objects(f.doc, &n))
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
	return taken(C.pn_root(f.doc, &b), &b)
}

// Object gives an object as PDF text of ASCII, and whether it has a stream.
func (f *File) Object(number int) (text []byte, stream bool, err error) {
	var b C.pn_bytes
	var s C.int
	rc := C.pn_object(f.doc, C.int(number), &b, &s)
	text, err = taken(rc, &b)
	return text, s != 0, err
}

// Raw gives a stream as it lies in the file, decrypted.
func (f *File) Raw(number int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_raw(f.doc, C.int(number), &b), &b)
}

// Stream gives a stream unpacked; ErrMemory when that is more than most bytes.
func (f *File) Stream(number, most int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_unpacked(f.doc, C.int(number), C.size_t(most), &b), &b)
}

// Page gives a page's dictionary with what it inherits. Its /Annots are the
// annotations and form fields that show something, each with its appearance
// /N, its /Rect, its flags /F and its layer /OC.
func (f *File) Page(page int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_page(f.doc, C.int(page), &b), &b)
}

// Text gives the words of a page's contents and annotations.
func (f *File) Text(page int) ([]byte, error) {
	var b C.pn_bytes
	return taken(C.pn_text(f.doc, C.int(page), &b), &b)
}

// Draw draws a page of the given frame on white, w by h pixels, with the
// annotations that Page lists. flaws counts what it could not draw.
func (f *File) Draw(page int, r Frame, w, h int) (img *image.RGBA, flaws int, err error) {
	img = image.NewRGBA(image.Rect(0, 0, w, h))
	var errs C.int
	rc := C.pn_draw(f.doc, C.int(page), C.float(r.X0), C.float(r.Y0),
		C.float(float64(w)/r.Width()), C.float(float64(h)/r.Height()), C.int(w), C.int(h), (*C.uchar)(&img.Pix[0]), &errs)
	return img, int(errs), fail(rc)
}

// Glyphs says which glyphs of its font file a font draws a string with.
func (f *File) Glyphs(font int, s []byte) ([]int32, error) {
	if len(s) == 0 {
		return nil, nil
	}
	var b C.pn_bytes
	rc := C.pn_glyphs(f.doc, C.int(font), (*C.uchar)(&s[0]), C.size_t(len(s)), &b)
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
	rc := C.pn_subset(f.doc, flag(kind.CFF), flag(kind.Symbolic), flag(kind.CID),
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
	var p C.pn_picture
	if err := fail(C.pn_samples(f.doc, C.int(number), C.int(wantW), C.int(wantH), &p)); err != nil {
		return nil, err
	}
	defer C.pn_drop_pixels(f.doc, &p)
	if p.components == 1 {
		return copyGray(&p), nil
	}
	return copyPicture(&p, nil), nil
}
