package jbig2

import "math/bits"

// Bitmap is a picture of one bit a pixel, 1 for black. Rows are packed, the
// leftmost pixel in the highest bit, and start at whole bytes; what follows a
// row's last pixel in its last byte means nothing.
type Bitmap struct {
	Width, Height int
	Stride        int // bytes from a row to the next
	Pix           []byte
}

// NewBitmap gives a white picture of w by h pixels.
func NewBitmap(w, h int) *Bitmap {
	stride := (w + 7) / 8
	return &Bitmap{Width: w, Height: h, Stride: stride, Pix: make([]byte, stride*h)}
}

// Row gives the bytes of row y, which must be in the picture.
func (b *Bitmap) Row(y int) []byte { return b.Pix[y*b.Stride:][:(b.Width+7)/8] }

// Black says whether a pixel, which must be in the picture, is black.
func (b *Bitmap) Black(x, y int) bool { return b.Pix[y*b.Stride+x>>3]&(0x80>>(x&7)) != 0 }

// Set makes a pixel, which must be in the picture, black.
func (b *Bitmap) Set(x, y int) { b.Pix[y*b.Stride+x>>3] |= 0x80 >> (x & 7) }

// Count gives the number of black pixels.
func (b *Bitmap) Count() int {
	n := 0
	for y := range b.Height {
		row := b.Row(y)
		for _, v := range row {
			n += bits.OnesCount8(v)
		}
		if len(row) > 0 {
			n -= bits.OnesCount8(row[len(row)-1] &^ lastByte(b.Width))
		}
	}
	return n
}

// lastByte has ones where the last byte of a row of w pixels has pixels.
func lastByte(w int) byte { return byte(0xFF << ((8 - w&7) & 7)) }
