package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/reading"
	"pointnum/cmd/internal/benchengine/report"
)

// bench is one run.
type bench struct {
	programs peers.Programs
	methods  []peers.Method
	docs     []papers.Document
	dossier  *papers.Document
	hostile  []string
	pages    int // read of each document
	jobs     int
	quick    bool
	runner   *peers.Runner
	reader   *reading.Reader
	progress *progress
	results  *report.Results
	shown    string // folder of the pictures; "" for none

	originals []*original // of docs
}

// everything measures all there is, one kind after the other.
func (b *bench) everything(ctx context.Context) error {
	for _, step := range []func(context.Context) error{b.documents, b.limits, b.harm, b.show} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// documents runs every method on every document.
func (b *bench) documents(ctx context.Context) error {
	originals := make([]*original, len(b.docs))
	b.progress.begin("originals", len(b.docs))
	err := each(ctx, b.jobs, len(b.docs), func(ctx context.Context, i int) error {
		o, err := b.original(ctx, &b.docs[i], firstPages(b.pages))
		originals[i] = o
		b.progress.done(b.docs[i].Name)
		return err
	})
	if err != nil {
		return err
	}
	b.progress.begin("programs", len(b.docs)*len(b.methods))
	rows := make([]*report.Row, len(b.docs)*len(b.methods))
	err = each(ctx, b.jobs, len(rows), func(ctx context.Context, i int) error {
		o, m := originals[i/len(b.methods)], b.methods[i%len(b.methods)]
		row, err := b.row(ctx, o, m)
		rows[i] = row
		b.progress.done(o.doc.Name + ", " + m.Name)
		return err
	})
	if err != nil {
		return err
	}
	b.originals = originals
	for i, o := range originals {
		d := o.report()
		for j, m := range b.methods {
			d.Rows[m.Name] = rows[i*len(b.methods)+j]
		}
		b.results.Docs = append(b.results.Docs, d)
	}
	return nil
}

// row runs one method on one document.
func (b *bench) row(ctx context.Context, o *original, m peers.Method) (*report.Row, error) {
	run, err := b.runner.Do(ctx, m, peers.Job{In: o.pdf, Files: o.doc.Files, Scanned: o.doc.Scanned})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.doc.Name, err)
	}
	row := &report.Row{Method: m.Name, Run: run}
	if !run.OK() {
		return row, nil
	}
	row.PDF = run.Files[0]
	ours := m.Name == peers.Ours || m.Name == peers.OursFiles
	return row, b.score(ctx, o, row, ours)
}

// each calls f for 0 to n-1, a few at a time, and gives the first error, after
// which it calls no more.
func each(ctx context.Context, jobs, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	next := make(chan int)
	for range min(jobs, n) {
		wait.Go(func() {
			for i := range next {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wait.Wait()
	return context.Cause(ctx)
}

// progress says on stderr how far the run is.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
	what  string
	n, of int
}

func (p *progress) begin(what string, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.n, p.of = what, 0, of
}

func (p *progress) done(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	fmt.Fprintf(p.w, "%5.0f s  %s %d of %d: %s\n", time.Since(p.start).Seconds(), p.what, p.n, p.of, name)
}

// sizeOf is the bytes of all files.
func sizeOf(paths []string) (int64, error) {
	sum := int64(0)
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return 0, fmt.Errorf("size: %w", err)
		}
		sum += info.Size()
	}
	return sum, nil
}
