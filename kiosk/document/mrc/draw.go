package mrc

import (
	"image"
	"image/draw"

	"pointnum/kiosk/document/raster"
)

// Image draws the layers at a resolution, 1 to the page's own: clean white
// paper, sharp ink. It is *image.Gray when gray is set or the layers have no
// colour, else *image.RGBA; nil when l.Photo is set.
func (l *Layers) Image(dpi int, gray bool) image.Image {
	if l.Photo {
		return nil
	}
	dpi = min(max(dpi, 1), l.DPI)
	w, h := coarser(l.Width, l.DPI, dpi), coarser(l.Height, l.DPI, dpi)
	below := l.ground.image(min(dpi, copyDPI), gray)
	colored := false
	if _, is := below.(*image.RGBA); is {
		colored = true
	}
	all := l.stencils(Level{Gray: gray})
	for _, s := range all {
		colored = colored || s.Color.R != s.Color.G || s.Color.G != s.Color.B
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	if below != nil {
		copy(m.Pix, raster.ToRGBA(raster.Scale(below, w, h)).Pix) // it is kept
	} else {
		for i := range m.Pix {
			m.Pix[i] = 255
		}
	}
	for _, s := range all {
		blend(m, s)
	}
	for _, c := range l.coarseCodes() {
		r := image.Rect(c.Rect.Min.X*w/l.Width, c.Rect.Min.Y*h/l.Height, c.Rect.Max.X*w/l.Width, c.Rect.Max.Y*h/l.Height)
		if !r.Empty() {
			draw.Draw(m, r, raster.Scale(c, r.Dx(), r.Dy()), image.Point{}, draw.Src)
		}
	}
	if !colored {
		return raster.Gray(m)
	}
	return m
}

// blend lays a stencil over a picture, as much of each pixel as is under it.
func blend(m *image.RGBA, s Stencil) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	xs := places(s.Mask.Width, w)
	area := make([]int, w) // page pixels of one column
	for _, x := range xs {
		area[x]++
	}
	ink := [3]int{int(s.Color.R), int(s.Color.G), int(s.Color.B)}
	count := make([]int, w)
	var runs []run
	for y := range h {
		y0, y1 := (y*s.Mask.Height+h-1)/h, ((y+1)*s.Mask.Height+h-1)/h
		clear(count)
		any := false
		for k := y0; k < y1; k++ {
			runs = rowRuns(runs[:0], s.Mask.Row(k), s.Mask.Width)
			for _, r := range runs {
				any = true
				for _, x := range xs[r.x0:r.x1] {
					count[x]++
				}
			}
		}
		if !any {
			continue
		}
		for x, n := range count {
			if n == 0 {
				continue
			}
			p, full := m.Pix[y*m.Stride+4*x:][:3:3], area[x]*(y1-y0)
			for c := range p {
				p[c] = uint8((int(p[c])*(full-n) + ink[c]*n + full/2) / full)
			}
		}
	}
}
