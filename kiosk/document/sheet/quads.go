package sheet

import "math"

// candidate is four lines that may be a sheet's sides.
type candidate struct {
	plane       *plane
	quad        Quad    // on the copy
	score       float64 // higher is better; 0 is no candidate
	least, mean float64 // share of the worst side that is seen; of all
	on          float64 // how strongly a side goes on beyond a corner, 0 to 1
}

// find gives the best four lines.
func (p *plane) find() candidate {
	lines := p.lines()
	best := candidate{plane: p}
	for _, top := range lines {
		// Every quad is met once: with the side that looks most downwards.
		if top.angle < 45 || top.angle >= 135 {
			continue
		}
		for _, bottom := range lines {
			if off(bottom.angle, top.angle+180) > 30 {
				continue
			}
			for _, right := range lines {
				if off(right.angle, top.angle+90) > 35 || off(right.angle, bottom.angle-90) > 35 {
					continue
				}
				a, ok := top.crossing(right)
				b, ok2 := right.crossing(bottom)
				if !ok || !ok2 || !p.holds(a) || !p.holds(b) || a.distance(b) < float64(min(p.w, p.h))/5 {
					continue
				}
				if right.support(a, b) < 0.6 {
					continue
				}
				for _, left := range lines {
					if off(left.angle, top.angle-90) > 35 || off(left.angle, right.angle+180) > 30 {
						continue
					}
					if c := p.judge(top, right, bottom, left); c.score > best.score {
						best = c
					}
				}
			}
		}
	}
	return best
}

// off is how many degrees two directions differ, 0 to 180.
func off(a, b int) int {
	d := ((a-b)%360 + 360) % 360
	return min(d, 360-d)
}

func (p *plane) holds(q Point) bool { return q.within(float64(p.w), float64(p.h), 4) }

// support is the share of the line from a to b that is seen.
func (l *line) support(a, b Point) float64 {
	u := l.along()
	t0, t1 := a.dot(u), b.dot(u)
	t0, t1 = min(t0, t1), max(t0, t1)
	hits, _, _ := l.between(t0+0.04*(t1-t0), t1-0.04*(t1-t0))
	return float64(hits) / max(0.92*(t1-t0), 1)
}

// goesOn is how strong the line's step is from t0 to t1, of how strong it is
// along the side, a step of that many thousandths; 0 where too little of it is
// in the picture to say.
func (l *line) goesOn(t0, t1, side float64) float64 {
	_, contrast, seen := l.between(t0, t1)
	if seen < 6 {
		return 0
	}
	return min(float64(contrast)/float64(seen)/side, 1)
}

// judge scores four lines, each with its bright side to the others.
func (p *plane) judge(sides ...*line) candidate {
	c := candidate{plane: p, least: 1}
	for i := range 4 {
		q, ok := sides[i].crossing(sides[(i+3)%4])
		if !ok || !p.holds(q) {
			return candidate{}
		}
		c.quad[i] = q
	}
	area := c.quad.area() / float64(p.w*p.h)
	if area < minShare || !c.quad.likely() {
		return candidate{}
	}
	contrast, beyond := 0.0, 0.0
	for i, l := range sides {
		a, b := c.quad[i], c.quad[(i+1)%4]
		s := min(l.support(a, b), 1)
		c.least = min(c.least, s)
		c.mean += s / 4
		u := l.along()
		t0, t1 := a.dot(u), b.dot(u)
		if t0 > t1 {
			return candidate{}
		}
		_, sum, _ := l.between(t0, t1)
		side := max(float64(sum)/(t1-t0+1), 1)
		contrast += side / maxContrast / 4
		// A sheet's side ends at its corners; a board's, a row of letters' or
		// that of a field on a sheet goes on.
		more := max(0.12*(t1-t0), 14)
		for _, on := range [2]float64{l.goesOn(t0-more, t0-6, side), l.goesOn(t1+6, t1+more, side)} {
			beyond += on / 8
			c.on = max(c.on, on)
		}
	}
	if c.least < 0.5 {
		return candidate{}
	}
	c.score = c.mean + 0.6*c.least + 0.3*contrast - 0.5*beyond + 0.4*area
	return c
}

// likely says whether a quad can be a rectangle seen from above a table.
func (q Quad) likely() bool {
	var side [4]float64
	for i := range q {
		a, b, c := q[(i+3)%4], q[i], q[(i+1)%4]
		side[i] = b.distance(c)
		turn := math.Atan2(b.sub(a).cross(c.sub(b)), b.sub(a).dot(c.sub(b))) * 180 / math.Pi
		if turn < 55 || turn > 125 {
			return false
		}
	}
	w, h := (side[0]+side[2])/2, (side[1]+side[3])/2
	return max(w, h) < 6*min(w, h) && max(side[0], side[2]) < 2*min(side[0], side[2]) && max(side[1], side[3]) < 2*min(side[1], side[3])
}

const (
	fieldContrast = 60  // thousandths: how plain the edges of a field beyond a side are
	fieldShare    = 0.8 // of both edges is seen
)

// isField says whether the quad is but a part of a sheet: where both sides next
// to another one have an edge that goes on beyond it, bright inside or dark,
// there is a field as wide as the sheet.
func (c *smallCopy) isField(q Quad) bool {
	for i := range q {
		a, b := q[i], q[(i+1)%4]
		if c.edgeBeyond(a, q[(i+3)%4]) >= fieldShare && c.edgeBeyond(b, q[(i+2)%4]) >= fieldShare {
			return true
		}
	}
	return false
}

// edgeBeyond is the share of the way from a corner on, away from another, that
// shows an edge; 0 where too little of it is in the picture.
func (c *smallCopy) edgeBeyond(corner, from Point) float64 {
	length := corner.distance(from)
	u := corner.sub(from).times(1 / length)
	n := Point{-u.Y, u.X}
	hits, seen := 0, 0
	for t := 6.0; t < max(0.12*length, 14); t++ {
		at := corner.add(u.times(t))
		if !at.within(float64(c.dim.w), float64(c.dim.h), 0) {
			break
		}
		seen++
		if c.dim.edge(at, n) || c.luma != nil && c.luma.edge(at, n) {
			hits++
		}
	}
	if seen < 6 {
		return 0
	}
	return float64(hits) / float64(seen)
}

// edge says whether there is a step across a line, in either sense.
func (p *plane) edge(q, n Point) bool {
	_, up, _ := p.step(q, n, slack)
	_, down, _ := p.step(q, n.times(-1), slack)
	return max(up, down) >= fieldContrast
}
