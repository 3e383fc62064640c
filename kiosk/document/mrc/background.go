package mrc

import (
	"image"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/raster"
)

const (
	whitePaper = 245 // paper from this brightness on is drawn white
	toWhite    = 236 // and what is on it from this one on too
	// The same in patches of something.
	toWhiteKept = 244
	patchDepth  = 224 // the darkest channel of something on white paper
	patchDPI    = 75  // patches are looked for at this resolution
	leastPatch  = 5   // its pixels of a patch: half a square millimetre
	leastDark   = 0.004
	grayShare   = 0.002 // of the pixels may have colour in a background without
	tinted      = 28    // between the channels of a colour
)

// ground is what lies below the ink.
type ground struct {
	page  *page
	holes *jbig2.Bitmap // of the page's copy: there is ink
	// What is kept of it, at patchDPI: all else is white; nil when all of it.
	keep  *jbig2.Bitmap
	white bool // the paper is
	empty bool // there is nothing
	// The last picture drawn, as it is often asked for again.
	drawn     image.Image
	drawnDPI  int
	drawnGray bool
}

func (p *page) ground(mask *jbig2.Bitmap, c *cells) *ground {
	g := &ground{page: p, holes: shrinkMask(widen(mask), p.factor), white: c.paper >= whitePaper}
	if g.white {
		v := g.coarse(patchDPI)
		v.fill(1)
		g.empty = !g.patches(v)
	}
	return g
}

// shrinkMask gives a picture of squares of n by n pixels, black where any is.
func shrinkMask(b *jbig2.Bitmap, n int) *jbig2.Bitmap {
	if n == 1 {
		return b
	}
	out := jbig2.NewBitmap((b.Width+n-1)/n, (b.Height+n-1)/n)
	all := make([]byte, b.Stride)
	for y := range out.Height {
		clear(all)
		for k := y * n; k < min((y+1)*n, b.Height); k++ {
			for i, v := range b.Row(k) {
				all[i] |= v
			}
		}
		to := out.Row(y)
		if n == 2 {
			for i, v := range all {
				v |= v << 1 // of each pair, the higher bit
				to[i>>1] |= (v&0x80 | v<<1&0x40 | v<<2&0x20 | v<<3&0x10) >> (i & 1 * 4)
			}
			continue
		}
		for x := range b.Width {
			if all[x>>3]&(0x80>>(x&7)) != 0 {
				out.Set(x/n, y)
			}
		}
	}
	return out
}

// coarse is a picture of few pixels: red, green, blue and how many of the
// page's copy were added.
type coarse struct {
	w, h int
	v    [][4]uint32
}

// coarse gives the background at a resolution, with its holes.
func (g *ground) coarse(dpi int) *coarse {
	p := g.page
	w, h := p.copyGray.w, p.copyGray.h
	own := p.dpi / p.factor
	c := &coarse{w: coarser(w, own, dpi), h: coarser(h, own, dpi)}
	c.v = make([][4]uint32, c.w*c.h)
	xs, ys := places(w, c.w), places(h, c.h)
	for y := range h {
		holes, to := g.holes.Row(y), c.v[ys[y]*c.w:][:c.w]
		if p.copyColor == nil {
			addGray(to, p.copyGray.row(y)[:w], holes, xs)
		} else {
			addColor(to, p.copyColor.Pix[y*p.copyColor.Stride:][:4*w], holes, xs)
		}
	}
	return c
}

func addGray(to [][4]uint32, row []uint8, holes []byte, xs []int) {
	for x, v := range row {
		if holes[x>>3]&(0x80>>(x&7)) == 0 {
			t := &to[xs[x]]
			t[0], t[1], t[2], t[3] = t[0]+uint32(v), t[1]+uint32(v), t[2]+uint32(v), t[3]+1
		}
	}
}

func addColor(to [][4]uint32, row []uint8, holes []byte, xs []int) {
	for x, i := range xs {
		if holes[x>>3]&(0x80>>(x&7)) == 0 {
			p, t := row[4*x:4*x+3:4*x+3], &to[i]
			t[0], t[1], t[2], t[3] = t[0]+uint32(p[0]), t[1]+uint32(p[1]), t[2]+uint32(p[2]), t[3]+1
		}
	}
}

// fill makes means of sums. Pixels to which fewer than least were added get
// the colour of those around.
func (c *coarse) fill(least uint32) {
	holes := false
	for i := range c.v {
		holes = holes || c.v[i][3] < least
	}
	if holes && c.w*c.h > 1 {
		half := &coarse{w: (c.w + 1) / 2, h: (c.h + 1) / 2}
		half.v = make([][4]uint32, half.w*half.h)
		for y := range c.h {
			to := half.v[y/2*half.w:]
			for x, v := range c.v[y*c.w:][:c.w] {
				t := &to[x/2]
				t[0], t[1], t[2], t[3] = t[0]+v[0], t[1]+v[1], t[2]+v[2], t[3]+v[3]
			}
		}
		half.fill(least)
		for i := range c.v {
			if c.v[i][3] < least {
				c.v[i] = half.between(i%c.w, i/c.w)
			}
		}
	}
	for i := range c.v {
		if t := &c.v[i]; t[3] > 1 {
			n := t[3]
			t[0], t[1], t[2], t[3] = (t[0]+n/2)/n, (t[1]+n/2)/n, (t[2]+n/2)/n, 1
		}
	}
}

// between interpolates a picture of half the size at a pixel.
func (c *coarse) between(x, y int) (out [4]uint32) {
	x0, y0 := x/2, y/2
	x1, y1 := min(max(x0+2*(x&1)-1, 0), c.w-1), min(max(y0+2*(y&1)-1, 0), c.h-1)
	a, b, d, e := &c.v[y0*c.w+x0], &c.v[y0*c.w+x1], &c.v[y1*c.w+x0], &c.v[y1*c.w+x1]
	for k := range 3 {
		out[k] = (9*a[k] + 3*b[k] + 3*d[k] + e[k] + 8) / 16
	}
	out[3] = 1
	return out
}

// patches finds what is on white paper, and says whether there is anything.
// Grain and what shines through from the other side count as paper.
func (g *ground) patches(c *coarse) bool {
	least := make([]uint32, len(c.v))
	for i, v := range c.v {
		least[i] = min(v[0], v[1], v[2])
	}
	smooth := boxSums(least, c.w, c.h, 1)
	b := jbig2.NewBitmap(c.w, c.h)
	dark := 0
	for y := range c.h {
		ny := min(y+1, c.h-1) - max(y-1, 0) + 1
		for x := range c.w {
			if int(smooth[y*c.w+x]) < patchDepth*ny*(min(x+1, c.w-1)-max(x-1, 0)+1) {
				b.Set(x, y)
				dark++
			}
		}
	}
	if float64(dark) >= leastDark*float64(len(c.v)) {
		return true // scattered all over it, perhaps
	}
	runs, start, found := parts(b)
	keep := jbig2.NewBitmap(c.w, c.h)
	any := false
	for y := range c.h {
		for _, r := range runs[start[y]:start[y+1]] {
			if found[r.part].area >= leastPatch {
				any = true
				paint(keep.Row(y), int(r.x0), int(r.x1))
			}
		}
	}
	if any {
		g.keep = widen(keep)
	}
	return any
}

// show keeps what is at a place of the page.
func (g *ground) show(r image.Rectangle, dpi int) {
	w, h := g.page.gray.w, g.page.gray.h
	if g.empty {
		g.empty, g.keep = false, jbig2.NewBitmap(coarser(w, dpi, patchDPI), coarser(h, dpi, patchDPI))
	}
	g.drawn = nil
	if g.keep == nil {
		return
	}
	k := image.Rect(r.Min.X*g.keep.Width/w-1, r.Min.Y*g.keep.Height/h-1, r.Max.X*g.keep.Width/w+2, r.Max.Y*g.keep.Height/h+2)
	k = k.Intersect(image.Rect(0, 0, g.keep.Width, g.keep.Height))
	for y := k.Min.Y; y < k.Max.Y && k.Min.X < k.Max.X; y++ {
		paint(g.keep.Row(y), k.Min.X, k.Max.X)
	}
}

// image draws it at a resolution, *image.Gray when it has no colour; nil when
// there is nothing but white paper.
func (g *ground) image(dpi int, gray bool) image.Image {
	if g.empty {
		return nil
	}
	if g.drawn == nil || g.drawnDPI != dpi || g.drawnGray != gray {
		g.drawn, g.drawnDPI, g.drawnGray = g.draw(dpi, gray), dpi, gray
	}
	return g.drawn
}

func (g *ground) draw(dpi int, gray bool) image.Image {
	c := g.coarse(dpi)
	c.fill(1)
	m := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
	colored := 0
	for y := range c.h {
		for x := range c.w {
			v, to := &c.v[y*c.w+x], m.Pix[y*m.Stride+4*x:][:4:4]
			if g.white && g.isPaper(min(v[0], v[1], v[2]), x, y, c) {
				to[0], to[1], to[2], to[3] = 255, 255, 255, 255
				continue
			}
			if max(v[0], v[1], v[2])-min(v[0], v[1], v[2]) > tinted {
				colored++
			}
			to[0], to[1], to[2], to[3] = uint8(v[0]), uint8(v[1]), uint8(v[2]), 255
		}
	}
	few := float64(colored) < grayShare*float64(len(c.v)) && colored*100*100 < 192*dpi*dpi
	if gray || few || g.page.copyColor == nil {
		return raster.Gray(m)
	}
	return m
}

// isPaper says whether a pixel, whose darkest channel is given, is drawn
// white.
func (g *ground) isPaper(least uint32, x, y int, c *coarse) bool {
	if g.keep == nil {
		return least > toWhite
	}
	return least > toWhiteKept || !g.keep.Black(x*g.keep.Width/c.w, y*g.keep.Height/c.h)
}

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
