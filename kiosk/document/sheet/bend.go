package sheet

import (
	"math"
	"slices"
)

// bend is how far a side of a sheet runs inwards of the straight line between
// its corners, in pixels, at even steps from one corner to the other; nil for
// a side that is taken to be straight.
type bend []float64

const (
	bendSteps  = 32
	bendWindow = 4    // probes either side that a place is told from
	bendSeen   = 0.85 // of the probes must see the side
	bendLoose  = 0.6  // how far half of them may be from the curve, pixels of the copy
	bendInset  = 0.4  // pixels of the copy: the side itself is no paper yet
)

// bendOf follows a side. What jumps about is no edge of paper, and left as
// straight as it was.
func (p *plane) bendOf(a, b Point) bend {
	length := a.distance(b)
	u := b.sub(a).times(1 / length)
	n := Point{-u.Y, u.X}
	var ts, ds []float64
	for k := range probes {
		t := (float64(k) + 0.5) / probes
		if t < 0.02 || t > 0.98 {
			continue // the other sides' ground
		}
		if d, ok := p.steepest(a.add(u.times(t*length)), n); ok {
			ts, ds = append(ts, t), append(ds, d)
		}
	}
	if float64(len(ts)) < bendSeen*probes {
		return nil
	}
	smooth, off := make([]float64, len(ds)), make([]float64, len(ds))
	for i := range ds {
		smooth[i] = median(slices.Clone(ds[max(i-bendWindow, 0):min(i+bendWindow+1, len(ds))]))
	}
	smooth = means(smooth)
	for i, d := range ds {
		off[i] = math.Abs(d - smooth[i])
	}
	if median(off) > bendLoose {
		return nil
	}
	out := make(bend, bendSteps+1)
	k := 0
	for i := range out {
		t := float64(i) / bendSteps
		for k < len(ts)-2 && ts[k+1] < t {
			k++
		}
		f := min(max((t-ts[k])/(ts[k+1]-ts[k]), 0), 1)
		out[i] = smooth[k]*(1-f) + smooth[k+1]*f + bendInset
	}
	return out
}

// means smooths values by those around each.
func means(v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		part := v[max(i-bendWindow, 0):min(i+bendWindow+1, len(v))]
		for _, d := range part {
			out[i] += d / float64(len(part))
		}
	}
	return out
}

// times is the bend in another measure.
func (b bend) times(f float64) bend {
	if b == nil {
		return nil
	}
	out := make(bend, len(b))
	for i, v := range b {
		out[i] = v * f
	}
	return out
}

// at is the bend so far along the side, 0 to 1.
func (b bend) at(t float64) float64 {
	if b == nil {
		return 0
	}
	t = min(max(t, 0), 1) * float64(len(b)-1)
	i := min(int(t), len(b)-2)
	return b[i] + (b[i+1]-b[i])*(t-float64(i))
}

// view maps points of the flat sheet to the picture's: those at a bent side to
// where that runs, those between two sides in proportion.
type view struct {
	m    matrix
	w, h float64
	// The bends in pixels of the flat sheet, from left to right and from the
	// top down.
	top, right, bottom, left bend
}

func newView(s Sheet, w, h float64) *view {
	v := &view{m: homography(s.Quad, w, h), w: w, h: h}
	v.top = v.flat(s, 0, func(t float64) (Point, Point) { return Point{t * w, 0}, Point{0, 1} })
	v.right = v.flat(s, 1, func(t float64) (Point, Point) { return Point{w, t * h}, Point{-1, 0} })
	v.bottom = v.flat(s, 2, func(t float64) (Point, Point) { return Point{(1 - t) * w, h}, Point{0, -1} })
	v.left = v.flat(s, 3, func(t float64) (Point, Point) { return Point{0, (1 - t) * h}, Point{1, 0} })
	slices.Reverse(v.bottom)
	slices.Reverse(v.left)
	return v
}

// flat is a side's bend on the flat sheet. place gives a point of the side and
// the step inwards from there.
func (v *view) flat(s Sheet, side int, place func(t float64) (at, step Point)) bend {
	b := s.bends[side]
	if b == nil {
		return nil
	}
	along := s.Quad[(side+1)%4].sub(s.Quad[side])
	n := Point{-along.Y, along.X}.times(1 / math.Hypot(along.X, along.Y))
	out := make(bend, len(b))
	for i, d := range b {
		at, step := place(float64(i) / float64(len(b)-1))
		x0, y0 := v.m.at(at.X, at.Y)
		x1, y1 := v.m.at(at.X+step.X, at.Y+step.Y)
		if scale := (Point{x1 - x0, y1 - y0}).dot(n); scale > 0.05 {
			out[i] = d / scale
		}
	}
	return out
}

// at is where a point of the flat sheet is in the picture.
func (v *view) at(x, y float64) (float64, float64) {
	a, b := x/v.w, y/v.h
	x, y = x+(1-a)*v.left.at(b)-a*v.right.at(b), y+(1-b)*v.top.at(a)-b*v.bottom.at(a)
	return v.m.at(x, y)
}
