package mrc

import (
	"image"
	"image/color"

	"pointnum/kiosk/document/jbig2"
)

const (
	colorful     = 36   // between a colour's channels: neither grey nor smeared by JPEG
	colorfulArea = 12   // coarse pixels of coloured ink make a page coloured
	leastCore    = 500  // pixels inside strokes, else all ink tells its colour
	darken       = 0.9  // strokes' edges made their mean paler than they look
	palestInk    = 0.45 // of white; ink that is paler is drawn so
	blackInk     = 0.35 // darker ink is drawn black
)

// inkOf finds the ink's colour: one grey, or the colours of places.
func inkOf(m *image.RGBA, gray *image.Gray, mask *jbig2.Bitmap, dpi, inkDPI int) Ink {
	core := inside(mask)
	if core.Count() < leastCore {
		core = mask
	}
	if m != nil {
		if c := inkColors(m, core, dpi, inkDPI); c != nil {
			return Ink{Colors: c}
		}
	}
	var count [256]int
	total := 0
	for y := range core.Height {
		row := gray.Pix[y*gray.Stride:]
		black(core.Row(y), core.Width, func(x int) { count[row[x]]++; total++ })
	}
	v, sum := 0, count[0]
	for ; 10*sum < 3*total; sum += count[v] {
		v++
	}
	c := float64(v) / 255
	if c < blackInk {
		c = 0
	}
	k := uint8(min(c, palestInk) * 255)
	return Ink{Color: color.RGBA{k, k, k, 255}}
}

// inside takes the right and lower edge of all strokes away.
func inside(b *jbig2.Bitmap) *jbig2.Bitmap {
	out := jbig2.NewBitmap(b.Width, b.Height)
	for y := 1; y < b.Height; y++ {
		row, above, to := b.Row(y), b.Row(y-1), out.Row(y)
		carry := byte(0)
		for i := range to {
			v := row[i] & above[i]
			to[i] = v & (v>>1 | carry)
			carry = v << 7
		}
	}
	return out
}

// inkColors is nil when there is no coloured ink.
func inkColors(m *image.RGBA, core *jbig2.Bitmap, dpi, inkDPI int) *image.RGBA {
	c := newCoarse(coarser(core.Width, dpi, inkDPI), coarser(core.Height, dpi, inkDPI))
	xs, ys := places(core.Width, c.w), places(core.Height, c.h)
	for y := range core.Height {
		row, to := m.Pix[y*m.Stride:], ys[y]*c.w
		black(core.Row(y), core.Width, func(x int) {
			p := row[4*x : 4*x+3 : 4*x+3]
			c.add(to+xs[x], p[0], p[1], p[2])
		})
	}
	// A place counts when its ink is more than a crumb.
	crumb := float32(dpi*dpi) / float32(inkDPI*inkDPI) / 16
	n := 0
	for i, k := range c.count {
		s := c.sum[i]
		if k >= crumb && (max(s[0], s[1], s[2])-min(s[0], s[1], s[2]))/k > colorful {
			n++
		}
	}
	if n < colorfulArea {
		return nil
	}
	v := c.filled(1)
	for i := range v {
		for k := range v[i] {
			v[i][k] *= darken
		}
	}
	return rgba(v, c.w, c.h)
}
