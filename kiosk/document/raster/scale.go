package raster

import (
	"image"

	"golang.org/x/image/draw"
)

// Scale gives the page at w by h pixels, both at least 1. Smaller is made by
// averaging the area each new pixel covers, so that thin strokes get paler but
// never vanish; larger by interpolation.
func Scale(img image.Image, w, h int) image.Image {
	b := img.Bounds()
	w, h = max(w, 1), max(h, 1)
	if b.Dx() == w && b.Dy() == h || b.Empty() {
		return img
	}
	g, gray := img.(*image.Gray)
	if w > b.Dx() || h > b.Dy() {
		r := image.Rect(0, 0, w, h)
		var dst draw.Image = image.NewRGBA(r)
		if gray {
			dst = image.NewGray(r)
		} else {
			img = ToRGBA(img)
		}
		draw.BiLinear.Scale(dst, r, img, img.Bounds(), draw.Src, nil)
		return dst
	}
	xs, ys := cover(b.Dx(), w), cover(b.Dy(), h)
	if gray {
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

// parts says which pixels each new one covers along one axis, in whole or in
// part: as many for each as the one that covers most, from the pixel at from
// on, each with its share of 256. Shares of 0 may lie past the last pixel.
type parts struct {
	n, each int // pixels of the source; how many each covers
	from    []int
	share   []uint16
}

// cover cuts n pixels into m equal parts, m <= n. A part is at least four
// pixels, for the loops that take four at once.
func cover(n, m int) parts {
	p := parts{n: n, each: 4, from: make([]int, m)}
	for i := range p.from {
		p.each = max(p.each, ((i+1)*n+m-1)/m-i*n/m)
	}
	p.share = make([]uint16, m*p.each)
	for i := range p.from {
		first := i * n / m
		p.from[i] = first
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

// shrink averages pixels of depth bytes: the rows first, where all bytes of a
// row have the same share, then the pixels of the row that makes.
func shrink(dst []uint8, dstStride int, src []uint8, stride, depth int, xs, ys parts) {
	rows(len(ys.from), func(y0, y1 int) {
		m := newMixer(xs.n*depth, xs.each*depth)
		for y := y0; y < y1; y++ {
			m.mix(src[ys.from[y]*stride:], stride, ys.share[y*ys.each:][:min(ys.each, ys.n-ys.from[y])])
			to := dst[y*dstStride:][:len(xs.from)*depth]
			switch {
			case depth == 1:
				shrinkGrayRow(to, m.row, xs)
			case xs.each == 4:
				shrinkRow4(to, m.row, xs)
			default:
				shrinkRow(to, m.row, xs)
			}
		}
	})
}

// mixer makes one row of several.
type mixer struct {
	n   int      // bytes of a row
	sum []uint64 // of the even and the odd bytes of each word, in turn
	row []uint8  // the result, with nothing after it
}

func newMixer(n, spare int) *mixer {
	words := (n + 7) / 8
	return &mixer{n: n, sum: make([]uint64, 2*words), row: make([]uint8, 8*words+spare)}
}

// mix gives m.row the mean of as many rows as there are shares, of stride
// bytes each.
func (m *mixer) mix(src []uint8, stride int, share []uint16) {
	for i := 0; i < len(share); i += 4 {
		var r [4][]uint8
		var w [4]uint64
		for k := range r {
			r[k] = src[i*stride:] // counts nothing where there are no four
			if i+k < len(share) {
				r[k], w[k] = src[(i+k)*stride:], uint64(share[i+k])
			}
		}
		if w[0]+w[1]+w[2]+w[3] > 0 || i == 0 {
			m.add(r, w, i == 0)
		}
	}
	for i := range len(m.sum) / 2 {
		store64(m.row[8*i:], join(m.sum[2*i], m.sum[2*i+1]))
	}
}

// add adds four rows to the sums, or starts them.
func (m *mixer) add(r [4][]uint8, w [4]uint64, first bool) {
	whole := m.n &^ 7
	addRows(m.sum, r[0][:whole], r[1], r[2], r[3], w, first)
	if whole < m.n {
		var end [4][8]uint8
		for k := range r {
			copy(end[k][:], r[k][whole:m.n])
		}
		addRows(m.sum[whole/4:], end[0][:], end[1][:], end[2][:], end[3][:], w, first)
	}
}

// addRows adds up four rows as long as a, which is made of whole words.
func addRows(sum []uint64, a, b, c, d []uint8, w [4]uint64, first bool) {
	b, c, d, sum = b[:len(a)], c[:len(a)], d[:len(a)], sum[:len(a)/4]
	w0, w1, w2, w3 := w[0], w[1], w[2], w[3]
	for i := 0; len(a) >= 8 && len(b) >= 8 && len(c) >= 8 && len(d) >= 8 && i+1 < len(sum); i += 2 {
		e0, o0 := split(load64(a))
		e1, o1 := split(load64(b))
		e2, o2 := split(load64(c))
		e3, o3 := split(load64(d))
		e, o := e0*w0+e1*w1+e2*w2+e3*w3, o0*w0+o1*w1+o2*w2+o3*w3
		if !first {
			e, o = e+sum[i], o+sum[i+1]
		}
		sum[i], sum[i+1] = e, o
		a, b, c, d = a[8:], b[8:], c[8:], d[8:]
	}
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

// shrinkRow4 is shrinkRow where each pixel covers four, as it does on the way
// to the screen.
func shrinkRow4(to, from []uint8, xs parts) {
	share := xs.share
	for _, at := range xs.from {
		p := from[4*at:][:16:16]
		w := share[:4:4]
		sum := wide(load32(p[0:]))*uint64(w[0]) + wide(load32(p[4:]))*uint64(w[1]) +
			wide(load32(p[8:]))*uint64(w[2]) + wide(load32(p[12:]))*uint64(w[3])
		store32(to, narrow(sum))
		to, share = to[4:], share[4:]
	}
}
