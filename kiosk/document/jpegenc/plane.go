package jpegenc

import "image"

// plane is one component, filled to whole blocks with the edge's pixels.
type plane struct {
	w, h int // blocks
	v    []uint8
}

func newPlane(w, h int) plane { return plane{w, h, make([]uint8, 64*w*h)} }

// row gives row y.
func (p *plane) row(y int) []uint8 { return p.v[y*8*p.w:][:8*p.w] }

// fill repeats the last of the w by h pixels that are there.
func (p *plane) fill(w, h int) {
	for y := range h {
		row := p.row(y)
		for x := w; x < len(row); x++ {
			row[x] = row[w-1]
		}
	}
	for y := h; y < 8*p.h; y++ {
		copy(p.row(y), p.row(h-1))
	}
}

func grayPlane(m *image.Gray) plane {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	p := newPlane((w+7)/8, (h+7)/8)
	for y := range h {
		copy(p.row(y), m.Pix[y*m.Stride:][:w])
	}
	p.fill(w, h)
	return p
}

// The weights are those of JFIF, in 1/65536.
func luma(r, g, b int32) uint8 { return uint8((19595*r + 38470*g + 7471*b + 1<<15) >> 16) }

// chroma takes the sums of 1<<n pixels.
func chroma(r, g, b int32, n int) (cb, cr uint8) {
	half := int32(1)<<(15+n) - 1
	return uint8((-11059*r - 21709*g + 32768*b + 128<<(16+n) + half) >> (16 + n)), uint8((32768*r - 27439*g - 5329*b + 128<<(16+n) + half) >> (16 + n))
}

// fullPlanes keeps colours at the picture's resolution.
func fullPlanes(m *image.RGBA) []plane {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	bw, bh := (w+7)/8, (h+7)/8
	all := []plane{newPlane(bw, bh), newPlane(bw, bh), newPlane(bw, bh)}
	for y := range h {
		from := m.Pix[y*m.Stride:][:4*w]
		l, cb, cr := all[0].row(y)[:w], all[1].row(y)[:w], all[2].row(y)[:w]
		for x := range l {
			p := from[4*x : 4*x+4 : 4*x+4]
			r, g, b := int32(p[0]), int32(p[1]), int32(p[2])
			l[x] = luma(r, g, b)
			cb[x], cr[x] = chroma(r, g, b, 0)
		}
	}
	for i := range all {
		all[i].fill(w, h)
	}
	return all
}

// halfPlanes halves the resolution of the colours.
func halfPlanes(m *image.RGBA) []plane {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	gw, gh := (w+15)/16, (h+15)/16
	all := []plane{newPlane(2*gw, 2*gh), newPlane(gw, gh), newPlane(gw, gh)}
	for y := 0; y < h; y += 2 {
		above, below := m.Pix[y*m.Stride:][:4*w], m.Pix[min(y+1, h-1)*m.Stride:][:4*w]
		l0, l1 := all[0].row(y), all[0].row(y+1)
		cb, cr := all[1].row(y/2), all[2].row(y/2)
		for x := 0; x+1 < w; x += 2 {
			p, q := above[4*x:4*x+8:4*x+8], below[4*x:4*x+8:4*x+8]
			r0, g0, b0 := int32(p[0]), int32(p[1]), int32(p[2])
			r1, g1, b1 := int32(p[4]), int32(p[5]), int32(p[6])
			r2, g2, b2 := int32(q[0]), int32(q[1]), int32(q[2])
			r3, g3, b3 := int32(q[4]), int32(q[5]), int32(q[6])
			l0[x], l0[x+1] = luma(r0, g0, b0), luma(r1, g1, b1)
			l1[x], l1[x+1] = luma(r2, g2, b2), luma(r3, g3, b3)
			cb[x/2], cr[x/2] = chroma(r0+r1+r2+r3, g0+g1+g2+g3, b0+b1+b2+b3, 2)
		}
		if x := w - 1; w%2 == 1 {
			p, q := above[4*x:], below[4*x:]
			r0, g0, b0, r1, g1, b1 := int32(p[0]), int32(p[1]), int32(p[2]), int32(q[0]), int32(q[1]), int32(q[2])
			l0[x], l1[x] = luma(r0, g0, b0), luma(r1, g1, b1)
			cb[x/2], cr[x/2] = chroma(r0+r1, g0+g1, b0+b1, 1)
		}
	}
	all[0].fill(w, h)
	all[1].fill((w+1)/2, (h+1)/2)
	all[2].fill((w+1)/2, (h+1)/2)
	return all
}
