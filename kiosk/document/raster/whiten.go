package raster

import (
	"image"
	"image/color"
)

const (
	whiteBlock = 32   // pixels of a square whose paper is measured
	leastPaper = 0.35 // of a page is paper, else it is a card or a photograph
	tintReach  = 9    // how far a block's colour may be from the paper's
	shadeReach = 60   // how much darker a shaded block may be
	leastWhite = 150  // paper darker than this is not made white
)

// Whiten makes the page's paper white and its light even, so that the page is
// small and reads well. Everything on it keeps its darkness and colour as
// seen against the paper: pale writing, pencil, stamps, coloured fields.
// Cards, photographs and dark pages are returned as they are.
func Whiten(img image.Image) image.Image {
	if g, ok := img.(*image.Gray); ok {
		return whitenGray(Gray(g))
	}
	src := ToRGBA(img)
	paper := paperColor(src)
	p := measure(src, paper)
	if !p.worth() {
		return img
	}
	p.fill()
	dst := image.NewRGBA(src.Rect)
	w := src.Rect.Dx()
	rows(src.Rect.Dy(), func(y0, y1 int) {
		gain := make([][3]uint32, p.w)
		for y := y0; y < y1; y++ {
			p.gains(gain, y)
			apply(dst.Pix[y*dst.Stride:][:4*w], src.Pix[y*src.Stride:][:4*w], gain)
		}
	})
	return dst
}

// lightMap holds the paper's colour at the middles of squares of the page.
type lightMap struct {
	w, h   int
	paper  color.RGBA
	at     [][3]float32
	known  []bool
	share  float64 // of the squares that show paper
	spread float64 // of the paper's brightness, its grain
}

func measure(src *image.RGBA, paper color.RGBA) *lightMap {
	p := &lightMap{w: (src.Rect.Dx() + whiteBlock - 1) / whiteBlock, h: (src.Rect.Dy() + whiteBlock - 1) / whiteBlock, paper: paper}
	p.at = make([][3]float32, p.w*p.h)
	p.known = make([]bool, p.w*p.h)
	rows(p.h*minBand, func(y0, y1 int) {
		for by := y0 / minBand; by < y1/minBand; by++ {
			for bx := range p.w {
				i := by*p.w + bx
				p.at[i], p.known[i] = p.block(src, bx*whiteBlock, by*whiteBlock)
			}
		}
	})
	n := 0
	for _, k := range p.known {
		if k {
			n++
		}
	}
	p.share = float64(n) / float64(len(p.known))
	return p
}

// block measures the paper in one square: the mean of its commonest bright
// pixels, if they have about the paper's colour.
func (p *lightMap) block(src *image.RGBA, x0, y0 int) ([3]float32, bool) {
	x1, y1 := min(x0+whiteBlock, src.Rect.Dx()), min(y0+whiteBlock, src.Rect.Dy())
	var count [64]int
	for y := y0; y < y1; y += 2 {
		for x := x0; x < x1; x += 2 {
			q := src.Pix[y*src.Stride+4*x:]
			count[luma(q[0], q[1], q[2])>>2]++
		}
	}
	best, at := 0, 0
	for v := 1; v < 64; v++ {
		if n := count[v] + count[v-1]; n >= best {
			best, at = n, v
		}
	}
	var r, g, b, n int
	for y := y0; y < y1; y += 2 {
		for x := x0; x < x1; x += 2 {
			q := src.Pix[y*src.Stride+4*x:]
			if v := int(luma(q[0], q[1], q[2]) >> 2); v == at || v == at-1 {
				r, g, b, n = r+int(q[0]), g+int(q[1]), b+int(q[2]), n+1
			}
		}
	}
	if n == 0 {
		return [3]float32{}, false
	}
	c := [3]float32{float32(r) / float32(n), float32(g) / float32(n), float32(b) / float32(n)}
	return c, p.isPaper(c)
}

// isPaper says whether a colour is the paper's own, a little shaded.
func (p *lightMap) isPaper(c [3]float32) bool {
	light := c[1]
	own := float32(p.paper.G)
	if light < own-shadeReach || light > own+shadeReach || light < leastWhite/2 {
		return false
	}
	k := light / own
	dr, db := c[0]-float32(p.paper.R)*k, c[2]-float32(p.paper.B)*k
	return dr < tintReach && dr > -tintReach && db < tintReach && db > -tintReach
}

// worth says whether this is a sheet of paper and it can be made white.
func (p *lightMap) worth() bool {
	return p.share >= leastPaper && luma(p.paper.R, p.paper.G, p.paper.B) >= leastWhite
}

// fill gives squares that show no paper the light of their neighbours, then
// smooths the map: light changes slowly, what does not is on the paper.
func (p *lightMap) fill() {
	for missing := true; missing; {
		missing = false
		at, known := append([][3]float32(nil), p.at...), append([]bool(nil), p.known...)
		for y := range p.h {
			for x := range p.w {
				i := y*p.w + x
				if known[i] {
					continue
				}
				if c, n := p.around(at, known, x, y); n > 0 {
					p.at[i], p.known[i] = c, true
				} else {
					missing = true
				}
			}
		}
	}
	for range 2 {
		at := append([][3]float32(nil), p.at...)
		for y := range p.h {
			for x := range p.w {
				p.at[y*p.w+x], _ = p.around(at, p.known, x, y)
			}
		}
	}
}

// around is the mean of the known squares of the nine around a place.
func (p *lightMap) around(at [][3]float32, known []bool, x, y int) (sum [3]float32, n int) {
	for ny := max(y-1, 0); ny <= min(y+1, p.h-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, p.w-1); nx++ {
			if i := ny*p.w + nx; known[i] {
				for c := range sum {
					sum[c] += at[i][c]
				}
				n++
			}
		}
	}
	for c := range sum {
		sum[c] /= float32(max(n, 1))
	}
	return sum, n
}

// headroom is how much brighter than white the paper is made, so that its
// grain is white too: 1/50, less than the palest pencil stands out.
const headroom = 255.0 * 1.02

// gains gives, for the middles of the squares, what to multiply row y by, in
// 1/4096.
func (p *lightMap) gains(gain [][3]uint32, y int) {
	pos := (float32(y)+0.5)/whiteBlock - 0.5
	top := max(min(int(pos), p.h-1), 0)
	low := min(top+1, p.h-1)
	f := max(min(pos-float32(top), 1), 0)
	for x := range gain {
		a, b := p.at[top*p.w+x], p.at[low*p.w+x]
		for c := range 3 {
			gain[x][c] = uint32(headroom / max(a[c]*(1-f)+b[c]*f, 64) * 4096)
		}
	}
}

// apply multiplies a row, going evenly from one square's middle to the next.
func apply(to, from []uint8, gain [][3]uint32) {
	w := len(to) / 4
	for x := 0; x < w; {
		left := (x + whiteBlock/2) / whiteBlock
		end := min(left*whiteBlock+whiteBlock/2, w)
		a, b := gain[max(left-1, 0)], gain[min(left, len(gain)-1)]
		var k, d [3]int32
		for c := range 3 {
			k[c] = int32(a[c])
			d[c] = (int32(b[c]) - int32(a[c])) / whiteBlock
		}
		if left == 0 {
			d = [3]int32{}
		}
		for ; x < end; x++ {
			p, q := from[4*x:4*x+4:4*x+4], to[4*x:4*x+4:4*x+4]
			q[0] = uint8(min(uint32(p[0])*uint32(k[0])>>12, 255))
			q[1] = uint8(min(uint32(p[1])*uint32(k[1])>>12, 255))
			q[2] = uint8(min(uint32(p[2])*uint32(k[2])>>12, 255))
			q[3] = 255
			k[0], k[1], k[2] = k[0]+d[0], k[1]+d[1], k[2]+d[2]
		}
	}
}

// whitenGray does the same for a page without colour.
func whitenGray(g *image.Gray) image.Image {
	out := Whiten(ToRGBA(g))
	return Gray(out)
}
