package raster

import (
	"image"
	"math"
)

const (
	// minSkew is the least angle in degrees that is worth moving every pixel
	// for: below it neither OCR nor eyes read any better, and what the bed
	// leaves beside the paper is cut off all the same.
	minSkew = 0.7
	// minUnsure is the same where the lines are not plain: those of handwriting
	// rise on straight paper.
	minUnsure = 2.5
)

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
	a, plain := o.skew()
	if math.Abs(a) < minSkew || !plain && math.Abs(a) < minUnsure {
		return o, 0
	}
	w, h := o.page.Bounds().Dx(), o.page.Bounds().Dy()
	if o.losesInk(a) {
		sin, cos := math.Sincos(math.Abs(a) * math.Pi / 180)
		w, h = int(float64(w)*cos+float64(h)*sin+0.5), int(float64(h)*cos+float64(w)*sin+0.5)
	}
	o.half = nil // there is memory enough for two pages, not for their copies
	MakeRoom(w * h)
	return &Overview{page: rotate(o.page, a, w, h)}, a
}

// losesInk says whether straightening by a degrees without growing would push
// writing off the page. What runs out of the picture anyway, a shadow, the edge
// of the paper or a rule, may lose what is near the picture's own edges.
func (o *Overview) losesInk(a float64) bool {
	b := o.SmallGray().Rect
	w, h := float64(b.Dx()), float64(b.Dy())
	sin, cos := math.Sincos(a * math.Pi / 180)
	off := func(x, y int) bool {
		px, py := float64(x)-w/2, float64(y)-h/2
		return math.Abs(px*cos+py*sin) > w/2 || math.Abs(py*cos-px*sin) > h/2
	}
	inside := b.Inset(nearEdge(b))
	lost := 0
	patches(o.Ink(inkDepth), b.Dx(), func(m Mark, pixels []int) {
		if m.Pixels < leastMark || m.edge(b) {
			return
		}
		whole := m.Box.In(b.Inset(1))
		if r := m.Box; whole && m.Letter(max(b.Dx(), b.Dy())) {
			if off(r.Min.X, r.Min.Y) || off(r.Max.X, r.Min.Y) || off(r.Max.X, r.Max.Y) || off(r.Min.X, r.Max.Y) {
				lost += m.Pixels
			}
			return
		}
		for _, i := range pixels {
			if at := image.Pt(i%b.Dx(), i/b.Dx()); (whole || at.In(inside)) && off(at.X, at.Y) {
				lost++
			}
		}
	})
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
// mixed from the four around the line; of these pixels the row's are mixed. Both steps take a word of pixels at a time. Distances are in
// 1/65536 pixel.
type rotation struct {
	src          []uint8
	stride       int
	depth        int // bytes of a pixel
	step, word   int // bytes of a row of columns that are made at a time, and of the result
	size         image.Point
	edge         []uint8 // a row outside the source
	tan, cos     int
	sin, inverse float64     // of the angle, and of its cosine
	middle       [2]float64  // of the source
	center       [2]float64  // of the result
	out          image.Point // size of the result
	share        *bends
}

// rotationPad is how many pixels stand at each end of a row of columns so that
// no word that is read needs to be cut.
const rotationPad = 20

func newRotation(src, dst image.Rectangle, depth int, a float64) *rotation {
	const one = 1 << 16
	sin, cos := math.Sincos(a * math.Pi / 180)
	r := &rotation{
		depth: depth, step: 16, word: 16, size: src.Size(), out: dst.Size(), share: newBends(),
		tan: int(math.Round(sin / cos * one)), cos: int(math.Round(cos * one)), sin: sin, inverse: 1 / cos,
		middle: [2]float64{float64(src.Dx()-1) / 2, float64(src.Dy()-1) / 2},
		center: [2]float64{float64(dst.Dx()-1) / 2, float64(dst.Dy()-1) / 2},
		edge:   make([]uint8, (src.Dx()+2*rotationPad)*depth),
	}
	// All pixels of a word are mixed alike: where the line is steep they must
	// be fewer.
	for r.step > depth && abs(r.tan)*r.step/depth > one/3 {
		r.step /= 2
	}
	for r.word > depth && (one-r.cos)*r.word/depth > one/12 || r.out.X*depth < r.word {
		r.word /= 2
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
	l := slant{at: r.lineStart(y) + r.tan*(r.step/r.depth-1)/2, move: r.tan * r.step / r.depth, step: r.step, depth: r.depth, share: r.share}
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
	at += (r.cos - one) * (r.word/r.depth - 1) / 2
	last := (r.size.X + 2*rotationPad - 2 - 16/r.depth) * one
	l := slant{at: at, move: r.cos * r.word / r.depth, step: r.word, depth: r.depth, share: r.share}
	mixRow(to, line, l, last, r.cos)
}

// slant is a walk along a line: where it is, how far it goes with each step,
// in 1/65536 pixel, and how many bytes are made in one.
type slant struct {
	at, move, step, depth int
	share                 *bends
}

// bends are the shares, in 128ths, of four pixels in a row in one that lies
// between the middle two, at each of bendPlaces places. They are of the curve
// through the four pixels (Keys 1981, a = -1/2), which keeps letters as sharp as
// they are; a straight line from pixel to pixel blurs them.
type bends [bendPlaces * 4]int16

const bendPlaces = 64

func newBends() *bends {
	b := new(bends)
	for i := range bendPlaces {
		f, share := float64(i)/bendPlaces, b[4*i:][:4]
		share[0] = int16(math.Round(128 * ((2-f)*f - 1) * f / 2))
		share[2] = int16(math.Round(128 * ((4-3*f)*f + 1) * f / 2))
		share[3] = int16(math.Round(128 * (f - 1) * f * f / 2))
		share[1] = 128 - share[0] - share[2] - share[3]
	}
	return b
}
