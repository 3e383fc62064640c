package codes

import (
	"image"
	"math/bits"
	"slices"
)

// Lines of dense type look like a code from afar. But between them there is
// white, every few millimetres, across all of the place; in a code there is
// none, and nothing that lies over a code's whole height is taken for type.
const (
	stripWidth = 7   // millimetres: no strip of a code is as white as a gap
	mostPitch  = 7   // millimetres from one gap between lines to the next
	gapShare   = 30  // percent of what is dark in lines is dark in a gap
	solidShare = 75  // percent of a line of type is never dark
	barShift   = 1.2 // millimetres along a bar that it looks the same
	barLike    = 92  // percent of a row are like that so far below it
	barRows    = 25  // percent of the rows are so in bars
)

// isType says whether a place is lines of type from its left to its right.
func (f *finder) isType(r image.Rectangle) bool {
	// The outermost squares lie beside it.
	r.Min.X, r.Max.X = r.Min.X+reach/2*f.size, r.Max.X-reach/2*f.size
	strips := max(int(float64(r.Dx())*25.4/float64(f.dpi)/stripWidth+0.5), 1)
	for i := range strips {
		s := image.Rect(r.Min.X+i*r.Dx()/strips, r.Min.Y, r.Min.X+(i+1)*r.Dx()/strips, r.Max.Y)
		if !f.stripOfType(s) {
			return false
		}
	}
	return true
}

// stripOfType says whether there are gaps between lines all down a strip.
func (f *finder) stripOfType(r image.Rectangle) bool {
	if r.Empty() {
		return false
	}
	rows := f.darkRows(r)
	if f.bars(rows, r.Dx()) {
		return false
	}
	share := make([]int, len(rows))
	for y, row := range rows {
		for _, v := range row {
			share[y] += bits.OnesCount64(v)
		}
	}
	sorted := slices.Sorted(slices.Values(share))
	line := sorted[len(sorted)*8/10]
	if 100*sorted[len(sorted)*9/10] > solidShare*r.Dx() {
		return false // strokes that go all across
	}
	pitch := mostPitch * f.dpi * 10 / 254
	gaps, last := 0, 0
	for y, n := range share {
		if 100*n <= gapShare*line {
			if y > 0 && (y-1 != last || gaps == 0) {
				gaps++
			}
			last = y
		}
		if y-last > pitch {
			return false
		}
	}
	return gaps >= 2
}

// darkRows gives the dark pixels of a place, a bit each.
func (f *finder) darkRows(r image.Rectangle) [][]uint64 {
	rows := make([][]uint64, r.Dy())
	for y := range rows {
		row := make([]uint64, (r.Dx()+63)/64)
		for x, v := range f.m.Pix[f.m.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()] {
			if v < f.limit {
				row[x>>6] |= 1 << (x & 63)
			}
		}
		rows[y] = row
	}
	return rows
}

// bars says whether there are upright bars in a strip of w pixels: rows that
// look like the one a millimetre below.
func (f *finder) bars(rows [][]uint64, w int) bool {
	shift := max(int(barShift*float64(f.dpi)/25.4), 2)
	alike := 0
	for y := shift; y < len(rows); y++ {
		dark, other := 0, 0
		for i, v := range rows[y] {
			dark += bits.OnesCount64(v)
			other += bits.OnesCount64(v ^ rows[y-shift][i])
		}
		if 5*dark > w && 5*dark < 4*w && 100*other <= (100-barLike)*w {
			alike++
		}
	}
	return 100*alike > barRows*len(rows)
}
