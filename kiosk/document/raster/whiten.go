package raster

import (
	"image"
	"image/color"
)

const (
	whiteBlock   = 32   // pixels of a square whose paper is measured
	leastPaper   = 0.35 // of a page is paper, else it is a card or a photograph
	mostPaper    = 0.75 // so much of it is that it can't be anything but a page
	tintReach    = 9    // how far a block's colour may be from the paper's
	shadeReach   = 60   // how much darker a shaded block may be
	leastWhite   = 150  // paper darker than this is not made white
	leastShade   = 95   // the same where there can be no doubt
	alreadyWhite = 251  // nothing to do
	mostYellow   = 90   // between the paper's red and blue: yellowed, not coloured
	mostTint     = 30   // between its strongest and weakest in any other hue
	// What is brighter by so much than what most of the page is, and has not its
	// colour, is the paper itself, on cardboard: it would be bleached. So much of
	// the page may be a bed along its edges.
	brighterBy   = 6
	mostBrighter = 0.1
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
	w, ok := o.Whitening()
	if !ok {
		return o.page, false
	}
	var out image.Image
	var pix []uint8
	var stride int
	switch m := o.page.(type) {
	case *image.Gray:
		dst := image.NewGray(m.Rect)
		out, pix, stride = dst, dst.Pix, dst.Stride
	case *image.RGBA:
		dst := image.NewRGBA(m.Rect)
		out, pix, stride = dst, dst.Pix, dst.Stride
	}
	Rows(w.light.size.Y, func(y0, y1 int) {
		band := *w
		band.gain = make([]uint32, len(w.gain))
		for y := y0; y < y1; y++ {
			band.Row(pix[y*stride:], y)
		}
	})
	return out, true
}

// Whitening makes single rows of a page white, for who does not need the
// whole. It belongs to one goroutine at a time.
type Whitening struct {
	light  *lightMap
	pix    []uint8
	stride int
	depth  int      // bytes of a pixel
	gain   []uint32 // of row y, in 1/4096, three for each square
	y      int
}

// Whitening is false where Whiten is.
func (o *Overview) Whitening() (*Whitening, bool) {
	p := measure(ToRGBA(o.Small()), o.page.Bounds().Size())
	if !p.worth() {
		return nil, false
	}
	p.fill()
	p.faint = o.hasPlainInk()
	w := &Whitening{light: p, gain: make([]uint32, 3*p.w), y: -1}
	switch m := o.page.(type) {
	case *image.Gray:
		w.pix, w.stride, w.depth = m.Pix, m.Stride, 1
	case *image.RGBA:
		w.pix, w.stride, w.depth = m.Pix, m.Stride, 4
	}
	return w, true
}

// Row makes row y white in to, which is of the page's kind.
func (w *Whitening) Row(to []uint8, y int) { w.Part(to, 0, w.light.size.X, y) }

// Part makes the pixels from x0 up to x1 of row y white, and puts the first of
// them first.
func (w *Whitening) Part(to []uint8, x0, x1, y int) {
	if w.y != y {
		w.light.gains(w.gain, y)
		w.y = y
	}
	p := w.light
	whitenRow(to[:(x1-x0)*w.depth], w.pix[y*w.stride+x0*w.depth:][:(x1-x0)*w.depth], x0, w.gain, p.block, p.faint, w.depth)
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

// lightMap holds the paper's colour at the middles of squares of the page.
type lightMap struct {
	w, h  int
	size  image.Point // of the page, pixels
	block int         // of the page's pixels make a square
	paper color.RGBA
	at    [][3]float32
	known []bool
	share float64 // of the squares that show paper
	// The share of those that are brighter and show something else.
	brighter float64
	faint    bool // what hardly differs from the paper is taken for paper
}

// measure looks at the small copy of a page of that size.
func measure(small *image.RGBA, size image.Point) *lightMap {
	n := max(1, size.X/max(small.Rect.Dx(), 1)) // pixels of the page to one of the copy
	side := max(whiteBlock/n, 1)
	p := &lightMap{size: size, block: side * n, paper: paperColor(small)}
	p.w, p.h = (size.X+p.block-1)/p.block, (size.Y+p.block-1)/p.block
	p.at = make([][3]float32, p.w*p.h)
	p.known = make([]bool, p.w*p.h)
	found, brighter := 0, 0
	paper := float32(luma(p.paper.R, p.paper.G, p.paper.B))
	for i := range p.at {
		r := image.Rect(0, 0, side, side).Add(image.Pt(i%p.w*side, i/p.w*side))
		p.at[i], p.known[i] = p.square(small, r.Intersect(small.Rect))
		if c := p.at[i]; p.known[i] {
			found++
		} else if 0.3*c[0]+0.59*c[1]+0.11*c[2] > paper+brighterBy {
			brighter++
		}
	}
	p.brighter = float64(brighter) / float64(len(p.known))
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
	if min(r, g, b) >= alreadyWhite || p.brighter > mostBrighter {
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
	offset   = int32((contrast - 1) * headroom * 4096)
)

// gains gives what the pixels of a row below the middles of the squares are
// multiplied by, in 1/4096.
func (p *lightMap) gains(gain []uint32, y int) {
	pos := (float32(y)+0.5)/float32(p.block) - 0.5
	top := max(min(int(pos), p.h-1), 0)
	low := min(top+1, p.h-1)
	f := max(min(pos-float32(top), 1), 0)
	for x := range p.w {
		a, b := p.at[top*p.w+x], p.at[low*p.w+x]
		for c := range 3 {
			gain[3*x+c] = uint32(headroom * contrast * 4096 / max(a[c]*(1-f)+b[c]*f, 64))
		}
	}
}
