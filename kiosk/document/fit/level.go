package fit

import (
	"errors"

	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/mrc"
)

// level is one way to encode a page, whatever its kind. Levels are listed from
// the finest down: first the coarse layers and pictures pay, then colour, then
// the resolution of writing.
type level struct {
	picture picture
	writing mrc.Level
	mask    int // dpi of black and white; 0 leaves it as it is
	gray    bool
	digital cleanpdf.Quality // of pictures in pages of live text
	// size is what a page takes at this level, relative to the others, on a
	// typical scan: it says where to look next.
	size float64
}

// picture is how a JPEG is made.
type picture struct{ dpi, quality int }

const (
	// standard is as good as reading needs; Pack makes it.
	standard = 1
	// comfort is the level that is given up for the limit only, never for
	// the aim.
	comfort = 2
)

// levels end at the floor of legibility: ink at 150 dpi, pictures at 150 dpi
// and JPEG quality 35, without colour.
func levels() []level {
	return []level{
		{picture: picture{300, 75}, writing: mrc.Level{BackgroundDPI: 150, Quality: 50},
			digital: cleanpdf.Quality{ImageDPI: 200, JPEG: 75}, size: 250},
		{picture: picture{200, 60}, writing: mrc.Standard(),
			digital: cleanpdf.Quality{ImageDPI: 150, JPEG: 60}, size: 100},
		{picture: picture{200, 42}, writing: mrc.Level{BackgroundDPI: 75, Quality: 25},
			digital: cleanpdf.Quality{ImageDPI: 120, JPEG: 45}, size: 80},
		{picture: picture{150, 35}, writing: mrc.Level{BackgroundDPI: 75, Quality: 20},
			digital: cleanpdf.Quality{ImageDPI: 100, JPEG: 40}, size: 72},
		{picture: picture{150, 42}, writing: mrc.Level{BackgroundDPI: 75, Quality: 25, Gray: true}, gray: true,
			digital: cleanpdf.Quality{ImageDPI: 100, JPEG: 45, Gray: true}, size: 65},
		{picture: picture{150, 42}, writing: mrc.Level{MaskDPI: 200, BackgroundDPI: 75, Quality: 20, Gray: true}, mask: 200, gray: true,
			digital: cleanpdf.Quality{ImageDPI: 100, JPEG: 40, Gray: true}, size: 45},
		{picture: picture{150, 35}, writing: mrc.Level{MaskDPI: 150, BackgroundDPI: 50, Quality: 20, Gray: true}, mask: 150, gray: true,
			digital: cleanpdf.Quality{ImageDPI: 90, JPEG: 35, Gray: true}, size: 32},
	}
}

// errTooBig is the error of a search whose lowest level is above the limit.
var errTooBig = errors.New("fit: does not fit")

// search finds the best of levels[from:] for which try says that its result
// fits the budget, looking at guess first. sizes are those of the levels,
// relative to each other. try gives the size of the result, or an estimate
// over the budget when it stopped early.
func search(sizes []float64, from, guess int, budget int64, try func(k int) (int64, error)) (int, error) {
	low, high := from-1, len(sizes) // too big; fits
	for k := min(max(guess, from), len(sizes)-1); ; {
		size, err := try(k)
		if err != nil {
			return 0, err
		}
		if size <= budget {
			high = k
		} else {
			low = k
		}
		next := predict(sizes, k, size, budget)
		next = min(max(next, low+1), high-1)
		// What fits is good enough when the next better level is known or
		// expected not to.
		if high-low <= 1 || size <= budget && predict(sizes, k, size, budget) >= high {
			break
		}
		k = next
	}
	if high == len(sizes) {
		return 0, errTooBig
	}
	return high, nil
}

// predict gives the best level that is expected to fit, after level k came to
// size.
func predict(sizes []float64, k int, size, budget int64) int {
	for i, s := range sizes {
		if float64(size)*s/sizes[k] <= float64(budget) {
			return i
		}
	}
	return len(sizes) - 1
}
