package raster

import "image"

// overviewSide is about how many pixels the long side of the small copy has,
// 75 dpi of A4: letters are still apart, noise is gone.
const overviewSide = 900

// Overview is a page and a small copy of it for all that looks at the page as
// a whole: the copy is made once, when it is first asked for. It belongs to
// one goroutine at a time.
type Overview struct {
	page   image.Image
	half   image.Image
	small  image.Image
	gray   *image.Gray
	relief []int8
}

// NewOverview takes a page of any kind; its pixels may not change afterwards.
func NewOverview(img image.Image) *Overview {
	switch m := img.(type) {
	case *image.Gray:
		return &Overview{page: Gray(m)}
	case *image.Gray16:
		return &Overview{page: Gray(m)}
	}
	return &Overview{page: ToRGBA(img)}
}

// Page is the page itself, *image.Gray or *image.RGBA.
func (o *Overview) Page() image.Image { return o.page }

// Gray is the page without colour, and what was made of it so far.
func (o *Overview) Gray() *Overview {
	if _, ok := o.page.(*image.Gray); ok {
		return o
	}
	g := &Overview{page: Gray(o.page), gray: o.gray, relief: o.relief}
	if o.half != nil {
		g.half = Gray(o.half)
	}
	if o.small != nil {
		g.small = o.SmallGray()
		g.gray = o.gray
	}
	return g
}

// Half is the page at half its size, of the page's kind: the means of squares
// of four pixels. A page of less than two pixels a side is its own half.
// Nobody may write to it.
func (o *Overview) Half() image.Image {
	if o.half == nil {
		o.half = halve(o.page)
	}
	return o.half
}

// Reduced is the page scaled down to a long side of so many pixels, or the
// page where that is no larger.
func (o *Overview) Reduced(side int) image.Image {
	w, h := o.page.Bounds().Dx(), o.page.Bounds().Dy()
	long := max(w, h)
	if long <= side {
		return o.page
	}
	f := float64(side) / float64(long)
	return Scale(o.least(side), max(1, int(float64(w)*f+0.5)), max(1, int(float64(h)*f+0.5)))
}

// least is the smallest of the page and its half that has a long side of at
// least so many pixels: there are four times as few to read.
func (o *Overview) least(side int) image.Image {
	if max(o.page.Bounds().Dx(), o.page.Bounds().Dy())/2 >= side {
		return o.Half()
	}
	return o.page
}

// Small is the small copy, of the page's kind. One of its pixels stands for
// the same whole number of the page's in both directions, but for a few at the
// ends; a small page is its own copy.
func (o *Overview) Small() image.Image {
	if o.small == nil {
		w, h := o.page.Bounds().Dx(), o.page.Bounds().Dy()
		n := (max(w, h) + overviewSide/2) / overviewSide
		o.small = o.page
		if n > 1 {
			from := o.page
			if n > 3 { // a third would be made of pieces of half pixels
				from = o.Half()
			}
			o.small = Scale(from, max(w/n, 1), max(h/n, 1))
		}
	}
	return o.small
}

// SmallGray is the brightness of the small copy.
func (o *Overview) SmallGray() *image.Gray {
	if o.gray == nil {
		o.gray = Gray(o.Small())
	}
	return o.gray
}

// reliefReach is how far around a pixel of the small copy the mean is taken
// that its relief is measured from.
const reliefReach = 8

// Relief says of each pixel of the small copy how much darker it is than the
// mean around it, rounded down; brighter ones are below 0. Strokes of ink stand out from any
// paper in it, and areas of one colour don't. Nobody may write to it.
func (o *Overview) Relief() []int8 {
	if o.relief == nil {
		o.relief = relief(o.SmallGray(), reliefReach)
	}
	return o.relief
}

// Ink marks with 1 the pixels of the small copy whose relief is at least depth,
// which is at most 127. The slice is the caller's.
func (o *Overview) Ink(depth int) []uint8 { return above(o.Relief(), depth) }

// above marks with 1 what is at least depth.
func above(relief []int8, depth int) []uint8 {
	mask := make([]uint8, len(relief))
	for i, v := range relief {
		if int(v) >= depth {
			mask[i] = 1
		}
	}
	return mask
}

// relief is how much darker each pixel is than the mean of the square of
// 2*reach+1 pixels around it.
func relief(g *image.Gray, reach int) []int8 {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	out := make([]int8, w*h)
	Rows(h, func(y0, y1 int) {
		sums := make([]int32, w+1) // of the columns around y, all left of x
		cols := make([]int32, w)
		top, bottom := max(y0-reach, 0), max(y0-reach, 0)
		for y := y0; y < y1; y++ {
			for ; bottom <= min(y+reach, h-1); bottom++ {
				for x, p := range g.Pix[bottom*g.Stride:][:w] {
					cols[x] += int32(p)
				}
			}
			for ; top < y-reach; top++ {
				for x, p := range g.Pix[top*g.Stride:][:w] {
					cols[x] -= int32(p)
				}
			}
			s := int32(0)
			for x, c := range cols {
				s += c
				sums[x+1] = s
			}
			reliefRow(out[y*w:(y+1)*w], g.Pix[y*g.Stride:][:w], sums, reach, bottom-top)
		}
	})
	return out
}

// reliefRow does one row; the sums are of n rows.
func reliefRow(to []int8, row []uint8, sums []int32, reach, n int) {
	w := len(row)
	edge := func(x0, x1 int) {
		for x := x0; x < x1; x++ {
			left, right := max(x-reach, 0), min(x+reach+1, w)
			mean := (sums[right] - sums[left]) / int32((right-left)*n)
			to[x] = int8(min(max(mean-int32(row[x]), -128), 127))
		}
	}
	if w <= 2*reach+1 {
		edge(0, w)
		return
	}
	edge(0, reach)
	// In the middle all squares are alike, and multiplying is quicker.
	inverse := 1<<32/int64((2*reach+1)*n) + 1
	right := sums[2*reach+1:]
	left, in, out := sums[:len(right)], row[reach:][:len(right)], to[reach:][:len(right)]
	for x := range right {
		mean := int32(int64(right[x]-left[x]) * inverse >> 32)
		out[x] = int8(min(max(mean-int32(in[x]), -128), 127))
	}
	edge(w-reach, w)
}
