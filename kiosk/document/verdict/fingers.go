package verdict

import "image"

const (
	leastFinger = 0.003 // of the page
	mostFinger  = 0.09
	otherSkin   = 0.02 // of the page of a finger's colour beside fingers: a face, a table
	fingerPaper = 0.4  // of the page is paper
	darkestPage = 100  // paper darker than this has no sure colours
	thinFinger  = 0.02 // of the page's long side is a finger's width
	thickFinger = 0.25
	smoothShare = 0.15 // of a finger's inside has anything on it
	fingerShade = 3.0  // the deviation of its brightness; print has less
	tipShare    = 0.85 // of its width is that of its tip
	paperAround = 0.5  // of what surrounds it is paper
	fingerTexts = 2    // letters near one that may hide some
)

// fingers looks for a hand that holds the page: patches of the colour of
// skin, as seen against the paper, that come in from an edge, are longer than
// wide, round at their tip, smooth, and have paper and writing around them.
// Any more of that colour on the page, and it is a face, a table or cardboard.
func (p *page) fingers() (image.Rectangle, bool) {
	m, ok := p.Small().(*image.RGBA)
	if !ok || p.paper < darkestPage || p.share < fingerPaper || p.w < 100 || p.h < 100 {
		return image.Rectangle{}, false
	}
	mask := p.skin(m)
	size := float64(p.w * p.h)
	found, all := blobs(mask, p.w, int(leastFinger*size), int(mostFinger*size))
	var where image.Rectangle
	most := 0
	for _, b := range found {
		if p.finger(b) {
			all -= len(b.pixels)
			if len(b.pixels) > most {
				most, where = len(b.pixels), b.box
			}
		}
	}
	return where, most > 0 && float64(all) < otherSkin*size
}

// skin marks the colours of skin under the light that makes the paper white.
func (p *page) skin(m *image.RGBA) []uint8 {
	var sum [3]int
	n := 1
	for y := range p.h {
		for x := range p.w {
			if d := int(p.gray.Pix[y*p.gray.Stride+x]) - p.paper; d < paperReach/2 && d > -paperReach/2 {
				c := m.Pix[y*m.Stride+4*x:]
				sum[0], sum[1], sum[2], n = sum[0]+int(c[0]), sum[1]+int(c[1]), sum[2]+int(c[2]), n+1
			}
		}
	}
	pr, pg, pb := max(sum[0]/n, 1), max(sum[1]/n, 1), max(sum[2]/n, 1)
	mask := make([]uint8, p.w*p.h)
	for y := range p.h {
		for x := range p.w {
			c := m.Pix[y*m.Stride+4*x:]
			r, g, b := int(c[0])*255/pr, int(c[1])*255/pg, int(c[2])*255/pb
			spread := r - min(g, b)
			// From pale pink to dark brown: red leads, green follows blue or
			// leads it.
			if r > 35 && r < 290 && r-g >= 10 && b <= g+8 && g < r*93/100 && g > r*45/100 && spread*100 > 13*r && spread*100 < 72*r {
				mask[y*p.w+x] = 1
			}
		}
	}
	return mask
}

// finger says whether a patch of skin has the shape and the place of one.
func (p *page) finger(b blob) bool {
	var length int
	var widths []int
	switch r := b.box; {
	case r.Min.X == 0 || r.Max.X == p.w:
		length, widths = r.Dx(), b.profile(p.w, false, r.Max.X == p.w)
	case r.Min.Y == 0 || r.Max.Y == p.h:
		length, widths = r.Dy(), b.profile(p.w, true, r.Max.Y == p.h)
	default:
		return false
	}
	width := widths[length/2]
	if float64(width) < thinFinger*float64(p.long) || float64(width) > thickFinger*float64(p.long) {
		return false
	}
	return 10*length >= 9*widths[0] && length >= width && float64(widths[length*93/100]) <= tipShare*float64(width) &&
		2*len(b.pixels) > b.box.Dx()*b.box.Dy() && p.smooth(b) && p.onPaper(b)
}

// profile counts the pixels of a blob in each row or column of its box, from
// the edge of the page inwards.
func (b blob) profile(w int, byRow, fromEnd bool) []int {
	n := b.box.Dx()
	if byRow {
		n = b.box.Dy()
	}
	widths := make([]int, n)
	for _, i := range b.pixels {
		at := i%w - b.box.Min.X
		if byRow {
			at = i/w - b.box.Min.Y
		}
		if fromEnd {
			at = n - 1 - at
		}
		widths[at]++
	}
	return widths
}

// smooth says whether a blob has the shades of a body and nothing on it.
func (p *page) smooth(b blob) bool {
	const step, most = 2, 24
	in := make([]bool, p.w*p.h)
	for _, i := range b.pixels {
		in[i] = true
	}
	light := func(i int) int { return int(p.gray.Pix[i/p.w*p.gray.Stride+i%p.w]) }
	inner, rough := 0, 0
	var sum, square float64
	for _, i := range b.pixels {
		v := float64(light(i))
		sum, square = sum+v, square+v*v
		up, low := i-step*p.w, i+step*p.w
		if x := i % p.w; x < step || x >= p.w-step || up < 0 || low >= len(in) || !in[i-step] || !in[i+step] || !in[up] || !in[low] {
			continue
		}
		inner++
		if dx, dy := light(i+step)-light(i-step), light(low)-light(up); max(dx, -dx, dy, -dy) > most {
			rough++
		}
	}
	n := float64(len(b.pixels))
	mean := sum / n
	return float64(rough) < smoothShare*float64(inner) && square/n-mean*mean > fingerShade*fingerShade
}

// onPaper says whether paper surrounds a blob and there is writing near it.
func (p *page) onPaper(b blob) bool {
	const step = 6 // beyond the edge of its shadow
	ring := b.around(p.w, p.h, step)[step-1]
	paper := 0
	for _, i := range ring {
		if d := int(p.gray.Pix[i/p.w*p.gray.Stride+i%p.w]) - p.paper; d > -2*paperReach {
			paper++
		}
	}
	texts := 0
	near := b.box.Inset(-p.long / 15)
	for _, m := range p.letters() {
		if m.Box.Overlaps(near) && !m.Box.Overlaps(b.box) {
			texts++
		}
	}
	return float64(paper) > paperAround*float64(len(ring)) && texts >= fingerTexts
}
