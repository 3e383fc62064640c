package raster

import (
	"image"
	"image/color"
)

const (
	whiteBlock   = 32    // pixels of a square whose paper is measured
	leastPaper   = 0.35  // of a page is paper, else it is a card or a photograph
	mostPaper    = 0.75  // so much of it is that it can't be anything but a page
	tintReach    = 9     // how far a block's colour may be from the paper's
	shadeReach   = 60    // how much darker a shaded block may be
	leastWhite   = 150   // paper darker than this is not made white
	leastShade   = 95    // the same where there can be no doubt
	alreadyWhite = 251   // nothing to do
	mostYellow   = 90    // between the paper's red and blue: yellowed, not coloured
	mostTint     = 30    // between its strongest and weakest in any other hue
	cardShape    = 1.586 // width to height of identity cards (ISO/IEC 7810, ID-1)
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
	w, h  int
	size  image.Point // of the page, pixels
	paper color.RGBA
	at    [][3]float32
	known []bool
	share float64 // of the squares that show paper
}

func measure(src *image.RGBA, paper color.RGBA) *lightMap {
	size := src.Rect.Size()
	p := &lightMap{
		w: (size.X + whiteBlock - 1) / whiteBlock, h: (size.Y + whiteBlock - 1) / whiteBlock,
		size: size, paper: paper,
	}
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

// worth says whether this is a sheet of paper and it can be made white. Paper
// that somebody chose to be pink or green stays so, and a card that is not
// plain stays as it is: its ground is a part of it.
func (p *lightMap) worth() bool {
	r, g, b := int(p.paper.R), int(p.paper.G), int(p.paper.B)
	tint := max(r, g, b) - min(r, g, b)
	yellowed := r >= g-4 && g >= b-4 && r-g <= g-b+12
	if tint > mostTint && !(yellowed && tint <= mostYellow) {
		return false
	}
	if cool := b > g && g >= r && tint > 15; cool && p.share < mostPaper {
		return false // blue guilloches of a card, or the sky
	}
	shape := float64(max(p.size.X, p.size.Y)) / float64(max(min(p.size.X, p.size.Y), 1))
	if shape > cardShape*0.92 && shape < cardShape*1.08 && p.share < 0.85 {
		return false
	}
	if min(r, g, b) >= alreadyWhite {
		return false
	}
	light := luma(p.paper.R, p.paper.G, p.paper.B)
	return p.share >= leastPaper && light >= leastWhite || p.share >= mostPaper && light >= leastShade
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

const (
	// headroom is how bright the paper is made, a little more than white so
	// that its grain is white too.
	headroom = 260.0
	// contrast gives pale writing back what the headroom takes from it:
	// everything gets this many times as far from the paper.
	contrast = 1.125
	offset   = uint32((contrast - 1) * headroom * 4096)
)

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
			gain[x][c] = uint32(headroom * contrast * 4096 / max(a[c]*(1-f)+b[c]*f, 64))
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
			q[0] = scaled(p[0], k[0])
			q[1] = scaled(p[1], k[1])
			q[2] = scaled(p[2], k[2])
			q[3] = 255
			k[0], k[1], k[2] = k[0]+d[0], k[1]+d[1], k[2]+d[2]
		}
	}
}

func scaled(v uint8, k int32) uint8 {
	return uint8(min(max(int(uint32(v)*uint32(k))-int(offset), 0)>>12, 255))
}

// whitenGray does the same for a page without colour.
func whitenGray(g *image.Gray) image.Image {
	out := Whiten(ToRGBA(g))
	return Gray(out)
}
