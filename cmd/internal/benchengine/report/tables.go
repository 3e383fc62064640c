package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
)

// table writes Markdown tables.
type table struct {
	w   io.Writer
	err error
}

func (t *table) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *table) head(cells ...string) {
	t.row(cells...)
	t.printf("|%s\n", strings.Repeat("---|", len(cells)))
}

func (t *table) row(cells ...string) {
	t.printf("| %s |\n", strings.Join(cells, " | "))
}

// Markdown writes all tables.
func (r *Results) Markdown(w io.Writer) error {
	t := &table{w: w}
	t.printf("# The document engine beside its peers\n\n%d documents", len(r.Docs))
	if r.Quick {
		t.printf(", a quick run (fewer peers)")
	}
	t.printf(". Every program gets the same PDF (pictures wrapped without loss on A4); `%s` gets the files as they came.\n", peers.OursFiles)
	r.goals(t)
	r.sizes(t)
	r.legibility(t)
	r.means(t)
	r.bytes(t)
	r.limits(t)
	r.hostile(t)
	r.failures(t)
	return t.err
}

func (r *Results) sizes(t *table) {
	t.printf("\n## Size: kB a page by class; processor time and memory\n\n")
	classes := slices.DeleteFunc(papers.Classes(), func(c string) bool {
		return !slices.ContainsFunc(r.Docs, func(d *Document) bool { return d.Class == c })
	})
	t.head(slices.Concat([]string{"method"}, classes, []string{"scans and photos", "all", "ratio", "CPU s/page", "peak MB"})...)
	for _, m := range r.Methods {
		cells := []string{m}
		for _, c := range classes {
			cells = append(cells, kbPerPage(r.Docs, m, func(d *Document) bool { return d.Class == c }))
		}
		cells = append(cells, kbPerPage(r.Docs, m, scan), kbPerPage(r.Docs, m, func(*Document) bool { return true }))
		cells = append(cells, r.cost(m)...)
		t.row(cells...)
	}
	t.printf("\n`*`: not every document of the class came out. CPU: user and system of the whole tree of processes. Peak: the largest process.\n")
}

func kbPerPage(docs []*Document, m string, keep func(*Document) bool) string {
	b, pages, all := perPage(docs, m, keep)
	if pages == 0 {
		return "-"
	}
	s := fmt.Sprintf("%.0f", b/1000)
	if b < 10000 {
		s = fmt.Sprintf("%.1f", b/1000)
	}
	if !all {
		s += "*"
	}
	return s
}

// cost is the ratio to the original, CPU seconds a page and peak MB.
func (r *Results) cost(m string) []string {
	in, out, cpu, peak, pages := int64(0), int64(0), 0.0, int64(0), 0
	for _, d := range r.Docs {
		row := d.Rows[m]
		if row == nil || !row.OK() {
			continue
		}
		in += d.Rows[Original].Bytes
		out += row.Bytes
		cpu += row.CPU
		peak = max(peak, row.PeakKB)
		pages += d.Pages()
	}
	if pages == 0 {
		return []string{"-", "-", "-"}
	}
	ratio := fmt.Sprintf("%.3f", float64(out)/float64(in))
	if m == Original {
		return []string{ratio, "", ""}
	}
	return []string{ratio, fmt.Sprintf("%.2f", cpu/float64(pages)), fmt.Sprint(peak / 1024)}
}

func (r *Results) legibility(t *table) {
	t.printf("\n## Legibility: errors in percent of the letters / words found again in percent\n\n")
	t.printf("Against the reading of the unprocessed page the way up it reads best; `gt`: errors against the exact text. ")
	t.printf("Handwriting and documents with fewer than 200 letters in that reading are left out. `↻`: pages that are not upright.\n\n")
	t.head(append([]string{"document"}, r.Methods...)...)
	for _, d := range r.Docs {
		if !d.Legible() {
			continue
		}
		cells := []string{d.Name}
		for _, m := range r.Methods {
			cells = append(cells, legibleCell(d, m))
		}
		t.row(cells...)
	}
}

func legibleCell(d *Document, m string) string {
	l, ok := legibilityOf(d, m)
	if !ok {
		return "-"
	}
	s := fmt.Sprintf("%.1f/%.0f", 100*l.errors.value(), 100*l.found.value())
	if m == Original {
		s = "ref"
	}
	if l.truthErrors.n > 0 {
		s += fmt.Sprintf(" gt %.1f", 100*l.truthErrors.value())
	}
	if l.turned > 0 {
		s += fmt.Sprintf(" ↻%d", l.turned)
	}
	return s
}

func (r *Results) means(t *table) {
	t.printf("\n## Means over the documents of the table above (median)\n\n")
	t.head("method", "errors vs own reading", "words found", "errors vs exact text", "words of the exact text", "sure words", "SSIM")
	for _, m := range r.Methods {
		var e, f, te, tf, s []float64
		sure, other := 0, false
		for _, d := range r.Docs {
			l, ok := legibilityOf(d, m)
			if !ok || !d.Legible() {
				continue
			}
			e, f = append(e, l.errors.value()), append(f, l.found.value())
			sure += l.sure
			if l.truthErrors.n > 0 {
				te, tf = append(te, l.truthErrors.value()), append(tf, l.truthFound.value())
			}
			if l.ssim.n > 0 {
				s = append(s, l.ssim.value())
				other = other || l.otherFrame
			}
		}
		ssim := "-"
		if len(s) > 0 {
			ssim = fmt.Sprintf("%.3f", average(s))
			if other {
				ssim = "~" + ssim
			}
		}
		t.row(m, both(e), both(f), both(te), both(tf), fmt.Sprint(sure), ssim)
	}
	t.printf("\nSSIM says little across programs that whiten paper; `~`: some pages were cut or turned, and are compared after scaling to one frame.\n")
}

func both(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f (%.1f, n %d)", 100*average(v), 100*median(v), len(v))
}

func average(v []float64) float64 {
	var m mean
	for _, x := range v {
		m.add(x)
	}
	return m.value()
}

func (r *Results) bytes(t *table) {
	t.printf("\n## Every document: kB (CPU s a page)\n\n")
	t.head(append([]string{"document", "class", "pages"}, r.Methods...)...)
	for _, d := range r.Docs {
		cells := []string{d.Name, d.Class, fmt.Sprint(d.Pages())}
		for _, m := range r.Methods {
			row := d.Rows[m]
			switch {
			case row == nil:
				cells = append(cells, "-")
			case row.TimedOut:
				cells = append(cells, "too long")
			case !row.OK():
				cells = append(cells, fmt.Sprintf("exit %d", row.Exit))
			case m == Original:
				cells = append(cells, kb(row.Bytes))
			default:
				cells = append(cells, fmt.Sprintf("%s (%.2f)", kb(row.Bytes), row.CPU/float64(d.Pages())))
			}
		}
		t.row(cells...)
	}
}

func kb(n int64) string {
	if n < 100_000 {
		return fmt.Sprintf("%.1f", float64(n)/1000)
	}
	return fmt.Sprintf("%.0f", float64(n)/1000)
}
