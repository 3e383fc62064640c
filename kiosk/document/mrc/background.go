package mrc

import (
	"image"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/raster"
)

const (
	whitePaper  = 245   // paper from this brightness on is drawn white
	toWhite     = 236   // and what is on it from this one on too, outside of patches
	patchDepth  = 224   // the darkest channel of something on white paper
	leastPatch  = 8     // its pixels at 100 dpi: half a square millimetre
	leastDark   = 0.004 // or so much of the page is darker, however scattered
	filledShare = 0.15  // of a pixel was not under ink: it tells its colour
	grayShare   = 0.002 // of the pixels may have colour in a background without
)

// background gives what is not ink, its holes filled; nil when it is white
// paper. Grain and what shines through from the other side count as paper.
func background(flat image.Image, mask *jbig2.Bitmap, dpi, to, paper int) image.Image {
	w, h := mask.Width, mask.Height
	c := newCoarse(coarser(w, dpi, to), coarser(h, dpi, to))
	xs, ys := places(w, c.w), places(h, c.h)
	wide := widen(mask)
	for y := range h {
		addUnmasked(c, flat, wide.Row(y), xs, ys[y]*c.w, y)
	}
	full := float32(w*h) / float32(c.w*c.h)
	v := c.filled(filledShare * full)
	white := paper >= whitePaper
	if white && !whiten(v, c.w, c.h, min(to, dpi)) {
		return nil
	}
	m := rgba(v, c.w, c.h)
	n := 0
	for _, p := range v {
		if max(p[0], p[1], p[2])-min(p[0], p[1], p[2]) > 28 {
			n++
		}
	}
	if float64(n) < grayShare*float64(len(v)) && n < colorfulArea*16 {
		return raster.Gray(m)
	}
	return m
}

// addUnmasked adds the pixels of row y that are not under ink.
func addUnmasked(c *coarse, flat image.Image, mask []byte, xs []int, at, y int) {
	switch m := flat.(type) {
	case *image.Gray:
		for x, v := range m.Pix[y*m.Stride:][:len(xs)] {
			if mask[x>>3]&(0x80>>(x&7)) == 0 {
				c.add(at+xs[x], v, v, v)
			}
		}
	case *image.RGBA:
		row := m.Pix[y*m.Stride:][:4*len(xs)]
		for x, i := range xs {
			if mask[x>>3]&(0x80>>(x&7)) == 0 {
				p := row[4*x : 4*x+3 : 4*x+3]
				c.add(at+i, p[0], p[1], p[2])
			}
		}
	}
}

// whiten makes all white but the patches of something, and says whether there
// are any.
func whiten(v [][3]float32, w, h, dpi int) bool {
	least := make([]float32, len(v))
	for i, p := range v {
		least[i] = min(p[0], p[1], p[2])
	}
	smooth := boxMean(boxMean(least, w, h, 1, 1, w), h, w, 1, w, 1)
	b := jbig2.NewBitmap(w, h)
	dark := 0
	for i, s := range smooth {
		if s < patchDepth {
			b.Set(i%w, i/w)
			dark++
		}
	}
	runs, start, found := parts(b)
	scattered := float64(dark) >= leastDark*float64(len(v))
	keep := jbig2.NewBitmap(w, h)
	any := false
	for y := range h {
		for _, r := range runs[start[y]:start[y+1]] {
			if found[r.part].area >= max(leastPatch*dpi*dpi/10000, 2) {
				any = true
				for x := r.x0; x < r.x1; x++ {
					keep.Set(int(x), y)
				}
			}
		}
	}
	keep = widen(keep)
	for i := range v {
		if least[i] > toWhite || !scattered && !keep.Black(i%w, i/w) {
			v[i] = [3]float32{255, 255, 255}
		}
	}
	return any || scattered
}
