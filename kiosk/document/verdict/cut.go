package verdict

import (
	"image"
	"slices"

	"pointnum/kiosk/document/raster"
)

const (
	cutLines   = 4    // lines that an edge at their ends cuts off
	cutLetters = 9    // letters of one line that an edge along it cuts through
	leastSlice = 3    // pixels of a letter that are left of it
	cutShare   = 0.4  // of a page with writing at its edges is paper
	borderMost = 0.35 // of an edge is dark: more is a border or a bed
)

// cut says whether an edge of the page goes through writing, and where. Rules
// and frames, shadows and beds may go to the edge; what counts is marks of the
// size of letters, one line above the other, each with more of its line beside
// it; or many along the edge.
func (p *page) cut() (image.Rectangle, bool) {
	if p.share < cutShare {
		return image.Rectangle{}, false
	}
	for _, e := range []edge{
		{at: p.gray.Rect.Min.X, inward: 1}, {at: p.gray.Rect.Max.X, inward: -1},
		{at: p.gray.Rect.Min.Y, inward: 1, flip: true}, {at: p.gray.Rect.Max.Y, inward: -1, flip: true},
	} {
		if p.border(e) {
			continue
		}
		var marks []raster.Mark
		for _, m := range p.marks() {
			// What an edge along a line leaves of a letter may be small.
			whole, slice := m.Letter(p.long), e.flip && m.Pixels >= leastSlice
			if e.flip {
				m.Box = flipped(m.Box)
			}
			if whole || slice && e.touches(m.Box) {
				marks = append(marks, m)
			}
		}
		where, is := e.throughEnds(marks, p.long)
		if e.flip {
			where, is = e.along(marks, p.long)
			where = flipped(where)
		}
		where = where.Inset(-p.long / 100).Intersect(p.gray.Rect)
		if is && p.onPage(where) {
			return where, true
		}
	}
	return image.Rectangle{}, false
}

// onPage says whether most of a strip is paper: at the edges of a photograph
// there are leaves and waves.
func (p *page) onPage(r image.Rectangle) bool {
	paper := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range p.gray.Pix[y*p.gray.Stride+r.Min.X:][:r.Dx()] {
			if d := int(v) - p.paper; d > -paperReach && d < paperReach {
				paper++
			}
		}
	}
	return 2*paper > r.Dx()*r.Dy()
}

// edge is a side of the page. One that is flipped is looked at as if the page
// were turned over its diagonal: then every side is a left or a right one.
type edge struct {
	at, inward int
	flip       bool
}

func flipped(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
}

// touches says whether the edge cuts a mark.
func (e edge) touches(r image.Rectangle) bool {
	return e.inward > 0 && r.Min.X <= e.at || e.inward < 0 && r.Max.X >= e.at
}

// border says whether much of an edge of the page is not paper.
func (p *page) border(e edge) bool {
	n := p.h
	if e.flip {
		n = p.w
	}
	dark := 0
	for i := range n {
		pt := image.Pt(e.at+(e.inward-1)/2, i)
		if e.flip {
			pt = image.Pt(pt.Y, pt.X)
		}
		if int(p.gray.GrayAt(pt.X, pt.Y).Y) < p.paper-2*paperReach {
			dark++
		}
	}
	return float64(dark) > borderMost*float64(n)
}

// throughEnds looks for lines of writing that start or end beyond the edge.
func (e edge) throughEnds(marks []raster.Mark, long int) (image.Rectangle, bool) {
	var lines []image.Rectangle
	for i, m := range marks {
		h := m.Box.Dy()
		if !e.touches(m.Box) || h < 3 || h > long/25 || m.Box.Dx() < 2 || m.Box.Dx() < h/3 {
			continue
		}
		for k, n := range marks {
			// The next letter of its line, about as high.
			gap := max(m.Box.Min.X, n.Box.Min.X) - min(m.Box.Max.X, n.Box.Max.X)
			common := min(m.Box.Max.Y, n.Box.Max.Y) - max(m.Box.Min.Y, n.Box.Min.Y)
			if k != i && !e.touches(n.Box) && gap >= 0 && gap < max(2*h, long/70) &&
				2*common >= min(h, n.Box.Dy()) && n.Box.Dy() >= 3 && n.Box.Dy() < 3*h && h < 3*n.Box.Dy() {
				lines = append(lines, m.Box)
				break
			}
		}
	}
	slices.SortFunc(lines, func(a, b image.Rectangle) int { return a.Min.Y - b.Min.Y })
	n, last, where := 0, -long, image.Rectangle{}
	for _, l := range lines {
		if l.Min.Y >= last+l.Dy()/2 {
			n++
			last = l.Max.Y
		}
		where = where.Union(l)
	}
	return where, n >= cutLines
}

// along looks for one line that the edge, seen as a left or right one, runs
// through: many marks of about the same depth, close together.
func (e edge) along(marks []raster.Mark, long int) (image.Rectangle, bool) {
	var row []image.Rectangle
	for _, m := range marks {
		// Several letters may hang together, and a rule is thinner than they.
		deep, wide := m.Box.Dx(), m.Box.Dy()
		if e.touches(m.Box) && deep >= 2 && deep < long/25 && (wide < 8*deep || deep > 3 && wide < 20*deep) {
			row = append(row, m.Box)
		}
	}
	slices.SortFunc(row, func(a, b image.Rectangle) int { return a.Min.Y - b.Min.Y })
	best, where := 0, image.Rectangle{}
	n, run := 0, image.Rectangle{}
	for i, r := range row {
		if i > 0 && r.Min.Y-row[i-1].Max.Y > long/40 {
			n, run = 0, image.Rectangle{}
		}
		// A word counts for the letters it is as long as.
		n += max(1, r.Dy()/(3*max(r.Dx(), 4)))
		if run = run.Union(r); n > best {
			best, where = n, run
		}
	}
	return where, best >= cutLetters
}
