package raster

import (
	"image"
	"image/color"
	"image/draw"
)

// ToRGBA gives the page in colour: opaque, its bounds from (0, 0), laid over
// white where img is transparent. An *image.RGBA that is so already is
// returned as it is.
func ToRGBA(img image.Image) *image.RGBA {
	b := img.Bounds()
	if m, ok := img.(*image.RGBA); ok && b.Min == (image.Point{}) && opaqueRGBA(m) {
		return m
	}
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if p, ok := img.(*image.Paletted); ok {
		palettedToRGBA(dst, p)
		return dst
	}
	over := !opaque(img)
	Rows(b.Dy(), func(y0, y1 int) {
		r := image.Rect(0, y0, b.Dx(), y1)
		if over {
			draw.Draw(dst, r, image.White, image.Point{}, draw.Src)
			draw.Draw(dst, r, img, b.Min.Add(r.Min), draw.Over)
			return
		}
		draw.Draw(dst, r, img, b.Min.Add(r.Min), draw.Src)
	})
	return dst
}

// opaque says whether a picture's kind or its pixels leave nothing
// transparent; a picture that can't say counts as transparent.
func opaque(img image.Image) bool {
	if m, ok := img.(*image.RGBA); ok {
		return opaqueRGBA(m)
	}
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// opaqueRGBA is m.Opaque, of which every page is asked, several pixels at a
// time.
func opaqueRGBA(m *image.RGBA) bool {
	n := 4 * m.Rect.Dx()
	for y := range m.Rect.Dy() {
		if !opaqueRow(m.Pix[y*m.Stride:][:n]) {
			return false
		}
	}
	return true
}

// overWhite mixes a colour with the white paper below it.
func overWhite(c color.Color) (r, g, b uint8) {
	cr, cg, cb, ca := c.RGBA()
	w := 0xffff - ca
	return uint8((cr + w) >> 8), uint8((cg + w) >> 8), uint8((cb + w) >> 8)
}

func palettedToRGBA(dst *image.RGBA, src *image.Paletted) {
	var table [256][4]uint8
	for i, c := range src.Palette {
		r, g, b := overWhite(c)
		table[i] = [4]uint8{r, g, b, 255}
	}
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	for y := range h {
		from := at0(src.Pix, y*src.Stride)[:w]
		to := dst.Pix[y*dst.Stride:][:4*w]
		for x, p := range from {
			copy(to[4*x:4*x+4], table[p][:])
		}
	}
}

// Gray gives the page's brightness, its bounds from (0, 0), over white where
// img is transparent. An *image.Gray from (0, 0) is returned as it is.
func Gray(img image.Image) *image.Gray {
	b := img.Bounds()
	if m, ok := img.(*image.Gray); ok && b.Min == (image.Point{}) {
		return m
	}
	w := b.Dx()
	dst := image.NewGray(image.Rect(0, 0, w, b.Dy()))
	var row func(to []uint8, y int)
	switch m := img.(type) {
	case *image.Gray:
		row = func(to []uint8, y int) { copy(to, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:w]) }
	case *image.YCbCr:
		row = func(to []uint8, y int) { copy(to, m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:w]) }
	case *image.RGBA:
		row = func(to []uint8, y int) { grayRGBA(to, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:4*w]) }
	case *image.NRGBA:
		row = func(to []uint8, y int) { grayNRGBA(to, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:4*w]) }
	case *image.Gray16:
		row = func(to []uint8, y int) {
			from := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:2*w]
			for x := range to {
				to[x] = from[2*x]
			}
		}
	case *image.Paletted:
		table := grayTable(m.Palette)
		row = func(to []uint8, y int) {
			for x, p := range m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:w] {
				to[x] = table[p]
			}
		}
	default:
		return Gray(ToRGBA(img))
	}
	Rows(b.Dy(), func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			row(dst.Pix[y*dst.Stride:][:w], y)
		}
	})
	return dst
}

// luma is the brightness of ITU-R BT.601, the one JPEG's Y has.
func luma(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// grayRGBA takes colours premultiplied by alpha: what alpha leaves is white.
func grayRGBA(to, from []uint8) {
	done := grayOpaque(to, from)
	to, from = to[done:], from[4*done:]
	for x := range to {
		p := from[4*x : 4*x+4 : 4*x+4]
		to[x] = luma(p[0], p[1], p[2]) + (255 - p[3])
	}
}

func grayNRGBA(to, from []uint8) {
	for x := range to {
		p := from[4*x : 4*x+4 : 4*x+4]
		v := luma(p[0], p[1], p[2])
		if a := uint32(p[3]); a != 255 {
			v = uint8((uint32(v)*a + 255*(255-a) + 127) / 255)
		}
		to[x] = v
	}
}

func grayTable(p color.Palette) (table [256]uint8) {
	for i, c := range p {
		table[i] = luma(overWhite(c))
	}
	return table
}
