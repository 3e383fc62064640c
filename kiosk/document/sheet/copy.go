package sheet

import (
	"image"

	"pointnum/kiosk/document/raster"
)

// copySide is the long side of the copy that sheets are looked for in. Wide
// enough for a corner to be found within a pixel or two, small enough for
// writing to be closed over.
const copySide = 640

// smallCopy is the picture averaged down by a whole factor.
type smallCopy struct {
	factor int
	// dim is the least of red, green and blue: white paper is bright in all
	// three, wood and cloth are not. luma is nil when the picture is grey.
	dim, luma *plane
}

// plane is one brightness of the copy.
type plane struct {
	w, h   int
	raw    []uint8
	closed []uint8 // raw without thin dark strokes: the paper below the writing
}

func newCopy(img image.Image) *smallCopy {
	b := img.Bounds()
	n := max(1, (max(b.Dx(), b.Dy())+copySide-1)/copySide)
	w, h := b.Dx()/n, b.Dy()/n
	c := &smallCopy{factor: n}
	if g, ok := img.(*image.Gray); ok {
		c.dim = newPlane(w, h)
		reduceGray(c.dim.raw, raster.Gray(g), w, h, n)
	} else {
		c.dim, c.luma = newPlane(w, h), newPlane(w, h)
		reduceRGBA(c.dim.raw, c.luma.raw, raster.ToRGBA(img), w, h, n)
		c.luma.close()
	}
	c.dim.close()
	return c
}

func newPlane(w, h int) *plane { return &plane{w: w, h: h, raw: make([]uint8, w*h)} }

func reduceGray(dst []uint8, src *image.Gray, w, h, n int) {
	for y := range h {
		sum := make([]uint32, w)
		for k := range n {
			row := src.Pix[(y*n+k)*src.Stride:][:w*n]
			for x := range sum {
				for _, v := range row[x*n : x*n+n] {
					sum[x] += uint32(v)
				}
			}
		}
		for x, s := range sum {
			dst[y*w+x] = uint8(s / uint32(n*n))
		}
	}
}

func reduceRGBA(dim, luma []uint8, src *image.RGBA, w, h, n int) {
	sum := make([][3]uint32, w)
	nn := uint32(n * n)
	for y := range h {
		clear(sum)
		for k := range n {
			row := src.Pix[(y*n+k)*src.Stride:][:4*w*n]
			for x := range sum {
				s := &sum[x]
				part := row[4*x*n : 4*(x+1)*n]
				for len(part) >= 4 {
					s[0] += uint32(part[0])
					s[1] += uint32(part[1])
					s[2] += uint32(part[2])
					part = part[4:]
				}
			}
		}
		for x, s := range sum {
			r, g, b := s[0]/nn, s[1]/nn, s[2]/nn
			dim[y*w+x] = uint8(min(r, g, b))
			luma[y*w+x] = uint8((299*r + 587*g + 114*b) / 1000)
		}
	}
}

// closeRadius is half the width of the strokes that are closed over: letters
// and rules of an A4 sheet, not coloured blocks.
const closeRadius = 3

// close fills what is darker than its surroundings and thin, then smooths.
func (p *plane) close() {
	a := append([]uint8(nil), p.raw...)
	b := make([]uint8, len(a))
	highest := func(x, y uint8) uint8 { return max(x, y) }
	lowest := func(x, y uint8) uint8 { return min(x, y) }
	p.slide(b, a, highest)
	p.slide(b, a, lowest)
	p.closed = a
	for y := 1; y < p.h-1; y++ {
		for x := 1; x < p.w-1; x++ {
			i := y*p.w + x
			s := 0
			for _, d := range [3]int{-p.w, 0, p.w} {
				s += int(a[i+d-1]) + int(a[i+d]) + int(a[i+d+1])
			}
			b[i] = uint8(s / 9)
		}
	}
	for x := range p.w {
		b[x], b[(p.h-1)*p.w+x] = a[x], a[(p.h-1)*p.w+x]
	}
	for y := range p.h {
		b[y*p.w], b[y*p.w+p.w-1] = a[y*p.w], a[y*p.w+p.w-1]
	}
	p.closed = b
}

// slide replaces every pixel of a by the pick of the square around it; b is
// room to work in.
func (p *plane) slide(b, a []uint8, pick func(x, y uint8) uint8) {
	for y := range p.h {
		row := a[y*p.w : (y+1)*p.w]
		for x := range row {
			v := row[x]
			for k := max(0, x-closeRadius); k <= min(p.w-1, x+closeRadius); k++ {
				v = pick(v, row[k])
			}
			b[y*p.w+x] = v
		}
	}
	for y := range p.h {
		to := a[y*p.w : (y+1)*p.w]
		copy(to, b[y*p.w:])
		for k := max(0, y-closeRadius); k <= min(p.h-1, y+closeRadius); k++ {
			for x, v := range b[k*p.w : (k+1)*p.w] {
				to[x] = pick(to[x], v)
			}
		}
	}
}

// at is the closed plane's brightness at a point, the nearest pixel's.
func (p *plane) at(x, y float64) (int, bool) {
	if x < 0 || y < 0 || x >= float64(p.w) || y >= float64(p.h) {
		return 0, false
	}
	return int(p.closed[int(y)*p.w+int(x)]), true
}

// writingAround says whether there is writing around the candidate on ground
// as bright as it is: then the candidate is a field of a larger sheet.
func (c *smallCopy) writingAround(q candidate) bool {
	p := c.dim
	var in, out, inInk, outInk, sum int
	grid := q.quad
	for y := range p.h {
		for x := range p.w {
			if grid.inside(Point{float64(x) + 0.5, float64(y) + 0.5}) {
				sum += int(p.closed[y*p.w+x])
				in++
			}
		}
	}
	if in == 0 {
		return true
	}
	paper := sum / in
	for y := range p.h {
		for x := range p.w {
			i := y*p.w + x
			ground := int(p.closed[i])
			ink := (ground-int(p.raw[i]))*6 > ground && ground > 24
			switch {
			case grid.inside(Point{float64(x) + 0.5, float64(y) + 0.5}):
				if ink {
					inInk++
				}
			case ground*100 > paper*80:
				out++
				if ink {
					outInk++
				}
			}
		}
	}
	return out*12 > p.w*p.h && outInk*3*in > inInk*out
}
