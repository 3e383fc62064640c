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
	return l.compare().missing
}

// Confidence says how far the layers show what the page does, 0 to 1; 0 for a
// page that was not split.
func (l *Layers) Confidence() float64 {
	return max(l.guard.kept-0.05*float64(len(l.guard.missing)), 0)
}

// repair compares the layers with the page. Where a stroke is missing it is
// left in the background, and what is missing then is missing.
func (l *Layers) repair() {
	l.guard = l.compare()
	if len(l.guard.missing) == 0 || !l.ground.white {
		return
	}
	for _, r := range l.guard.missing {
		l.ground.show(r, l.DPI)
	}
	l.guard = l.compare()
}

func (l *Layers) compare() (g guard) {
	before := newScene(l.original)
	var after *scene
	if m := l.ground.image(Standard().BackgroundDPI, false); m != nil {
		after = newScene(m)
	}
	w, h := before.w, before.h
	seen := sight{image.Pt(l.Width, l.Height), l.DPI, l.page.factor}
	return seen.guard(before, func(x, y, want int) int { return l.depth(after, x, y, w, h, want) })
}

// Lost gives the places of a page of a resolution where a connected stroke
// can't be seen in a picture of the same size that was drawn of it. It looks
// as Layers.Missing does.
func Lost(page, shown image.Image, dpi int) []image.Rectangle {
	seen := sight{page.Bounds().Size(), dpi, max((dpi+copyDPI/2)/copyDPI, 1)}
	before, after := newScene(seen.copyOf(page)), newScene(seen.copyOf(shown))
	return seen.guard(before, func(x, y, want int) int {
		return after.deepest(x, y, after.depth(x, y), want)
	}).missing
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
		p.copyGrayPage(g)
		return p.copyGray.gray()
	}
	return shrink(raster.ToRGBA(img), s.factor)
}

// guard finds what is dark before and is not after. depth says how dark that
// is at a pixel, and need say no more than want.
func (s sight) guard(before *scene, depth func(x, y, want int) int) (g guard) {
	lost := jbig2.NewBitmap(before.w, before.h)
	sum := 0
	for y := range before.h {
		for x := range before.w {
			if !before.dark(x, y) {
				continue
			}
			sum++
			if want := (before.depth(x, y) + guardKept - 1) / guardKept; depth(x, y, want) < want {
				lost.Set(x, y)
			}
		}
	}
	gone := s.strokesIn(&g, lost)
	g.kept = 1 - float64(gone)/float64(sum+1)
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

// depth is how dark the layers are at a pixel of the copy or beside it; it
// looks no further when that is want at least.
func (l *Layers) depth(below *scene, x, y, w, h, want int) (d int) {
	bx, by := 0, 0
	if below != nil {
		bx, by = x*below.w/w, y*below.h/h
		d = below.depth(bx, by)
	}
	if d < want {
		d = max(d, l.inkDepth(x, y))
	}
	for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, w-1) && d < want; nx++ {
			d = max(d, l.inkDepth(nx, ny))
		}
	}
	if below == nil {
		return d
	}
	return below.deepest(bx, by, d, want)
}

// inkDepth is how dark the ink makes a pixel of the copy.
func (l *Layers) inkDepth(x, y int) (d int) {
	f := l.page.factor
	if l.mask == nil || f == 2 && twoByTwo(l.mask, x, y) == 0 {
		return 0
	}
	for i := range l.Stencils {
		s := &l.Stencils[i]
		n := 0
		if f == 2 {
			n = twoByTwo(s.Mask, x, y)
		} else {
			for py := y * f; py < min((y+1)*f, l.Height); py++ {
				for px := x * f; px < min((x+1)*f, l.Width); px++ {
					n += int(s.Mask.Pix[py*s.Mask.Stride+px>>3] >> (7 - px&7) & 1)
				}
			}
		}
		d += n * (255 - int(min(s.Color.R, s.Color.G, s.Color.B))) / (f * f)
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

// scene is a picture of which the paper is known.
type scene struct {
	w, h, n int // n samples a pixel, of which at most three are colours
	stride  int
	pix     []uint8
	bw      int
	common  [3]uint8   // the colour of most of it
	paper   [][3]uint8 // of squares
	limit   [][3]uint8 // what is not below it is paper
}

func newScene(img image.Image) *scene {
	var s *scene
	switch m := img.(type) {
	case *image.Gray:
		s = &scene{w: m.Rect.Dx(), h: m.Rect.Dy(), n: 1, stride: m.Stride, pix: m.Pix}
	case *image.RGBA:
		s = &scene{w: m.Rect.Dx(), h: m.Rect.Dy(), n: 4, stride: m.Stride, pix: m.Pix}
	}
	s.bw = (s.w + guardBlock - 1) / guardBlock
	bh := (s.h + guardBlock - 1) / guardBlock
	bright := make([][4]uint8, s.bw*bh)
	var all tones
	for i := range bright {
		bright[i] = s.brightest(i%s.bw*guardBlock, i/s.bw*guardBlock, &all)
	}
	s.common = all.commonest()
	// The brightest of the squares around: a stroke may fill one.
	s.paper, s.limit = make([][3]uint8, len(bright)), make([][3]uint8, len(bright))
	for i, v := range bright {
		x, y := i%s.bw, i/s.bw
		for _, k := range [4]int{y*s.bw + max(x-1, 0), y*s.bw + min(x+1, s.bw-1), max(y-1, 0)*s.bw + x, min(y+1, bh-1)*s.bw + x} {
			if bright[k][3] > v[3] {
				v = bright[k]
			}
		}
		for c := range 3 {
			s.paper[i][c] = v[c]
			s.limit[i][c] = uint8(max(int(v[c])-guardDepth*max(int(v[c]), guardLight)/255, 0))
		}
	}
	return s
}

// tones are pixels by their brightness: the sums of their colours, and how
// many they are.
type tones [32][4]int

func (t *tones) color(i int) [3]uint8 {
	n := max(t[i][3], 1)
	return [3]uint8{uint8(t[i][0] / n), uint8(t[i][1] / n), uint8(t[i][2] / n)}
}

func (t *tones) commonest() [3]uint8 {
	at := 31
	for i := range t {
		if t[i][3] > t[at][3] {
			at = i
		}
	}
	return t.color(at)
}

// brightest gives the colour of those pixels of a square which nine tenths of
// them are darker than, and how bright these are. It is the colour of one
// ground: the most of each channel would be one that is nowhere on the page.
// It adds the square to all.
func (s *scene) brightest(x0, y0 int, all *tones) [4]uint8 {
	var sum tones
	n := 0
	for y := y0; y < min(y0+guardBlock, s.h); y += 2 {
		row := s.pix[y*s.stride:]
		for x := x0; x < min(x0+guardBlock, s.w); x += 2 {
			p := row[x*s.n:]
			n++
			r, g, b := p[0], p[0], p[0]
			if s.n > 1 {
				g, b = p[1], p[2]
			}
			t := &sum[luma(uint32(r), uint32(g), uint32(b))>>3&31]
			t[0], t[1], t[2], t[3] = t[0]+int(r), t[1]+int(g), t[2]+int(b), t[3]+1
		}
	}
	for i := range sum {
		for c, v := range sum[i] {
			all[i][c] += v
		}
	}
	at := 31
	for seen := sum[31][3]; at > 0 && (10*seen < n || sum[at][3] == 0); seen += sum[at][3] {
		at--
	}
	v := sum.color(at)
	return [4]uint8{v[0], v[1], v[2], uint8(8*at + 4)}
}

// dark says whether a pixel is no paper. What has the colour of most of the
// page is paper too, though it be darker than that which shows through a hole.
func (s *scene) dark(x, y int) bool {
	l := &s.limit[y/guardBlock*s.bw+x/guardBlock]
	p := s.pix[y*s.stride+x*s.n:]
	if s.n == 1 {
		return p[0] < l[0] && !near(p[0], s.common[0])
	}
	return (p[0] < l[0] || p[1] < l[1] || p[2] < l[2]) &&
		!(near(p[0], s.common[0]) && near(p[1], s.common[1]) && near(p[2], s.common[2]))
}

func near(a, b uint8) bool { return max(a, b)-min(a, b) < guardDepth/2 }

// depth says how much darker than the paper around it is the darkest of a
// pixel's channels, of 255.
func (s *scene) depth(x, y int) (d int) {
	paper := &s.paper[y/guardBlock*s.bw+x/guardBlock]
	p := s.pix[y*s.stride+x*s.n:]
	for c := range min(s.n, 3) {
		g := int(paper[c])
		d = max(d, (g-int(p[c]))*255/max(g, guardLight))
	}
	return min(d, 255)
}

// deepest is the depth of the deepest pixel beside one, d at least; it looks
// no further when that is want.
func (s *scene) deepest(x, y, d, want int) int {
	for ny := max(y-1, 0); ny <= min(y+1, s.h-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, s.w-1) && d < want; nx++ {
			d = max(d, s.depth(nx, ny))
		}
	}
	return d
}
