package verdict

import (
	"image"
	"slices"
)

const (
	blurWidth  = 0.55 // millimetres a stroke's edge may take from dark to light
	blurPixels = 3.5  // or this many pixels, which no sharp edge takes at any resolution
	fewStrokes = 50   // of a page below which its sharpness can't be told
	sampleRows = 150  // of the page are looked at
	sampleCols = 40
)

// The page is judged in gridX by gridY parts to find one that is out of focus.
const (
	gridX, gridY = 6, 8
	partStrokes  = 12  // of a part, to be judged
	partLetters  = 3   // the same
	muchSofter   = 1.9 // than the sharp parts is a part that is out of focus
	fewParts     = 3   // of a page that are out of focus are worth a word
)

// stroke is one crossing from dark to light or back: how much it changes, over
// how many pixels, and where.
type stroke struct {
	depth, width float64
	x, y         int // on the page
}

// strokes measures the steepest step of each piece of some rows and columns
// of the page that has a step at all.
func (p *page) strokes() []stroke {
	const reach = 12
	w, h := p.size.X, p.size.Y
	if w <= 2*reach+1 || h <= 2*reach+1 {
		return nil
	}
	var found []stroke
	line := func(v []uint8, at func(i int) (x, y int)) {
		for i := reach; i < len(v)-1-reach; {
			d := int(v[i+1]) - int(v[i-1])
			if d < 8 && d > -8 {
				i++
				continue
			}
			steep, lo, hi := 0, v[i], v[i]
			piece := v[i-reach : i+reach+1]
			for k, a := range piece[:2*reach] {
				lo, hi = min(lo, a), max(hi, a)
				s := int(piece[k+1]) - int(a)
				steep = max(steep, s, -s)
			}
			if hi-lo >= 16 {
				x, y := at(i)
				found = append(found, stroke{float64(hi - lo), float64(hi-lo) / float64(max(steep, 1)), x, y})
			}
			i += 2 * reach
		}
	}
	row := make([]uint8, w)
	for y := reach; y < h-reach; y += max(h/sampleRows, 1) {
		p.grayRow(row, y)
		line(row, func(i int) (int, int) { return i, y })
	}
	at, cols := p.columns(reach)
	for k, x := range at {
		line(cols[k*h:(k+1)*h], func(i int) (int, int) { return x, i })
	}
	return found
}

// blurred says whether the page is out of focus, or which part of it.
func (p *page) blurred(s []stroke) (image.Rectangle, bool) {
	if len(s) <= fewStrokes {
		return image.Rectangle{}, false
	}
	limit := max(blurWidth*float64(p.dpi)/25.4, blurPixels)
	deep := quantile(s, func(e stroke) float64 { return e.depth }, 0.5)
	if edgeWidth(s, deep) > limit {
		return image.Rectangle{}, true
	}
	var parts [gridX * gridY][]stroke
	for _, e := range s {
		i := e.y*gridY/p.size.Y*gridX + e.x*gridX/p.size.X
		parts[i] = append(parts[i], e)
	}
	var letters [gridX * gridY]int
	for _, m := range p.letters() {
		c := m.Box.Min.Add(m.Box.Max).Div(2)
		letters[c.Y*gridY/p.h*gridX+c.X*gridX/p.w]++
	}
	var widths [gridX * gridY]float64
	var known []float64
	for i, part := range parts {
		if len(part) < partStrokes || letters[i] < partLetters {
			continue
		}
		widths[i] = edgeWidth(part, quantile(part, func(e stroke) float64 { return e.depth }, 0.5))
		known = append(known, widths[i])
	}
	if len(known) < 2*fewParts {
		return image.Rectangle{}, false
	}
	slices.Sort(known)
	limit = max(limit, muchSofter*known[len(known)/4])
	var soft [gridX * gridY]bool
	for i, w := range widths {
		soft[i] = w > limit
	}
	return p.softest(soft)
}

// softest is the largest group of neighbouring parts that are out of focus.
func (p *page) softest(soft [gridX * gridY]bool) (image.Rectangle, bool) {
	best, where := 0, image.Rectangle{}
	for start := range soft {
		n, box := 0, image.Rectangle{}
		var visit func(x, y int)
		visit = func(x, y int) {
			if x < 0 || y < 0 || x >= gridX || y >= gridY || !soft[y*gridX+x] {
				return
			}
			soft[y*gridX+x] = false
			n++
			box = box.Union(image.Rect(x*p.w/gridX, y*p.h/gridY, (x+1)*p.w/gridX, (y+1)*p.h/gridY))
			visit(x-1, y)
			visit(x+1, y)
			visit(x, y-1)
			visit(x, y+1)
		}
		visit(start%gridX, start/gridX)
		if n > best {
			best, where = n, box
		}
	}
	return where, best >= fewParts
}

// edgeWidth is the width in pixels that the sharper quarter of the edges of
// good depth stays below: a page is sharp when some of it is.
func edgeWidth(s []stroke, depth float64) float64 {
	var deep []stroke
	for _, e := range s {
		if e.depth >= depth {
			deep = append(deep, e)
		}
	}
	return quantile(deep, func(e stroke) float64 { return e.width }, 0.25)
}

func quantile(s []stroke, f func(stroke) float64, q float64) float64 {
	v := make([]float64, len(s))
	for i, e := range s {
		v[i] = f(e)
	}
	slices.Sort(v)
	return v[int(q*float64(len(v)-1))]
}

// grayRow gives the brightness of a row of the page.
func (p *page) grayRow(to []uint8, y int) {
	switch m := p.Page().(type) {
	case *image.Gray:
		copy(to, m.Pix[y*m.Stride:])
	case *image.RGBA:
		row := m.Pix[y*m.Stride:][:4*len(to)]
		for x := range to {
			to[x] = luma(row[4*x : 4*x+4 : 4*x+4])
		}
	}
}

// columns says where some columns of the page are and gives the brightness of
// one after the other. The page is read row by row: a column alone has every
// pixel in another line of the cache.
func (p *page) columns(margin int) (at []int, all []uint8) {
	step := max((p.size.X-2*margin)/sampleCols, 1)
	for x := margin; x < p.size.X-margin; x += step {
		at = append(at, x)
	}
	all = make([]uint8, len(at)*p.size.Y)
	for y := range p.size.Y {
		switch m := p.Page().(type) {
		case *image.Gray:
			row := m.Pix[y*m.Stride:]
			for i, x := range at {
				all[i*p.size.Y+y] = row[x]
			}
		case *image.RGBA:
			row := m.Pix[y*m.Stride:]
			for i, x := range at {
				all[i*p.size.Y+y] = luma(row[4*x : 4*x+4 : 4*x+4])
			}
		}
	}
	return at, all
}

func luma(p []uint8) uint8 {
	return uint8((77*uint32(p[0]) + 150*uint32(p[1]) + 29*uint32(p[2]) + 128) >> 8)
}
