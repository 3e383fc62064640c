package fit

import (
	"bytes"
	"errors"
	"image"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// pdfLevels go down to the floor of legibility: 150 dpi, JPEG quality 35,
// without colour.
func pdfLevels() []level {
	return []level{
		{dpi: 300, quality: 80, size: 100},
		{dpi: 300, quality: 65, size: 73},
		{dpi: 300, quality: 50, size: 58},
		{dpi: 200, quality: 65, size: 37},
		{dpi: 200, quality: 50, size: 29},
		{dpi: 200, quality: 40, size: 25},
		{dpi: 150, quality: 50, size: 18},
		{dpi: 150, quality: 42, size: 16},
		{dpi: 150, quality: 35, size: 14},
		{dpi: 150, quality: 42, gray: true, size: 12},
		{dpi: 150, quality: 35, gray: true, size: 10.5},
	}
}

const (
	// comfort is the level that is given up for the limit only, never for
	// the aim.
	comfort = 4
	// fullPage is what an A4 page takes at the best level, roughly.
	fullPage = 900_000
	// overhead is what a page takes in a PDF besides its picture, and what a
	// file takes besides its pages; generous.
	overhead = 600
)

// encoded are pages at one level.
type encoded struct {
	pages []pdf.Page
	size  int64 // with overhead
	full  bool  // all pages are there
}

type pdfFitter struct {
	pages    []Page
	levels   []level
	o        Options
	lossless []losslessPage
	best     map[int]encoded // by level; complete ones only
	mu       sync.Mutex
	done     int // for progress
}

// losslessPage is a black and white page packed without loss, once.
type losslessPage struct {
	tried bool
	image pdf.Image
}

func fitPDF(pages []Page, maxFiles int, aim, limit int64, o Options) (Result, error) {
	f := &pdfFitter{pages: pages, levels: pdfLevels(), o: o, lossless: make([]losslessPage, len(pages)), best: map[int]encoded{}}
	k, err := f.search(0, aim)
	if err == errTooBig || err == nil && k > comfort {
		k, err = f.search(comfort, limit)
	}
	if err == nil {
		e := f.best[k]
		return f.write([][]pdf.Page{e.pages}, k, limit)
	}
	if !errors.Is(err, errTooBig) {
		return Result{}, err
	}
	if maxFiles > 1 {
		return f.split(maxFiles, limit)
	}
	return Result{}, cannotFit("fit: pdf")
}

func (f *pdfFitter) search(from int, budget int64) (int, error) {
	guess := firstGuess(f.levels, len(f.pages), fullPage, budget)
	return search(f.levels, from, guess, budget, func(k int) (int64, error) {
		e, err := f.at(k, budget)
		return e.size, err
	})
}

// at encodes all pages at a level. It stops early, with a size that tells how
// far over the budget they would be, when they are clearly above it.
func (f *pdfFitter) at(k int, budget int64) (encoded, error) {
	if e, ok := f.best[k]; ok {
		return e, nil
	}
	e := encoded{pages: make([]pdf.Page, len(f.pages)), size: overhead}
	var mu sync.Mutex
	var first error
	next, finished := 0, 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if first != nil || next == len(f.pages) || finished > 0 && e.size > budget+budget/2 {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for range min(f.o.Workers, len(f.pages)) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				p, err := f.encode(i, f.levels[k])
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				e.pages[i] = p
				e.size += int64(len(p.Data)) + overhead
				finished++
				done := finished
				mu.Unlock()
				f.progress(done)
			}
		})
	}
	wg.Wait()
	if first != nil {
		return e, first
	}
	if e.estimate(budget) {
		return e, nil
	}
	e.full = true
	f.best[k] = e
	f.forget(k, budget)
	return e, nil
}

// estimate sets the size from the first pages that went over the budget
// together. It looks at nothing behind them, even where another goroutine had
// been quicker, so that the search takes the same way on every machine.
func (e *encoded) estimate(budget int64) bool {
	sum := int64(overhead)
	for i, p := range e.pages {
		if sum += int64(len(p.Data)) + overhead; sum > budget+budget/2 && i < len(e.pages)-1 {
			e.size = sum / int64(i+1) * int64(len(e.pages))
			return true
		}
	}
	e.size = sum
	return false
}

// forget drops what is not going to be written, so that long documents are
// not held at several levels.
func (f *pdfFitter) forget(k int, budget int64) {
	for i, e := range f.best {
		if i != k && (e.size > budget || i > k && f.best[k].size <= budget) {
			delete(f.best, i)
		}
	}
}

func (f *pdfFitter) progress(done int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if done > f.done && f.o.Progress != nil {
		f.done = done
		f.o.Progress(done, len(f.pages))
	}
}

// encode writes one page's picture at a level: as JPEG, or without loss where
// that is smaller.
func (f *pdfFitter) encode(i int, l level) (pdf.Page, error) {
	p := f.pages[i]
	img, err := p.Load()
	if err != nil {
		return pdf.Page{}, err
	}
	scaled, dpi := apply(img, p.DPI, l)
	data, err := raster.EncodeJPEG(scaled, l.quality)
	if err != nil {
		return pdf.Page{}, err
	}
	_, gray := scaled.(*image.Gray)
	b := scaled.Bounds()
	out := pdf.Page{Data: data, Encoding: pdf.JPEG, Width: b.Dx(), Height: b.Dy(), Gray: gray, DPI: dpi}
	packed, err := f.pack(i, img)
	if err == nil && packed.Data != nil && len(packed.Data) <= len(data) {
		out = pdf.Page{Data: packed.Data, Encoding: packed.Encoding, Width: packed.Width, Height: packed.Height,
			Gray: packed.Gray, DPI: p.DPI}
	}
	return out, err
}

// pack packs a black and white page without loss; others have no data then.
// Only the goroutine that encodes page i touches its entry.
func (f *pdfFitter) pack(i int, img image.Image) (pdf.Image, error) {
	l := &f.lossless[i]
	if l.tried {
		return l.image, nil
	}
	l.tried = true
	g, ok := img.(*image.Gray)
	if !ok || !bilevel(g) {
		return l.image, nil
	}
	l.image = pdf.Image{Data: jbig2.Encode(bitmap(g)), Encoding: pdf.JBIG2, Width: g.Rect.Dx(), Height: g.Rect.Dy(), Gray: true}
	return l.image, nil
}

// bitmap packs a black and white picture.
func bitmap(g *image.Gray) *jbig2.Bitmap {
	b := jbig2.NewBitmap(g.Rect.Dx(), g.Rect.Dy())
	for y := range b.Height {
		for x, v := range g.Pix[y*g.Stride:][:b.Width] {
			if v == 0 {
				b.Set(x, y)
			}
		}
	}
	return b
}

func bilevel(g *image.Gray) bool {
	for y := range g.Rect.Dy() {
		for _, v := range g.Pix[y*g.Stride:][:g.Rect.Dx()] {
			if v != 0 && v != 255 {
				return false
			}
		}
	}
	return true
}

// split finds the best level at which the pages, in order, fit in parts.
func (f *pdfFitter) split(maxFiles int, limit int64) (Result, error) {
	most := limit * int64(maxFiles)
	for k := comfort; k < len(f.levels); k += 2 {
		e, err := f.at(k, most)
		if err != nil {
			return Result{}, err
		}
		if !e.full {
			continue
		}
		if parts := partition(e.pages, maxFiles, limit); parts != nil {
			return f.write(parts, k, limit)
		}
	}
	return Result{}, cannotFit("fit: pdf in parts")
}

// partition fills parts one after the other; nil when there are too many.
func partition(pages []pdf.Page, maxFiles int, limit int64) [][]pdf.Page {
	var parts [][]pdf.Page
	size := limit + 1
	for _, p := range pages {
		n := int64(len(p.Data)) + overhead
		if size+n > limit {
			if len(parts) == maxFiles || n+overhead > limit {
				return nil
			}
			parts, size = append(parts, nil), overhead
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], p)
		size += n
	}
	return parts
}

// write makes the files and checks them before anybody gets them.
func (f *pdfFitter) write(parts [][]pdf.Page, k int, limit int64) (Result, error) {
	l := f.levels[k]
	r := Result{DPI: l.dpi, Gray: true}
	for _, pages := range parts {
		var b bytes.Buffer
		if err := pdf.Write(&b, pages); err != nil {
			return Result{}, err
		}
		if err := pdf.Check(b.Bytes()); err != nil {
			return Result{}, err
		}
		if int64(b.Len()) > limit {
			return Result{}, cannotFit("fit: pdf grew")
		}
		for _, p := range pages {
			r.Gray = r.Gray && p.Gray
		}
		r.Files = append(r.Files, kiosk.File{Format: kiosk.FormatPDF, Data: b.Bytes(), Pages: len(pages)})
	}
	return r, nil
}
