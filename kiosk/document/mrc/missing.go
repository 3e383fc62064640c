package mrc

import (
	"image"
	"math/bits"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/raster"
)

const (
	guardBlock  = 16  // pixels of a square whose paper is measured
	guardDepth  = 48  // a stroke is so much darker than its paper, of 255
	guardLight  = 200 // or more; a darker ground is taken for this one, lest its grain counts
	guardKept   = 3   // and one part in so many of that must be left
	leastStroke = 30  // its pixels at 150 dpi: a square millimetre
	mostStroke  = 24  // and its mean width: what is wider is a hole or a shade
	guardEdge   = 18  // along the edges lie their shadows: 3 mm
)

// guard is what was found by comparing layers with their page.
type guard struct {
	missing []image.Rectangle
	kept    float64 // of what is dark on the page, the share that still is
}

// Missing compares the layers with the page they were made of, and gives the
// places, in the page's pixels, where a connected stroke of the page can't be
// seen any more; none when all is there. It sees the page as somebody does
// who ignores the shade of the paper, and shares nothing with Split but the
// layers. What is no stroke but a wide even shade, and the outermost three
// millimetres, where edges throw shadows, are not looked at. A page that was
// not split misses nothing.
func (l *Layers) Missing() []image.Rectangle {
	if l.Photo {
		return nil
	}
	return l.compare(l.darkness()).missing
}

// Holes gives what Missing found when the page was split.
func (l *Layers) Holes() []image.Rectangle { return l.guard.missing }

// Confidence says how far the layers show what the page does, 0 to 1; 0 for a
// page that was not split.
func (l *Layers) Confidence() float64 {
	return max(l.guard.kept-0.05*float64(len(l.guard.missing)), 0)
}

// repair compares the layers with the page. Where a stroke is missing it is
// left in the background, and what is missing then is missing.
func (l *Layers) repair() {
	before := l.darkness()
	l.guard = l.compare(before)
	if len(l.guard.missing) == 0 || !l.ground.white {
		return
	}
	for _, r := range l.guard.missing {
		l.ground.show(r, l.DPI)
	}
	l.guard = l.compare(before)
}

func (l *Layers) darkness() darkness { return newScene(l.original).darkness() }

func (l *Layers) compare(before darkness) (g guard) {
	var after *scene
	if m := l.ground.image(Standard().BackgroundDPI, false); m != nil {
		after = newScene(m)
	}
	w, h := before.w, before.h
	ink := l.ink()
	seen := sight{image.Pt(l.Width, l.Height), l.DPI, l.page.factor}
	return seen.guard(before, func(x, y, want int) bool {
		if ink.depth(x, y) >= want {
			return true
		}
		bx, by := 0, 0
		if after != nil {
			if bx, by = x*after.w/w, y*after.h/h; after.depth(bx, by) >= want {
				return true
			}
		}
		for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
			for nx := max(x-1, 0); nx <= min(x+1, w-1); nx++ {
				if ink.depth(nx, ny) >= want {
					return true
				}
			}
		}
		return after != nil && after.deepest(bx, by, want)
	})
}

// sight is how a page is looked at.
type sight struct {
	size   image.Point
	dpi    int
	factor int // pixels of the page to one that is looked at
}

func (s sight) copyOf(img image.Image) image.Image {
	if g, ok := img.(*image.Gray); ok {
		p := &page{dpi: s.dpi, factor: s.factor}
		p.grayPage(g)
		return p.copyGray.gray()
	}
	return shrink(raster.ToRGBA(img), s.factor)
}

// guard finds what is dark before and is not after. shown says whether
// something is at least as dark as wanted at a pixel or beside it.
func (s sight) guard(before darkness, shown func(x, y, want int) bool) (g guard) {
	lost := jbig2.NewBitmap(before.w, before.h)
	for y := range before.h {
		for _, d := range before.row(y) {
			if x := d.x(); !shown(x, y, (d.depth()+guardKept-1)/guardKept) {
				lost.Set(x, y)
			}
		}
	}
	gone := s.strokesIn(&g, lost)
	g.kept = 1 - float64(gone)/float64(len(before.all)+1)
	return g
}

// strokesIn finds those among what is lost that are strokes, and counts the
// pixels of these and smaller ones.
func (s sight) strokesIn(g *guard, lost *jbig2.Bitmap) (gone int) {
	w, h := lost.Width, lost.Height
	_, _, patches := parts(lost)
	dpi := min(s.dpi/s.factor, copyDPI)
	least := max(leastStroke*dpi*dpi/(copyDPI*copyDPI), 3)
	inner := image.Rect(0, 0, w, h).Inset(guardEdge * dpi / copyDPI)
	for _, p := range patches {
		box := image.Rect(p.x0, p.y0, p.x1, p.y1)
		if p.area >= mostStroke*max(box.Dx(), box.Dy()) || 2*area(box.Intersect(inner)) < area(box) {
			continue
		}
		if gone += p.area; p.area >= least {
			g.missing = append(g.missing, image.Rect(p.x0*s.size.X/w, p.y0*s.size.Y/h, (p.x1*s.size.X+w-1)/w, (p.y1*s.size.Y+h-1)/h))
		}
	}
	return gone
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

// inkView is the ink as the page's copy shows it.
type inkView struct {
	all      *jbig2.Bitmap // nil when there is none
	stencils []Stencil
	dark     []int // how dark the ink of each is
	factor   int
}

func (l *Layers) ink() inkView {
	v := inkView{all: l.mask, stencils: l.Stencils, factor: l.page.factor}
	for _, s := range l.Stencils {
		v.dark = append(v.dark, 255-int(min(s.Color.R, s.Color.G, s.Color.B)))
	}
	return v
}

// depth is how dark the ink makes a pixel of the copy.
func (v *inkView) depth(x, y int) (d int) {
	f := v.factor
	if v.all == nil || f == 2 && twoByTwo(v.all, x, y) == 0 {
		return 0
	}
	for i := range v.stencils {
		m := v.stencils[i].Mask
		n := 0
		if f == 2 {
			n = twoByTwo(m, x, y)
		} else {
			for py := y * f; py < min((y+1)*f, m.Height); py++ {
				for px := x * f; px < min((x+1)*f, m.Width); px++ {
					n += int(m.Pix[py*m.Stride+px>>3] >> (7 - px&7) & 1)
				}
			}
		}
		d += n * v.dark[i] / (f * f)
	}
	return d
}

// twoByTwo counts the black ones of four pixels.
func twoByTwo(b *jbig2.Bitmap, x, y int) int {
	at, shift := 2*y*b.Stride+x>>2, 6-x&3*2
	v := b.Pix[at] >> shift & 3
	if at += b.Stride; at < len(b.Pix) {
		v |= b.Pix[at] >> shift & 3 << 2
	}
	return bits.OnesCount8(v)
}
