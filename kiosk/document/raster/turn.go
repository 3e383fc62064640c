package raster

import "image"

// Orient turns and mirrors a picture as its EXIF orientation, 1 to 8, asks
// (EXIF 2.3, tag 0x0112). Any other number leaves it as it is.
func Orient(img image.Image, exif int) image.Image {
	switch exif {
	case 2:
		return permute(img, func(w, h int) moves { return moves{x: -1, y: w, start: w - 1, w: w, h: h} })
	case 3:
		return Turn(img, 180)
	case 4:
		return permute(img, func(w, h int) moves { return moves{x: 1, y: -w, start: (h - 1) * w, w: w, h: h} })
	case 5:
		return permute(img, func(w, h int) moves { return moves{x: w, y: 1, start: 0, w: h, h: w} })
	case 6:
		return Turn(img, 90)
	case 7:
		return permute(img, func(w, h int) moves { return moves{x: -w, y: -1, start: w*h - 1, w: h, h: w} })
	case 8:
		return Turn(img, 270)
	}
	return img
}

// Turn turns a page clockwise by a multiple of 90 degrees; other angles count
// as the multiple below them. Negative angles turn the other way.
func Turn(img image.Image, degrees int) image.Image {
	quarters := degrees / 90
	if degrees%90 < 0 {
		quarters--
	}
	switch (quarters%4 + 4) % 4 {
	case 1:
		return permute(img, func(w, h int) moves { return moves{x: -w, y: 1, start: (h - 1) * w, w: h, h: w} })
	case 2:
		return permute(img, func(w, h int) moves { return moves{x: -1, y: -w, start: w*h - 1, w: w, h: h} })
	case 3:
		return permute(img, func(w, h int) moves { return moves{x: w, y: -1, start: w - 1, w: h, h: w} })
	}
	return img
}

// moves says where the pixels of the result are found in a source whose rows
// follow each other without a gap: the first at start, the next of the row x
// further, the next row's y further. w and h are the result's size.
type moves struct{ x, y, start, w, h int }

// tile is the edge of the squares a page is turned in, so that both the rows
// read and the rows written stay in the processor's cache.
const tile = 64

func permute(img image.Image, how func(w, h int) moves) image.Image {
	if g, ok := img.(*image.Gray); ok {
		src := packed(g)
		m := how(src.Rect.Dx(), src.Rect.Dy())
		dst := image.NewGray(image.Rect(0, 0, m.w, m.h))
		m.each(func(to, from, n int) {
			for range n {
				dst.Pix[to] = src.Pix[from]
				to++
				from += m.x
			}
		})
		return dst
	}
	src := ToRGBA(img)
	if src.Stride != 4*src.Rect.Dx() {
		src = image.NewRGBA(src.Rect)
		copyRGBA(src, img)
	}
	m := how(src.Rect.Dx(), src.Rect.Dy())
	dst := image.NewRGBA(image.Rect(0, 0, m.w, m.h))
	m.each(func(to, from, n int) {
		to, from = 4*to, 4*from
		for range n {
			copy(dst.Pix[to:to+4:to+4], src.Pix[from:from+4:from+4])
			to += 4
			from += 4 * m.x
		}
	})
	return dst
}

// each calls f for every run of n pixels of the result: it starts at pixel to
// and is read from pixel from on.
func (m moves) each(f func(to, from, n int)) {
	bands := (m.h + tile - 1) / tile
	Rows(bands*tile, func(y0, y1 int) {
		y1 = min(y1, m.h)
		for ; y0 < y1; y0 += tile {
			for x := 0; x < m.w; x += tile {
				n := min(tile, m.w-x)
				for y := y0; y < min(y0+tile, y1); y++ {
					f(y*m.w+x, m.start+y*m.y+x*m.x, n)
				}
			}
		}
	})
}

// packed gives the same pixels from (0, 0) and without a gap between rows.
func packed(g *image.Gray) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if g.Rect.Min == (image.Point{}) && g.Stride == w {
		return g
	}
	p := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		copy(p.Pix[y*w:][:w], at0(g.Pix, y*g.Stride))
	}
	return p
}

// copyRGBA copies the pixels of an opaque picture row by row.
func copyRGBA(dst *image.RGBA, img image.Image) {
	src := ToRGBA(img)
	for y := range dst.Rect.Dy() {
		copy(dst.Pix[y*dst.Stride:][:4*dst.Rect.Dx()], at0(src.Pix, y*src.Stride))
	}
}
