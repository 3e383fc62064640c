package raster

import "image"

const (
	// The wedges left beside paper that lies a little crooked, lines that are
	// mostly bed, are cut off as far as that, before anything of the paper's
	// inside is reached: thousandths of it, 4 mm of a sheet's height. Lines of
	// which bedShare is bed are cut off further: a facing page ends elsewhere.
	trimMost  = 15
	trimBed   = 50
	bedShare  = 0.6
	afterStep = 0.2 // the same behind the step at which the bed ends
	// Lines along the sides of which so much is bed, where paper lies a little
	// crooked, are read as letters.
	rimMost  = 6
	rimShare = 0.1
	trimRim  = 3 // lines: a bright rim beside bed goes with it
)

// trimmed gives a box of paper without the bed that is left along its sides: a
// little of it, and as much as may be.
func trimmed(all image.Rectangle, bed []uint8, box image.Rectangle) (little, much image.Rectangle) {
	w := all.Dx()
	little = trim(bed, w, box, trimMost, 0.5)
	little = cutSides(all, little, trim(bed, w, little, rimMost, rimShare))
	return little, steps(bed, w, box, trim(bed, w, box, trimBed, bedShare))
}

// trim moves the sides of a box in over lines of which more than share is bed,
// at most so many thousandths of the picture.
func trim(bed []uint8, w int, box image.Rectangle, most int, share float64) image.Rectangle {
	r := box
	for range max(box.Dx(), box.Dy()) * most / 1000 {
		if min(r.Dx(), r.Dy()) <= 2*trimRim {
			break
		}
		var left, right, top, bottom bool
		for d := range trimRim {
			left = left || bedIn(bed, w, image.Rect(r.Min.X+d, r.Min.Y, r.Min.X+d+1, r.Max.Y)) > share
			right = right || bedIn(bed, w, image.Rect(r.Max.X-d-1, r.Min.Y, r.Max.X-d, r.Max.Y)) > share
			top = top || bedIn(bed, w, image.Rect(r.Min.X, r.Min.Y+d, r.Max.X, r.Min.Y+d+1)) > share
			bottom = bottom || bedIn(bed, w, image.Rect(r.Min.X, r.Max.Y-d-1, r.Max.X, r.Max.Y-d)) > share
		}
		r.Min.X, r.Max.X = r.Min.X+one(left), r.Max.X-one(right)
		r.Min.Y, r.Max.Y = r.Min.Y+one(top), r.Max.Y-one(bottom)
	}
	return r
}

// steps gives back to a box that was trimmed the sides that do not end at a
// step: crooked paper begins little by little.
func steps(bed []uint8, w int, box, r image.Rectangle) image.Rectangle {
	const deep = 2 * trimRim
	if min(r.Dx(), r.Dy()) <= 2*deep {
		return box
	}
	if bedIn(bed, w, image.Rect(r.Min.X+trimRim, r.Min.Y, r.Min.X+deep, r.Max.Y)) > afterStep {
		r.Min.X = box.Min.X
	}
	if bedIn(bed, w, image.Rect(r.Max.X-deep, r.Min.Y, r.Max.X-trimRim, r.Max.Y)) > afterStep {
		r.Max.X = box.Max.X
	}
	if bedIn(bed, w, image.Rect(r.Min.X, r.Min.Y+trimRim, r.Max.X, r.Min.Y+deep)) > afterStep {
		r.Min.Y = box.Min.Y
	}
	if bedIn(bed, w, image.Rect(r.Min.X, r.Max.Y-deep, r.Max.X, r.Max.Y-trimRim)) > afterStep {
		r.Max.Y = box.Max.Y
	}
	return r
}

// cutSides gives the sides of inner where box is less than all: where there
// is a bed.
func cutSides(all, box, inner image.Rectangle) image.Rectangle {
	if box.Min.X == all.Min.X {
		inner.Min.X = all.Min.X
	}
	if box.Max.X == all.Max.X {
		inner.Max.X = all.Max.X
	}
	if box.Min.Y == all.Min.Y {
		inner.Min.Y = all.Min.Y
	}
	if box.Max.Y == all.Max.Y {
		inner.Max.Y = all.Max.Y
	}
	return inner
}

// bedIn is the share of a part of the picture that is bed.
func bedIn(bed []uint8, w int, r image.Rectangle) float64 {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range bed[y*w+r.Min.X : y*w+r.Max.X] {
			n += int(v)
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
