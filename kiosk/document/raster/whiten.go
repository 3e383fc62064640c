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
	out, ok := NewOverview(img).Whiten()
	if !ok {
		return img
	}
	return out
}

// Whiten is Whiten of the page. It is false for what it takes for no sheet of
// paper, and for a page that is white already.
func (o *Overview) Whiten() (image.Image, bool) {
	p := measure(ToRGBA(o.Small()), o.page.Bounds().Size())
	if !p.worth() {
		return o.page, false
	}
	p.fill()
	p.faint = o.hasPlainInk()
	g, ok := o.page.(*image.Gray)
	if !ok {
		src := o.page.(*image.RGBA)
		dst := image.NewRGBA(src.Rect)
		p.eachRow(func(gain [][3]uint32, y int) {
			p.apply(dst.Pix[y*dst.Stride:][:4*p.size.X], src.Pix[y*src.Stride:][:4*p.size.X], gain)
		})
		return dst, true
	}
	dst := image.NewGray(g.Rect)
	p.eachRow(func(gain [][3]uint32, y int) {
		p.applyGray(dst.Pix[y*dst.Stride:][:p.size.X], g.Pix[y*g.Stride:][:p.size.X], gain)
	})
	return dst, true
}

// What stands out from its paper by less than faintDepth is, on a page whose
// ink stands out by plainInk, the print of its other side or the paper's own
// structure. Up to twice that deep it is paled: no pencil is so pale that it
// would go, and where all is pale nothing is touched.
const (
	faintDepth = 8
	plainInk   = 60
	plainShare = 0.003 // of the small copy is ink as plain as that
)

// hasPlainInk says whether there is writing in plain ink on the page.
func (o *Overview) hasPlainInk() bool {
	n := 0
	for _, v := range o.Relief() {
		if v >= plainInk {
			n++
		}
	}
	return float64(n) >= plainShare*float64(len(o.relief))
}

// paled is a value on white paper without what is faint.
func paled(v uint8) uint8 {
	if v < 255-2*faintDepth {
		return v
	}
	return 255 - uint8(max(2*(255-int(v))-2*faintDepth, 0))
}

// lightMap holds the paper's colour at the middles of squares of the page.
type lightMap struct {
	w, h  int
	size  image.Point // of the page, pixels
	block int         // of the page's pixels make a square
	paper color.RGBA
	at    [][3]float32
	known []bool
	share float64 // of the squares that show paper
	faint bool    // what hardly differs from the paper is taken for paper
}

// measure looks at the small copy of a page of that size.
func measure(small *image.RGBA, size image.Point) *lightMap {
	n := max(1, size.X/max(small.Rect.Dx(), 1)) // pixels of the page to one of the copy
	side := max(whiteBlock/n, 1)
	p := &lightMap{size: size, block: side * n, paper: paperColor(small)}
	p.w, p.h = (size.X+p.block-1)/p.block, (size.Y+p.block-1)/p.block
	p.at = make([][3]float32, p.w*p.h)
	p.known = make([]bool, p.w*p.h)
	found := 0
	for i := range p.at {
		r := image.Rect(0, 0, side, side).Add(image.Pt(i%p.w*side, i/p.w*side))
		p.at[i], p.known[i] = p.square(small, r.Intersect(small.Rect))
		if p.known[i] {
			found++
		}
	}
	p.share = float64(found) / float64(len(p.known))
	return p
}

// square measures the paper in one square: the mean of its commonest bright
// pixels, if they have about the paper's colour.
func (p *lightMap) square(m *image.RGBA, r image.Rectangle) ([3]float32, bool) {
	var count [64]int
	var light [whiteBlock * whiteBlock]uint8
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			q := m.Pix[y*m.Stride+4*x:]
			light[n] = luma(q[0], q[1], q[2]) >> 2
			count[light[n]]++
			n++
		}
	}
	best, at := 0, uint8(0)
	for v := 1; v < 64; v++ {
		if n := count[v] + count[v-1]; n >= best {
			best, at = n, uint8(v)
		}
	}
	if best == 0 {
		return [3]float32{}, false
	}
	var sum [3]int
	n, i := 0, 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if v := light[i]; v == at || v == at-1 {
				q := m.Pix[y*m.Stride+4*x:]
				sum[0], sum[1], sum[2], n = sum[0]+int(q[0]), sum[1]+int(q[1]), sum[2]+int(q[2]), n+1
			}
			i++
		}
	}
	c := [3]float32{float32(sum[0]) / float32(n), float32(sum[1]) / float32(n), float32(sum[2]) / float32(n)}
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

// eachRow calls f with every row of the page and what its pixels below the
// middles of the squares are multiplied by, in 1/4096.
func (p *lightMap) eachRow(f func(gain [][3]uint32, y int)) {
	rows(p.size.Y, func(y0, y1 int) {
		gain := make([][3]uint32, p.w)
		for y := y0; y < y1; y++ {
			p.gains(gain, y)
			f(gain, y)
		}
	})
}

func (p *lightMap) gains(gain [][3]uint32, y int) {
	pos := (float32(y)+0.5)/float32(p.block) - 0.5
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

// ramp is how a gain goes evenly from the middle of one square to the next.
type ramp struct {
	from, to int // pixels of the row
	k, d     [3]int32
}

// ramps calls f for the parts of a row.
func (p *lightMap) ramps(gain [][3]uint32, f func(r ramp)) {
	for x := 0; x < p.size.X; {
		left := (x + p.block/2) / p.block
		r := ramp{from: x, to: min(left*p.block+(p.block+1)/2, p.size.X)}
		a, b := gain[max(min(left, len(gain))-1, 0)], gain[min(left, len(gain)-1)]
		for c := range 3 {
			r.k[c] = int32(a[c])
			if left > 0 {
				r.d[c] = (int32(b[c]) - int32(a[c])) / int32(p.block)
			}
		}
		f(r)
		x = r.to
	}
}

// whiteFrom is the value from which on channel c is white all along a ramp.
func (p *lightMap) whiteFrom(r ramp, c int) uint64 {
	white := uint32(255)
	if p.faint {
		white -= faintDepth
	}
	k := uint32(min(r.k[c], r.k[c]+r.d[c]*int32(r.to-r.from)))
	return uint64(min((white<<12+offset+k-1)/k, 256))
}

// apply multiplies a row. Most of a page is paper: two pixels at a time are
// seen to become white.
func (p *lightMap) apply(to, from []uint8, gain [][3]uint32) {
	const carry = 0x0100010001000100
	p.ramps(gain, func(r ramp) {
		even := carry - (p.whiteFrom(r, 0)|p.whiteFrom(r, 2)<<16)*0x100000001
		odd := carry - p.whiteFrom(r, 1)*0x100000001
		src, dst := from[4*r.from:4*r.to], to[4*r.from:4*r.to]
		k := r.k
		for len(src) >= 8 && len(dst) >= 8 {
			e, o := split(load64(src))
			if (e+even)&(o+odd)&carry == carry {
				store64(dst, 1<<64-1)
				for c := range 3 {
					k[c] += 2 * r.d[c]
				}
			} else {
				p.pixel(dst[0:4:4], src[0:4:4], &k, &r.d)
				p.pixel(dst[4:8:8], src[4:8:8], &k, &r.d)
			}
			src, dst = src[8:], dst[8:]
		}
		if len(src) >= 4 {
			p.pixel(dst, src, &k, &r.d)
		}
	})
}

func (p *lightMap) pixel(to, from []uint8, k, d *[3]int32) {
	_, _ = to[3], from[3]
	r, g, b := scaled(from[0], k[0]), scaled(from[1], k[1]), scaled(from[2], k[2])
	if least, most := min(r, g, b), max(r, g, b); p.faint && least > 255-2*faintDepth && most-least < faintDepth {
		r, g, b = paled(r), paled(g), paled(b)
	}
	to[0], to[1], to[2], to[3] = r, g, b, 255
	k[0], k[1], k[2] = k[0]+d[0], k[1]+d[1], k[2]+d[2]
}

// applyGray does the same for a page without colour.
func (p *lightMap) applyGray(to, from []uint8, gain [][3]uint32) {
	p.ramps(gain, func(r ramp) {
		white, k, d := uint8(min(p.whiteFrom(r, 1), 255)), r.k[1], r.d[1]
		src, dst := from[r.from:r.to], to[r.from:r.to]
		for i, v := range src {
			switch {
			case v >= white:
				dst[i] = 255
			case p.faint:
				dst[i] = paled(scaled(v, k))
			default:
				dst[i] = scaled(v, k)
			}
			k += d
		}
	})
}

func scaled(v uint8, k int32) uint8 {
	return uint8(min(max(int32(uint32(v)*uint32(k))-int32(offset), 0)>>12, 255))
}
