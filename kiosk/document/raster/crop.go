package raster

import (
	"image"
	"slices"
)

const (
	cropSide   = 550  // long side of the copy that is searched
	cropReach  = 6    // how far around is looked for what stands out
	paperShare = 0.04 // the paper covers at least this much of the bed
	bedDepth   = 22   // how far a bed's colour is from the paper's
	markDepth  = 24   // how far a letter stands out from what it lies on
	maxLost    = 3    // patches of a letter's size that may lie on the bed: dust
	leastCrop  = 200  // one part in so many must go on some side to be worth it
	rimDepth   = 4    // pixels: what is less of a bed, CropBed cuts off as well
	smallPaper = 0.2  // a margin of the same white is cut when wider than this
)

// CropBed finds the paper on a scanner's bed. It returns the part of the page
// to keep, counted from the page's upper left corner, and whether that is
// less than all of it. It cuts off what is not of the paper's colour (a dark
// or grey bed, a black border, cardboard laid behind), and the white of a bed
// when the paper's edge can be seen on it. A side on which there might be
// writing is kept as it is. It finds more on a page that was straightened.
func CropBed(img image.Image) (image.Rectangle, bool) { return NewOverview(img).Crop() }

// Crop is CropBed of the page.
func (o *Overview) Crop() (image.Rectangle, bool) {
	b := o.page.Bounds()
	if b.Dx() < 100 || b.Dy() < 100 {
		return b, false
	}
	m := o.cropCopy()
	keep := cropDark(m)
	keep = cropWhite(m, keep)
	if m.Rect.Inset(max(m.Rect.Dx(), m.Rect.Dy()) / leastCrop).In(keep) {
		return b, false
	}
	sx, sy := float64(b.Dx())/float64(m.Rect.Dx()), float64(b.Dy())/float64(m.Rect.Dy())
	return image.Rect(int(float64(keep.Min.X)*sx), int(float64(keep.Min.Y)*sy),
		int(float64(keep.Max.X)*sx+0.5), int(float64(keep.Max.Y)*sy+0.5)).Intersect(b), true
}

// cropCopy is the copy on which the bed is looked for.
func (o *Overview) cropCopy() *image.RGBA {
	small := o.Small()
	w, h := small.Bounds().Dx(), small.Bounds().Dy()
	if long := max(w, h); long > cropSide {
		small = Scale(small, max(w*cropSide/long, 1), max(h*cropSide/long, 1))
	}
	return ToRGBA(small)
}

// OnBed says whether a bed is seen beside the paper: whether at one of the
// page's edges most is not of the paper's colour.
func (o *Overview) OnBed() bool {
	m := o.cropCopy()
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if w <= 2*rimDepth || h <= 2*rimDepth {
		return false
	}
	bed := floodBed(m)
	for _, r := range []image.Rectangle{
		image.Rect(0, 0, w, rimDepth), image.Rect(0, h-rimDepth, w, h),
		image.Rect(0, 0, rimDepth, h), image.Rect(w-rimDepth, 0, w, h),
	} {
		n := 0
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for _, v := range bed[y*w+r.Min.X : y*w+r.Max.X] {
				n += int(v)
			}
		}
		if 2*n > r.Dx()*r.Dy() {
			return true
		}
	}
	return false
}

// cropDark cuts off the bed whose colour is not the paper's.
func cropDark(m *image.RGBA) image.Rectangle {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	bed := floodBed(m)
	paper := make([]uint8, len(bed))
	n := 0
	for i, v := range bed {
		paper[i] = 1 - v
		n += int(v)
	}
	if n == 0 {
		return m.Rect
	}
	parts := Marks(paper, w)
	var main Mark
	for _, p := range parts {
		if p.Pixels > main.Pixels {
			main = p
		}
	}
	box := main.Box
	// What the bed cuts off from the paper may be a part of it, torn or folded.
	for _, p := range parts {
		if p.Pixels > main.Pixels/50 {
			box = box.Union(p.Box)
		}
	}
	if float64(main.Pixels) < 0.02*float64(w*h) || main.Pixels < box.Dx()*box.Dy()/2 {
		return m.Rect
	}
	box = keepPaper(bed, w, box)
	little, much := trimmed(m.Rect, bed, box)
	return keepWriting(m, little).Intersect(keepWriting(m, much))
}

// keepPaper gives back to the box each side on which there is more paper than
// bed: a rule may cut it off from the rest.
func keepPaper(bed []uint8, w int, box image.Rectangle) image.Rectangle {
	h := len(bed) / w
	paper := func(x0, y0, x1, y1 int) bool {
		n := 0
		for y := y0; y < y1; y++ {
			for _, v := range bed[y*w+x0 : y*w+x1] {
				n += int(v)
			}
		}
		return 2*n < (x1-x0)*(y1-y0)
	}
	r := box
	if paper(0, box.Min.Y, box.Min.X, box.Max.Y) {
		r.Min.X = 0
	}
	if paper(box.Max.X, box.Min.Y, w, box.Max.Y) {
		r.Max.X = w
	}
	if paper(box.Min.X, 0, box.Max.X, box.Min.Y) {
		r.Min.Y = 0
	}
	if paper(box.Min.X, box.Max.Y, box.Max.X, h) {
		r.Max.Y = h
	}
	return r
}

// floodBed marks the pixels that are not of the paper's colour and hang
// together with the edge of the picture.
func floodBed(m *image.RGBA) []uint8 {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	pr, pg, pb := brightPaper(m)
	bed := make([]uint8, w*h)
	var stack []int
	try := func(x, y int) {
		i := y*w + x
		if x < 0 || y < 0 || x >= w || y >= h || bed[i] != 0 {
			return
		}
		p := m.Pix[y*m.Stride+4*x:]
		r, g, b := int(p[0])-pr, int(p[1])-pg, int(p[2])-pb
		if max(abs(r), abs(g), abs(b)) > bedDepth && 2*r+3*g+b < 60 {
			bed[i] = 1
			stack = append(stack, i)
		}
	}
	for x := range w {
		try(x, 0)
		try(x, h-1)
	}
	for y := range h {
		try(0, y)
		try(w-1, y)
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		x, y := i%w, i/w
		try(x-1, y)
		try(x+1, y)
		try(x, y-1)
		try(x, y+1)
	}
	return bed
}

// brightPaper is the colour of the brightest thing of some size in a picture.
func brightPaper(m *image.RGBA) (r, g, b int) {
	var count [256]int
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for i := 0; i < 4*w*h; i += 4 {
		count[luma(m.Pix[i], m.Pix[i+1], m.Pix[i+2])]++
	}
	// The window of brightness that first, from white down, holds enough and
	// then no more than the one below it.
	const window = 12
	best, at := 0, 255
	for v := 255; v >= window; v-- {
		n := 0
		for _, c := range count[v-window+1 : v+1] {
			n += c
		}
		if n > best {
			best, at = n, v
		} else if float64(best) > paperShare*float64(w*h) && n < best*3/4 {
			break
		}
	}
	n := 0
	for i := 0; i < 4*w*h; i += 4 {
		if v := int(luma(m.Pix[i], m.Pix[i+1], m.Pix[i+2])); v <= at && v > at-window {
			r, g, b, n = r+int(m.Pix[i]), g+int(m.Pix[i+1]), b+int(m.Pix[i+2]), n+1
		}
	}
	if n == 0 {
		return 255, 255, 255
	}
	return r / n, g / n, b / n
}

// keepWriting gives back to the box each side on which letters would be lost.
func keepWriting(m *image.RGBA, box image.Rectangle) image.Rectangle {
	var left, right, top, bottom int
	all := m.Rect
	side := max(all.Dx(), all.Dy())
	near := box.Inset(-side / 60) // the paper's edge and its shadow
	for _, k := range Marks(standOut(relief(Gray(m), cropReach), markDepth), all.Dx()) {
		if k.Box.Overlaps(near) || !k.Letter(side) || !k.Box.In(all.Inset(1)) {
			continue
		}
		c := k.Box.Min.Add(k.Box.Max).Div(2)
		switch {
		case c.X < box.Min.X:
			left++
		case c.X >= box.Max.X:
			right++
		}
		switch {
		case c.Y < box.Min.Y:
			top++
		case c.Y >= box.Max.Y:
			bottom++
		}
	}
	if left > maxLost {
		box.Min.X = 0
	}
	if right > maxLost {
		box.Max.X = all.Max.X
	}
	if top > maxLost {
		box.Min.Y = 0
	}
	if bottom > maxLost {
		box.Max.Y = all.Max.Y
	}
	return box
}

// standOut marks what is darker or brighter than what is around it.
func standOut(relief []int8, depth int) []uint8 {
	mask := make([]uint8, len(relief))
	for i, v := range relief {
		if int(v) >= depth || int(v) < -depth {
			mask[i] = 1
		}
	}
	return mask
}

// cropWhite cuts off, within keep, wide empty sides of a bed as white as the
// paper: those that end at a straight line along the paper, its edge.
func cropWhite(m *image.RGBA, keep image.Rectangle) image.Rectangle {
	g := Gray(m)
	part := packed(g.SubImage(keep).(*image.Gray))
	w, h := keep.Dx(), keep.Dy()
	mask := standOut(relief(part, cropReach), 3)
	var box image.Rectangle
	for _, k := range Marks(slices.Clone(mask), w) {
		if k.Pixels >= 4 {
			box = box.Union(k.Box)
		}
	}
	if box.Empty() {
		return keep
	}
	out := part.Rect
	left, right := wideSide(mask, w, box)
	top, bottom := wideSide(transposed(mask, w), h, flipped(box))
	if !(left || right) || !(top || bottom) {
		return keep // one line is a rule on the page; a paper's edges meet
	}
	const margin = 4
	if left {
		out.Min.X = box.Min.X - margin
	}
	if right {
		out.Max.X = box.Max.X + margin
	}
	if top {
		out.Min.Y = box.Min.Y - margin
	}
	if bottom {
		out.Max.Y = box.Max.Y + margin
	}
	return out.Add(keep.Min)
}

// wideSide says whether what lies beside the box, to its left and right, is a
// wide margin that ends at a straight line along the box.
func wideSide(mask []uint8, w int, box image.Rectangle) (left, right bool) {
	const near = 3
	cover := func(x0, x1 int) int {
		n := 0
		for y := box.Min.Y; y < box.Max.Y; y++ {
			if slices.Contains(mask[y*w+max(x0, 0):y*w+min(x1, w)], 1) {
				n++
			}
		}
		return n * 10 / max(box.Dy(), 1)
	}
	// A paper's edge goes all along it and has a margin beside it; a column of
	// letters has neither.
	edge := func(x, inward int) bool {
		at := func(d int) int { return cover(x+inward*d-near/2, x+inward*d+near-near/2) }
		for d := range 2 * near {
			if at(d) < 8 {
				continue
			}
			for inner := d + near; inner <= d+3*near; inner++ {
				if at(inner) < 5 {
					return true
				}
			}
			return false
		}
		return false
	}
	wide := int(smallPaper * float64(w))
	return box.Min.X > wide && edge(box.Min.X+1, 1),
		w-box.Max.X > wide && edge(box.Max.X-2, -1)
}

// transposed exchanges the rows and columns of a mask of w pixels a row.
func transposed(mask []uint8, w int) []uint8 {
	h := len(mask) / w
	t := make([]uint8, len(mask))
	for i, v := range mask {
		t[i%w*h+i/w] = v
	}
	return t
}

func flipped(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
}
