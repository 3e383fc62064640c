package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/report"
)

// harm converts the files that are meant to do harm.
func (b *bench) harm(ctx context.Context) error {
	b.results.Hostile = make([]report.Hostile, len(b.hostile))
	b.progress.begin("hostile files", len(b.hostile))
	runner := b.runner
	method, err := peers.Methods(ctx, b.programs)
	if err != nil {
		return err
	}
	ours := method[len(method)-1]
	return each(ctx, b.jobs, len(b.hostile), func(ctx context.Context, i int) error {
		path := b.hostile[i]
		run, err := runner.Do(ctx, ours, peers.Job{In: path, Files: []string{path}})
		if err != nil {
			return err
		}
		h := report.Hostile{Name: printable(filepath.Base(path)), Exit: run.Exit, Wall: run.Wall, PeakKB: run.PeakKB, Said: run.Said}
		if run.OK() {
			h.Active = active(ctx, run.Files[0])
		}
		b.results.Hostile[i] = h
		b.progress.done(h.Name)
		return nil
	})
}

// printable leaves out what turns a line of text round.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x202a && r <= 0x202e || r == '|' {
			return '·'
		}
		return r
	}, name)
}

// active names what a reader would run or open by itself.
func active(ctx context.Context, pdf string) string {
	plain, err := exec.CommandContext(ctx, "qpdf", "--qdf", "--object-streams=disable", pdf, "-").Output()
	if err != nil && len(plain) == 0 {
		return fmt.Sprintf("qpdf: %v", err)
	}
	var found []string
	for _, key := range []string{"/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/OpenAction", "/URI", "/SubmitForm", "/RichMedia"} {
		for _, after := range []string{" ", "\n", "/", "(", "<", "["} {
			if bytes.Contains(plain, []byte(key+after)) {
				found = append(found, key)
				break
			}
		}
	}
	return strings.Join(found, " ")
}
