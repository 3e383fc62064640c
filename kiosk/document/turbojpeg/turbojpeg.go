// Package turbojpeg decodes and encodes JPEG with the TurboJPEG library, three
// times as fast as image/jpeg and at a fraction of the size when that is
// enough.
//
// The library is optional: it is looked for when the program runs
// (libturbojpeg.so.0, Debian's libturbojpeg0), so that nothing is needed to
// build or start. It is C on hostile bytes: use it only in the sandboxed
// child. Functions may be called from any goroutine.
package turbojpeg

/*
#cgo LDFLAGS: -ldl
#include "tj.h"
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"image"
	"unsafe"
)

// What can be wrong.
var (
	ErrMissing = errors.New("turbojpeg: no library")
	ErrBroken  = errors.New("turbojpeg: damaged")
	ErrTooBig  = errors.New("turbojpeg: too many pixels")
	// ErrColors is for pictures whose colours have no meaning that can be
	// told: four inks without a word on which.
	ErrColors = errors.New("turbojpeg: unknown colours")
)

func fail(rc C.int) error {
	switch rc {
	case C.TJ_OK, C.TJ_WARNING:
		return nil
	case C.TJ_MISSING:
		return ErrMissing
	}
	return ErrBroken
}

// Available loads the library at its first call and says whether it is there.
// A sandboxed process must call it before it gives up its right to open files.
func Available() bool { return C.tj_available() != 0 }

// Info is what a JPEG's header says.
type Info struct {
	Width, Height int
	Gray          bool // one component
	CMYK          bool // four
	ycc           bool // luma and two of chroma
}

// Header reads a JPEG's header. Errors: ErrMissing, ErrBroken.
func Header(data []byte) (Info, error) {
	if len(data) == 0 {
		return Info{}, ErrBroken
	}
	var w, h, space C.int
	if err := fail(C.tj_header((*C.uchar)(&data[0]), C.ulong(len(data)), &w, &h, &space)); err != nil {
		return Info{}, err
	}
	i := Info{int(w), int(h), space == C.TJ_SPACE_GRAY, space == C.TJ_SPACE_CMYK || space == C.TJ_SPACE_YCCK, space == C.TJ_SPACE_YCC}
	if i.Width <= 0 || i.Height <= 0 {
		return Info{}, ErrBroken
	}
	return i, nil
}

// Decode decodes a JPEG at so many eighths of its size, 1 to 8, rounded up; 8,
// 4, 2 and 1 take the least time for their pixels. It gives an *image.Gray, or an opaque *image.RGBA. What is
// missing of a damaged file is grey, and flawed says so. The result has at
// most maxPixels pixels; a progressive file needs memory of its own, mostly no
// more than 100 MB and at worst 6 bytes for each pixel of its full size (8 in
// CMYK), which the caller bounds.
// Errors: ErrMissing, ErrBroken, ErrTooBig, ErrColors.
func Decode(data []byte, eighths, maxPixels int) (img image.Image, flawed bool, err error) {
	i, err := Header(data)
	if err != nil {
		return nil, false, err
	}
	if eighths < 1 || eighths > 8 {
		return nil, false, errors.New("turbojpeg: no such fraction")
	}
	if i.CMYK && !adobe(data) {
		return nil, false, ErrColors
	}
	w, h := (i.Width*eighths+7)/8, (i.Height*eighths+7)/8
	if w*h > maxPixels {
		return nil, false, ErrTooBig
	}
	if i.Gray {
		m := image.NewGray(image.Rect(0, 0, w, h))
		rc := decodeTo(m.Pix, data, w, h, m.Stride, C.TJ_GRAY)
		return m, rc == C.TJ_WARNING, fail(rc)
	}
	if i.ycc {
		if m, flawed, ok := decodeSplit(data, eighths, splitFrom); ok {
			return m, flawed, nil
		}
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	if i.CMYK {
		rc := decodeTo(m.Pix, data, w, h, m.Stride, C.TJ_CMYK)
		fromInks(m.Pix)
		return m, rc == C.TJ_WARNING, fail(rc)
	}
	rc := decodeTo(m.Pix, data, w, h, m.Stride, C.TJ_RGBA)
	return m, rc == C.TJ_WARNING, fail(rc)
}

func decodeTo(pix, data []byte, w, h, stride int, format C.int) C.int {
	return C.tj_decode((*C.uchar)(&data[0]), C.ulong(len(data)), (*C.uchar)(&pix[0]), C.int(w), C.int(h), C.int(stride), format)
}

// adobe says whether a JPEG has Adobe's segment, whose writers store inks
// inverted. It is looked for where decoders look: before the first scan.
func adobe(data []byte) bool {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker := data[at+1]
		if marker == 0xff {
			at++
			continue
		}
		n := int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || n < 2 || at+2+n > len(data) {
			return false
		}
		if marker == 0xee && n >= 14 && string(data[at+4:at+9]) == "Adobe" {
			return true
		}
		at += 2 + n
	}
	return false
}

// fromInks makes colours of inverted inks in place, as color.CMYKToRGB does.
func fromInks(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		k := uint32(p[3])
		p[0] = uint8((uint32(p[0])*k + 127) / 255)
		p[1] = uint8((uint32(p[1])*k + 127) / 255)
		p[2] = uint8((uint32(p[2])*k + 127) / 255)
		p[3] = 255
	}
}

// Encode writes an *image.Gray as a JPEG of one component and an *image.RGBA,
// whose alpha is ignored, as one of three with 4:2:0 sampling. quality is 1 to
// 100. There is no metadata, not even a JFIF segment. It fails with ErrMissing,
// and with ErrTooBig for sides above 65,500 and none.
func Encode(img image.Image, quality int) ([]byte, error) {
	size := img.Bounds().Size()
	if size.X <= 0 || size.Y <= 0 || size.X > 65500 || size.Y > 65500 {
		return nil, ErrTooBig
	}
	quality = min(max(quality, 1), 100)
	switch m := img.(type) {
	case *image.Gray:
		return encode(m.Pix, size, m.Stride, C.TJ_GRAY, C.TJ_SAMPLE_GRAY, quality)
	case *image.RGBA:
		return encode(m.Pix, size, m.Stride, C.TJ_RGBX, C.TJ_SAMPLE_420, quality)
	}
	return nil, ErrColors
}

func encode(pix []byte, size image.Point, stride int, format, sampling C.int, quality int) ([]byte, error) {
	var out *C.uchar
	var n C.ulong
	rc := C.tj_encode((*C.uchar)(&pix[0]), C.int(size.X), C.int(size.Y), C.int(stride), format, sampling, C.int(quality), &out, &n)
	defer C.tj_free(out)
	if err := fail(rc); err != nil {
		return nil, err
	}
	return withoutJFIF(unsafe.Slice((*byte)(unsafe.Pointer(out)), int(n))), nil
}

// withoutJFIF copies a JPEG without the segment that the library always puts
// first, as image/jpeg writes it.
func withoutJFIF(jpg []byte) []byte {
	out := make([]byte, 0, len(jpg))
	if len(jpg) > 20 && jpg[2] == 0xff && jpg[3] == 0xe0 {
		out = append(out, jpg[:2]...)
		jpg = jpg[4+int(binary.BigEndian.Uint16(jpg[4:])):]
	}
	return append(out, jpg...)
}
