package raster

import (
	"image"
	"slices"

	"pointnum/kiosk"
)

const (
	lowDPI     = 120  // a sheet with fewer dots per inch is hard to read
	lowSide    = 800  // the same, in pixels of the long side, when dpi is unknown
	blurWidth  = 0.55 // millimetres a stroke's edge may take from dark to light
	blurPixels = 3.5  // or this many pixels, which no sharp edge takes at any resolution
	darkPaper  = 95   // paper darker than this was lit too little
	leastDepth = 22   // ink must be this much darker than its paper
	cutMarks   = 4    // letters at one edge that make it cut through writing
	blockDepth = 45   // a block is that much darker than its paper
	blockShare = 300  // and takes at least one part in so many of the page
)

// Verdicts says what is wrong with a page for somebody who has to read it,
// the worst first; none when it is fine. dpi is the page's resolution on
// paper, 0 when unknown: then the page is taken for a sheet of A4.
// VerdictPartial is not for this function to know.
//
// Deprecated: package verdict judges better and says where.
func Verdicts(img image.Image, dpi int) []kiosk.Verdict {
	g := Gray(img)
	if Blank(g) {
		return []kiosk.Verdict{kiosk.VerdictBlank}
	}
	var found []kiosk.Verdict
	long := max(g.Rect.Dx(), g.Rect.Dy())
	if dpi > 0 && dpi < lowDPI || dpi <= 0 && long < lowSide {
		found = append(found, kiosk.VerdictLowRes)
	}
	if dpi <= 0 {
		dpi = max(long*10/117, 1) // A4 is 11.7 inches long
	}
	edges := strokeEdges(g)
	if len(edges) > 50 && edgeWidth(edges) > max(blurWidth*float64(dpi)/25.4, blurPixels) {
		found = append(found, kiosk.VerdictBlurred)
	}
	if tooDark(g, edges) {
		found = append(found, kiosk.VerdictDark)
	}
	if cutThrough(g) {
		found = append(found, kiosk.VerdictCut)
	}
	return found
}

// Blank says whether there is nothing to see on a page, not even pale: only
// paper, its grain, specks of dust, the shadow of an edge.
//
// Deprecated: use package verdict.
func Blank(img image.Image) bool {
	o := NewOverview(img)
	small := o.SmallGray()
	side := max(small.Rect.Dx(), small.Rect.Dy())
	inner := small.Rect.Inset(side / 60)
	if painted(small, inner) {
		return false
	}
	n := 0
	for _, m := range Marks(o.Ink(7), small.Rect.Dx()) {
		c := m.Box.Min.Add(m.Box.Max).Div(2)
		if c.In(inner) && (m.Letter(side) || m.Pixels > 200) {
			n++
		}
	}
	return n < 3
}

// painted says whether an area of the page is plainly not paper: a block of
// colour or a picture, whose inside has no strokes to be taken for ink.
func painted(g *image.Gray, inner image.Rectangle) bool {
	var count [256]int
	for y := inner.Min.Y; y < inner.Max.Y; y++ {
		for _, v := range g.Pix[y*g.Stride+inner.Min.X:][:inner.Dx()] {
			count[v]++
		}
	}
	dark := 0
	for _, n := range count[:max(int(commonest(&count, 0))-blockDepth, 0)] {
		dark += n
	}
	return dark*blockShare > inner.Dx()*inner.Dy()
}

// stroke is one crossing from dark to light or back: how much it changes and
// over how many pixels.
type stroke struct {
	depth, width float64
}

// strokeEdges measures the steepest step of each piece of some rows and
// columns that has a step at all.
func strokeEdges(g *image.Gray) []stroke {
	const reach = 12
	var found []stroke
	w, h := g.Rect.Dx(), g.Rect.Dy()
	line := func(at func(i int) int, n int) {
		for i := reach; i < n-reach; {
			d := at(i+1) - at(i-1)
			if abs(d) < 8 {
				i++
				continue
			}
			steep, lo, hi := 0, 255, 0
			for k := i - reach; k < i+reach; k++ {
				v := at(k)
				lo, hi = min(lo, v), max(hi, v)
				steep = max(steep, abs(at(k+1)-v))
			}
			if hi-lo >= 16 {
				found = append(found, stroke{float64(hi - lo), float64(hi-lo) / float64(max(steep, 1))})
			}
			i += 2 * reach
		}
	}
	for y := reach; y < h-reach; y += max(h/150, 1) {
		row := g.Pix[y*g.Stride:][:w]
		line(func(i int) int { return int(row[i]) }, w-1)
	}
	for x := reach; x < w-reach; x += max(w/100, 1) {
		line(func(i int) int { return int(g.Pix[i*g.Stride+x]) }, h-1)
	}
	return found
}

// edgeWidth is the width in pixels that the sharper quarter of the edges of
// good depth stays below: a page is sharp when some of it is.
func edgeWidth(s []stroke) float64 {
	depth := quantile(s, func(e stroke) float64 { return e.depth }, 0.5)
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

// tooDark says whether the paper itself is dark or nearly all of the ink as
// pale as the paper.
func tooDark(g *image.Gray, edges []stroke) bool {
	var count [256]int
	n := 0
	for y := 0; y < g.Rect.Dy(); y += 4 {
		for x := 0; x < g.Rect.Dx(); x += 4 {
			count[g.Pix[y*g.Stride+x]]++
			n++
		}
	}
	bright := 0
	v := 255
	for ; v > 0 && bright < n/4; v-- {
		bright += count[v]
	}
	if v < darkPaper {
		return true
	}
	return len(edges) > 50 && quantile(edges, func(e stroke) float64 { return e.depth }, 0.9) < leastDepth
}

// cutThrough says whether letters touch one edge of the page.
func cutThrough(g *image.Gray) bool {
	o := NewOverview(g)
	small := o.SmallGray()
	w, h := small.Rect.Dx(), small.Rect.Dy()
	var left, right, top, bottom int
	for _, m := range Marks(o.Ink(24), w) {
		if !m.Letter(max(w, h)) {
			continue
		}
		switch {
		case m.Box.Min.X == 0:
			left++
		case m.Box.Max.X == w:
			right++
		case m.Box.Min.Y == 0:
			top++
		case m.Box.Max.Y == h:
			bottom++
		}
	}
	return max(left, right, top, bottom) >= cutMarks
}
