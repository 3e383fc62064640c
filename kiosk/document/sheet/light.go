package sheet

import (
	"image"
	"math"
	"slices"

	"pointnum/kiosk/document/raster"
)

// What paper in a photograph is like. Its light is told in patches of the
// small copy; from one to the next it changes little, even in the shadow of a
// hand, and its hue hardly at all.
const (
	patchSide    = 12   // pixels of the small copy, about 4 mm of A4
	patchShare   = 0.28 // of a patch is ground of one brightness, at least
	patchReach   = 0.05 // how far such ground varies, of its brightness
	lightStep    = 0.15 // logarithm of how much the light may change to the next patch
	hueStep      = 0.05 // the same for a colour's share
	leastSheet   = 0.35 // of a sheet's picture is paper of one kind
	wholeSheet   = 0.85 // the same where no letters were seen: it may be a photograph's print
	plainSheet   = 0.60 // the same where it is not known to be a sheet
	leastInk     = 0.03 // of the patches of a sheet's paper have writing on them
	plainInk     = 0.12 // the same where it is not known to be a sheet
	unevenLight  = 1.12 // how much brighter than its darkest tenth its brightest tenth is then
	mostBrighter = 0.1  // of the picture is brighter than its paper
	leastLight   = 20   // paper darker than this is too noisy to be made white
	mostHue      = 0.30 // how far paper may be from grey: more was chosen to be so
	mostWarm     = 0.55 // the same for the light of lamps, and paper that yellowed
	inkDepth     = 0.80 // writing is darker than that, of the paper
	mostInk      = 0.30 // of the pixels are ink, or it is no writing
	brightest    = 0.75 // nothing much in the picture is brighter than paper
	whitePoint   = 262  // how bright the paper becomes: its grain is white too
	alreadyEven  = 246  // nothing to do
)

const (
	// contrast gives pale writing back what the white point takes from it:
	// everything is so many times as far from the paper.
	contrast = 1.125
	offset   = int((contrast - 1) * whitePoint * 4096)
)

// patch is a small square of the copy.
type patch struct {
	light [3]float64 // its ground; 0 where it has none
	ink   bool
	paper bool
}

// light is what is known of the light on a picture's paper.
type light struct {
	w, h  int // patches
	all   []patch
	scale float64 // pixels of the picture to one of the copy
}

// Known is what was found out about a picture before: little of what is on it
// has to speak for a sheet then.
type Known struct {
	Sheet   bool // it is what a camera saw within four sides
	Writing bool // there are lines of letters on it
}

// Even gives a photograph of a sheet of paper even light and white paper, as a
// scanner would have seen it. Pictures and fields on the paper keep their
// colours as seen against it. It is false, and the picture as it was, for what
// is no sheet with writing on it, prints of photographs among them, and for
// what is not known to be a sheet and has even light. It writes to the
// picture's own pixels.
func Even(o *raster.Overview, k Known) (image.Image, bool) {
	l := measureLight(o)
	if l == nil || !l.isSheet(k) {
		return o.Page(), false
	}
	l.fill()
	switch m := o.Page().(type) {
	case *image.Gray:
		raster.Rows(m.Rect.Dy(), func(y0, y1 int) { l.whitenGray(m, y0, y1) })
		return m, true
	case *image.RGBA:
		raster.Rows(m.Rect.Dy(), func(y0, y1 int) { l.whiten(m, y0, y1) })
		return m, true
	}
	return o.Page(), false
}

// measureLight finds the paper: the largest part of the picture in which the
// light changes slowly.
func measureLight(o *raster.Overview) *light {
	small := raster.ToRGBA(o.Small())
	sw, sh := small.Rect.Dx(), small.Rect.Dy()
	if min(sw, sh) < 4*patchSide {
		return nil
	}
	l := &light{w: (sw + patchSide - 1) / patchSide, h: (sh + patchSide - 1) / patchSide,
		scale: float64(o.Page().Bounds().Dx()) / float64(sw)}
	l.all = make([]patch, l.w*l.h)
	for i := range l.all {
		r := image.Rect(0, 0, patchSide, patchSide).Add(image.Pt(i%l.w*patchSide, i/l.w*patchSide))
		l.all[i] = patchOf(small, r.Intersect(small.Rect))
	}
	l.grow()
	return l
}

// patchOf measures a patch: its ground is the brightest tone that enough of it
// has.
func patchOf(m *image.RGBA, r image.Rectangle) patch {
	var count [256]int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := m.Pix[y*m.Stride+4*r.Min.X:][:4*r.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			count[brightness(row)]++
		}
	}
	n := r.Dx() * r.Dy()
	need := int(math.Ceil(patchShare * float64(n)))
	for top, sum, low := 255, 0, 255; top > 8; top-- {
		for ; low >= 0 && float64(low) >= float64(top)*(1-2*patchReach)-2; low-- {
			sum += count[low]
		}
		if sum >= need {
			return ground(m, r, low+1, top)
		}
		sum -= count[top]
	}
	return patch{}
}

func brightness(p []uint8) uint8 {
	return uint8((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000)
}

// ground is the mean colour of a patch's pixels from low to top bright.
func ground(m *image.RGBA, r image.Rectangle, low, top int) (p patch) {
	var sum [3]int
	n, dark := 0, 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := m.Pix[y*m.Stride+4*r.Min.X:][:4*r.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			v := int(brightness(row))
			if v >= low && v <= top {
				sum[0], sum[1], sum[2], n = sum[0]+int(row[0]), sum[1]+int(row[1]), sum[2]+int(row[2]), n+1
			}
			if float64(v) < inkDepth*float64(low) {
				dark++
			}
		}
	}
	for c := range sum {
		p.light[c] = max(float64(sum[c])/float64(n), 1)
	}
	p.ink = dark >= 2 && float64(dark) < mostInk*float64(r.Dx()*r.Dy())
	return p
}

// next says whether the light may go over from one patch to the other.
func (p *patch) next(q *patch) bool {
	if p.light[1] == 0 || q.light[1] == 0 {
		return false
	}
	var d [3]float64
	mean := 0.0
	for c := range d {
		d[c] = math.Log(p.light[c] / q.light[c])
		mean += d[c] / 3
	}
	for c := range d {
		if math.Abs(d[c]-mean) > hueStep {
			return false
		}
	}
	return math.Abs(mean) < lightStep
}

// grow marks the largest set of patches that hang together as paper.
func (l *light) grow() {
	seen := make([]int, len(l.all))
	best, most, number := 0, 0, 0
	var stack []int
	for i := range l.all {
		if seen[i] != 0 || l.all[i].light[1] == 0 {
			continue
		}
		number++
		seen[i] = number
		stack = append(stack[:0], i)
		n := 0
		for len(stack) > 0 {
			k := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			n++
			l.beside(k, func(j int) {
				if seen[j] == 0 && l.all[k].next(&l.all[j]) {
					seen[j] = number
					stack = append(stack, j)
				}
			})
		}
		if n > most {
			best, most = number, n
		}
	}
	for i := range l.all {
		l.all[i].paper = best > 0 && seen[i] == best
	}
}

// beside calls f for the patches beside one.
func (l *light) beside(i int, f func(j int)) {
	x, y := i%l.w, i/l.w
	if x > 0 {
		f(i - 1)
	}
	if x < l.w-1 {
		f(i + 1)
	}
	if y > 0 {
		f(i - l.w)
	}
	if y < l.h-1 {
		f(i + l.w)
	}
}

// isSheet says whether the paper is that of a sheet somebody wrote on.
func (l *light) isSheet(k Known) bool {
	var sum [3]float64
	var levels []float64
	paper, ink, bright := 0, 0, 0
	for i := range l.all {
		p := &l.all[i]
		if !p.paper {
			continue
		}
		paper++
		if p.ink {
			ink++
		}
		for c := range sum {
			sum[c] += p.light[c]
		}
		levels = append(levels, p.light[1])
	}
	if paper == 0 {
		return false
	}
	for c := range sum {
		sum[c] /= float64(paper)
	}
	for i := range l.all {
		if p := &l.all[i]; !p.paper && p.light[1]*brightest > sum[1] {
			bright++
		}
	}
	n := float64(len(l.all))
	most, least := max(sum[0], sum[1], sum[2]), min(sum[0], sum[1], sum[2])
	warm := sum[0] >= sum[1] && sum[1] >= sum[2]
	hue := 1 - least/most
	slices.Sort(levels)
	uneven := levels[len(levels)*9/10] / levels[len(levels)/10]
	share, written := plainSheet*n, plainInk
	switch {
	case k.Sheet && k.Writing:
		share, written = leastSheet*n, leastInk
	case k.Sheet:
		share, written = wholeSheet*n, leastInk
	}
	return float64(paper) >= share && float64(ink) >= written*float64(paper) && float64(bright) < mostBrighter*n &&
		(k.Sheet || uneven >= unevenLight) && most >= leastLight && least < alreadyEven && (hue < mostHue || warm && hue < mostWarm)
}

// fill gives patches that are no paper the light of those around them, then
// smooths: light changes slowly, what does not is on the paper.
func (l *light) fill() {
	known := make([]bool, len(l.all))
	for i := range l.all {
		known[i] = l.all[i].paper
	}
	for missing := true; missing; {
		missing = false
		last := append([]bool(nil), known...)
		for i := range l.all {
			if last[i] {
				continue
			}
			if c, n := l.mean(i, last); n > 0 {
				l.all[i].light, known[i] = c, true
			} else {
				missing = true
			}
		}
	}
	for range 2 {
		smooth := make([][3]float64, len(l.all))
		for i := range l.all {
			smooth[i], _ = l.mean(i, known)
		}
		for i := range l.all {
			l.all[i].light = smooth[i]
		}
	}
}

// mean is the mean light of the known patches of the nine around one.
func (l *light) mean(i int, known []bool) (sum [3]float64, n int) {
	x, y := i%l.w, i/l.w
	for ny := max(y-1, 0); ny <= min(y+1, l.h-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, l.w-1); nx++ {
			if j := ny*l.w + nx; known[j] {
				for c := range sum {
					sum[c] += l.all[j].light[c]
				}
				n++
			}
		}
	}
	for c := range sum {
		sum[c] /= float64(max(n, 1))
	}
	return sum, n
}

// gains gives, for row y of the picture, what its pixels are multiplied by at
// the middles of the patches, in 1/4096.
func (l *light) gains(to [][3]int, y int) {
	at := (float64(y)+0.5)/l.scale/patchSide - 0.5
	top := min(max(int(math.Floor(at)), 0), l.h-1)
	low := min(top+1, l.h-1)
	f := min(max(at-float64(top), 0), 1)
	for x := range to {
		a, b := &l.all[top*l.w+x], &l.all[low*l.w+x]
		for c := range 3 {
			to[x][c] = int(whitePoint * contrast * 4096 / max(a.light[c]*(1-f)+b.light[c]*f, 8))
		}
	}
}

// eachRun calls f for the pieces of a row of n pixels between the middles of
// two patches: where it starts and ends, the gains there and how they change
// from pixel to pixel, in 1/4096/256.
func (l *light) eachRun(n int, gain [][3]int, f func(x0, x1 int, k, d [3]int)) {
	side := l.scale * patchSide
	for i, x := 0, 0; x < n; i++ {
		end := min(int((float64(i)+0.5)*side), n)
		if i >= l.w {
			end = n
		}
		a, b := gain[min(max(i-1, 0), l.w-1)], gain[min(i, l.w-1)]
		var k, d [3]int
		for c := range 3 {
			k[c] = a[c] << 8
			if end > x {
				d[c] = (b[c] - a[c]) << 8 / (end - x)
			}
		}
		if end > x {
			f(x, end, k, d)
			x = end
		}
	}
}

// lit is a value under even light, with the gain in 1/4096/256.
func lit(v uint8, k int) uint8 {
	return uint8(min(max(int(v)*(k>>8)-offset, 0)>>12, 255))
}

func (l *light) whiten(m *image.RGBA, y0, y1 int) {
	gain := make([][3]int, l.w)
	for y := y0; y < y1; y++ {
		l.gains(gain, y)
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		l.eachRun(m.Rect.Dx(), gain, func(x0, x1 int, k, d [3]int) {
			part := row[4*x0 : 4*x1]
			for ; len(part) >= 4; part = part[4:] {
				part[0], part[1], part[2] = lit(part[0], k[0]), lit(part[1], k[1]), lit(part[2], k[2])
				k[0], k[1], k[2] = k[0]+d[0], k[1]+d[1], k[2]+d[2]
			}
		})
	}
}

func (l *light) whitenGray(m *image.Gray, y0, y1 int) {
	gain := make([][3]int, l.w)
	for y := y0; y < y1; y++ {
		l.gains(gain, y)
		row := m.Pix[y*m.Stride:][:m.Rect.Dx()]
		l.eachRun(len(row), gain, func(x0, x1 int, k, d [3]int) {
			for i, v := range row[x0:x1] {
				row[x0+i] = lit(v, k[1])
				k[1] += d[1]
			}
		})
	}
}
