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
	overShare = 0.16
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
	flip, sure := count(l, size).verdict()
	if flip {
		base += 180
	}
	if direction < clearly {
		sure = min(sure, Sure/2)
	}
	return base, sure
}

// verdict weighs the counts: whether the lines are upside down, and how surely.
func (c counts) verdict() (flip bool, sure float64) {
	over, under := c.up+c.above, c.down+c.below
	if under > over {
		flip = true
		over, under = under, over
	}
	if c.letters == 0 {
		return false, 0
	}
	share := float64(over) / float64(c.letters)
	ratio := float64(over+1) / float64(under+1)
	z := float64(over-under) / math.Sqrt(float64(over+under)+1)
	sure = min(1, (ratio-1)/1.5) * min(1, z/5) * min(1, share/overShare) * min(1, float64(c.letters)/minCount)
	// Letters and marks must say the same.
	if (c.up > c.down) == flip || c.above != c.below && (c.above > c.below) == flip && max(c.above, c.below) > c.letters/50 {
		sure = min(sure, Sure/2)
	}
	if 3*c.wide > c.letters {
		sure = min(sure, Sure/2)
	}
	return flip, sure
}
