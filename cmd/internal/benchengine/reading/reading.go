// Package reading draws the pages of a PDF and reads them with tesseract. What
// was read is kept by the picture's bytes, since reading takes seconds.
package reading

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"pointnum/kiosk/atomicfile"
)

// LongSide is how large pages are drawn: A4 at 300 dpi.
const LongSide = 3508

// Word is one word that was read.
type Word struct {
	Text string          `json:"t"`
	Conf float64         `json:"c"` // 0 to 100
	Box  image.Rectangle `json:"b"`
}

// Text is what was read on a page.
type Text struct {
	Words []Word `json:"words"`
	Lines string `json:"lines"` // the words, a line break after each line
}

// Across gives only the words that run from left to right.
func (t *Text) Across() *Text {
	var out Text
	var words []string
	for _, w := range t.Words {
		if w.across() {
			out.Words = append(out.Words, w)
			words = append(words, w.Text)
		}
	}
	out.Lines = strings.Join(words, " ")
	return &out
}

// Sure counts the words of three letters or more that tesseract is sure of.
func (t *Text) Sure() int {
	n := 0
	for _, w := range t.Words {
		if w.Conf >= 70 && len([]rune(strings.Trim(w.Text, ".,;:!?()[]«»\"'_-|"))) >= 3 {
			n++
		}
	}
	return n
}

// across says that a word runs from left to right: tesseract reads lines that
// run up or down a page too, and a page on its side would look upright.
func (w *Word) across() bool { return w.Box.Dx() >= w.Box.Dy() }

// Weight is how much was read and how surely; it tells which way up a page is.
func (t *Text) Weight() float64 {
	sum := 0.0
	for i := range t.Words {
		w := &t.Words[i]
		if n := len([]rune(w.Text)); n >= 3 && w.Conf > 30 && w.across() {
			sum += float64(n) * w.Conf / 100
		}
	}
	return sum
}

// Reader draws and reads.
type Reader struct {
	Work string // folder of what is kept
	Env  []string
}

// Pages draws pages first to last (from 1) in grey. A file with fewer pages
// gives fewer.
func (r *Reader) Pages(ctx context.Context, pdf string, first, last int) ([]*image.Gray, error) {
	dir, err := os.MkdirTemp(r.Work, "draw-")
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, "pdftoppm", "-gray", "-scale-to", strconv.Itoa(LongSide),
		"-f", strconv.Itoa(first), "-l", strconv.Itoa(last), pdf, filepath.Join(dir, "p"))
	if text, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("draw %s: %w: %s", pdf, err, text)
	}
	names, err := filepath.Glob(filepath.Join(dir, "p*.pgm"))
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	var out []*image.Gray
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("draw: %w", err)
		}
		page, err := parsePGM(data)
		if err != nil {
			return nil, err
		}
		out = append(out, page)
	}
	return out, nil
}

// parsePGM reads a binary grey picture as pdftoppm writes it.
func parsePGM(data []byte) (*image.Gray, error) {
	var w, h, top int
	if _, err := fmt.Fscanf(bytes.NewReader(data), "P5\n%d %d\n%d\n", &w, &h, &top); err != nil {
		return nil, fmt.Errorf("pgm: %w", err)
	}
	if w <= 0 || h <= 0 || top != 255 || len(data) < w*h {
		return nil, errors.New("pgm: not 8 bits or cut")
	}
	return &image.Gray{Pix: data[len(data)-w*h:], Stride: w, Rect: image.Rect(0, 0, w, h)}, nil
}

// Read reads a page as it is. column is for one narrow column.
func (r *Reader) Read(ctx context.Context, page *image.Gray, lang string, column bool) (*Text, error) {
	psm := "3"
	if column {
		psm = "4"
	}
	w := page.Rect.Dx()
	pgm := fmt.Appendf(nil, "P5\n%d %d\n255\n", w, page.Rect.Dy())
	for y := range page.Rect.Dy() {
		pgm = append(pgm, page.Pix[y*page.Stride:y*page.Stride+w]...)
	}
	h := sha256.New()
	h.Write(pgm)
	fmt.Fprintf(h, "%s %s tsv", lang, psm)
	kept := filepath.Join(r.Work, "ocr", hex.EncodeToString(h.Sum(nil)[:12])+".json")
	var t Text
	if data, err := os.ReadFile(kept); err == nil && json.Unmarshal(data, &t) == nil {
		return &t, nil
	}
	cmd := exec.CommandContext(ctx, "tesseract", "-", "-", "-l", lang, "--psm", psm, "tsv")
	cmd.Stdin = bytes.NewReader(pgm)
	cmd.Env = r.Env
	var said bytes.Buffer
	cmd.Stderr = &said
	tsv, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("tesseract: %w: %s", err, said.String())
	}
	if t, err = parseTSV(string(tsv)); err != nil {
		return nil, fmt.Errorf("tesseract: %w", err)
	}
	data, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("tesseract: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return nil, fmt.Errorf("tesseract: %w", err)
	}
	return &t, atomicfile.Write(kept, data, 0o644)
}

// parseTSV reads tesseract's table: level, page, block, paragraph, line, word,
// left, top, width, height, confidence, text.
func parseTSV(s string) (Text, error) {
	var t Text
	var lines strings.Builder
	before := ""
	for line := range strings.Lines(s) {
		c := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(c) < 12 || c[0] != "5" || strings.TrimSpace(c[11]) == "" {
			continue
		}
		var n [4]int
		for i := range n {
			v, err := strconv.Atoi(c[6+i])
			if err != nil {
				return t, fmt.Errorf("table: %w", err)
			}
			n[i] = v
		}
		conf, err := strconv.ParseFloat(c[10], 64)
		if err != nil {
			return t, fmt.Errorf("table: %w", err)
		}
		t.Words = append(t.Words, Word{Text: c[11], Conf: conf, Box: image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3])})
		at := strings.Join(c[1:5], "/")
		switch {
		case before == "":
		case at != before:
			lines.WriteByte('\n')
		default:
			lines.WriteByte(' ')
		}
		before = at
		lines.WriteString(c[11])
	}
	t.Lines = lines.String()
	return t, nil
}
