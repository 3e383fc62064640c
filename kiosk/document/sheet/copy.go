package sheet

import (
	"image"
	"math"

	"pointnum/kiosk/document/raster"
)

// copySide is the long side of the copy that sheets are looked for in. Wide
// enough for a corner to be found within a pixel or two, small enough for
// writing to be closed over.
const copySide = 640

// smallCopy is the picture averaged down; factor is how many pixels of the
// picture one of the copy stands for.
type smallCopy struct {
	factor float64
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
	// First by a whole number, which is quick, then by what is left.
	n := max(1, max(b.Dx(), b.Dy())/copySide)
	w, h := b.Dx()/n, b.Dy()/n
	c := &smallCopy{}
	if g, ok := img.(*image.Gray); ok {
		c.dim = newPlane(w, h)
		reduceGray(c.dim.raw, raster.Gray(g), w, h, n)
	} else {
		c.dim, c.luma = newPlane(w, h), newPlane(w, h)
		reduceRGBA(c.dim.raw, c.luma.raw, raster.ToRGBA(img), w, h, n)
		c.luma = c.luma.fitted()
		c.luma.close()
	}
	c.dim = c.dim.fitted()
	c.dim.close()
	c.factor = float64(b.Dx()) / float64(c.dim.w)
	return c
}

// fitted gives the plane at most copySide long.
func (p *plane) fitted() *plane {
	long := max(p.w, p.h)
	if long <= copySide {
		return p
	}
	q := newPlane(max(1, p.w*copySide/long), max(1, p.h*copySide/long))
	g := &image.Gray{Pix: p.raw, Stride: p.w, Rect: image.Rect(0, 0, p.w, p.h)}
	q.raw = raster.Gray(raster.Scale(g, q.w, q.h)).Pix
	return q
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
	room := make([]uint8, len(a))
	p.brightest7(a, room)
	invert(a)
	p.brightest7(a, room)
	invert(a)
	copy(room, a)
	for y := 1; y < p.h-1; y++ {
		up, row, down := a[(y-1)*p.w:][:p.w], a[y*p.w:][:p.w], a[(y+1)*p.w:][:p.w]
		to := room[y*p.w:][:p.w]
		for x := 1; x < p.w-1; x++ {
			s := uint32(up[x-1]) + uint32(up[x]) + uint32(up[x+1]) + uint32(row[x-1]) + uint32(row[x]) +
				uint32(row[x+1]) + uint32(down[x-1]) + uint32(down[x]) + uint32(down[x+1])
			to[x] = uint8(s / 9)
		}
	}
	p.closed = room
}

func invert(a []uint8) {
	for i, v := range a {
		a[i] = 255 - v
	}
}

// brightest7 replaces every pixel of a by the brightest of the square of 7 by
// 7 around it.
func (p *plane) brightest7(a, room []uint8) {
	const size = 2*closeRadius + 1
	line := make([]uint8, p.w+size)
	for y := range p.h {
		row := a[y*p.w:][:p.w]
		clear(line)
		copy(line[closeRadius:], row)
		for _, step := range [3]int{1, 2, 3} { // 2, 4, then 7 pixels wide
			for x := range len(line) - step {
				line[x] = max(line[x], line[x+step])
			}
		}
		copy(row, line)
	}
	copy(room, a)
	for y := range p.h {
		to := a[y*p.w:][:p.w]
		for k := max(0, y-closeRadius); k <= min(p.h-1, y+closeRadius); k++ {
			from := room[k*p.w:][:p.w]
			for x, v := range from {
				to[x] = max(to[x], v)
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
	around := q.quad.grown(4 * closeRadius) // the sheet's shadow is no writing
	var in, out, inInk, outInk, sum int
	inside := make([]bool, 0, p.w*p.h)
	for y := range p.h {
		for x := range p.w {
			is := q.quad.inside(Point{float64(x) + 0.5, float64(y) + 0.5})
			inside = append(inside, is)
			if is {
				sum += int(p.closed[y*p.w+x])
				in++
			}
		}
	}
	if in == 0 {
		return true
	}
	paper := sum / in
	for i, ground := range p.closed {
		ink := 0
		if d := int(ground) - int(p.raw[i]); 4*d > int(ground) && ground > 24 {
			ink = 1
		}
		switch {
		case inside[i]:
			inInk += ink
		case int(ground)*100 > paper*80 && !around.inside(Point{float64(i%p.w) + 0.5, float64(i/p.w) + 0.5}):
			out++
			outInk += ink
		}
	}
	return out*12 > p.w*p.h && outInk*3*in > inInk*out
}

// grown moves the corners away from the middle by about so many pixels.
func (q Quad) grown(by float64) Quad {
	mid := q[0].add(q[1]).add(q[2]).add(q[3]).times(0.25)
	for i, p := range q {
		d := p.sub(mid)
		q[i] = p.add(d.times(by * math.Sqrt2 / math.Hypot(d.X, d.Y)))
	}
	return q
}
