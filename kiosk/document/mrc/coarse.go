package mrc

import "image"

// coarse is a picture of few pixels, each the sum of some of the page's: the
// ones that were added. Channels are red, green, blue.
type coarse struct {
	w, h  int
	sum   [][3]float32
	count []float32
}

func newCoarse(w, h int) *coarse {
	return &coarse{w: w, h: h, sum: make([][3]float32, w*h), count: make([]float32, w*h)}
}

func (c *coarse) add(i int, r, g, b uint8) {
	s := &c.sum[i]
	s[0], s[1], s[2] = s[0]+float32(r), s[1]+float32(g), s[2]+float32(b)
	c.count[i]++
}

// filled gives the picture of the means; pixels to which fewer than least
// were added get the colour of those around.
func (c *coarse) filled(least float32) [][3]float32 {
	out := make([][3]float32, len(c.sum))
	holes := false
	for i, n := range c.count {
		if n < least || n == 0 {
			holes = true
			continue
		}
		for k, s := range c.sum[i] {
			out[i][k] = s / n
		}
	}
	if !holes || c.w*c.h == 1 {
		return out
	}
	half := newCoarse((c.w+1)/2, (c.h+1)/2)
	for y := range c.h {
		for x := range c.w {
			i, j := y*c.w+x, y/2*half.w+x/2
			for k, s := range c.sum[i] {
				half.sum[j][k] += s
			}
			half.count[j] += c.count[i]
		}
	}
	around := half.filled(least)
	for i, n := range c.count {
		if n < least || n == 0 {
			out[i] = between(around, half.w, half.h, i%c.w, i/c.w)
		}
	}
	return out
}

// between interpolates a picture of half the size at a pixel.
func between(v [][3]float32, w, h, x, y int) (out [3]float32) {
	x0, y0 := x/2, y/2
	x1, y1 := min(max(x0+2*(x&1)-1, 0), w-1), min(max(y0+2*(y&1)-1, 0), h-1)
	a, b, c, d := v[y0*w+x0], v[y0*w+x1], v[y1*w+x0], v[y1*w+x1]
	for k := range out {
		out[k] = (9*a[k] + 3*b[k] + 3*c[k] + d[k]) / 16
	}
	return out
}

// rgba gives a picture of colours.
func rgba(v [][3]float32, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, c := range v {
		m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2], m.Pix[4*i+3] = level(c[0]), level(c[1]), level(c[2]), 255
	}
	return m
}

func level(v float32) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// places maps n pixels to m coarser ones.
func places(n, m int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i * m / n
	}
	return p
}

// coarser is how many pixels n at a resolution are at a lower one.
func coarser(n, dpi, to int) int {
	return max((n*min(to, dpi)+dpi/2)/dpi, 1)
}
