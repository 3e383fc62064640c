package raster

import (
	"image"
	"image/color"
)

// commonest is the middle of the five neighbouring values, from least on,
// that are met most often.
func commonest(count *[256]int, least int) uint8 {
	best, at := -1, 255
	for v := max(least, 2); v < 256; v++ {
		n := 0
		for _, c := range count[v-2 : min(v+3, 256)] {
			n += c
		}
		if n > best {
			best, at = n, v
		}
	}
	return uint8(at)
}

// paperColor is the mean colour of the pixels as bright as the paper, of the
// small copy of a page.
func paperColor(m *image.RGBA) color.RGBA {
	return dominant(m, 128, func(f func(p []uint8)) {
		for y := 0; y < m.Rect.Dy(); y += 2 {
			for x := y / 2 % 2; x < m.Rect.Dx(); x += 2 {
				f(m.Pix[y*m.Stride+4*x:])
			}
		}
	})
}

// edgeDepth is how many pixels along its edges tell what surrounds a page.
const edgeDepth = 6

// borderColor is the commonest colour along the edges of a picture.
func borderColor(m *image.RGBA) color.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return dominant(m, 0, func(f func(p []uint8)) {
		for y := range h {
			if y < edgeDepth || y >= h-edgeDepth {
				for x := range w {
					f(m.Pix[y*m.Stride+4*x:])
				}
				continue
			}
			for x := range min(edgeDepth, w) {
				f(m.Pix[y*m.Stride+4*x:])
				f(m.Pix[y*m.Stride+4*(w-1-x):])
			}
		}
	})
}

// borderGray is the same for a picture without colour.
func borderGray(g *image.Gray) uint8 {
	var count [256]int
	w, h := g.Rect.Dx(), g.Rect.Dy()
	for y := range h {
		row := g.Pix[y*g.Stride:][:w]
		if y >= edgeDepth && y < h-edgeDepth && w > 2*edgeDepth {
			for x := range edgeDepth {
				count[row[x]]++
				count[row[w-1-x]]++
			}
			continue
		}
		for _, p := range row {
			count[p]++
		}
	}
	return commonest(&count, 0)
}

// dominant is the mean colour of those of the pixels given by each that have
// about the commonest brightness, from least on.
func dominant(m *image.RGBA, least int, each func(f func(p []uint8))) color.RGBA {
	var count [256]int
	each(func(p []uint8) { count[luma(p[0], p[1], p[2])]++ })
	common := int(commonest(&count, least))
	var r, g, b, n int
	each(func(p []uint8) {
		if v := int(luma(p[0], p[1], p[2])); v >= common-3 && v <= common+3 {
			r, g, b, n = r+int(p[0]), g+int(p[1]), b+int(p[2]), n+1
		}
	})
	if n == 0 {
		return color.RGBA{255, 255, 255, 255}
	}
	return color.RGBA{uint8(r / n), uint8(g / n), uint8(b / n), 255}
}
