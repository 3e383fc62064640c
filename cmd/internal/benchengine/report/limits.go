package report

import (
	"fmt"
	"slices"
	"strings"
)

// limits writes what meets which limit: the size, and the words found.
func (r *Results) limits(t *table) {
	if len(r.Fits) == 0 {
		return
	}
	var limits []int64
	var methods, names []string
	for _, f := range r.Fits {
		if !slices.Contains(limits, f.Limit) {
			limits = append(limits, f.Limit)
		}
		if !slices.Contains(methods, f.Method) {
			methods = append(methods, f.Method)
		}
		if !slices.Contains(names, f.Document) {
			names = append(names, f.Document)
		}
	}
	slices.Sort(limits)
	slices.Reverse(limits)
	t.printf("\n## Limits: kB, words found in percent\n\n")
	head := []string{"document", "method"}
	for _, l := range limits {
		head = append(head, Amount(l))
	}
	t.head(head...)
	for _, n := range names {
		for _, m := range methods {
			cells := []string{n, m}
			some := false
			for _, l := range limits {
				i := slices.IndexFunc(r.Fits, func(f Fit) bool { return f.Document == n && f.Method == m && f.Limit == l })
				if i < 0 {
					cells = append(cells, "")
					continue
				}
				some = true
				cells = append(cells, fitCell(r.Fits[i]))
			}
			if some {
				t.row(cells...)
			}
		}
	}
	t.printf("\ngs: /ebook at 300, 200, 150, 120, 100, 72, 50 dpi, the first that fits; CPU in seconds is that of all tries.\n")
}

func fitCell(f Fit) string {
	switch {
	case f.Broken:
		return "**broken**"
	case f.Refused:
		return "refused"
	case f.Bytes == 0:
		return "does not fit"
	case f.Bytes >= f.Limit:
		return fmt.Sprintf("**over: %s**", kb(f.Bytes))
	}
	s := kb(f.Bytes)
	if f.Words {
		s += fmt.Sprintf(", %.1f %%", 100*f.Found)
	}
	return s + fmt.Sprintf(" (%.1f s)", f.CPU)
}

// Amount writes a number of bytes as sites do: 500 kB, 2 MB.
func Amount(n int64) string {
	if n >= 1_000_000 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1e6), ".0") + " MB"
	}
	return fmt.Sprintf("%d kB", n/1000)
}

func (r *Results) hostile(t *table) {
	if len(r.Hostile) == 0 {
		return
	}
	t.printf("\n## Files that are meant to do harm\n\n")
	t.head("file", "answer", "seconds", "peak MB", "active content left")
	for _, h := range r.Hostile {
		t.row(h.Name, h.answer(), fmt.Sprintf("%.2f", h.Wall), fmt.Sprint(h.PeakKB/1024), h.Active)
	}
}

func (h Hostile) answer() string {
	switch h.Exit {
	case 0:
		return "made"
	case 5:
		return "refused"
	}
	return fmt.Sprintf("**exit %d** %s", h.Exit, oneLine(h.Said))
}

// good says that the answer was quick, small and plain.
func (h Hostile) good() bool {
	return (h.Exit == 0 || h.Exit == 5) && h.Wall <= 10 && h.PeakKB <= 512<<10 && h.Active == ""
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "|", "/")), " ")
	if r := []rune(s); len(r) > 160 {
		s = "…" + string(r[len(r)-160:])
	}
	return s
}

// failures lists what did not come out, for those who look for the cause.
func (r *Results) failures(t *table) {
	first := true
	for _, d := range r.Docs {
		for _, m := range r.Methods {
			row := d.Rows[m]
			if row == nil || row.OK() && row.Check == "" && row.Left == 0 {
				continue
			}
			if first {
				t.printf("\n## What went wrong\n\n")
				first = false
			}
			switch {
			case row.TimedOut:
				t.printf("- %s, %s: too long (%.0f s)\n", d.Name, m, row.Wall)
			case !row.OK():
				t.printf("- %s, %s: exit %d: %s\n", d.Name, m, row.Exit, oneLine(row.Said))
			case row.Check != "":
				t.printf("- %s, %s: qpdf --check: %s\n", d.Name, m, oneLine(row.Check))
			default:
				t.printf("- %s, %s: %d processes outlived it\n", d.Name, m, row.Left)
			}
		}
	}
}
