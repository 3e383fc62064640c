package mrc

import (
	"encoding/binary"
	"image"

	"pointnum/kiosk/document/raster"
)

// copyDPI is the resolution of the copies from which all is told that needs
// no single pixel.
const copyDPI = 150

// plane is a picture of one component with room for eight pixels more on both
// sides of each row, which repeat its ends.
type plane struct {
	w, h, stride int
	pix          []uint8
}

const margin = 8

func newPlane(w, h int) *plane {
	stride := (w+7)&^7 + 2*margin
	return &plane{w: w, h: h, stride: stride, pix: make([]uint8, stride*h)}
}

// row gives row y from its first pixel on, and the room behind it.
func (p *plane) row(y int) []uint8 { return p.pix[y*p.stride+margin:][:p.stride-margin] }

// wide gives row y from the eight pixels before its first one on.
func (p *plane) wide(y int) []uint8 { return p.pix[y*p.stride:][:p.stride] }

// ends repeats the ends of row y.
func (p *plane) ends(y int) {
	row := p.wide(y)
	for i := range margin {
		row[i] = row[margin]
	}
	for i := margin + p.w; i < p.stride; i++ {
		row[i] = row[margin+p.w-1]
	}
}

func (p *plane) gray() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, p.w, p.h))
	for y := range p.h {
		copy(m.Pix[y*m.Stride:][:p.w], p.row(y))
	}
	return m
}

// page is a whitened page with copies of it.
type page struct {
	dpi   int
	color *image.RGBA // nil when it has none
	gray  *plane
	// The copies have one pixel for a square of so many of the page's.
	factor    int
	copyColor *image.RGBA // nil when color is
	copyGray  *plane
}

func newPage(flat image.Image, dpi int) *page {
	p := &page{dpi: dpi, factor: max((dpi+copyDPI/2)/copyDPI, 1)}
	if g, ok := flat.(*image.Gray); ok {
		p.copyGrayPage(g)
		return p
	}
	p.color = raster.ToRGBA(flat)
	w, h := p.color.Rect.Dx(), p.color.Rect.Dy()
	p.gray = newPlane(w, h)
	for y := range h {
		grayRow(p.gray.row(y)[:w], p.color.Pix[y*p.color.Stride:][:4*w])
		p.gray.ends(y)
	}
	p.copyColor = shrink(p.color, p.factor)
	p.copyGray = shrinkPlane(p.gray, p.factor)
	return p
}

func (p *page) copyGrayPage(g *image.Gray) {
	p.gray = newPlane(g.Rect.Dx(), g.Rect.Dy())
	for y := range p.gray.h {
		copy(p.gray.row(y), g.Pix[g.PixOffset(g.Rect.Min.X, g.Rect.Min.Y+y):][:p.gray.w])
		p.gray.ends(y)
	}
	p.copyGray = shrinkPlane(p.gray, p.factor)
}

func luma(r, g, b uint32) uint32 { return (77*r + 150*g + 29*b + 128) >> 8 }

func grayRow(to, from []uint8) {
	for len(from) >= 8 && len(to) >= 2 {
		v := binary.LittleEndian.Uint64(from)
		// Red and blue of both pixels, then their greens.
		rb, g := v&0x00FF00FF00FF00FF, v>>8&0x000000FF000000FF
		a, b := uint32(rb), uint32(rb>>32)
		to[0] = uint8((77*(a&0xFF) + 29*(a>>16) + 150*uint32(g) + 128) >> 8)
		to[1] = uint8((77*(b&0xFF) + 29*(b>>16) + 150*uint32(g>>32) + 128) >> 8)
		to, from = to[2:], from[8:]
	}
	if len(to) > 0 {
		to[0] = uint8(luma(uint32(from[0]), uint32(from[1]), uint32(from[2])))
	}
}

// shrink gives the means of squares of n by n pixels.
func shrink(m *image.RGBA, n int) *image.RGBA {
	if n == 1 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, (w+n-1)/n, (h+n-1)/n))
	for y := range out.Rect.Dy() {
		to := out.Pix[y*out.Stride:][:out.Stride]
		x := 0
		if n == 2 && 2*y+1 < h {
			x = halve(to, m.Pix[2*y*m.Stride:][:4*w], m.Pix[(2*y+1)*m.Stride:][:4*w])
		}
		for ; x < out.Rect.Dx(); x++ {
			meanOf(to[4*x:4*x+4], m, image.Rect(x*n, y*n, min((x+1)*n, w), min((y+1)*n, h)))
		}
	}
	return out
}

// halve gives the means of four pixels of two rows, and how many it made.
func halve(to, above, below []uint8) int {
	n := len(above) / 8
	for i := range n {
		u, v := binary.LittleEndian.Uint64(above[8*i:]), binary.LittleEndian.Uint64(below[8*i:])
		const even = 0x00FF00FF00FF00FF
		rb, ga := u&even+v&even, u>>8&even+v>>8&even
		rb, ga = rb+rb>>32+0x00020002, ga+ga>>32+0x00020002
		binary.LittleEndian.PutUint32(to[4*i:], uint32(rb>>2&0x00FF00FF)|uint32(ga>>2&0x00FF00FF)<<8)
	}
	return n
}

func meanOf(to []uint8, m *image.RGBA, r image.Rectangle) {
	var sum [3]int
	n := r.Dx() * r.Dy()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := m.Pix[y*m.Stride+4*r.Min.X:][:4*r.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			sum[0], sum[1], sum[2] = sum[0]+int(row[0]), sum[1]+int(row[1]), sum[2]+int(row[2])
		}
	}
	to[0], to[1], to[2], to[3] = uint8((sum[0]+n/2)/n), uint8((sum[1]+n/2)/n), uint8((sum[2]+n/2)/n), 255
}

// shrinkPlane gives the means of squares of n by n pixels.
func shrinkPlane(p *plane, n int) *plane {
	if n == 1 {
		return p
	}
	out := newPlane((p.w+n-1)/n, (p.h+n-1)/n)
	for y := range out.h {
		to := out.row(y)
		x := 0
		if n == 2 && 2*y+1 < p.h {
			above, below := p.row(2*y), p.row(2*y+1)
			for ; x < p.w/2; x++ {
				to[x] = uint8((uint32(above[2*x]) + uint32(above[2*x+1]) + uint32(below[2*x]) + uint32(below[2*x+1]) + 2) >> 2)
			}
		}
		for ; x < out.w; x++ {
			sum, count := 0, 0
			for k := y * n; k < min((y+1)*n, p.h); k++ {
				for _, v := range p.row(k)[x*n : min((x+1)*n, p.w)] {
					sum += int(v)
					count++
				}
			}
			to[x] = uint8((sum + count/2) / count)
		}
		out.ends(y)
	}
	return out
}
