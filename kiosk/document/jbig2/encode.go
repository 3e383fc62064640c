// Package jbig2 writes pictures of one bit a pixel without loss as JBIG2
// (ITU-T T.88), the smallest way that every reader of PDF knows.
//
// Only generic regions are written. Coding a page by its symbols, where one
// "6" is drawn for all that look like it, has turned digits into others on
// real papers; on documents of a few pages it gains nothing.
package jbig2

import (
	"bytes"
	"encoding/binary"
)

// sameAsAbove is the context in which a row says whether it, or the row
// above, repeats the one before it (T.88, 6.2.5.7, figure 8).
const sameAsAbove = 0x9B25

// Encode gives the two segments of a picture, as a stream of a PDF with the
// filter /JBIG2Decode holds them: no file header, no end of page. The same
// picture always gives the same bytes. Width and height must be at least 1.
func Encode(b *Bitmap) []byte {
	data := encodeRows(b)
	be := binary.BigEndian
	// Segment 0, page information (7.4.8): its size, unknown resolution,
	// eventually lossless, no stripes.
	out := []byte{0, 0, 0, 0, 48, 0, 1, 0, 0, 0, 19}
	out = be.AppendUint32(out, uint32(b.Width))
	out = be.AppendUint32(out, uint32(b.Height))
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0)
	// Segment 1, immediate generic region (7.4.6): at the page's corner, as
	// large as the page, template 0 with typical prediction and its adaptive
	// pixels where they nominally are.
	out = append(out, 0, 0, 0, 1, 38, 0, 1)
	out = be.AppendUint32(out, uint32(18+8+len(data)))
	out = be.AppendUint32(out, uint32(b.Width))
	out = be.AppendUint32(out, uint32(b.Height))
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0xFF, 0xFD, 0xFF, 2, 0xFE, 0xFE, 0xFE)
	return append(out, data...)
}

func encodeRows(b *Bitmap) []byte {
	m := newCoder()
	n := (b.Width + 7) / 8
	// One byte of white before and after each row saves asking for its ends.
	above2, above, row := make([]byte, n+2), make([]byte, n+2), make([]byte, n+2)
	was := uint8(0)
	for y := range b.Height {
		copy(row[1:], b.Row(y))
		row[n] &= lastByte(b.Width)
		same := uint8(0)
		if bytes.Equal(row, above) {
			same = 1
		}
		m.encode(sameAsAbove, same^was)
		was = same
		if same == 0 {
			m.row(row, above, above2, b.Width)
		}
		above2, above, row = above, row, above2
	}
	return m.flush()
}

// row writes a row's w pixels. The context of a pixel is, from the highest
// bit, the five around it two rows above, the seven around it one row above
// and the four before it (figure 3).
func (m *coder) row(row, above, above2 []byte, w int) {
	white := 0 // pixels in context 0 not yet written
	for i := 1; i < len(row)-1; i++ {
		left := min(8, w-8*(i-1)) // pixels in this byte
		r0 := uint32(row[i-1])<<8 | uint32(row[i])
		r1 := uint32(above[i-1])<<16 | uint32(above[i])<<8 | uint32(above[i+1])
		r2 := uint32(above2[i-1])<<16 | uint32(above2[i])<<8 | uint32(above2[i+1])
		if r0&0xFFF|r1&0x7FFE0|r2&0x3FFC0 == 0 {
			white += left
			continue
		}
		if white > 0 {
			m.zeros(white)
			white = 0
		}
		for k := 7; k > 7-left; k-- {
			context := r2>>(6+k)&0x1F<<11 | r1>>(5+k)&0x7F<<4 | r0>>(k+1)&0xF
			m.encode(context, uint8(r0>>k)&1)
		}
	}
	if white > 0 {
		m.zeros(white)
	}
}
