package typeset

// Bitmap is a picture of black and white dots, packed as printers take them:
// rows from the top, eight dots to a byte, the leftmost in the highest bit, 1
// is black.
type Bitmap struct {
	Width, Height int
	Stride        int // bytes to a row
	Bits          []byte
}

// NewBitmap returns a white picture.
func NewBitmap(width, height int) *Bitmap {
	width, height = max(width, 0), max(height, 0)
	stride := (width + 7) / 8
	return &Bitmap{Width: width, Height: height, Stride: stride, Bits: make([]byte, stride*height)}
}

// At tells whether a dot is black; outside the picture none is.
func (b *Bitmap) At(x, y int) bool {
	if x < 0 || y < 0 || x >= b.Width || y >= b.Height {
		return false
	}
	return b.Bits[y*b.Stride+x/8]&(0x80>>(x%8)) != 0
}

// Set makes a dot black; outside the picture it does nothing.
func (b *Bitmap) Set(x, y int) {
	if x < 0 || y < 0 || x >= b.Width || y >= b.Height {
		return
	}
	b.Bits[y*b.Stride+x/8] |= 0x80 >> (x % 8)
}

// Draw adds the black dots of src with its corner at x, y.
func (b *Bitmap) Draw(src *Bitmap, x, y int) {
	for sy := range src.Height {
		row := src.Bits[sy*src.Stride : (sy+1)*src.Stride]
		for i, eight := range row {
			for bit := 0; eight != 0; bit++ {
				if eight&0x80 != 0 {
					b.Set(x+i*8+bit, y+sy)
				}
				eight <<= 1
			}
		}
	}
}

// Fill makes a rectangle black.
func (b *Bitmap) Fill(x, y, width, height int) {
	for dy := range height {
		for dx := range width {
			b.Set(x+dx, y+dy)
		}
	}
}

// Rows returns the rows from top to bottom (excluded) as a picture that shares
// the dots.
func (b *Bitmap) Rows(top, bottom int) *Bitmap {
	return &Bitmap{
		Width: b.Width, Height: bottom - top, Stride: b.Stride,
		Bits: b.Bits[top*b.Stride : bottom*b.Stride],
	}
}
