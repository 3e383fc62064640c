// Package fit writes pages as files that a portal takes: in its format, under
// its limit, and as good to read as the limit allows.
//
// Pages are encoded at a level, one for all pages, so that no page pays for
// another; the level is searched for with few encodings. There is a floor
// below which a page can't be trusted to be read, and no level below it:
// "does not fit" is an answer, an illegible proof is none. The same pages and
// target always give the same bytes.
package fit

import (
	"errors"
	"image"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/document/raster"
)

// Page is a page to be put in a file.
type Page struct {
	DPI int // of the loaded image, on paper
	// Load gives the page's pixels, turned as wanted. It is called several
	// times, perhaps from several goroutines at once.
	Load func() (image.Image, error)
}

// Result is what came out.
type Result struct {
	Files []kiosk.File
	DPI   int // of the coarsest level used
	Gray  bool
}

// Options say how to work.
type Options struct {
	Workers  int                   // pages encoded at once; 0 is 1
	Progress func(done, total int) // from any goroutine, one call at a time; may be nil
	Cached   int                   // pages whose pixels may be kept between encodings
}

// errTooBig is the error of a search whose lowest level is above the limit.
var errTooBig = errors.New("fit: does not fit")

// cannotFit is what the caller hears of it.
func cannotFit(op string) error { return &kiosk.Error{Code: kiosk.CodeCannotFit, Op: op} }

// Fit makes files of pages. Errors: CodeCannotFit, and what Load says.
func Fit(pages []Page, t kiosk.Target, o Options) (Result, error) {
	if len(pages) == 0 || t.MaxBytes <= 1 {
		return Result{}, cannotFit("fit: nothing to do")
	}
	o.Workers, t.MaxFiles = max(o.Workers, 1), max(t.MaxFiles, 1)
	limit := t.MaxBytes - 1 // "less than"
	aim := limit
	if t.AimBytes > 0 {
		aim = min(aim, t.AimBytes)
	}
	pages = cache(pages, o.Cached)
	switch t.Format {
	case kiosk.FormatJPEG, kiosk.FormatPNG:
		return fitPictures(pages, t, aim, limit, o)
	default:
		return fitPDF(pages, t.MaxFiles, aim, limit, o)
	}
}

// cache keeps the pixels of documents of few pages between encodings.
func cache(pages []Page, most int) []Page {
	if len(pages) > most {
		return pages
	}
	kept := make([]Page, len(pages))
	for i, p := range pages {
		kept[i] = Page{DPI: p.DPI, Load: sync.OnceValues(p.Load)}
	}
	return kept
}

// level is one way to encode a page. Levels are listed from the best down.
type level struct {
	dpi     int
	quality int // of JPEG
	gray    bool
	shades  int // of PNG, 0 for all
	// size is what a page takes at this level, relative to the others, on a
	// typical scan: it says where to look next.
	size float64
}

// search finds the best of levels[from:] for which try says that its result
// fits the budget. try gives the size of the result, or an estimate over the
// budget when it stopped early.
func search(levels []level, from, guess int, budget int64, try func(k int) (int64, error)) (int, error) {
	low, high := from-1, len(levels) // too big; fits
	for k := min(max(guess, from), len(levels)-1); ; {
		size, err := try(k)
		if err != nil {
			return 0, err
		}
		if size <= budget {
			high = k
		} else {
			low = k
		}
		next := predict(levels, k, size, budget)
		next = min(max(next, low+1), high-1)
		// What fits is good enough when the next better level is known or
		// expected not to.
		if high-low <= 1 || size <= budget && predict(levels, k, size, budget) >= high {
			break
		}
		k = next
	}
	if high == len(levels) {
		return 0, errTooBig
	}
	return high, nil
}

// predict gives the best level that is expected to fit, after level k came to
// size.
func predict(levels []level, k int, size, budget int64) int {
	for i, l := range levels {
		if float64(size)*l.size/levels[k].size <= float64(budget) {
			return i
		}
	}
	return len(levels) - 1
}

// firstGuess is the level that is expected to fit when nothing is known: full
// is what a page takes at the best one.
func firstGuess(levels []level, pages int, full, budget int64) int {
	return predict(levels, 0, full*int64(pages), budget)
}

// apply scales a page to a level, never up, and gives its resolution then.
func apply(img image.Image, dpi int, l level) (image.Image, int) {
	if l.gray {
		img = raster.Gray(img)
	}
	if dpi <= 0 {
		dpi = 300
	}
	if dpi <= l.dpi {
		return img, dpi
	}
	b := img.Bounds()
	w, h := b.Dx()*l.dpi/dpi, b.Dy()*l.dpi/dpi
	return raster.Scale(img, max(w, 1), max(h, 1)), l.dpi
}
