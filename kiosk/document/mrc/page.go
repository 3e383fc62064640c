package mrc

import (
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

// page is a whitened page with copies of it. Its colours are made white again
// where they are asked for: the whole is as large as the page itself.
type page struct {
	dpi   int
	white *raster.Whitening // nil where the page stays as it was
	color *image.RGBA       // the page before; nil when it has none
	line  []uint8           // of color, made white
	gray  *plane
	// The copies have one pixel for a square of so many of the page's.
	factor    int
	copyColor *image.RGBA // nil when color is
	copyGray  *plane
}

// newPage looks at a page, which is made white unless it was before.
func newPage(img *raster.Overview, dpi int, white bool) *page {
	p := &page{dpi: dpi, factor: max((dpi+copyDPI/2)/copyDPI, 1)}
	if !white {
		p.white, _ = img.Whitening()
	}
	if g, ok := img.Page().(*image.Gray); ok {
		p.grayPage(g)
		return p
	}
	p.color = img.Page().(*image.RGBA)
	w, h := p.color.Rect.Dx(), p.color.Rect.Dy()
	p.line = make([]uint8, 4*w)
	p.gray = newPlane(w, h)
	n := p.factor
	p.copyColor = image.NewRGBA(image.Rect(0, 0, (w+n-1)/n, (h+n-1)/n))
	band := image.NewRGBA(image.Rect(0, 0, w, min(n, h))) // the rows of one of the copy's
	for y := 0; y < h; y += n {
		band.Rect.Max.Y = min(n, h-y)
		for k := range band.Rect.Dy() {
			row := band.Pix[k*band.Stride:][:4*w]
			p.row(row, 0, w, y+k)
			grayRow(p.gray.row(y + k)[:w], row)
			p.gray.ends(y + k)
		}
		shrinkRow(p.copyColor.Pix[y/n*p.copyColor.Stride:][:p.copyColor.Stride], band, n)
	}
	p.copyGray = shrinkPlane(p.gray, n)
	return p
}

func (p *page) grayPage(g *image.Gray) {
	w := g.Rect.Dx()
	p.gray = newPlane(w, g.Rect.Dy())
	for y := range p.gray.h {
		if p.white != nil {
			p.white.Row(p.gray.row(y), y)
		} else {
			copy(p.gray.row(y), g.Pix[g.PixOffset(g.Rect.Min.X, g.Rect.Min.Y+y):][:w])
		}
		p.gray.ends(y)
	}
	p.copyGray = shrinkPlane(p.gray, p.factor)
}

// row puts the colours of row y from x0 to x1 in to, made white.
func (p *page) row(to []uint8, x0, x1, y int) {
	if p.white != nil {
		p.white.Part(to, x0, x1, y)
		return
	}
	copy(to, p.color.Pix[y*p.color.Stride+4*x0:][:4*(x1-x0)])
}

// colors gives the colours of row y from x0 to x1, made white, until they are
// asked for again.
func (p *page) colors(x0, x1, y int) []uint8 {
	to := p.line[:4*(x1-x0)]
	p.row(to, x0, x1, y)
	return to
}

func luma(r, g, b uint32) uint32 { return (77*r + 150*g + 29*b + 128) >> 8 }

func grayRow(to, from []uint8) {
	n := raster.Brightness(to, from)
	to, from = to[n:], from[4*n:]
	for x := range to {
		to[x] = uint8(luma(uint32(from[4*x]), uint32(from[4*x+1]), uint32(from[4*x+2])))
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
		band := &image.RGBA{Pix: m.Pix[y*n*m.Stride:], Stride: m.Stride, Rect: image.Rect(0, 0, w, min(n, h-y*n))}
		shrinkRow(out.Pix[y*out.Stride:][:out.Stride], band, n)
	}
	return out
}

// shrinkRow gives the means of squares of n by n pixels of as many rows, or of
// what there is of them.
func shrinkRow(to []uint8, m *image.RGBA, n int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if n == 1 {
		copy(to, m.Pix[:4*w])
		return
	}
	x := 0
	if n == 2 && h == 2 {
		x = w / 2
		raster.HalveRow(to[:4*x], m.Pix, m.Pix[m.Stride:])
	}
	for ; 4*x < len(to); x++ {
		meanOf(to[4*x:4*x+4], m, image.Rect(x*n, 0, min((x+1)*n, w), h))
	}
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
			x = p.w / 2
			raster.HalveGrayRow(to[:x], p.row(2*y), p.row(2*y+1))
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
