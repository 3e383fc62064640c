package fit

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// piece is a page at a level, as it would be written.
type piece struct {
	page     pdf.Page
	original bool // the page is taken over; page is unset then
	size     int64
}

// encoded are all pages at one level.
type encoded struct {
	pieces []piece
	size   int64
	full   bool // all pages are there
}

type pdfFitter struct {
	pages  []Page
	levels []level
	o      Options
	best   map[int]encoded // by level; complete ones only
	// digital is the size of the pages of live text together, by level.
	digital map[int]int64
	mu      sync.Mutex
	done    int // for progress
}

// fitPDF makes PDFs. Where pages of live text can't be taken over faithfully,
// or take too much however their pictures are packed, their pixels stand in
// for them.
func fitPDF(pages []Page, maxFiles int, b budget, o Options) (Result, error) {
	r, err := newPDFFitter(pages, o).fit(maxFiles, b)
	if err == nil || kiosk.CodeOf(err) == kiosk.CodeInternal || !slices.ContainsFunc(pages, live) {
		return r, err
	}
	drawn := slices.Clone(pages)
	for i := range drawn {
		drawn[i].Original = nil
	}
	return newPDFFitter(drawn, o).fit(maxFiles, b)
}

func live(p Page) bool { return p.live() }

func newPDFFitter(pages []Page, o Options) *pdfFitter {
	return &pdfFitter{pages: pages, levels: levels(), o: o, best: map[int]encoded{}, digital: map[int]int64{}}
}

func (f *pdfFitter) fit(maxFiles int, b budget) (Result, error) {
	money := b.aim
	k, err := f.search(standard, standard, money)
	if err == errTooBig || err == nil && k > comfort {
		money = b.limit
		k, err = f.search(comfort, comfort, money)
	}
	if errors.Is(err, errTooBig) && maxFiles > 1 {
		return f.split(maxFiles, b.limit)
	}
	for ; err == nil; k++ {
		e := f.best[k]
		if e, err = f.improve(e, k, money, b.generous); err != nil {
			break
		}
		var r Result
		if r, err = f.write([][]piece{e.pieces}, k, b.limit); !errors.Is(err, errTooBig) {
			return r, err
		}
		// Put together the pages took more than each for itself.
		if k+1 == len(f.levels) {
			break
		}
		_, err = f.at(k+1, b.limit)
	}
	if errors.Is(err, errTooBig) {
		err = cannotFit("fit: pdf")
	}
	return Result{}, err
}

func (f *pdfFitter) search(from, guess int, budget int64) (int, error) {
	sizes := make([]float64, len(f.levels))
	for i, l := range f.levels {
		sizes[i] = l.size
	}
	return search(sizes, from, guess, budget, func(k int) (int64, error) {
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
	digital, err := f.digitalSize(k)
	if err != nil {
		return encoded{}, err
	}
	base := digital + pdf.FileOverhead
	e := encoded{pieces: make([]piece, len(f.pages)), size: base}
	err = f.each(func() bool { return e.size > budget+budget/2 }, func(i int, done func(func())) error {
		p, err := f.piece(i, k)
		done(func() {
			e.pieces[i] = p
			e.size += p.size
		})
		return err
	})
	if err != nil {
		return e, err
	}
	if e.estimate(base, budget) {
		return e, nil
	}
	e.full = true
	f.best[k] = e
	f.forget(k, budget)
	return e, nil
}

// each does something for every page, several at once, until it fails or
// enough is true after one. What is given to done runs alone.
func (f *pdfFitter) each(enough func() bool, do func(i int, done func(func())) error) error {
	var mu sync.Mutex
	var first error
	next, finished := 0, 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if first != nil || next == len(f.pages) || finished > 0 && enough() {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for range min(f.o.Workers, len(f.pages)) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				err := do(i, func(change func()) {
					mu.Lock()
					defer mu.Unlock()
					change()
					finished++
				})
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				n := finished
				mu.Unlock()
				f.progress(n)
			}
		})
	}
	wg.Wait()
	return first
}

// estimate sets the size from the first pages that went over the budget
// together. It looks at nothing behind them, even where another goroutine had
// been quicker, so that the search takes the same way on every machine.
func (e *encoded) estimate(base, budget int64) bool {
	sum := base
	for i, p := range e.pieces {
		if sum += p.size; sum > budget+budget/2 && i < len(e.pieces)-1 {
			e.size = base + (sum-base)/int64(i+1)*int64(len(e.pieces))
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

// live says whether a page is live text that is taken over.
func (p *Page) live() bool { return p.Original != nil && p.Kind == kiosk.PageDigital }

// piece makes a page's smallest form at a level. That of a page of live text
// is in digitalSize.
func (f *pdfFitter) piece(i, k int) (piece, error) {
	p := &f.pages[i]
	if p.live() {
		return piece{original: true}, nil
	}
	made, err := f.packed(i, k)
	if err != nil {
		return piece{}, err
	}
	made.Turn, made.Words = p.Turn, p.Words.on(made)
	return piece{page: made, size: made.Size()}, nil
}

// packed gives a page as it was packed before, or packs it.
func (f *pdfFitter) packed(i, k int) (pdf.Page, error) {
	p := &f.pages[i]
	if k == standard && p.Packed != nil {
		return p.Packed()
	}
	img, err := p.Load()
	if err != nil {
		return pdf.Page{}, err
	}
	made, _, err := pack(raster.NewOverview(img), p.DPI, p.Kind, f.levels[k])
	return made, err
}

// digitalSize is what the pages of live text take together at a level.
func (f *pdfFitter) digitalSize(k int) (int64, error) {
	if n, ok := f.digital[k]; ok {
		return n, nil
	}
	var parts []cleanpdf.Part
	for i := range f.pages {
		if f.pages[i].live() {
			parts = append(parts, f.pages[i].part())
		}
	}
	var n int64
	if len(parts) > 0 {
		data, err := cleanpdf.Assemble(parts, f.levels[k].digital, f.o.MaxMemory)
		if err != nil {
			return 0, err
		}
		n = int64(len(data))
	}
	f.digital[k] = n
	return n, nil
}

func (p *Page) part() cleanpdf.Part {
	return cleanpdf.Part{Original: p.Original, Page: p.Index, Turn: p.Turn}
}

// easeShare is the part of a budget that is left where pages are easy to read
// as they are: a smaller file is sent sooner, and by whatever way a portal
// counts, it is not too big.
const easeShare = 5

// improve spends what is left of the budget, on pictures first and then on
// the pages that take most. Only a generous budget makes anything finer than
// the standard.
func (f *pdfFitter) improve(e encoded, k int, budget int64, generous bool) (encoded, error) {
	if k == 0 || k == standard && !generous {
		return e, nil
	}
	if k <= comfort {
		budget -= budget / easeShare
	}
	out := encoded{pieces: append([]piece(nil), e.pieces...), size: e.size, full: true}
	for _, i := range needy(f.pages, e.pieces) {
		if k == standard && f.pages[i].Kind != kiosk.PagePicture {
			continue
		}
		if out.size+out.pieces[i].size/8 > budget {
			continue // a finer form takes more than that
		}
		p, err := f.piece(i, k-1)
		if err != nil {
			return out, err
		}
		if size := out.size - out.pieces[i].size + p.size; size <= budget && !p.original {
			out.pieces[i], out.size = p, size
		}
	}
	return out, nil
}

// write makes the files. It fails with errTooBig when one is above the limit.
func (f *pdfFitter) write(parts [][]piece, k int, limit int64) (Result, error) {
	r := Result{Level: k, Gray: true}
	first := 0
	for _, pieces := range parts {
		data, err := f.file(pieces, f.pages[first:first+len(pieces)], k)
		if err != nil {
			return Result{}, err
		}
		if int64(len(data)) > limit {
			return Result{}, errTooBig
		}
		r.Files = append(r.Files, kiosk.File{Format: kiosk.FormatPDF, Data: data, Pages: len(pieces)})
		for i := range pieces {
			r.note(&pieces[i])
		}
		first += len(pieces)
	}
	return r, nil
}

// note says what became of a page.
func (r *Result) note(p *piece) {
	form, gray := p.form()
	r.Forms = append(r.Forms, form)
	r.Gray = r.Gray && gray
	if dpi := p.page.DPI; dpi > 0 && (r.DPI == 0 || dpi < r.DPI) {
		r.DPI = dpi
	}
}

func (p *piece) form() (f Form, gray bool) {
	switch {
	case p.original:
		return FormOriginal, false
	case len(p.page.Layers) > 0:
		for _, l := range p.page.Layers {
			if !l.Gray || l.Stencil && (l.Color.R != l.Color.G || l.Color.G != l.Color.B) {
				return FormLayers, false
			}
		}
		return FormLayers, true
	case p.page.Encoding == pdf.JPEG:
		return FormPicture, p.page.Gray
	}
	return FormBilevel, true
}

// file puts the pieces of pages together.
func (f *pdfFitter) file(pieces []piece, pages []Page, k int) ([]byte, error) {
	var parts []cleanpdf.Part
	for i := 0; i < len(pieces); {
		if pieces[i].original {
			parts = append(parts, pages[i].part())
			i++
			continue
		}
		var ours []pdf.Page
		for ; i < len(pieces) && !pieces[i].original; i++ {
			ours = append(ours, pieces[i].page)
		}
		data, err := written(ours)
		if err != nil {
			return nil, err
		}
		if len(ours) == len(pieces) {
			return data, nil
		}
		parts = append(parts, cleanpdf.Part{Raster: data})
	}
	return cleanpdf.Assemble(parts, f.levels[k].digital, f.o.MaxMemory)
}

// written is a PDF of our pages, checked before anybody gets it.
func written(pages []pdf.Page) ([]byte, error) {
	var b bytes.Buffer
	if err := pdf.Write(&b, pages); err != nil {
		return nil, err
	}
	return b.Bytes(), pdf.Check(b.Bytes())
}
