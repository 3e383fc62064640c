package mrc

import (
	"image"
	"slices"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/raster"
)

const (
	guardDPI    = 150 // strokes are looked for at this resolution
	guardBlock  = 16  // its pixels of a square whose paper is measured
	guardDepth  = 40  // a stroke is so much darker than its paper, of 255
	guardLight  = 200 // or more; a darker ground is taken for this one, lest its grain counts
	guardKept   = 3   // and one part in so many of that must be left
	leastStroke = 30  // its pixels at 150 dpi: a square millimetre
	mostStroke  = 24  // and its mean width: what is wider is a hole or a shade
	guardEdge   = 18  // along the edges lie their shadows: 3 mm
)

// Missing compares layers with the page they were made of, and gives the
// places, in the page's pixels, where a connected stroke of the page can't be
// seen any more; none when all is there. It sees the page as somebody does
// who ignores the shade of the paper, and shares nothing with Split but the
// layers. What is no stroke but a wide even shade, and the outermost three
// millimetres, where edges throw shadows, are not looked at. A page that was
// not split misses nothing.
func Missing(original image.Image, l Layers) []image.Rectangle {
	if l.Photo {
		return nil
	}
	w, h := coarser(l.Width, l.DPI, guardDPI), coarser(l.Height, l.DPI, guardDPI)
	before := depths(raster.ToRGBA(raster.Scale(original, w, h)))
	after := depths(composed(l, w, h))
	lost := jbig2.NewBitmap(w, h)
	for y := range h {
		for x := range w {
			d := before[y*w+x]
			if d < guardDepth {
				continue
			}
			seen := uint8(0)
			for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
				seen = max(seen, slices.Max(after[ny*w+max(x-1, 0):ny*w+min(x+2, w)]))
			}
			if int(seen)*guardKept < int(d) {
				lost.Set(x, y)
			}
		}
	}
	var found []image.Rectangle
	_, _, patches := parts(lost)
	least := leastStroke * min(l.DPI, guardDPI) * min(l.DPI, guardDPI) / (guardDPI * guardDPI)
	inner := image.Rect(0, 0, w, h).Inset(guardEdge * min(l.DPI, guardDPI) / guardDPI)
	for _, p := range patches {
		box := image.Rect(p.x0, p.y0, p.x1, p.y1)
		if p.area >= max(least, 3) && p.area < mostStroke*max(box.Dx(), box.Dy()) && box.Overlaps(inner) {
			found = append(found, image.Rect(p.x0*l.Width/w, p.y0*l.Height/h, (p.x1*l.Width+w-1)/w, (p.y1*l.Height+h-1)/h))
		}
	}
	return found
}

// depths says for each pixel how much darker than the paper around it is the
// darkest of its channels, of 255.
func depths(m *image.RGBA) []uint8 {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	bw, bh := (w+guardBlock-1)/guardBlock, (h+guardBlock-1)/guardBlock
	paper := make([][3]uint8, bw*bh)
	for i := range paper {
		paper[i] = brightest(m, i%bw*guardBlock, i/bw*guardBlock)
	}
	out := make([]uint8, w*h)
	for y := range h {
		for x := range w {
			// The brightest of the squares around: a stroke may fill one.
			p := m.Pix[y*m.Stride+4*x:]
			bx, by := x/guardBlock, y/guardBlock
			ground := paper[by*bw+bx]
			d := 0
			for c := range 3 {
				g := int(ground[c])
				d = max(d, (g-int(p[c]))*255/max(g, guardLight))
			}
			out[y*w+x] = uint8(min(d, 255))
		}
	}
	return out
}

// brightest is the colour which nine tenths of a square's pixels, and of
// those around it, do not reach.
func brightest(m *image.RGBA, x0, y0 int) (c [3]uint8) {
	r := image.Rect(x0-guardBlock/2, y0-guardBlock/2, x0+guardBlock*3/2, y0+guardBlock*3/2).Intersect(m.Rect)
	var count [3][256]int
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		for x := r.Min.X; x < r.Max.X; x += 2 {
			p := m.Pix[y*m.Stride+4*x:]
			count[0][p[0]]++
			count[1][p[1]]++
			count[2][p[2]]++
			n++
		}
	}
	for k := range c {
		v, sum := 255, count[k][255]
		for ; 10*sum < n && v > 0; sum += count[k][v] {
			v--
		}
		c[k] = uint8(v)
	}
	return c
}

// composed draws the layers at w by h pixels.
func composed(l Layers, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	var below image.Image = image.White
	if l.Background != nil {
		below = raster.ToRGBA(raster.Scale(l.Background, w, h))
	}
	share := inkShare(l.Mask, w, h)
	base, _ := below.(*image.RGBA)
	for y := range h {
		for x := range w {
			c := [3]int{255, 255, 255}
			if base != nil {
				p := base.Pix[y*base.Stride+4*x:]
				c = [3]int{int(p[0]), int(p[1]), int(p[2])}
			}
			if s := share[y*w+x]; s > 0 {
				ink := l.Ink.at(x, y, w, h)
				for k := range c {
					c[k] += int(float32(ink[k]-c[k]) * s)
				}
			}
			q := m.Pix[y*m.Stride+4*x:]
			q[0], q[1], q[2], q[3] = uint8(c[0]), uint8(c[1]), uint8(c[2]), 255
		}
	}
	return m
}

func (k *Ink) at(x, y, w, h int) [3]int {
	if k.Colors == nil {
		return [3]int{int(k.Color.R), int(k.Color.G), int(k.Color.B)}
	}
	b := k.Colors.Rect
	p := k.Colors.Pix[y*b.Dy()/h*k.Colors.Stride+4*(x*b.Dx()/w):]
	return [3]int{int(p[0]), int(p[1]), int(p[2])}
}

// inkShare is how much of each of w by h pixels is under the mask, 0 to 1.
func inkShare(mask *jbig2.Bitmap, w, h int) []float32 {
	share := make([]float32, w*h)
	if mask == nil {
		return share
	}
	xs, ys := places(mask.Width, w), places(mask.Height, h)
	one := float32(w*h) / float32(mask.Width*mask.Height)
	for y := range mask.Height {
		row := share[ys[y]*w:][:w]
		black(mask.Row(y), mask.Width, func(x int) { row[xs[x]] += one })
	}
	for i, s := range share {
		share[i] = min(s, 1)
	}
	return share
}
