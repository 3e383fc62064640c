package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"

	"pointnum/cmd/internal/benchengine/legible"
	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/reading"
	"pointnum/cmd/internal/benchengine/steps"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/raster"
)

// trial is one step to be tried on one page.
type trial struct {
	doc   *papers.Document
	index int // the page's file in doc
	step  steps.Step
	trial steps.Trial
}

// worth measures what each step of cleaning is worth and writes the table.
func (o *options) worth(ctx context.Context, b *bench, stdout io.Writer) error {
	trials := b.trials()
	results := make([]steps.Result, len(trials))
	b.progress.begin("steps", len(trials))
	err := each(ctx, b.jobs, len(trials), func(ctx context.Context, i int) error {
		r, err := b.try(ctx, trials[i])
		if err != nil {
			return fmt.Errorf("%s: %w", trials[i].doc.Name, err)
		}
		results[i] = r
		b.progress.done(fmt.Sprintf("%s, %s %s", r.Page, r.Step, r.Trial))
		return nil
	})
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := steps.Markdown(&text, results); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	data, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	if err := os.WriteFile(filepath.Join(o.out, "steps.json"), data, 0o644); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	if err := os.WriteFile(filepath.Join(o.out, "steps.md"), []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	if o.json {
		_, err = stdout.Write(data)
	} else {
		_, err = io.WriteString(stdout, text.String())
	}
	return err
}

// trials are the pages that each step is tried on: pictures of scans and
// photographs, no handwriting. Pages are spoilt only when they have an exact text, for then
// it shows what is lost. A quick run takes two pages of each class.
func (b *bench) trials() []trial {
	var out []trial
	for _, step := range steps.All() {
		for _, t := range step.Trials {
			used := map[string]int{}
			for i := range b.docs {
				d := &b.docs[i]
				if d.PDF() || d.Class == papers.Handwriting || d.Class == papers.Photo && !step.Photo || d.Class != papers.Photo && !step.Scan {
					continue
				}
				for k := range d.Files {
					if t.Spoil != nil && d.Truth[k] == "" || b.quick && used[d.Class] >= 2 {
						continue
					}
					used[d.Class]++
					out = append(out, trial{d, k, step, t})
				}
			}
		}
	}
	return out
}

// try cleans one page and reads it before and after.
func (b *bench) try(ctx context.Context, t trial) (steps.Result, error) {
	path := t.doc.Files[t.index]
	r := steps.Result{Step: t.step.Name, Trial: t.trial.Name, Class: t.doc.Class, Page: filepath.Base(path)}
	img, err := load(path)
	if err != nil {
		return r, err
	}
	if t.trial.Spoil != nil {
		img = t.trial.Spoil(img)
	}
	if t.trial.Ready != nil {
		img = t.trial.Ready(img)
	}
	truth := ""
	if name := t.doc.Truth[t.index]; name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			return r, fmt.Errorf("exact text: %w", err)
		}
		truth = string(data)
	}
	before := func() (steps.Reading, error) { return b.readAcross(ctx, img, t.doc, truth) }
	if t.trial.Ready != nil {
		r.Before, err = before() // what made it ready changes
	} else {
		r.Before, err = remembered(b, "reads across, "+t.trial.Name, path, before)
	}
	if err != nil {
		return r, err
	}
	clean, acted := t.step.Do(img)
	r.Acted, r.After = acted, r.Before
	if acted {
		r.After, err = b.readAcross(ctx, clean, t.doc, truth)
	}
	return r, err
}

// sizes a page is read at, in percent: which lines tesseract takes for lines
// of text changes with them, and one of them alone says as much about its luck
// as about the page.
func sizes() []int { return []int{97, 100, 103} }

// readAcross reads a picture of a page without turning it, and gives the means
// of what was found at each size.
func (b *bench) readAcross(ctx context.Context, img image.Image, d *papers.Document, truth string) (r steps.Reading, err error) {
	gray := raster.Gray(img)
	for _, percent := range sizes() {
		text, err := b.reader.Read(ctx, raster.Scale(gray, gray.Rect.Dx()*percent/100, gray.Rect.Dy()*percent/100).(*image.Gray), d.Lang, d.Column)
		if err != nil {
			return steps.Reading{}, err
		}
		text = text.Across()
		r.Sure += text.Sure()
		if truth != "" {
			r.Truth = true
			found, _ := legible.Found(truth, text.Lines)
			r.Found, r.Errors = r.Found+found, r.Errors+legible.Errors(truth, text.Lines)
		}
	}
	n := len(sizes())
	r.Sure, r.Found, r.Errors = (r.Sure+n/2)/n, r.Found/float64(n), r.Errors/float64(n)
	return r, nil
}

// load decodes a picture as the engine does, and makes it as large as pages
// are read here at most.
func load(path string) (image.Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	source, err := decode.Open(data, decode.Limits{MaxPages: 1000, MaxPixels: 200_000_000, MaxMemory: 2 << 30})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	defer source.Close()
	p, err := source.Page(0)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	img := raster.Orient(p.Image, p.Orientation)
	size := img.Bounds().Size()
	if long := max(size.X, size.Y); long > reading.LongSide {
		img = raster.Scale(img, size.X*reading.LongSide/long, size.Y*reading.LongSide/long)
	}
	return img, nil
}
