package raster

import "image"

// halve gives the means of squares of two by two pixels; a last row or column
// that has no pair is left out. The page is *image.Gray or opaque *image.RGBA.
func halve(page image.Image) image.Image {
	w, h := page.Bounds().Dx()/2, page.Bounds().Dy()/2
	if w == 0 || h == 0 {
		return page
	}
	r := image.Rect(0, 0, w, h)
	if g, ok := page.(*image.Gray); ok {
		dst := image.NewGray(r)
		halveRows(dst.Pix, dst.Stride, w, g.Pix, g.Stride, 2*w, halveGray)
		return dst
	}
	src := ToRGBA(page)
	dst := image.NewRGBA(r)
	halveRows(dst.Pix, dst.Stride, 4*w, src.Pix, src.Stride, 8*w, halveRGBA)
	return dst
}

// halveRows makes rows of n bytes of pairs of rows of twice as many.
func halveRows(dst []uint8, dstStride, n int, src []uint8, stride, twice int, f func(to, above, below []uint8)) {
	rows(len(dst)/dstStride, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			f(dst[y*dstStride:][:n], src[2*y*stride:][:twice], src[(2*y+1)*stride:][:twice])
		}
	})
}

// pairTwos rounds lanes that are divided by 4.
const pairTwos = 0x0002000200020002

func halveRGBA(to, above, below []uint8) {
	for len(to) >= 8 && len(above) >= 16 && len(below) >= 16 {
		store32(to, quarter(load64(above), load64(below)))
		store32(to[4:], quarter(load64(above[8:]), load64(below[8:])))
		to, above, below = to[8:], above[16:], below[16:]
	}
	if len(to) >= 4 && len(above) >= 8 && len(below) >= 8 {
		store32(to, quarter(load64(above), load64(below)))
	}
}

// quarter is the mean of two pixels above two others.
func quarter(above, below uint64) uint32 {
	ae, ao := split(above)
	be, bo := split(below)
	e, o := ae+be, ao+bo
	e, o = e+e>>32+pairTwos, o+o>>32+pairTwos
	return uint32(e>>2)&0x00ff00ff | uint32(o>>2)&0x00ff00ff<<8
}

func halveGray(to, above, below []uint8) {
	for len(to) >= 4 && len(above) >= 8 && len(below) >= 8 {
		ae, ao := split(load64(above))
		be, bo := split(load64(below))
		s := (ae + ao + be + bo + pairTwos) >> 2 & lanes
		s |= s >> 8
		store32(to, uint32(s&0xffff|s>>16&0xffff0000))
		to, above, below = to[4:], above[8:], below[8:]
	}
	for x := range to {
		to[x] = uint8((int(above[2*x]) + int(above[2*x+1]) + int(below[2*x]) + int(below[2*x+1]) + 2) >> 2)
	}
}
