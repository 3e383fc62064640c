package raster

import "image"

const (
	colorBlock  = 8  // pixels of a square whose colour is averaged
	colorDepth  = 14 // how far its blue and red must be from the paper's
	colorShare  = 20000
	maxTint     = 18 // a paper tinted more than this is coloured itself
	minColorful = 6
)

// IsGray says whether a page loses nothing by being kept without colour. The
// noise of a scanner, the colours that JPEG smears round black letters and a
// faint tint of the paper don't count; a stamp, a signature in blue and a
// highlighter do.
func IsGray(img image.Image) bool {
	switch img.(type) {
	case *image.Gray, *image.Gray16:
		return true
	}
	return NewOverview(img).IsGray()
}

// IsBilevel says whether a page is an *image.Gray of black and white only.
func IsBilevel(img image.Image) bool {
	g, ok := img.(*image.Gray)
	if !ok {
		return false
	}
	for y := range g.Rect.Dy() {
		for _, v := range g.Pix[y*g.Stride:][:g.Rect.Dx()] {
			if v != 0 && v != 255 {
				return false
			}
		}
	}
	return true
}

// IsGray is IsGray of the page.
func (o *Overview) IsGray() bool {
	src, ok := o.Small().(*image.RGBA)
	if !ok {
		return true
	}
	side := max(colorBlock*src.Rect.Dx()/max(o.page.Bounds().Dx(), 1), 1)
	w, h := src.Rect.Dx()/side, src.Rect.Dy()/side
	cb, cr := make([]int16, w*h), make([]int16, w*h)
	var cbs, crs [512]int
	for y := range h {
		for x := range w {
			b, r := blockChroma(src, x*side, y*side, side)
			cb[y*w+x], cr[y*w+x] = b, r
			cbs[b+256]++
			crs[r+256]++
		}
	}
	pb, pr := median(&cbs, w*h)-256, median(&crs, w*h)-256
	if abs(pb) > maxTint || abs(pr) > maxTint {
		return false
	}
	coloured := 0
	for i := range cb {
		if abs(int(cb[i])-pb)+abs(int(cr[i])-pr) > colorDepth {
			coloured++
		}
	}
	return coloured <= max(minColorful, w*h/colorShare)
}

// blockChroma is the mean of JPEG's Cb and Cr, both around 0, in a square.
func blockChroma(m *image.RGBA, x0, y0, side int) (cb, cr int16) {
	var r, g, b int
	for y := y0; y < y0+side; y++ {
		row := m.Pix[y*m.Stride+4*x0:][:4*side]
		for len(row) >= 4 {
			r, g, b = r+int(row[0]), g+int(row[1]), b+int(row[2])
			row = row[4:]
		}
	}
	n := 256 * side * side
	return int16((-43*r - 85*g + 128*b) / n), int16((128*r - 107*g - 21*b) / n)
}

func median(count *[512]int, n int) int {
	sum := 0
	for i, c := range count {
		if sum += c; 2*sum >= n {
			return i
		}
	}
	return 0
}

func abs(a int) int {
	if a < 0 {
		return -a
	}
	return a
}
