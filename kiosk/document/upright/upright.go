// Package upright says which way up the writing on a page is.
//
// Lines run the way letters are nearest to each other. Which end of a letter
// is up is told by Latin script: many letters, capitals, dots and accents
// reach over the small ones (b d f h k l t), few reach under (g j p q y). That
// holds for print and typewriting; joined or other writing (Arabic,
// Devanagari, most hands) does not show it, and Turn is then unsure. Nothing
// here does I/O or keeps state, and every function may be called from any
// goroutine.
package upright

import (
	"image"
	"math"
)

// Sure is how sure Turn must be for a page to be turned unasked.
const Sure = 0.9

const (
	minLines  = 25  // pairs of neighbours below which there is no writing to judge
	minCount  = 60  // letters in lines below which nothing is sure
	clearly   = 2.2 // lines run the way that has so many times the neighbours
	unsure    = Sure / 2
	minRatio  = 2.2 // reaching over to reaching under, in Latin script
	overShare = 0.12

	// Where the page would be turned more is asked for, for other scripts,
	// seen upside down, can pass for Latin. Of the right way up, Russian has
	// 13 % of its letters reach under the others and 4 % over; of Arabic no
	// more than 60 % end at one height, of Latin, however poor the print, 80 to
	// 97 % at the foot.
	turnShare = 0.17
	footShare = 0.78
	maxWide   = 0.3
	maxHigh   = 0.013 // stops and commas at the top of a line
)

// Turn says by how many degrees clockwise (0, 90, 180 or 270) the page must be
// turned for its writing to be upright, and how sure that is, from 0 to 1. An
// unsure turn is only a guess; 0 and 0 is a page without lines of writing.
func Turn(img image.Image) (turn int, sure float64) {
	pix, w, h := small(img)
	all := pieces(pix, w, h)
	size, n := letterSize(all)
	if n < minLines {
		return 0, 0
	}
	across := letters(all, size)
	for i, b := range all {
		all[i] = b.turned(h)
	}
	down := letters(all, size)
	gap := max(size*6/10, 3)
	_, na := neighbours(across, size, gap)
	_, nd := neighbours(down, size, gap)
	l, base, direction := across, 0, float64(na)/float64(nd+1)
	if nd > na {
		l, base, direction = down, 90, float64(nd)/float64(na+1)
	}
	if max(na, nd) < minLines || direction < 1.3 {
		return 0, 0
	}
	c := count(l, size)
	if c.up+c.above < c.down+c.below {
		c = c.flipped()
		base += 180
	}
	sure = c.sure()
	if base != 0 {
		sure = min(sure, c.latin())
	}
	if direction < clearly {
		sure = min(sure, unsure)
	}
	return base, sure
}

// flipped is what would be counted on the page turned by 180 degrees.
func (c counts) flipped() counts {
	c.up, c.down = c.down, c.up
	c.onTop, c.onFoot = c.onFoot, c.onTop
	c.above, c.below = c.below, c.above
	c.high, c.low = c.low, c.high
	return c
}

// share is n per letter.
func (c counts) share(n int) float64 { return float64(n) / float64(max(c.letters, 1)) }

// sure says how sure it is that the lines counted are the right way up, given
// that more reaches over them than under.
func (c counts) sure() float64 {
	over, under := float64(c.up+c.above), float64(c.down+c.below)
	ratio := (over + 1) / (under + 1)
	far := (over - under) / math.Sqrt(over+under+1) // standard deviations
	s := min(1, (ratio-1)/(minRatio-1), far/5, c.share(c.up)/overShare, float64(c.letters)/minCount)
	switch {
	case c.up <= c.down, // letters and marks must say the same
		2*c.below > 3*c.above && c.share(c.below) > 0.02,
		3*c.wide > c.letters:
		s = min(s, unsure)
	}
	return max(0, s)
}

// latin says how sure it is that the script is Latin print at all, seen the
// right way up. Other scripts seen upside down can pass for it.
func (c counts) latin() float64 {
	s := min(1, c.share(c.up+c.above)/turnShare, (float64(c.up+1)/float64(c.down+1)-1)/(minRatio-1.2))
	switch {
	case c.share(c.onFoot) < footShare, c.share(c.wide) > maxWide,
		c.high > 3*c.low && c.high > 3 && c.share(c.high) > maxHigh:
		s = min(s, unsure)
	}
	return max(0, s)
}
