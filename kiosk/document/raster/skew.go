package raster

import (
	"image"
	"math"
	"math/rand/v2"
)

const (
	maxSkew     = 15.0 // degrees either way that are looked for
	inkDepth    = 10   // how far ink stands out from what is around it
	minInk      = 300  // points of ink below which no line can be seen
	maxInk      = 40000
	sureOfLines = 1.6 // the straight sum must be this much over the mean one,
	sureAlone   = 3.0 // or this much where lines the other way say otherwise
	plainLines  = 6.0 // print has more, handwriting and curved pages less
	sameSkew    = 0.5 // degrees by which the lines of both ways may differ

	// The sides of the picture in 100ths of its long side, where the edges of
	// paper, shadows and the bed are, which need not lie as the writing does.
	skewMargin = 4
)

// Skew says by how many degrees the lines of a page are turned clockwise, or
// 0 when it can't tell. It looks at ±15 degrees, finds lines of writing and
// rules in both directions, and is good to about 0.1 degree.
func Skew(img image.Image) float64 { return NewOverview(img).Skew() }

// Skew is Skew of the page.
func (o *Overview) Skew() float64 {
	angle, _ := o.skew()
	return angle
}

// skew also says whether the lines are plain: so many fall together, or lines
// down and across the page agree.
func (o *Overview) skew() (angle float64, plain bool) {
	rows, cols := o.inkPoints()
	if len(rows.at) < minInk {
		return 0, false
	}
	// Along lines down the page the points of a row fall together.
	angle, sure := bestAngle(cols, o.SmallGray().Rect.Dy(), -1)
	other, sureOther := bestAngle(rows, o.SmallGray().Rect.Dx(), 1)
	if sureOther > 1.25*sure {
		angle, sure, other, sureOther = other, sureOther, angle, sure
	}
	agree := sureOther >= sureOfLines && math.Abs(angle-other) <= sameSkew
	if sure < sureOfLines || sure < sureAlone && !agree {
		return 0, false
	}
	return angle, agree || sure >= plainLines
}

// points are places on the small copy by row or by column: those of line i are
// at[start[i]:start[i+1]].
type points struct {
	start []int
	at    []int16
}

// inkPoints gives the places that are darker than what is around them, thin
// strokes and rules, not the dark of a bed or a picture nor what is along the
// sides: once by rows and once
// by columns. Of very many it takes some, by lot: in turn they would make a
// pattern.
func (o *Overview) inkPoints() (rows, cols points) {
	mask := o.Ink(inkDepth)
	w, h := o.SmallGray().Rect.Dx(), o.SmallGray().Rect.Dy()
	margin := max(w, h) * skewMargin / 100
	for y := range h {
		row := mask[y*w : (y+1)*w]
		if y < margin || y >= h-margin {
			clear(row)
		}
		clear(row[:min(margin, w)])
		clear(row[max(w-margin, 0):])
	}
	n := 0
	for _, v := range mask {
		n += int(v)
	}
	if step := uint32(n/maxInk + 1); step > 1 {
		lot := rand.New(rand.NewPCG(1, 1))
		for i, v := range mask {
			if v != 0 && lot.Uint32N(step) != 0 {
				mask[i] = 0
				n--
			}
		}
	}
	rows, cols = points{make([]int, h+1), make([]int16, 0, n)}, points{make([]int, w+1), make([]int16, n)}
	for y := range h {
		for x, v := range mask[y*w : (y+1)*w] {
			if v != 0 {
				rows.at = append(rows.at, int16(x))
				cols.start[x+1]++
			}
		}
		rows.start[y+1] = len(rows.at)
	}
	for x := range w {
		cols.start[x+1] += cols.start[x]
	}
	next := append([]int(nil), cols.start...)
	for y := range h {
		for _, x := range rows.at[rows.start[y]:rows.start[y+1]] {
			cols.at[next[x]] = int16(y)
			next[x]++
		}
	}
	return rows, cols
}

// bestAngle finds the angle at which the points fall together on the fewest
// lines of a page of size pixels that way, and how much more they do there
// than on the average angle. sign says which way a positive angle moves them.
func bestAngle(p points, size int, sign float64) (angle, sure float64) {
	spread := int(float64(len(p.start))*math.Tan((maxSkew+1)*math.Pi/180)) + 8
	bins := make([]int32, size+spread)
	best, sum, n := 0.0, 0.0, 0
	for a := -maxSkew; a <= maxSkew; a += 0.5 {
		s := sharpness(p, bins, spread/2, sign*a)
		sum += s
		n++
		if s > best {
			best, angle = s, a
		}
	}
	for _, step := range []float64{0.25, 0.1, 0.05} {
		middle := angle
		for _, a := range []float64{middle - 2*step, middle - step, middle + step, middle + 2*step} {
			if s := sharpness(p, bins, spread/2, sign*a); s > best {
				best, angle = s, a
			}
		}
	}
	if sum == 0 || math.Abs(angle) > maxSkew {
		return 0, 0
	}
	return angle, best * float64(n) / sum
}

// sharpness is high when the points, seen along lines turned by a degrees,
// make rows of much ink beside rows of none.
func sharpness(p points, bins []int32, middle int, a float64) float64 {
	clear(bins)
	t := math.Tan(a * math.Pi / 180)
	half := float64(len(p.start)-1) / 2
	for i := range len(p.start) - 1 {
		line := bins[middle+int(math.Floor((float64(i)-half)*t+0.5)):]
		for _, at := range p.at[p.start[i]:p.start[i+1]] {
			line[at]++
		}
	}
	s := int64(0)
	last := int32(0)
	for _, b := range bins {
		d := int64(b - last)
		s += d * d
		last = b
	}
	return float64(s)
}
