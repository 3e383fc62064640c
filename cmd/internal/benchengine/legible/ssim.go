package legible

import "image"

// window is the side of the square in which two pictures are compared.
const window = 7

// SSIM is the mean structural similarity of two grey pictures of the same
// size (Wang et al. 2004, a flat window of 7 x 7, K1 = 0.01, K2 = 0.03): 1 for
// the same picture. ok is false when the sizes differ or are too small.
func SSIM(a, b *image.Gray) (value float64, ok bool) {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	if w != b.Rect.Dx() || h != b.Rect.Dy() || w < window || h < window {
		return 0, false
	}
	// Column sums of x, y, xx, yy, xy over the rows of the window, moved down
	// row by row.
	cols := make([][5]float64, w)
	add := func(y int, sign float64) {
		ra, rb := a.Pix[y*a.Stride:], b.Pix[y*b.Stride:]
		for x := range cols {
			p, q := float64(ra[x]), float64(rb[x])
			c := &cols[x]
			c[0] += sign * p
			c[1] += sign * q
			c[2] += sign * p * p
			c[3] += sign * q * q
			c[4] += sign * p * q
		}
	}
	sum, n := 0.0, 0
	for y := range h {
		add(y, 1)
		if y < window-1 {
			continue
		}
		var s [5]float64
		for x := range w {
			for k := range s {
				s[k] += cols[x][k]
				if x >= window {
					s[k] -= cols[x-window][k]
				}
			}
			if x >= window-1 {
				sum += similar(s)
				n++
			}
		}
		add(y-window+1, -1)
	}
	return sum / float64(n), true
}

// similar is the similarity within one window, from its sums.
func similar(s [5]float64) float64 {
	const n = window * window
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	mx, my := s[0]/n, s[1]/n
	const unbias = float64(n) / (n - 1)
	vx, vy, cxy := unbias*(s[2]/n-mx*mx), unbias*(s[3]/n-my*my), unbias*(s[4]/n-mx*my)
	return (2*mx*my + c1) * (2*cxy + c2) / ((mx*mx + my*my + c1) * (vx + vy + c2))
}

// Shrink makes a grey picture of the given size by averaging.
func Shrink(src *image.Gray, w, h int) *image.Gray {
	dst := image.NewGray(image.Rect(0, 0, w, h))
	sw, sh := src.Rect.Dx(), src.Rect.Dy()
	for y := range h {
		y0, y1 := y*sh/h, max((y+1)*sh/h, y*sh/h+1)
		for x := range w {
			x0, x1 := x*sw/w, max((x+1)*sw/w, x*sw/w+1)
			sum := 0
			for yy := y0; yy < y1; yy++ {
				for _, p := range src.Pix[yy*src.Stride+x0 : yy*src.Stride+x1] {
					sum += int(p)
				}
			}
			dst.Pix[y*dst.Stride+x] = byte(sum / ((y1 - y0) * (x1 - x0)))
		}
	}
	return dst
}

// Turn turns a grey picture clockwise by 0, 90, 180 or 270 degrees.
func Turn(src *image.Gray, degrees int) *image.Gray {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if degrees == 0 {
		return src
	}
	if degrees == 180 {
		dst := image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			row := src.Pix[y*src.Stride : y*src.Stride+w]
			out := dst.Pix[(h-1-y)*dst.Stride:]
			for x, p := range row {
				out[w-1-x] = p
			}
		}
		return dst
	}
	dst := image.NewGray(image.Rect(0, 0, h, w))
	for y := range h {
		row := src.Pix[y*src.Stride : y*src.Stride+w]
		for x, p := range row {
			if degrees == 90 {
				dst.Pix[x*dst.Stride+h-1-y] = p
			} else {
				dst.Pix[(w-1-x)*dst.Stride+y] = p
			}
		}
	}
	return dst
}
