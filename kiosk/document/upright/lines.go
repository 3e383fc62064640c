package upright

import (
	"math"
	"slices"
)

// letterSize is the usual size of the letters, pixels, and how many there are.
func letterSize(all []box) (size int32, n int) {
	var s []int32
	for _, b := range all {
		if m := max(b.w(), b.h()); m >= minLetter && m <= maxLetter && min(b.w(), b.h()) >= 2 {
			s = append(s, m)
		}
	}
	if len(s) == 0 {
		return 0, 0
	}
	slices.Sort(s)
	return s[len(s)/2], len(s)
}

const (
	minLetter = 6 // pixels of the copy
	maxLetter = 90
)

// letters keeps what can be a letter or a mark of that size, in the order of
// the left edges.
func letters(all []box, size int32) []box {
	var l []box
	for _, b := range all {
		if b.w() <= 4*size && b.h() <= 3*size {
			l = append(l, b)
		}
	}
	slices.SortFunc(l, func(a, b box) int {
		if a.x0 != b.x0 {
			return int(a.x0 - b.x0)
		}
		return int(a.y0 - b.y0)
	})
	return l
}

// small says whether a box is a dot, an accent or a comma rather than a letter.
func (b box) small(size int32) bool { return 2*max(b.w(), b.h()) < size }

// neighbours finds for each letter the nearest one to its right in its line,
// or -1, no further than gap, and says how many it found.
func neighbours(l []box, size, gap int32) (next []int32, n int) {
	next = make([]int32, len(l))
	for i, a := range l {
		next[i] = -1
		if a.small(size) {
			continue
		}
		best := gap + 1
		for j := i + 1; j < len(l) && l[j].x0 <= a.x1+gap; j++ {
			b := l[j]
			d := b.x0 - a.x1
			if d < -2 || d >= best || b.small(size) {
				continue
			}
			over := min(a.y1, b.y1) - max(a.y0, b.y0)
			if 2*over < min(a.h(), b.h()) || a.h() > 3*b.h() || b.h() > 3*a.h() {
				continue
			}
			best, next[i] = d, int32(j)
		}
		if next[i] >= 0 {
			n++
		}
	}
	return next, n
}

// segment is letters that follow each other, about a line's half.
const segment = 24

// segments cuts the chains of neighbours into pieces short enough to be
// straight even on a curled page.
func segments(next []int32, each func(line []int32)) {
	used := make([]bool, len(next))
	var line []int32
	for i := range next {
		line = line[:0]
		for k := int32(i); k >= 0 && !used[k]; k = next[k] {
			used[k] = true
			line = append(line, k)
		}
		for len(line) > 0 {
			n := len(line)
			if n > segment+segment/2 {
				n = segment
			}
			each(line[:n])
			line = line[n:]
		}
	}
}

// counts is what speaks for and against a page being upright.
type counts struct {
	letters      int // in lines that could be read
	wide         int // of them, wider than letters are: joined writing
	onTop        int // of them, that end where most do: at the top,
	onFoot       int // and at the foot
	up, down     int // letters that reach over or under the others
	above, below int // dots and accents over and under the letters
	high, low    int // stops and commas within the line, at its top or foot
}

// count looks at all lines of a page whose lines run across.
func count(l []box, size int32) counts {
	next, _ := neighbours(l, size, 2*size)
	var c counts
	segments(next, func(line []int32) {
		if len(line) >= 6 {
			c.line(l, line)
		}
	})
	return c
}

// line looks at one segment.
func (c *counts) line(l []box, line []int32) {
	slope, ok := slopeOf(l, line)
	if !ok {
		return
	}
	x0 := float64(l[line[0]].x0)
	level := func(b box) float64 { return slope * ((float64(b.x0)+float64(b.x1))/2 - x0) }
	tops, feet := make([]float64, len(line)), make([]float64, len(line))
	for i, k := range line {
		tops[i], feet[i] = float64(l[k].y0)-level(l[k]), float64(l[k].y1)-level(l[k])
	}
	top, nTop := densest(tops)
	foot, nFoot := densest(feet)
	height := foot - top
	if height < minLetter-1 || 5*nTop < 2*len(line) || 5*nFoot < 2*len(line) {
		return
	}
	c.letters += len(line)
	c.onTop += nTop
	c.onFoot += nFoot
	for i, k := range line {
		b := l[k]
		if float64(b.w()) > 1.7*height {
			c.wide++
		}
		// Reaching over as well as under is a bracket, a stroke or a blot.
		over, under := top-tops[i] > 0.2*height, feet[i]-foot > 0.2*height
		far := top-tops[i] > 1.2*height || feet[i]-foot > 1.2*height
		switch {
		case over == under || far:
		case over:
			c.up++
		default:
			c.down++
		}
	}
	c.marks(l, line, level, top, foot)
}

// marks counts the dots, accents and stops of a segment.
func (c *counts) marks(l []box, line []int32, level func(box) float64, top, foot float64) {
	height := foot - top
	end := l[line[len(line)-1]].x1 + int32(height)
	for k := int(line[0]); k < len(l) && l[k].x0 <= end; k++ {
		b := l[k]
		if float64(max(b.w(), b.h())) > 0.6*height {
			continue
		}
		mid := (float64(b.y0)+float64(b.y1))/2 - level(b)
		switch {
		case mid < top-0.8*height || mid > foot+0.8*height:
		case mid < top-0.12*height:
			c.above++
		case mid > foot+0.12*height:
			c.below++
		case mid < top+0.25*height:
			c.high++
		case mid > foot-0.25*height:
			c.low++
		}
	}
}

// slopeOf fits a line through the letters' middles.
func slopeOf(l []box, line []int32) (float64, bool) {
	var s []float64
	for i := range line {
		for j := i + 1; j < len(line); j++ {
			a, b := l[line[i]], l[line[j]]
			dx := float64(b.x0+b.x1-a.x0-a.x1) / 2
			if dx > 2*float64(a.h()) {
				s = append(s, (float64(b.y0+b.y1-a.y0-a.y1)/2)/dx)
			}
		}
	}
	if len(s) == 0 {
		return 0, false
	}
	slices.Sort(s)
	m := s[len(s)/2]
	return m, math.Abs(m) < 0.3
}

// densest finds where most values lie together, and how many.
func densest(v []float64) (middle float64, n int) {
	s := slices.Clone(v)
	slices.Sort(s)
	const reach = 2.6
	j := 0
	for i := range s {
		for j < len(s) && s[j] <= s[i]+reach {
			j++
		}
		if j-i > n {
			n = j - i
			sum := 0.0
			for _, x := range s[i:j] {
				sum += x
			}
			middle = sum / float64(n)
		}
	}
	return middle, n
}
