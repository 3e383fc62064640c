package raster

/*
#cgo CFLAGS: -O3
#include "kernel.h"
*/
import "C"

import (
	"image"
	"unsafe"
)

func bytesAt(b []uint8) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }

// mixRows adds up rows of n bytes, each with its share of 256.
func mixRows(to, from []uint8, stride, n int, share []uint16) {
	if n == 0 || len(share) == 0 {
		return
	}
	_, _ = to[n-1], from[(len(share)-1)*stride+n-1]
	C.rk_mix(bytesAt(to), bytesAt(from), C.size_t(stride), C.size_t(n), (*C.uint16_t)(&share[0]), C.size_t(len(share)))
}

// shrinkRow4 makes each pixel of four bytes of four from at on; share holds
// each share four times.
func shrinkRow4(to, from []uint8, at []uint32, share []uint16) {
	if len(at) == 0 {
		return
	}
	_, _, _ = to[4*len(at)-1], from[4*int(at[len(at)-1])+15], share[16*len(at)-1]
	C.rk_shrink(bytesAt(to), bytesAt(from), (*C.uint32_t)(&at[0]), (*C.uint16_t)(&share[0]), C.size_t(len(at)))
}

// shrinkGray4 makes each pixel of one byte of four from at on.
func shrinkGray4(to, from []uint8, at []uint32, share []uint16) {
	if len(at) == 0 {
		return
	}
	_, _, _ = to[len(at)-1], from[at[len(at)-1]+3], share[4*len(at)-1]
	C.rk_shrink_gray(bytesAt(to), bytesAt(from), (*C.uint32_t)(&at[0]), (*C.uint16_t)(&share[0]), C.size_t(len(at)))
}

// HalveRow makes a row of pixels of four bytes of the means of squares of two
// by two pixels of two rows, as many as fit in to.
func HalveRow(to, above, below []uint8) { halveRGBA(to, above, below) }

// HalveGrayRow does the same for pixels of one byte.
func HalveGrayRow(to, above, below []uint8) { halveGray(to, above, below) }

// Brightness gives the brightness of opaque pixels of four bytes, eight at a
// time, and says how many it did: the last few are left, and all from the
// first eight on of which one is not opaque.
func Brightness(to, from []uint8) int { return grayOpaque(to, from) }

// halveRGBA makes a row of the means of squares of two by two pixels.
func halveRGBA(to, above, below []uint8) {
	n := len(to) / 4
	if n == 0 {
		return
	}
	_, _ = above[8*n-1], below[8*n-1]
	C.rk_halve(bytesAt(to), bytesAt(above), bytesAt(below), C.size_t(n))
}

// halveGray does the same for pixels of one byte.
func halveGray(to, above, below []uint8) {
	n := len(to)
	if n == 0 {
		return
	}
	_, _ = above[2*n-1], below[2*n-1]
	C.rk_halve_gray(bytesAt(to), bytesAt(above), bytesAt(below), C.size_t(n))
}

// opaqueRow says whether all pixels of four bytes are opaque.
func opaqueRow(from []uint8) bool {
	return len(from) < 4 || C.rk_opaque(bytesAt(from), C.size_t(len(from)/4)) != 0
}

// grayOpaque gives the brightness of the pixels up to the first few that are
// not opaque, or are less than eight, and says how many these are.
func grayOpaque(to, from []uint8) int {
	n := len(to)
	if n == 0 {
		return 0
	}
	_ = from[4*n-1]
	return int(C.rk_gray(bytesAt(to), bytesAt(from), C.size_t(n)))
}

// doubleRow makes the two rows of twice as many pixels, of depth bytes each,
// that lie between a row and the ones above and below it.
func doubleRow(upper, lower, above, row, below []uint8, depth int) {
	n := len(row)
	if n < depth {
		return
	}
	_, _, _, _ = upper[2*n-1], lower[2*n-1], above[n-1], below[n-1]
	C.rk_double(bytesAt(upper), bytesAt(lower), bytesAt(above), bytesAt(row), bytesAt(below), C.size_t(n/depth), C.size_t(depth))
}

// whitenRow multiplies pixels of depth bytes, of which the first is at x, by
// the gains of the squares of block pixels they lie between. With faint, what
// hardly differs from white becomes white.
func whitenRow(to, from []uint8, x int, gain []uint32, block int, faint bool, depth int) {
	n := len(to) / depth
	if n == 0 {
		return
	}
	_, _ = from[n*depth-1], gain[2]
	l := C.struct_rk_light{squares: C.int(len(gain) / 3), block: C.int(block), offset: C.int32_t(offset)}
	if faint {
		l.faint = faintDepth
	}
	if depth == 1 {
		C.rk_whiten_gray(bytesAt(to), bytesAt(from), C.int(x), C.int(x+n), (*C.uint32_t)(&gain[0]), l)
	} else {
		C.rk_whiten(bytesAt(to), bytesAt(from), C.int(x), C.int(x+n), (*C.uint32_t)(&gain[0]), l)
	}
}

// mixColumns mixes for each column of a picture the four pixels that a line
// passes in the middle of; outside of it all is edge. next is where the line after it
// begins, and tan how it falls.
func mixColumns(line, src []uint8, stride int, size image.Point, edge []uint8, l slant, next, tan int) {
	n := size.X * l.depth
	_, _, _ = line[n+7], edge[n-1], src[(size.Y-1)*stride+n-1]
	C.rk_columns(bytesAt(line), bytesAt(src), C.size_t(stride), C.size_t(n), C.int64_t(size.Y), bytesAt(edge), l.c(), C.int64_t(next), C.int64_t(tan))
}

// mixRow mixes pixels that lie on a line, from the one at l.at on, which is
// kept between 0 and last.
func mixRow(to, line []uint8, l slant, last, cos int) {
	word := max(l.step, 8)
	_, _ = to[word-1], line[(last>>16+2)*l.depth+word-1]
	C.rk_row(bytesAt(to), C.size_t(len(to)), bytesAt(line), l.c(), C.int64_t(last), C.int64_t(cos))
}

func (l slant) c() C.struct_rk_slant {
	return C.struct_rk_slant{at: C.int64_t(l.at), move: C.int64_t(l.move), step: C.int64_t(l.step), depth: C.int64_t(l.depth), share: (*C.int16_t)(&l.share[0])}
}
