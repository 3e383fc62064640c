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
	Rows(len(dst)/dstStride, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			f(dst[y*dstStride:][:n], src[2*y*stride:][:twice], src[(2*y+1)*stride:][:twice])
		}
	})
}
