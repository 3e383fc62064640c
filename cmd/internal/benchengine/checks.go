package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pointnum/cmd/internal/benchengine/legible"
)

var pageCount = regexp.MustCompile(`(?m)^Pages:\s+(\d+)`)

// countPages asks poppler.
func countPages(ctx context.Context, pdf string) (int, error) {
	out, err := exec.CommandContext(ctx, "pdfinfo", pdf).CombinedOutput()
	m := pageCount.FindSubmatch(out)
	if m == nil {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return 0, fmt.Errorf("pdfinfo: %w: %s", err, out)
	}
	return strconv.Atoi(string(m[1]))
}

// check is what qpdf finds wrong; "" when nothing.
func check(ctx context.Context, files []string) string {
	for _, f := range files {
		if out, err := exec.CommandContext(ctx, "qpdf", "--check", f).CombinedOutput(); err != nil {
			return fmt.Sprintf("%v: %s", err, strings.ReplaceAll(string(out), filepath.Dir(f), ""))
		}
	}
	return ""
}

// textLeft is the part of a PDF's words that are still text in others.
func textLeft(ctx context.Context, pdf string, files []string) (float64, error) {
	want, err := words(ctx, pdf)
	if err != nil {
		return 0, err
	}
	got := ""
	for _, f := range files {
		text, err := words(ctx, f)
		if err != nil {
			return 0, err
		}
		got += text + "\n"
	}
	part, ok := legible.Found(want, got)
	if !ok {
		return 1, nil
	}
	return part, nil
}

func words(ctx context.Context, pdf string) (string, error) {
	out, err := exec.CommandContext(ctx, "pdftotext", "-q", pdf, "-").Output()
	if err != nil {
		return "", fmt.Errorf("pdftotext: %w", err)
	}
	return string(out), nil
}

// bareFonts counts the fonts that a PDF uses and does not hold.
func bareFonts(ctx context.Context, pdf string) (int, error) {
	out, err := exec.CommandContext(ctx, "pdffonts", pdf).Output()
	if err != nil {
		return 0, fmt.Errorf("pdffonts: %w", err)
	}
	n := 0
	for i, line := range strings.Split(string(out), "\n") {
		// name, type, encoding, emb, sub, uni, object: names and types hold
		// blanks, so it is counted from the end.
		c := strings.Fields(line)
		if i >= 2 && len(c) >= 6 && c[len(c)-5] == "no" {
			n++
		}
	}
	return n, nil
}

// codePages is how many pages of a document are looked at for codes.
const codePages = 6

// codes finds the bar and QR codes of a PDF, drawn as it is read elsewhere.
func (b *bench) codes(ctx context.Context, pdf string, pages int) ([]string, error) {
	dir, err := os.MkdirTemp(b.runner.Work, "codes-")
	if err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	defer os.RemoveAll(dir)
	draw := exec.CommandContext(ctx, "pdftoppm", "-gray", "-scale-to", "3508", "-l", strconv.Itoa(min(pages, codePages)), pdf, filepath.Join(dir, "p"))
	if text, err := draw.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("codes: %w: %s", err, text)
	}
	names, err := filepath.Glob(filepath.Join(dir, "p*"))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	// It exits with 4 when there is no code.
	out, err := exec.CommandContext(ctx, "zbarimg", append([]string{"-q", "-Sdisable", "-Sqrcode.enable", "-Sean13.enable", "-Scode128.enable", "-Scode39.enable"}, names...)...).Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 4) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("zbarimg: %w", err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.Contains(line, ":") && !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found, nil
}
