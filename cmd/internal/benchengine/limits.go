package main

import (
	"context"
	"slices"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/report"
)

// limits lets Ghostscript at falling resolutions and this project meet limits
// of size, on the dossier and on documents of several scanned pages.
func (b *bench) limits(ctx context.Context) error {
	var docs []*papers.Document
	if b.dossier != nil {
		docs = append(docs, b.dossier)
	}
	sizes := []int64{5_000_000, 2_000_000, 1_000_000, 500_000, 200_000}
	if b.quick {
		sizes = []int64{5_000_000, 1_000_000, 500_000}
	} else {
		for i, d := range b.docs {
			if d.Class != papers.BornDigital && (len(d.Files) >= 3 || b.results.Docs[i].Pages() >= 3) {
				docs = append(docs, &b.docs[i])
			}
		}
	}
	ours := slices.IndexFunc(b.methods, func(m peers.Method) bool { return m.Name == peers.Ours || m.Name == peers.OursFiles })
	gs := slices.IndexFunc(b.methods, func(m peers.Method) bool { return m.Name == "gs /ebook" })
	fits := make([][]report.Fit, len(docs))
	b.progress.begin("limits", len(docs))
	err := each(ctx, b.jobs, len(docs), func(ctx context.Context, i int) error {
		o, err := b.original(ctx, docs[i], withTruth)
		if err != nil {
			return err
		}
		if ours >= 0 {
			for _, limit := range sizes {
				f, err := b.fit(ctx, o, peers.Limited(b.methods[ours], b.programs.Kioskctl, limit), limit)
				if err != nil {
					return err
				}
				fits[i] = append(fits[i], f)
			}
		}
		if gs >= 0 && !b.quick {
			falling, err := b.falling(ctx, o, b.methods[gs].Version, sizes)
			if err != nil {
				return err
			}
			fits[i] = append(fits[i], falling...)
		}
		b.progress.done(docs[i].Name)
		return nil
	})
	b.results.Fits = slices.Concat(fits...)
	return err
}

// withTruth chooses the pages with an exact text, at most five, or the first
// two when there is none.
func withTruth(count int, d *papers.Document) []int {
	var out []int
	for i, t := range d.Truth {
		if t != "" && i < count && len(out) < 5 {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return firstPages(2)(count, d)
	}
	return out
}

// fit lets this project meet a limit.
func (b *bench) fit(ctx context.Context, o *original, m peers.Method, limit int64) (report.Fit, error) {
	f := report.Fit{Document: o.doc.Name, Limit: limit, Method: peers.Ours}
	row, err := b.row(ctx, o, m)
	if err != nil {
		return f, err
	}
	f.CPU = row.CPU
	switch {
	case row.OK():
		f.Bytes = row.Bytes
		fill(&f, row)
	case row.Exit == 5:
		f.Refused = true
	default:
		f.Broken = true
	}
	return f, nil
}

// falling is the first of Ghostscript's resolutions that fits each limit.
func (b *bench) falling(ctx context.Context, o *original, version string, sizes []int64) ([]report.Fit, error) {
	resolutions := []int{300, 200, 150, 120, 100, 72, 50}
	var out []report.Fit
	spent, next := 0.0, 0
	var row *report.Row
	for _, limit := range sizes {
		f := report.Fit{Document: o.doc.Name, Limit: limit, Method: "gs"}
		for next < len(resolutions) && (row == nil || row.Bytes >= limit) {
			run, err := b.runner.Do(ctx, peers.Falling(version, resolutions[next]), peers.Job{In: o.pdf, Files: o.doc.Files})
			if err != nil {
				return nil, err
			}
			next++
			spent += run.CPU
			row = &report.Row{Method: "gs", Run: run}
		}
		f.CPU = spent
		if row != nil && row.OK() && row.Bytes < limit {
			if err := b.score(ctx, o, row, false); err != nil {
				return nil, err
			}
			f.Bytes = row.Bytes
			fill(&f, row)
		}
		out = append(out, f)
	}
	return out, nil
}

// fill takes the words of the exact text, or those of the original's reading.
func fill(f *report.Fit, row *report.Row) {
	n := 0
	for _, p := range row.Scores {
		switch {
		case p.HasTruth:
			f.Found += p.TruthFound
			f.Errors += p.TruthErrors
		case p.HasWords:
			f.Found += p.Found
			f.Errors += p.Errors
		default:
			continue
		}
		n++
	}
	if n > 0 {
		f.Words = true
		f.Found /= float64(n)
		f.Errors /= float64(n)
	}
}
