package raster

import (
	"image"
	"math"
)

// minSkew is the least angle that is worth moving every pixel for: below it
// neither eyes nor OCR read any better.
const minSkew = 0.4

// Deskew straightens a page and says by how many degrees it was turned
// clockwise; 0 means that img is returned as it is. Corners that open are
// filled with the colour of the page's edges: paper, or the bed round it, for
// CropBed to find. The page keeps its size unless writing would fall off its
// edges: then it grows.
func Deskew(img image.Image) (image.Image, float64) {
	o, a := NewOverview(img).Deskew()
	if a == 0 {
		return img, 0
	}
	return o.Page(), a
}

// Deskew is Deskew of the page.
func (o *Overview) Deskew() (*Overview, float64) {
	a := o.Skew()
	if math.Abs(a) < minSkew {
		return o, 0
	}
	w, h := o.page.Bounds().Dx(), o.page.Bounds().Dy()
	if o.losesInk(a) {
		sin, cos := math.Sincos(math.Abs(a) * math.Pi / 180)
		w, h = int(float64(w)*cos+float64(h)*sin+0.5), int(float64(h)*cos+float64(w)*sin+0.5)
	}
	o.half = nil // there is memory enough for two pages, not for their copies
	return &Overview{page: rotate(o.page, a, w, h)}, a
}

// losesInk says whether straightening by a degrees without growing would push
// writing off the page. The shadow of an edge along a side may go.
func (o *Overview) losesInk(a float64) bool {
	b := o.SmallGray().Rect
	w, h := float64(b.Dx()), float64(b.Dy())
	sin, cos := math.Sincos(a * math.Pi / 180)
	lost := 0
	for _, m := range Marks(o.Ink(inkDepth), b.Dx()) {
		if m.Pixels < leastMark || m.edge(b) {
			continue
		}
		for _, p := range []image.Point{m.Box.Min, {m.Box.Max.X, m.Box.Min.Y}, m.Box.Max, {m.Box.Min.X, m.Box.Max.Y}} {
			px, py := float64(p.X)-w/2, float64(p.Y)-h/2
			if math.Abs(px*cos+py*sin) > w/2 || math.Abs(py*cos-px*sin) > h/2 {
				lost += m.Pixels
				break
			}
		}
	}
	return lost > 8
}

// rotate turns a page back by a degrees, into w by h pixels around its middle.
func rotate(img image.Image, a float64, w, h int) image.Image {
	if g, ok := img.(*image.Gray); ok {
		dst := image.NewGray(image.Rect(0, 0, w, h))
		r := newRotation(g.Rect, dst.Rect, 1, a)
		r.src, r.stride = g.Pix, g.Stride
		paper := borderGray(g)
		for i := range r.edge {
			r.edge[i] = paper
		}
		r.run(dst.Pix, dst.Stride)
		return dst
	}
	src := ToRGBA(img)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	r := newRotation(src.Rect, dst.Rect, 4, a)
	r.src, r.stride = src.Pix, src.Stride
	c := borderColor(src)
	for i := range r.edge {
		r.edge[i] = [4]uint8{c.R, c.G, c.B, 255}[i%4]
	}
	r.run(dst.Pix, dst.Stride)
	return dst
}

// rotation makes each row of the result in two steps: along the slanted line
// through the source that is the row, each source column gives one pixel,
// mixed from the two that the line passes between; of these pixels the row's
// are mixed. Both steps take a word of pixels at a time. Distances are in
// 1/65536 pixel.
type rotation struct {
	src          []uint8
	stride       int
	depth, step  int // bytes of a pixel, and that are made at a time
	size         image.Point
	edge         []uint8 // a row outside the source
	tan, cos     int
	sin, inverse float64     // of the angle, and of its cosine
	middle       [2]float64  // of the source
	center       [2]float64  // of the result
	out          image.Point // size of the result
}

// rotationPad is how many pixels stand at each end of a row of columns so that
// no word that is read needs to be cut.
const rotationPad = 16

func newRotation(src, dst image.Rectangle, depth int, a float64) *rotation {
	const one = 1 << 16
	sin, cos := math.Sincos(a * math.Pi / 180)
	r := &rotation{
		depth: depth, step: 8, size: src.Size(), out: dst.Size(),
		tan: int(math.Round(sin / cos * one)), cos: int(math.Round(cos * one)), sin: sin, inverse: 1 / cos,
		middle: [2]float64{float64(src.Dx()-1) / 2, float64(src.Dy()-1) / 2},
		center: [2]float64{float64(dst.Dx()-1) / 2, float64(dst.Dy()-1) / 2},
		edge:   make([]uint8, (src.Dx()+2*rotationPad)*depth),
	}
	// All pixels of a word are mixed alike: where the line is steep they must
	// be fewer.
	for r.step > depth && abs(r.tan)*r.step/depth > one*2/5 {
		r.step /= 2
	}
	return r
}

func (r *rotation) run(dst []uint8, stride int) {
	if r.size.X*r.depth < 8 || r.out.X*r.depth < 8 {
		return
	}
	Rows(r.out.Y, func(y0, y1 int) {
		line := append([]uint8(nil), r.edge...)
		for y := y0; y < y1; y++ {
			r.columns(line[rotationPad*r.depth:], y)
			r.row(dst[y*stride:][:r.out.X*r.depth], line, y)
		}
	})
}

// lineStart is how far down the source the line of row y meets its first
// column.
func (r *rotation) lineStart(y int) int {
	const one = 1 << 16
	py := float64(y) - r.center[1]
	return int((r.middle[1]+py*r.inverse)*one) - int(r.middle[0]*float64(r.tan))
}

// columns mixes row y's pixel of each column of the source.
func (r *rotation) columns(line []uint8, y int) {
	l := slant{at: r.lineStart(y) + r.tan*(r.step/r.depth-1)/2, move: r.tan * r.step / r.depth, step: r.step, depth: r.depth}
	// The next line's bytes lie in as many rows of the source as it crosses,
	// which no processor foresees: they are asked for early.
	mixColumns(line, r.src, r.stride, r.size, r.edge, l, r.lineStart(y+1), r.tan)
	copy(line[r.size.X*r.depth:], r.edge[:8])
}

// row mixes a row of the result from the columns on its line, which has
// rotationPad pixels more at both ends.
func (r *rotation) row(to, line []uint8, y int) {
	const one = 1 << 16
	py := float64(y) - r.center[1]
	at := int((r.middle[0] - py*r.sin + rotationPad) * one)
	at -= int(r.center[0] * float64(r.cos))
	at += (r.cos - one) * (r.step/r.depth - 1) / 2
	last := (r.size.X + 2*rotationPad - 10) * one
	l := slant{at: at, move: r.cos * r.step / r.depth, step: r.step, depth: r.depth}
	mixRow(to, line, l, last, r.cos)
}

// slant is a walk along a line: where it is, how far it goes with each step,
// in 1/65536 pixel, and how many bytes are made in one.
type slant struct{ at, move, step, depth int }
