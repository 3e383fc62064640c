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
	if gray {
		return shrinkGray(g, w, h)
	}
	return shrinkRGBA(ToRGBA(img), w, h)
}

// span is the source pixels that one new pixel covers along one axis: from
// and to are in it as a whole or in part, the ones between as a whole.
// Weights are of 256.
type span struct {
	from, to     int
	first, last  uint32
	whole, total uint32 // whole is the weight of the ones between: 256
}

// spans cuts n source pixels into m equal parts, m <= n.
func spans(n, m int) []span {
	s := make([]span, m)
	for i := range s {
		a, b := i*n*256/m, (i+1)*n*256/m // in 1/256 pixel
		from, to := a>>8, (b-1)>>8
		p := span{from: from, to: to, whole: 256, total: uint32(b - a)}
		if from == to {
			p.first = uint32(b - a)
		} else {
			p.first = uint32((from+1)<<8 - a)
			p.last = uint32(b - to<<8)
		}
		s[i] = p
	}
	return s
}

// A column's sum is at most 255 * its total weight; it is brought down to 16
// bits before rows are added up, so that a sum of 65,536 rows fits.
func shrinkGray(src *image.Gray, w, h int) *image.Gray {
	src = Gray(src)
	dst := image.NewGray(image.Rect(0, 0, w, h))
	xs, ys := spans(src.Rect.Dx(), w), spans(src.Rect.Dy(), h)
	rows(h, func(y0, y1 int) {
		sum := make([]uint64, w)
		for y := y0; y < y1; y++ {
			clear(sum)
			s := ys[y]
			for sy := s.from; sy <= s.to; sy++ {
				weight := uint64(s.weight(sy))
				row := src.Pix[sy*src.Stride:]
				for x := range xs {
					p := &xs[x]
					v := uint32(row[p.from]) * p.first
					if p.to > p.from {
						between := uint32(0)
						for _, q := range row[p.from+1 : p.to] {
							between += uint32(q)
						}
						v += between<<8 + uint32(row[p.to])*p.last
					}
					sum[x] += uint64(v) * weight
				}
			}
			to := dst.Pix[y*dst.Stride:][:w]
			for x := range to {
				t := uint64(xs[x].total) * uint64(s.total)
				to[x] = uint8((sum[x] + t/2) / t)
			}
		}
	})
	return dst
}

func (s span) weight(i int) uint32 {
	switch i {
	case s.from:
		return s.first
	case s.to:
		return s.last
	}
	return s.whole
}

func shrinkRGBA(src *image.RGBA, w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	xs, ys := spans(src.Rect.Dx(), w), spans(src.Rect.Dy(), h)
	rows(h, func(y0, y1 int) {
		sum := make([][3]uint64, w)
		for y := y0; y < y1; y++ {
			clear(sum)
			s := ys[y]
			for sy := s.from; sy <= s.to; sy++ {
				addRow(sum, src.Pix[sy*src.Stride:], xs, uint64(s.weight(sy)))
			}
			to := dst.Pix[y*dst.Stride:][:4*w]
			for x := range sum {
				t := uint64(xs[x].total) * uint64(s.total)
				q := to[4*x : 4*x+4 : 4*x+4]
				q[0] = uint8((sum[x][0] + t/2) / t)
				q[1] = uint8((sum[x][1] + t/2) / t)
				q[2] = uint8((sum[x][2] + t/2) / t)
				q[3] = 255
			}
		}
	})
	return dst
}

// addRow adds a source row to the sums of the new pixels.
func addRow(sum [][3]uint64, row []uint8, xs []span, weight uint64) {
	for x := range xs {
		p := &xs[x]
		f := row[4*p.from : 4*p.from+4 : 4*p.from+4]
		r, g, b := uint32(f[0])*p.first, uint32(f[1])*p.first, uint32(f[2])*p.first
		if p.to > p.from {
			var br, bg, bb uint32
			between := row[4*p.from+4 : 4*p.to]
			for len(between) >= 4 {
				br += uint32(between[0])
				bg += uint32(between[1])
				bb += uint32(between[2])
				between = between[4:]
			}
			l := row[4*p.to : 4*p.to+4 : 4*p.to+4]
			r += br<<8 + uint32(l[0])*p.last
			g += bg<<8 + uint32(l[1])*p.last
			b += bb<<8 + uint32(l[2])*p.last
		}
		s := &sum[x]
		s[0] += uint64(r) * weight
		s[1] += uint64(g) * weight
		s[2] += uint64(b) * weight
	}
}
