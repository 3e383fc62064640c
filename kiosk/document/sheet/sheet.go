// Package sheet finds the sheet of paper or the card in a camera's picture and
// flattens it: as seen from straight above, in its own proportions.
//
// A sheet is taken to be four straight sides, each brighter inside than
// outside. Find is sure only of what it can defend on all four: a sheet left
// on its table is a nuisance, a cut line is a loss. Nothing here does I/O or
// keeps state, and every function may be called from any goroutine.
package sheet

import (
	"image"
	"math"
)

// Point is a place on a picture, in pixels; whole numbers are the pixels'
// upper left corners.
type Point struct{ X, Y float64 }

func (p Point) sub(q Point) Point        { return Point{p.X - q.X, p.Y - q.Y} }
func (p Point) add(q Point) Point        { return Point{p.X + q.X, p.Y + q.Y} }
func (p Point) times(f float64) Point    { return Point{p.X * f, p.Y * f} }
func (p Point) dot(q Point) float64      { return p.X*q.X + p.Y*q.Y }
func (p Point) cross(q Point) float64    { return p.X*q.Y - p.Y*q.X }
func (p Point) distance(q Point) float64 { return math.Hypot(p.X-q.X, p.Y-q.Y) }
func (p Point) within(w, h, by float64) bool {
	return p.X >= -by && p.Y >= -by && p.X <= w+by && p.Y <= h+by
}

// Quad is the four corners of a sheet, clockwise from the one that is upper
// left in the picture.
type Quad [4]Point

// area is the quad's, by the shoelace formula; positive when clockwise.
func (q Quad) area() float64 {
	s := 0.0
	for i := range q {
		s += q[i].cross(q[(i+1)%4])
	}
	return s / 2
}

// Sheet is a sheet of paper in a picture: the corners between which its sides
// run, and how these bend.
type Sheet struct {
	Quad
	bends [4]bend // of the sides from each corner to the next
}

// Tilted says that the quad is far from a rectangle, as only a camera sees a
// sheet.
func (q Quad) Tilted() bool {
	for i := range q {
		a, b, c, d := q[i], q[(i+1)%4], q[(i+2)%4], q[(i+3)%4]
		long, short := max(a.distance(b), c.distance(d)), min(a.distance(b), c.distance(d))
		u, v := b.sub(a), d.sub(a)
		if long > mostUnlike*short || math.Abs(u.dot(v)) > mostAskew*a.distance(b)*a.distance(d) {
			return true
		}
	}
	return false
}

// Moved is the sheet in a picture that the one it was found in was cut out of,
// at p.
func (s Sheet) Moved(p image.Point) Sheet {
	for i := range s.Quad {
		s.Quad[i] = s.Quad[i].add(Point{float64(p.X), float64(p.Y)})
	}
	return s
}

// sorted turns the corners round so that the upper left one is first.
func (s Sheet) sorted() (t Sheet) {
	first := 0
	for i, p := range s.Quad {
		if p.X+p.Y < s.Quad[first].X+s.Quad[first].Y {
			first = i
		}
	}
	for i := range t.Quad {
		t.Quad[i], t.bends[i] = s.Quad[(first+i)%4], s.bends[(first+i)%4]
	}
	return t
}

// inside says whether a point is, of a convex quad.
func (q Quad) inside(p Point) bool {
	for i := range q {
		a, b := q[i], q[(i+1)%4]
		if b.sub(a).cross(p.sub(a)) < 0 {
			return false
		}
	}
	return true
}

// What a scanner's sheets are not like: opposite sides of lengths so unlike,
// and corners so far from square, as a cosine.
const (
	mostUnlike = 1.04
	mostAskew  = 0.045
)

// What a sheet must be like.
const (
	minSide  = 200  // pixels of a picture in which a sheet may be looked for
	minShare = 0.18 // of the picture's area
	minHits  = 0.8  // share of a side that must be seen, each
	minMean  = 0.92 // all four
	maxOn    = 0.6  // how strongly a side may go on beyond a corner, of itself
)

// View is a picture and the small copy that it is looked at in. It belongs to
// one goroutine at a time.
type View struct {
	img  image.Image
	copy *smallCopy // nil when the picture is too small
}

// NewView takes a picture; its pixels may not change as long as it is used.
func NewView(img image.Image) *View {
	v := &View{img: img}
	if b := img.Bounds(); min(b.Dx(), b.Dy()) >= minSide {
		v.copy = newCopy(img)
	}
	return v
}

// Find is View.Find of a picture.
func Find(img image.Image) (s Sheet, sure bool) { return NewView(img).Find() }

// Find looks for the sheet. s is its best guess; sure is false when it is no
// more than that, or when there is none. The picture must be upright in the
// sense of its EXIF orientation only for the corners' order.
func (v *View) Find() (s Sheet, sure bool) {
	c, b := v.copy, v.img.Bounds()
	if c == nil {
		return Sheet{}, false
	}
	best := candidate{}
	for _, p := range []*plane{c.dim, c.luma} {
		if p == nil {
			continue
		}
		if f := p.find(); f.score > best.score {
			best = f
		}
	}
	if best.score == 0 {
		return Sheet{}, false
	}
	r := best.plane.refine(v.img, best)
	s.Quad = r.quad
	sure = r.straight && best.least >= minHits && best.mean >= minMean && best.on <= maxOn && !c.writingAround(best) && !c.isField(best.quad)
	if sure {
		for i := range s.bends {
			s.bends[i] = best.plane.bendOf(r.quad[i], r.quad[(i+1)%4]).times(c.factor)
		}
	}
	for i, p := range s.Quad {
		p = p.times(c.factor)
		s.Quad[i] = Point{min(max(p.X, 0), float64(b.Dx())), min(max(p.Y, 0), float64(b.Dy()))}
	}
	return s.sorted(), sure
}
