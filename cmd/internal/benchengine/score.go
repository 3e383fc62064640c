package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"

	"pointnum/cmd/internal/benchengine/legible"
	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/reading"
	"pointnum/cmd/internal/benchengine/report"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/document/raster"
)

// scoring is changed when scores are computed in another way, so that what
// was kept is not taken for it.
const scoring = "5"

// original is a document before any program changed it.
type original struct {
	doc   *papers.Document
	pdf   string
	files int64
	row   report.Row
	pages []originalPage // those that are read
}

// originalPage is one page of it, upright.
type originalPage struct {
	index int // in the document, from 0
	text  *reading.Text
	truth string
	turn  int
	small *image.Gray // for SSIM
	again float64
}

// shrink is by how much pages are made smaller before they are compared.
const shrink = 3

// firstPages chooses the pages that are read.
func firstPages(n int) func(count int, d *papers.Document) []int {
	return func(count int, _ *papers.Document) []int {
		var out []int
		for i := range min(n, count) {
			out = append(out, i)
		}
		return out
	}
}

// original reads a document before it is changed; choose says which pages.
func (b *bench) original(ctx context.Context, d *papers.Document, choose func(int, *papers.Document) []int) (*original, error) {
	o := &original{doc: d}
	var err error
	if o.pdf, err = b.runner.Wrap(ctx, d.Name, d.Files); err != nil {
		return nil, err
	}
	if o.files, err = sizeOf(d.Files); err != nil {
		return nil, err
	}
	size, err := sizeOf([]string{o.pdf})
	if err != nil {
		return nil, err
	}
	o.row = report.Row{Method: report.Original, PDF: o.pdf, Run: &peers.Run{Bytes: size, Files: []string{o.pdf}}}
	if o.row.Pages, err = countPages(ctx, o.pdf); err != nil {
		return nil, err
	}
	for _, i := range choose(o.row.Pages, d) {
		if err := b.addPage(ctx, o, i); err != nil {
			return nil, err
		}
	}
	// Pages that lie each another way up are all read, up to four.
	turned := func(p originalPage) bool { return p.turn != 0 }
	for i := len(o.pages); i < min(4, o.row.Pages) && slices.ContainsFunc(o.pages, turned) && o.pages[i-1].index == i-1; i++ {
		if err := b.addPage(ctx, o, i); err != nil {
			return nil, err
		}
	}
	o.row.Codes, err = remembered(b, "codes", o.pdf, func() ([]string, error) { return b.codes(ctx, o.pdf, o.row.Pages) })
	if err != nil {
		return nil, err
	}
	if d.Class == papers.BornDigital {
		o.row.Text = 1
		o.row.Bare, err = bareFonts(ctx, o.pdf)
	}
	return o, err
}

func (b *bench) addPage(ctx context.Context, o *original, i int) error {
	p, err := b.originalPage(ctx, o, i)
	if err != nil {
		return fmt.Errorf("%s: %w", o.doc.Name, err)
	}
	o.pages = append(o.pages, *p)
	s := p.score(p.text, p.turn)
	s.Again = p.again
	o.row.Scores = append(o.row.Scores, s)
	return nil
}

// originalPage reads one page, or gives what was kept of it.
func (b *bench) originalPage(ctx context.Context, o *original, i int) (*originalPage, error) {
	p := &originalPage{index: i}
	if i < len(o.doc.Truth) && o.doc.Truth[i] != "" {
		data, err := os.ReadFile(o.doc.Truth[i])
		if err != nil {
			return nil, fmt.Errorf("exact text: %w", err)
		}
		p.truth = string(data)
	}
	k, err := remembered(b, fmt.Sprint("page ", scoring, i, o.doc.Lang, o.doc.Column), o.pdf, func() (keptPage, error) {
		return b.readOriginal(ctx, o, i)
	})
	if err != nil {
		return nil, err
	}
	p.text, p.turn, p.small, p.again = k.Text, k.Turn, k.Small, k.Again
	return p, nil
}

// keptPage is what is kept of a page of an original.
type keptPage struct {
	Text  *reading.Text
	Turn  int
	Small *image.Gray
	Again float64 // see report.Page
}

// again is how large a page is read a second time, in percent: what is lost by
// that is the reader's own doubt, whatever a program does to the page.
const again = 98

func (b *bench) readOriginal(ctx context.Context, o *original, i int) (k keptPage, err error) {
	drawn, err := b.reader.Pages(ctx, o.pdf, i+1, i+1)
	if err != nil {
		return k, err
	}
	if len(drawn) == 0 {
		return k, fmt.Errorf("page %d can't be drawn", i+1)
	}
	k.Text, k.Turn, err = b.reader.Upright(ctx, drawn[0], o.doc.Lang, o.doc.Column, 0, 90, 270, 180)
	if err != nil {
		return k, err
	}
	upright := legible.Turn(drawn[0], k.Turn)
	w, h := upright.Rect.Dx(), upright.Rect.Dy()
	k.Small = legible.Shrink(upright, w/shrink, h/shrink)
	smaller := raster.Gray(raster.Scale(upright, w*again/100, h*again/100))
	t, err := b.reader.Read(ctx, smaller, o.doc.Lang, o.doc.Column)
	if err != nil {
		return k, err
	}
	k.Again, _ = legible.Found(k.Text.Lines, t.Lines)
	return k, nil
}

// score compares a reading with the original's and with the exact text.
func (p *originalPage) score(t *reading.Text, turn int) report.Page {
	s := report.Page{Letters: len(legible.Letters(p.text.Lines)), Errors: legible.Errors(p.text.Lines, t.Lines), Sure: t.Sure(), Turn: turn}
	s.Found, s.HasWords = legible.Found(p.text.Lines, t.Lines)
	if p.truth != "" {
		s.HasTruth = true
		s.TruthErrors = legible.Errors(p.truth, t.Lines)
		s.TruthFound, _ = legible.Found(p.truth, t.Lines)
	}
	return s
}

// letters is how much can be read on the original.
func (o *original) letters() int {
	n := 0
	for _, s := range o.row.Scores {
		n += s.Letters
	}
	return n
}

// report makes the document's entry in the results.
func (o *original) report() *report.Document {
	d := o.doc
	return &report.Document{
		Name: d.Name, Class: d.Class, Study: d.Study, Typed: d.Typed, Form: d.Form, Truth: d.HasTruth(), Files: o.files,
		Source: d.Files, Lang: d.Lang, Rows: map[string]*report.Row{report.Original: &o.row},
	}
}

// scored is what is kept of a file's judgement.
type scored struct {
	Pages  int           `json:"pages"`
	Scores []report.Page `json:"scores"`
	Check  string        `json:"check"`
	Codes  []string      `json:"codes"`
	Text   float64       `json:"text"`
	Bare   int           `json:"bare"`
}

// score judges a file that a program made. What was judged once is kept by
// the bytes of the file and of the original.
func (b *bench) score(ctx context.Context, o *original, row *report.Row, ours bool) error {
	kept, err := b.scoreKey(o, row, ours)
	if err != nil {
		return err
	}
	var s scored
	if data, err := os.ReadFile(kept); err != nil || json.Unmarshal(data, &s) != nil {
		if s, err = b.judge(ctx, o, row, ours); err != nil {
			return fmt.Errorf("%s, %s: %w", o.doc.Name, row.Method, err)
		}
		data, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("score: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
			return fmt.Errorf("score: %w", err)
		}
		if err := atomicfile.Write(kept, data, 0o644); err != nil {
			return fmt.Errorf("score: %w", err)
		}
	}
	row.Pages, row.Scores, row.Check, row.Codes, row.Text, row.Bare = s.Pages, s.Scores, s.Check, s.Codes, s.Text, s.Bare
	return nil
}

func (b *bench) scoreKey(o *original, row *report.Row, ours bool) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, scoring, ours, o.doc.Lang, o.doc.Column, o.doc.Class)
	for _, p := range o.pages {
		fmt.Fprintln(h, p.index, p.turn, p.truth)
	}
	for _, path := range append(slices.Clone(row.Files), o.pdf) {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("score: %w", err)
		}
		h.Write(data)
	}
	return filepath.Join(b.runner.Work, "scores", hex.EncodeToString(h.Sum(nil)[:12])+".json"), nil
}

// judge looks at a file that a program made.
func (b *bench) judge(ctx context.Context, o *original, row *report.Row, ours bool) (s scored, err error) {
	var counts []int
	for _, f := range row.Files {
		n, err := countPages(ctx, f)
		if err != nil {
			s.Check = err.Error()
			return s, nil
		}
		counts = append(counts, n)
		s.Pages += n
	}
	if ours {
		s.Check = check(ctx, row.Files)
	}
	if len(o.row.Codes) > 0 {
		for i, f := range row.Files {
			codes, err := b.codes(ctx, f, counts[i])
			if err != nil {
				return s, err
			}
			s.Codes = append(s.Codes, codes...)
		}
	}
	if o.doc.Class == papers.BornDigital {
		if s.Text, err = textLeft(ctx, o.pdf, row.Files); err != nil {
			return s, err
		}
		for _, f := range row.Files {
			n, err := bareFonts(ctx, f)
			if err != nil {
				return s, err
			}
			s.Bare += n
		}
		return s, nil
	}
	if o.letters() < 200 || o.doc.Class == papers.Handwriting {
		return s, nil
	}
	for _, p := range o.pages {
		score, err := b.judgePage(ctx, o, &p, row.Files, counts, ours)
		if err != nil {
			return s, err
		}
		s.Scores = append(s.Scores, score)
	}
	return s, nil
}

// judgePage reads one page of what a program made. The others leave pages the
// way up they were; ours should be upright, and is turned only to see whether
// it is.
func (b *bench) judgePage(ctx context.Context, o *original, p *originalPage, files []string, counts []int, ours bool) (report.Page, error) {
	i, file := p.index, ""
	for k, n := range counts {
		if i < n {
			file = files[k]
			break
		}
		i -= n
	}
	none := p.score(&reading.Text{}, 0)
	if file == "" {
		return none, nil
	}
	drawn, err := b.reader.Pages(ctx, file, i+1, i+1)
	if err != nil || len(drawn) == 0 {
		return none, err
	}
	turns := []int{p.turn}
	if ours {
		turns = []int{0, p.turn}
		if p.text.Well() {
			turns = []int{0, p.turn, 90, 270, 180}
		}
		turns = unique(turns)
	}
	text, turn, err := b.reader.Upright(ctx, drawn[0], o.doc.Lang, o.doc.Column, turns...)
	if err != nil {
		return none, err
	}
	s := p.score(text, turn)
	upright := legible.Turn(drawn[0], turn)
	w, h := p.small.Rect.Dx(), p.small.Rect.Dy()
	s.Frame = report.SameFrame
	if near := func(a, b int) bool { return abs(a-b)*100 <= b }; !near(upright.Rect.Dx()/shrink, w) || !near(upright.Rect.Dy()/shrink, h) {
		s.Frame = report.OtherFrame
	}
	s.SSIM, _ = legible.SSIM(p.small, legible.Shrink(upright, w, h))
	return s, nil
}

func unique(v []int) []int {
	var out []int
	for _, x := range v {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

func abs(n int) int { return max(n, -n) }
