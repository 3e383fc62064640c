package raster

import "image"

// Scale gives the page at w by h pixels, both at least 1. Smaller is made by
// averaging the area each new pixel covers, so that thin strokes get paler but
// never vanish; larger by interpolation.
func Scale(img image.Image, w, h int) image.Image {
	b := img.Bounds()
	w, h = max(w, 1), max(h, 1)
	if b.Dx() == w && b.Dy() == h || b.Empty() {
		return img
	}
	if w == 2*b.Dx() && h == 2*b.Dy() {
		return double(img)
	}
	xs, ys := along(b.Dx(), w), along(b.Dy(), h)
	if g, ok := img.(*image.Gray); ok {
		dst := image.NewGray(image.Rect(0, 0, w, h))
		g = Gray(g)
		shrink(dst.Pix, dst.Stride, g.Pix, g.Stride, 1, xs, ys)
		return dst
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if m, ok := img.(*image.RGBA); ok {
		shrink(dst.Pix, dst.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 4, xs, ys)
		if opaqueRGBA(dst) { // quicker asked of the result
			return dst
		}
	}
	m := ToRGBA(img)
	shrink(dst.Pix, dst.Stride, m.Pix, m.Stride, 4, xs, ys)
	return dst
}

// double is Scale to twice the width and height, whose weights are always the
// same few.
func double(img image.Image) image.Image {
	r := image.Rect(0, 0, 2*img.Bounds().Dx(), 2*img.Bounds().Dy())
	if _, ok := img.(*image.Gray); ok {
		g, dst := Gray(img), image.NewGray(r)
		doubleRows(dst.Pix, dst.Stride, g.Pix, g.Stride, g.Rect.Size(), 1)
		return dst
	}
	m, dst := ToRGBA(img), image.NewRGBA(r)
	doubleRows(dst.Pix, dst.Stride, m.Pix, m.Stride, m.Rect.Size(), 4)
	return dst
}

func doubleRows(dst []uint8, dstStride int, src []uint8, stride int, size image.Point, depth int) {
	row := func(y int) []uint8 { return src[min(max(y, 0), size.Y-1)*stride:][:size.X*depth] }
	Rows(size.Y, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			doubleRow(dst[2*y*dstStride:], dst[(2*y+1)*dstStride:], row(y-1), row(y), row(y+1), depth)
		}
	})
}

// parts says which pixels each new one covers along one axis, in whole or in
// part: as many for each as the one that covers most, from the pixel at from
// on, each with its share of 256. Shares of 0 may lie past the last pixel.
type parts struct {
	n, each int // pixels of the source; how many each covers
	from    []uint32
	share   []uint16
}

// along scales n pixels to m, whichever are more.
func along(n, m int) parts {
	if m > n {
		return interpolate(n, m)
	}
	return cover(n, m)
}

// interpolate puts m pixels evenly among n, m > n: each is a mixture of the
// two that its middle lies between.
func interpolate(n, m int) parts {
	p := parts{n: n, each: 4, from: make([]uint32, m), share: make([]uint16, 4*m)}
	for i := range m {
		// Middles are counted in 1/2m of a pixel.
		at := max((2*i+1)*n-m, 0)
		first, f := at/(2*m), (at%(2*m)*256+m)/(2*m)
		if first >= n-1 {
			first, f = n-1, 0
		}
		p.from[i] = uint32(first)
		p.share[4*i], p.share[4*i+1] = uint16(256-f), uint16(f)
	}
	return p
}

// cover cuts n pixels into m equal parts, m <= n. A part is at least four
// pixels, for the loops that take four at once.
func cover(n, m int) parts {
	p := parts{n: n, each: 4, from: make([]uint32, m)}
	for i := range p.from {
		p.each = max(p.each, ((i+1)*n+m-1)/m-i*n/m)
	}
	p.share = make([]uint16, m*p.each)
	for i := range p.from {
		first := i * n / m
		p.from[i] = uint32(first)
		sum := 0
		// Counted in 1/m of a pixel the part is n wide.
		for j := first; j*m < (i+1)*n; j++ {
			covered := (min((j+1)*m, (i+1)*n) - i*n) * 256 / n
			p.share[i*p.each+j-first] = uint16(covered - sum)
			sum = covered
		}
	}
	return p
}

// rowsOf gives the shares of the rows that row y covers, without those of 0 at
// their end.
func (p *parts) rowsOf(y int) []uint16 {
	share := p.share[y*p.each:][:p.each]
	for len(share) > 1 && share[len(share)-1] == 0 {
		share = share[:len(share)-1]
	}
	return share
}

// shrink averages pixels of depth bytes: the rows first, where all bytes of a
// row have the same share, then the pixels of the row that makes.
func shrink(dst []uint8, dstStride int, src []uint8, stride, depth int, xs, ys parts) {
	n := xs.n * depth
	var four []uint16
	if depth == 4 && xs.each == 4 {
		four = repeated(xs.share)
	}
	Rows(len(ys.from), func(y0, y1 int) {
		row := make([]uint8, n+xs.each*depth) // parts may reach past its end
		for y := y0; y < y1; y++ {
			mixRows(row, src[int(ys.from[y])*stride:], stride, n, ys.rowsOf(y))
			to := dst[y*dstStride:][:len(xs.from)*depth]
			switch {
			case depth == 1 && xs.each == 4:
				shrinkGray4(to, row, xs.from, xs.share)
			case depth == 1:
				shrinkGrayRow(to, row, xs)
			case xs.each == 4:
				shrinkRow4(to, row, xs.from, four)
			default:
				shrinkRow(to, row, xs)
			}
		}
	})
}

// repeated gives each share four times, for the four bytes of a pixel.
func repeated(share []uint16) []uint16 {
	four := make([]uint16, 4*len(share))
	for i, s := range share {
		four[4*i], four[4*i+1], four[4*i+2], four[4*i+3] = s, s, s, s
	}
	return four
}

func shrinkGrayRow(to, from []uint8, xs parts) {
	share := xs.share
	for x := range to {
		part := from[xs.from[x]:][:xs.each]
		sum := uint32(128)
		for i, w := range share[:len(part)] {
			sum += uint32(part[i]) * uint32(w)
		}
		to[x] = uint8(sum >> 8)
		share = share[xs.each:]
	}
}

func shrinkRow(to, from []uint8, xs parts) {
	share := xs.share
	for x, at := range xs.from {
		part := from[4*at:][:4*xs.each]
		sum := uint64(0)
		for i, w := range share[:xs.each] {
			sum += wide(load32(part[4*i:])) * uint64(w)
		}
		store32(to[4*x:], narrow(sum))
		share = share[xs.each:]
	}
}
