package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/pictures"
	"pointnum/cmd/internal/benchengine/reading"
	"pointnum/cmd/internal/benchengine/report"
)

// show draws every document: the original, Ghostscript and ours.
func (b *bench) show(ctx context.Context) error {
	if b.shown == "" {
		return nil
	}
	folder := filepath.Join(b.shown, "pictures")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	b.progress.begin("pictures", len(b.originals))
	entries := make([]pictures.Entry, len(b.originals))
	err := each(ctx, b.jobs, len(b.originals), func(ctx context.Context, i int) error {
		d := b.results.Docs[i]
		file := filepath.Join("pictures", d.Name+".png")
		entries[i] = pictures.Entry{Name: d.Name, Class: d.Class, File: file, Note: note(d)}
		err := b.picture(ctx, b.originals[i], d, filepath.Join(b.shown, file))
		b.progress.done(d.Name)
		return err
	})
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(b.shown, "index.html"))
	if err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	return errors.Join(pictures.Index(f, entries), f.Close())
}

// beside are the methods that are shown, those that ran.
func beside(d *report.Document) []string {
	return slices.DeleteFunc([]string{report.Original, "gs /ebook", peers.OursFiles, peers.Ours}, func(m string) bool {
		r := d.Rows[m]
		return r == nil || !r.OK() || m == peers.Ours && d.Rows[peers.OursFiles] != nil && d.Rows[peers.OursFiles].OK()
	})
}

func note(d *report.Document) string {
	var out []string
	for _, m := range beside(d) {
		out = append(out, fmt.Sprintf("%s: %.1f kB a page", m, float64(d.Rows[m].Bytes)/1000/float64(d.Pages())))
	}
	return strings.Join(out, "; ")
}

// picture draws the first page that was read of a document.
func (b *bench) picture(ctx context.Context, o *original, d *report.Document, path string) error {
	if len(o.pages) == 0 {
		return nil
	}
	p := &o.pages[0]
	size := image.Rect(0, 0, p.small.Rect.Dx()*shrink, p.small.Rect.Dy()*shrink)
	crop := pictures.Busiest(size, boxes(p.text))
	var panels []pictures.Panel
	for _, m := range beside(d) {
		row := d.Rows[m]
		turn := p.turn
		if len(row.Scores) > 0 {
			turn = row.Scores[0].Turn
		}
		page, err := b.reader.Colour(ctx, row.Files[0], p.index+1, turn)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", d.Name, m, err)
		}
		panel := pictures.Panel{Label: fmt.Sprintf("%s %.1f kB/page", m, float64(row.Bytes)/1000/float64(d.Pages())), Crop: crop}
		if page != nil {
			panel.Page = page
			if m == peers.Ours || m == peers.OursFiles {
				if panel.Crop, err = b.samePlace(ctx, o, p, crop, row, page.Rect, turn); err != nil {
					return err
				}
			}
		}
		panels = append(panels, panel)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	w := bufio.NewWriter(f)
	fast := png.Encoder{CompressionLevel: png.BestSpeed}
	return errors.Join(fast.Encode(w, pictures.Sheet(panels)), w.Flush(), f.Close())
}

// samePlace finds on our page what is in a crop of the original: by words
// that are on both, for ours may be cut to the paper.
func (b *bench) samePlace(ctx context.Context, o *original, p *originalPage, crop image.Rectangle, row *report.Row, page image.Rectangle, turn int) (image.Rectangle, error) {
	scaled := crop.Add(image.Pt(crop.Min.X*(page.Dx()-p.small.Rect.Dx()*shrink)/(p.small.Rect.Dx()*shrink),
		crop.Min.Y*(page.Dy()-p.small.Rect.Dy()*shrink)/(p.small.Rect.Dy()*shrink)))
	if len(row.Scores) == 0 {
		return scaled, nil
	}
	drawn, err := b.reader.Pages(ctx, row.Files[0], p.index+1, p.index+1)
	if err != nil || len(drawn) == 0 {
		return scaled, err
	}
	text, _, err := b.reader.Upright(ctx, drawn[0], o.doc.Lang, o.doc.Column, turn)
	if err != nil {
		return scaled, err
	}
	at := once(text)
	var xs, ys []int
	for word, from := range once(p.text) {
		if to, ok := at[word]; ok && from.In(crop) {
			xs, ys = append(xs, to.Min.X-(from.Min.X-crop.Min.X)), append(ys, to.Min.Y-(from.Min.Y-crop.Min.Y))
		}
	}
	if len(xs) < 2 {
		return scaled, nil
	}
	slices.Sort(xs)
	slices.Sort(ys)
	return crop.Sub(crop.Min).Add(image.Pt(xs[len(xs)/2], ys[len(ys)/2])), nil
}

// once gives the places of the words that are on a page only once.
func once(t *reading.Text) map[string]image.Rectangle {
	out, often := map[string]image.Rectangle{}, map[string]int{}
	for _, w := range t.Words {
		if len(w.Text) >= 4 {
			often[w.Text]++
			out[w.Text] = w.Box
		}
	}
	for word, n := range often {
		if n > 1 {
			delete(out, word)
		}
	}
	return out
}

func boxes(t *reading.Text) []image.Rectangle {
	var out []image.Rectangle
	for _, w := range t.Words {
		if w.Conf > 30 {
			out = append(out, w.Box)
		}
	}
	return out
}
