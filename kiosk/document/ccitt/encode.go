package ccitt

import (
	"encoding/binary"
	"math/bits"

	"pointnum/kiosk/document/jbig2"
)

// Encode packs a picture as one block of T.6 with the end-of-block code, the
// leftmost pixel in the highest bit and black as 1: PDF takes it with /K -1
// and TIFF with compression 4 and photometric interpretation 0.
func Encode(b *jbig2.Bitmap) []byte {
	e := encoder{out: make([]byte, 0, len(b.Pix)/16+64)}
	// Where the colour changes on a row and on the one above, with room for
	// the marks at the end.
	above, row := make([]int, 0, b.Width+4), make([]int, 0, b.Width+4)
	above = end(above, b.Width)
	for y := range b.Height {
		row = end(changes(row[:0], b.Row(y), b.Width), b.Width)
		e.row(row, above, b.Width)
		above, row = row, above
	}
	e.put(endOfLine)
	e.put(endOfLine)
	return e.flush()
}

// changes appends where the colour of a row of w pixels changes; the first is
// where black begins.
func changes(at []int, row []byte, w int) []int {
	before := uint64(0) // the last pixel of the word before, as 0 or 1
	for x := 0; x < w; x += 64 {
		var v uint64
		if len(row) >= 8 {
			v, row = binary.BigEndian.Uint64(row), row[8:]
		} else {
			for i, b := range row {
				v |= uint64(b) << (56 - 8*i)
			}
		}
		// A one is where a pixel differs from the one before it.
		d := v ^ (v>>1 | before<<63)
		before = v & 1
		for d != 0 {
			n := bits.LeadingZeros64(d)
			if x+n >= w {
				return at
			}
			at = append(at, x+n)
			d &^= 1 << (63 - n)
		}
	}
	return at
}

// end marks the end of a row: changes beyond which there are no more.
func end(at []int, w int) []int { return append(at, w, w, w, w) }

// encoder collects code words.
type encoder struct {
	out  []byte
	bits uint64 // the lowest n of it are not in out yet
	n    uint
}

// row codes a row by the one above (ITU-T T.6, 2.2.5). Both are given by
// where their colours change; those with an even index are to black.
func (e *encoder) row(row, above []int, w int) {
	a0 := -1 // just before the row, and white
	i, j := 0, 0
	for a0 < w {
		// j is that of b1: right of a0, and a change to the same colour as a1.
		for above[j] <= a0 && above[j] < w {
			j += 2
		}
		a1, b1, b2 := row[i], above[j], above[j+1]
		switch {
		case b2 < a1:
			e.put(pass)
			a0 = b2
		case a1-b1 >= -3 && a1-b1 <= 3:
			e.put(vertical[a1-b1+3])
			a0 = a1
			i++
			// The next b1 is of the other colour, and may lie before this one.
			if j > 0 {
				j--
			} else {
				j++
			}
		default:
			a2 := row[i+1]
			e.put(horizontal)
			e.run(i&1, a1-max(a0, 0))
			e.run(i&1^1, a2-a1)
			a0 = a2
			i += 2
		}
	}
}

// run codes n pixels of a colour, 0 for white.
func (e *encoder) run(color, n int) {
	for n >= 2560+64 {
		e.put(longMakeUp[12])
		n -= 2560
	}
	if n >= 1792 {
		e.put(longMakeUp[n/64-28])
	} else if n >= 64 {
		e.put(makeUp[color][n/64-1])
	}
	e.put(terminating[color][n%64])
}

func (e *encoder) put(c code) {
	e.bits = e.bits<<c.n | uint64(c.bits)
	e.n += uint(c.n)
	if e.n >= 32 {
		e.n -= 32
		e.out = binary.BigEndian.AppendUint32(e.out, uint32(e.bits>>e.n))
	}
}

// flush fills up the last byte.
func (e *encoder) flush() []byte {
	for ; e.n >= 8; e.n -= 8 {
		e.out = append(e.out, byte(e.bits>>(e.n-8)))
	}
	if e.n > 0 {
		e.out = append(e.out, byte(e.bits<<(8-e.n)))
	}
	return e.out
}
