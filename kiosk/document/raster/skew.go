package raster

import (
	"image"
	"math"
	"math/rand/v2"
)

const (
	maxSkew     = 15.0 // degrees either way that are looked for
	minSkew     = 0.1  // a page less crooked than this looks straight
	skewSide    = 1100 // pixels of the long side of the copy that is measured
	minInk      = 300  // points of ink below which no line can be seen
	maxInk      = 40000
	sureOfLines = 1.6 // the straight sum must be this much over the mean one
)

// Skew says by how many degrees the lines of a page are turned clockwise, or
// 0 when it can't tell. It looks at ±15 degrees, finds lines of writing and
// rules in both directions, and is good to about 0.1 degree.
func Skew(g *image.Gray) float64 {
	pts, w, h := inkPoints(reduce(Gray(g), skewSide))
	if len(pts) < minInk {
		return 0
	}
	across, sureAcross := bestAngle(pts, h)
	for i, p := range pts {
		pts[i] = point{-p.y, p.x} // turned by 90 degrees, lines down the page lie across it
	}
	down, sureDown := bestAngle(pts, w)
	if sureDown > 1.25*sureAcross {
		across, sureAcross = down, sureDown
	}
	if sureAcross < sureOfLines {
		return 0
	}
	return across
}

// point is ink on the measured copy, seen from the page's middle.
type point struct{ x, y float32 }

// reduce averages a page down by a whole number so that its long side is at
// most side pixels.
func reduce(g *image.Gray, side int) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	n := (max(w, h) + side - 1) / side
	if n <= 1 {
		return g
	}
	w, h = max(w/n, 1), max(h/n, 1)
	if g.Rect.Dx() < n || g.Rect.Dy() < n {
		return g
	}
	dst := image.NewGray(image.Rect(0, 0, w, h))
	rows(h, func(y0, y1 int) {
		sum := make([]uint32, w)
		for y := y0; y < y1; y++ {
			clear(sum)
			for k := range n {
				row := g.Pix[(y*n+k)*g.Stride:][:w*n]
				for x := range sum {
					s := uint32(0)
					for _, p := range row[x*n : x*n+n] {
						s += uint32(p)
					}
					sum[x] += s
				}
			}
			to := dst.Pix[y*dst.Stride:][:w]
			for x, s := range sum {
				to[x] = uint8(s / uint32(n*n))
			}
		}
	})
	return dst
}

// inkPoints gives the places that are darker than what is around them: thin
// strokes and rules, not the dark of a bed or a picture.
func inkPoints(g *image.Gray) (pts []point, w, h int) {
	w, h = g.Rect.Dx(), g.Rect.Dy()
	m := inkMask(g, 8, 10)
	n := 0
	for _, v := range m {
		n += int(v)
	}
	step := uint32(n/maxInk + 1)
	pts = make([]point, 0, n/int(step)+n/8+1)
	// Every step-th point by lot: taken in turn they would make a pattern.
	lot := rand.New(rand.NewPCG(1, 1))
	for y := range h {
		for x, v := range m[y*w : (y+1)*w] {
			if v == 0 {
				continue
			}
			if step == 1 || lot.Uint32N(step) == 0 {
				pts = append(pts, point{float32(x) - float32(w)/2, float32(y) - float32(h)/2})
			}
		}
	}
	return pts, w, h
}

// inkMask marks with 1 the pixels that are darker by at least depth than the
// mean of the square of 2*radius+1 pixels around them.
func inkMask(g *image.Gray, radius, depth int) []uint8 {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	mask := make([]uint8, w*h)
	rows(h, func(y0, y1 int) {
		cols := make([]int32, w) // sums of the rows around y
		top, bottom := max(y0-radius, 0), max(y0-radius, 0)
		for y := y0; y < y1; y++ {
			for ; bottom <= min(y+radius, h-1); bottom++ {
				for x, p := range g.Pix[bottom*g.Stride:][:w] {
					cols[x] += int32(p)
				}
			}
			for ; top < y-radius; top++ {
				for x, p := range g.Pix[top*g.Stride:][:w] {
					cols[x] -= int32(p)
				}
			}
			markRow(mask[y*w:(y+1)*w], g.Pix[y*g.Stride:][:w], cols, radius, depth, bottom-top)
		}
	})
	return mask
}

// markRow marks one row; cols holds the sums of n rows around it.
func markRow(mask, row []uint8, cols []int32, radius, depth, n int) {
	w := len(row)
	sum, left, right := int32(0), 0, 0
	for x, p := range row {
		for ; right <= min(x+radius, w-1); right++ {
			sum += cols[right]
		}
		for ; left < x-radius; left++ {
			sum -= cols[left]
		}
		area := int32((right - left) * n)
		if (int32(p)+int32(depth))*area < sum {
			mask[x] = 1
		}
	}
}

// bestAngle finds the angle at which the points fall together on the fewest
// lines, and how much more they do there than on the average angle.
func bestAngle(pts []point, h int) (angle, sure float64) {
	bins := make([]int32, 2*h+2*len2(h)+8)
	best, sum, n := 0.0, 0.0, 0
	for a := -maxSkew; a <= maxSkew; a += 0.5 {
		s := sharpness(pts, bins, a)
		sum += s
		n++
		if s > best {
			best, angle = s, a
		}
	}
	for _, step := range []float64{0.25, 0.1, 0.05} {
		middle := angle
		for _, a := range []float64{middle - 2*step, middle - step, middle + step, middle + 2*step} {
			if s := sharpness(pts, bins, a); s > best {
				best, angle = s, a
			}
		}
	}
	if sum == 0 || math.Abs(angle) > maxSkew {
		return 0, 0
	}
	return angle, best * float64(n) / sum
}

// len2 leaves room for points that an angle moves past the page's edges.
func len2(h int) int { return h/2 + skewSide }

// sharpness is high when the points, seen along lines turned by a degrees,
// make rows of much ink beside rows of none.
func sharpness(pts []point, bins []int32, a float64) float64 {
	clear(bins)
	t := float32(math.Tan(a * math.Pi / 180))
	mid := float32(len(bins) / 2)
	for _, p := range pts {
		i := int(p.y - p.x*t + mid)
		if uint(i) < uint(len(bins)) {
			bins[i]++
		}
	}
	s := int64(0)
	last := int32(0)
	for _, b := range bins {
		d := int64(b - last)
		s += d * d
		last = b
	}
	return float64(s)
}
