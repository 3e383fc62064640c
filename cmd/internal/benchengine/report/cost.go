package report

import (
	"fmt"
	"slices"
	"strings"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
)

// cpu is the processor time of a colour page, starting the program included.
func cpu(docs []*Document, m string) Goal {
	g := Goal{Name: "CPU of a page, colour scans", Goal: fmt.Sprintf("<= %.1f s", goalCPU)}
	sum, pages := 0.0, 0
	worst, name := 0.0, ""
	for _, d := range docs {
		row := d.Rows[m]
		if d.Class != papers.ScanColour || row == nil || !row.OK() {
			continue
		}
		sum += row.CPU
		pages += d.Pages()
		if c := row.CPU / float64(d.Pages()); c > worst {
			worst, name = c, d.Name
		}
	}
	if pages == 0 {
		return g
	}
	g.Known, g.Met = true, sum/float64(pages) <= goalCPU
	g.Measured = fmt.Sprintf("%.2f s; most %.2f %s", sum/float64(pages), worst, name)
	return g
}

func peak(docs []*Document, m string) Goal {
	g := Goal{Name: "memory, peak of a process", Goal: fmt.Sprintf("<= %d MB", goalPeakKB>>10)}
	most, name := int64(0), ""
	for _, d := range docs {
		if row := d.Rows[m]; row != nil && row.PeakKB > most {
			most, name = row.PeakKB, d.Name
		}
	}
	if most == 0 {
		return g
	}
	g.Known, g.Met = true, most <= goalPeakKB
	g.Measured = fmt.Sprintf("%d MB %s", most>>10, name)
	return g
}

func upright(docs []*Document, m string) Goal {
	g := Goal{Name: "pages upright", Goal: "all that tesseract reads"}
	n, bad := 0, []string{}
	for _, d := range docs {
		l, ok := legibilityOf(d, m)
		if !ok || !d.Legible() {
			continue
		}
		n += l.pages
		if l.turned > 0 {
			bad = append(bad, fmt.Sprintf("%s %d", d.Name, l.turned))
		}
	}
	return g.met(n, fmt.Sprintf("%d pages", n), "; turned: ", bad)
}

func codes(docs []*Document, m string) Goal {
	g := Goal{Name: "QR and bar codes still read", Goal: "all"}
	n, lost := 0, []string{}
	for _, d := range docs {
		o, row := d.Rows[Original], d.Rows[m]
		if o == nil || row == nil || len(o.Codes) == 0 {
			continue
		}
		for _, c := range o.Codes {
			n++
			if !slices.Contains(row.Codes, c) {
				kind, _, _ := strings.Cut(c, ":")
				lost = append(lost, d.Name+" "+kind)
			}
		}
	}
	return g.met(n, fmt.Sprintf("%d of %d", n-len(lost), n), "; lost: ", lost)
}

func valid(docs []*Document, m string) Goal {
	g := Goal{Name: "a file for every document, qpdf --check clean", Goal: "all"}
	n, bad := 0, []string{}
	for _, d := range docs {
		row := d.Rows[m]
		if row == nil {
			continue
		}
		n++
		switch {
		case !row.OK():
			bad = append(bad, fmt.Sprintf("%s exit %d", d.Name, row.Exit))
		case row.Check != "":
			bad = append(bad, d.Name)
		}
	}
	return g.met(n, fmt.Sprintf("%d of %d", n-len(bad), n), "; not: ", bad)
}

// exact says whether every limit that leaves enough for a page was met, and
// none was exceeded.
func (r *Results) exact() Goal {
	g := Goal{Name: "exact limit", Goal: fmt.Sprintf("never over; every limit >= %d kB a page met", goalPageRoom/1000)}
	n, refused, bad := 0, 0, []string{}
	for _, f := range r.Fits {
		if f.Method != peers.Ours {
			continue
		}
		n++
		pages := 1
		for _, d := range r.Docs {
			if d.Name == f.Document {
				pages = d.Pages()
			}
		}
		if f.Document == r.Dossier {
			pages = 12
		}
		switch {
		case f.Broken || f.Bytes >= f.Limit:
			bad = append(bad, fmt.Sprintf("%s at %s", f.Document, Amount(f.Limit)))
		case f.Refused && f.Limit >= goalPageRoom*int64(pages):
			bad = append(bad, fmt.Sprintf("%s at %s refused", f.Document, Amount(f.Limit)))
		case f.Refused:
			refused++
		}
	}
	return g.met(n, fmt.Sprintf("%d of %d, %d refused below that", n-len(bad), n, refused), "; not: ", bad)
}

func (r *Results) harmless() Goal {
	g := Goal{Name: "files that are meant to do harm", Goal: "all answered in 10 s and 512 MB, nothing active left"}
	var bad []string
	for _, h := range r.Hostile {
		if !h.good() {
			bad = append(bad, h.Name)
		}
	}
	n := len(r.Hostile)
	return g.met(n, fmt.Sprintf("%d of %d", n-len(bad), n), "; not: ", bad)
}
