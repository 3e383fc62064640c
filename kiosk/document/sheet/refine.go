package sheet

import (
	"image"
	"math"
	"sort"
)

// refined is a quad whose sides were laid through what is seen of them.
type refined struct {
	quad     Quad
	straight bool // no side bends so much that cutting along it would lose paper
}

const (
	probes   = 120 // places along a side
	lookedAt = 7   // pixels either side of the first guess
	// maxBend is how far a side may bend, of its length.
	maxBend = 0.02
)

// refine moves each side of a candidate to where its step is steepest, and
// outwards as far as it bends.
func (p *plane) refine(_ image.Image, c candidate) refined {
	r := refined{quad: c.quad, straight: true}
	for range 2 {
		var lines [4]line
		for i := range 4 {
			l, bend, ok := p.fitSide(r.quad[i], r.quad[(i+1)%4])
			if !ok || bend > maxBend*r.quad[i].distance(r.quad[(i+1)%4]) {
				r.straight = false
				return r
			}
			lines[i] = l
		}
		var q Quad
		for i := range 4 {
			at, ok := lines[i].crossing(&lines[(i+3)%4])
			if !ok || at.distance(r.quad[i]) > 3*lookedAt {
				r.straight = false
				return r
			}
			q[i] = at
		}
		r.quad = q
	}
	return r
}

// fitSide gives the line of a side and how far it bends, pixels of the copy.
func (p *plane) fitSide(a, b Point) (line, float64, bool) {
	length := a.distance(b)
	u := b.sub(a).times(1 / length)
	n := Point{-u.Y, u.X} // inwards: the quad is clockwise
	var ts, ds []float64
	for k := range probes {
		t := length * (0.03 + 0.94*(float64(k)+0.5)/probes)
		if d, ok := p.steepest(a.add(u.times(t)), n); ok {
			ts, ds = append(ts, t), append(ds, d)
		}
	}
	if len(ts) < probes/2 {
		return line{}, 0, false
	}
	slope, base := theilSen(ts, ds)
	rest := make([]float64, len(ts))
	for i := range ts {
		rest[i] = ds[i] - base - slope*ts[i]
	}
	sort.Float64s(rest)
	low, high := rest[len(rest)/20], rest[len(rest)-1-len(rest)/20]
	shift := 0.0
	if low < -0.75 {
		shift = low + 0.75 // outwards
	}
	m := Point{n.X - slope*u.X, n.Y - slope*u.Y}
	m = m.times(1 / math.Hypot(m.X, m.Y))
	at := a.add(n.times(base + shift))
	return line{n: m, rho: m.dot(at)}, high - low, true
}

// steepest finds the step up in brightness nearest to a side, in pixels
// inwards of it.
func (p *plane) steepest(q, n Point) (float64, bool) {
	const size = 2*lookedAt + 1
	var v [size + 1]float64
	for i := range v {
		d := float64(i-lookedAt) - 0.5
		s, ok := p.smooth(q.X+d*n.X, q.Y+d*n.Y)
		if !ok {
			s = -1
		}
		v[i] = s
	}
	best, where := 0.0, -1
	var g [size]float64
	for i := range g {
		if v[i] >= 0 && v[i+1] >= 0 {
			g[i] = v[i+1] - v[i]
		}
		// What is nearer counts for more: the next board has an edge too.
		if w := g[i] * (1 - 0.05*math.Abs(float64(i-lookedAt))); w > best {
			best, where = w, i
		}
	}
	if where < 1 || where >= size-1 || best < 1.5 {
		return 0, false
	}
	den := g[where-1] - 2*g[where] + g[where+1]
	part := 0.0
	if den < 0 {
		part = min(max((g[where-1]-g[where+1])/(2*den), -0.5), 0.5)
	}
	return float64(where-lookedAt) + part, true
}

// smooth is the closed plane's brightness between its pixels.
func (p *plane) smooth(x, y float64) (float64, bool) {
	x, y = x-0.5, y-0.5
	fx, fy := math.Floor(x), math.Floor(y)
	i, j := int(fx), int(fy)
	if i < 0 || j < 0 || i+1 >= p.w || j+1 >= p.h {
		return 0, false
	}
	x, y = x-fx, y-fy
	a := p.closed[j*p.w+i:]
	b := p.closed[(j+1)*p.w+i:]
	return (float64(a[0])*(1-x)+float64(a[1])*x)*(1-y) + (float64(b[0])*(1-x)+float64(b[1])*x)*y, true
}

// theilSen fits d = base + slope*t by medians: a thumb or a fold in the side
// does not pull it away.
func theilSen(ts, ds []float64) (slope, base float64) {
	var s []float64
	for i := range ts {
		for j := i + 10; j < len(ts); j += 3 {
			s = append(s, (ds[j]-ds[i])/(ts[j]-ts[i]))
		}
	}
	slope = median(s)
	rest := make([]float64, len(ts))
	for i := range ts {
		rest[i] = ds[i] - slope*ts[i]
	}
	return slope, median(rest)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sort.Float64s(v)
	return v[len(v)/2]
}
