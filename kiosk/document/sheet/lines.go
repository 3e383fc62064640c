package sheet

import (
	"math"
	"sort"
)

// line is where a bright and a dark side meet: the points p with n·p = rho; n
// looks to the bright side.
type line struct {
	n     Point
	rho   float64
	angle int // of n, degrees from 0 to 359
	votes int32

	// Sums along the line from -reach on, one step a pixel.
	reach    int
	hits     []int32 // points where the step is seen
	contrast []int32 // thousandths, of at most maxContrast
	seen     []int32 // points in the picture
}

const (
	minContrast = 25  // thousandths: how much brighter one side must be
	maxContrast = 250 // more does not count for more
	rhoStep     = 1.5 // pixels of a cell of the vote
	perSector   = 14  // lines kept of each 45 degrees
	slack       = 3   // pixels a side may be off its line and is still seen
)

// lines lets every step of brightness vote for the lines it may be on.
func (p *plane) lines() []*line {
	diag := math.Hypot(float64(p.w), float64(p.h))
	half := int(diag/rhoStep) + 2
	cols := 2*half + 1
	votes := make([]int32, 360*cols)
	var cs, sn [360]float64
	for a := range 360 {
		sn[a], cs[a] = math.Sincos(float64(a) * math.Pi / 180)
	}
	v := p.closed
	for y := 2; y < p.h-2; y++ {
		for x := 2; x < p.w-2; x++ {
			i := y*p.w + x
			gx := int(v[i+2]) - int(v[i-2]) + (int(v[i+1+p.w])-int(v[i-1+p.w])+int(v[i+1-p.w])-int(v[i-1-p.w]))/2
			gy := int(v[i+2*p.w]) - int(v[i-2*p.w]) + (int(v[i+p.w+1])-int(v[i-p.w+1])+int(v[i+p.w-1])-int(v[i-p.w-1]))/2
			m := gx*gx + gy*gy
			level := int(v[i]) + 8
			if m*400 < level*level || m < 30 {
				continue
			}
			weight := int32(min(1000*math.Sqrt(float64(m))/float64(4*level), 100)) + 20
			a := int(math.Round(math.Atan2(float64(gy), float64(gx))*180/math.Pi)) + 360
			for k := -3; k <= 3; k++ {
				t := (a + k) % 360
				rho := (float64(x)+0.5)*cs[t] + (float64(y)+0.5)*sn[t]
				votes[t*cols+half+int(math.Round(rho/rhoStep))] += weight
			}
		}
	}
	return p.peaks(votes, cols, half)
}

// peaks picks the lines with the most votes of their surroundings.
func (p *plane) peaks(votes []int32, cols, half int) []*line {
	const least = 2500
	var all []*line
	for a := range 360 {
		for c := 2; c < cols-2; c++ {
			v := votes[a*cols+c]
			if v < least || !highestAround(votes, cols, a, c) {
				continue
			}
			s, co := math.Sincos(float64(a) * math.Pi / 180)
			all = append(all, &line{n: Point{co, s}, rho: float64(c-half) * rhoStep, angle: a, votes: v})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].votes > all[j].votes })
	var kept []*line
	var count [8]int
	for _, l := range all {
		if s := l.angle / 45; count[s] < perSector {
			count[s]++
			p.measure(l)
			kept = append(kept, l)
		}
	}
	return kept
}

func highestAround(votes []int32, cols, a, c int) bool {
	v := votes[a*cols+c]
	for da := -3; da <= 3; da++ {
		row := votes[(a+da+360)%360*cols:][:cols]
		for k := max(0, c-3); k <= min(cols-1, c+3); k++ {
			if row[k] > v || row[k] == v && (da < 0 || da == 0 && k < c) {
				return false
			}
		}
	}
	return true
}

// along is the direction of a line that has its bright side to the right, as
// the sides of a quad have when it is walked round clockwise.
func (l *line) along() Point { return Point{l.n.Y, -l.n.X} }

// measure walks along the line and notes where its step is seen.
func (p *plane) measure(l *line) {
	l.reach = int(math.Hypot(float64(p.w), float64(p.h))) + 2
	size := 2*l.reach + 2
	l.hits, l.contrast, l.seen = make([]int32, size), make([]int32, size), make([]int32, size)
	u := l.along()
	for i := range size - 1 {
		t := float64(i - l.reach)
		q := l.n.times(l.rho).add(u.times(t))
		hit, contrast, seen := p.step(q, l.n, slack)
		l.hits[i+1], l.contrast[i+1], l.seen[i+1] = l.hits[i]+hit, l.contrast[i]+contrast, l.seen[i]+seen
	}
}

// step looks across a line for a step up in brightness towards n, at most
// slack pixels off.
func (p *plane) step(q, n Point, slack int) (hit, contrast, seen int32) {
	if q.X < 0 || q.Y < 0 || q.X >= float64(p.w) || q.Y >= float64(p.h) {
		return 0, 0, 0
	}
	best := 0
	for o := -slack; o <= slack; o++ {
		d := float64(o)
		in, ok := p.at(q.X+(d+2.5)*n.X, q.Y+(d+2.5)*n.Y)
		out, ok2 := p.at(q.X+(d-2.5)*n.X, q.Y+(d-2.5)*n.Y)
		if ok && ok2 {
			best = max(best, 1000*(in-out)/(in+out+16))
		}
	}
	if best < minContrast {
		return 0, 0, 1
	}
	return 1, int32(min(best, maxContrast)), 1
}

// between sums up what was measured from t0 to t1 along the line.
func (l *line) between(t0, t1 float64) (hits, contrast, seen int32) {
	i := min(max(int(t0)+l.reach, 0), len(l.hits)-1)
	j := min(max(int(t1)+l.reach, i), len(l.hits)-1)
	return l.hits[j] - l.hits[i], l.contrast[j] - l.contrast[i], l.seen[j] - l.seen[i]
}

func (l *line) crossing(m *line) (Point, bool) {
	d := l.n.cross(m.n)
	if math.Abs(d) < 0.3 {
		return Point{}, false
	}
	return Point{(l.rho*m.n.Y - m.rho*l.n.Y) / d, (m.rho*l.n.X - l.rho*m.n.X) / d}, true
}
