package report

import (
	"fmt"
	"strings"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
)

// The goals. Sizes are in bytes, shares of 1.
const (
	goalMean     = 40_000 // bytes a page of all scans and photos
	goalTyped    = 22_000
	goalForm     = 50_000
	goalPhoto    = 60_000
	goalErrors   = 0.053
	goalPage     = 0.02 // points of errors more than its original
	goalFound    = 0.93
	goalDossier  = 400_000 // bytes, at the limit of 500 kB
	goalFound500 = 0.96
	goalFound1M  = 0.97
	goalCPU      = 0.5 // seconds a page
	goalPeakKB   = 200 << 10
	goalPageRoom = 30_000 // bytes a page that are always enough
)

// Goal is one goal and how near this run is.
type Goal struct {
	Name, Goal, Measured string
	Known                bool // this run measured it
	Met                  bool
}

// Goals computes every goal for one of our methods.
func (r *Results) Goals(method string) []Goal {
	docs := judged(r.Docs)
	out := []Goal{
		size(docs, method, "mean size of scan and photo pages", goalMean, scan),
		size(docs, method, "typed A4, colour scan", goalTyped, func(d *Document) bool { return d.Typed }),
		size(docs, method, "colour form A4", goalForm, func(d *Document) bool { return d.Form }),
		size(docs, method, "phone photo of a page: size", goalPhoto, func(d *Document) bool { return d.Class == papers.Photo }),
		photos(docs, method),
		truth(docs, method),
		worstPage(docs, method),
		found(docs, method),
		r.dossier(500_000, goalFound500, goalDossier),
		r.dossier(1_000_000, goalFound1M, 0),
		r.dossier(5_000_000, goalFound1M, 0),
		grown(docs, method),
		bornDigital(docs, method),
		stillText(docs, method),
		cpu(docs, method),
		peak(docs, method),
		upright(docs, method),
		codes(docs, method),
		valid(docs, method),
		r.exact(),
		r.harmless(),
	}
	return out
}

func (r *Results) goals(t *table) {
	t.printf("\n## Goals\n\n")
	if r.Partial {
		t.printf("Only some of the documents were measured: the goals are of these.\n\n")
	}
	t.head("goal", "asked", peers.OursFiles, "", peers.Ours, "")
	files, pdf := r.Goals(peers.OursFiles), r.Goals(peers.Ours)
	for i, g := range files {
		t.row(g.Name, g.Goal, g.Measured, g.verdict(), pdf[i].Measured, pdf[i].verdict())
	}
}

func (g Goal) verdict() string {
	switch {
	case !g.Known:
		return "-"
	case g.Met:
		return "met"
	}
	return "**NOT MET**"
}

// met is a goal that n documents or pages have, of which bad are those that do
// not meet it; measured says how many, and lead stands before their names.
func (g Goal) met(n int, measured, lead string, bad []string) Goal {
	if n > 0 {
		g.Known, g.Met = true, len(bad) == 0
		g.Measured = measured + some(lead, bad)
	}
	return g
}

func size(docs []*Document, m, name string, most float64, keep func(*Document) bool) Goal {
	g := Goal{Name: name, Goal: fmt.Sprintf("<= %.0f kB/page", most/1000)}
	b, pages, all := perPage(docs, m, keep)
	if pages == 0 {
		return g
	}
	g.Known, g.Met = true, b <= most && all
	g.Measured = fmt.Sprintf("%.1f kB (%d pages)", b/1000, pages)
	if !all {
		g.Measured += ", some failed"
	}
	return g
}

// photos compares the words that tesseract is sure of: a photo has no exact
// text, and cropping is meant to show more of it.
func photos(docs []*Document, m string) Goal {
	g := Goal{Name: "phone photo of a page: sure words, straight", Goal: "each >= the original's"}
	ours, original, n, cut, worse := 0, 0, 0, 0, []string{}
	for _, d := range docs {
		l, ok := legibilityOf(d, m)
		o, ok2 := legibilityOf(d, Original)
		if d.Class != papers.Photo || !ok || !ok2 || !d.Legible() {
			continue
		}
		n++
		ours, original = ours+l.sure, original+o.sure
		if l.otherFrame {
			cut++
		}
		if float64(l.sure) < 0.98*float64(o.sure) {
			worse = append(worse, fmt.Sprintf("%s %d of %d", d.Name, l.sure, o.sure))
		}
	}
	return g.met(n, fmt.Sprintf("%d, original %d; %d of %d cut", ours, original, cut, n), "; fewer: ", worse)
}

func truth(docs []*Document, m string) Goal {
	g := Goal{Name: "errors against the exact text, mean of documents", Goal: fmt.Sprintf("<= %.1f %%, or the original's", 100*goalErrors)}
	var ours, original mean
	for _, d := range docs {
		l, ok := legibilityOf(d, m)
		o, _ := legibilityOf(d, Original)
		if ok && d.Legible() && l.truthErrors.n > 0 {
			ours.add(l.truthErrors.value())
			original.add(o.truthErrors.value())
		}
	}
	if ours.n == 0 {
		return g
	}
	g.Known, g.Met = true, ours.value() <= max(goalErrors, original.value())
	g.Measured = fmt.Sprintf("%.1f %%, original %.1f %% (%d)", 100*ours.value(), 100*original.value(), ours.n)
	return g
}

func worstPage(docs []*Document, m string) Goal {
	g := Goal{Name: "no page with an exact text much worse than its original", Goal: fmt.Sprintf("<= %.0f points", 100*goalPage)}
	worst, name, n := 0.0, "", 0
	for _, d := range docs {
		l, ok := legibilityOf(d, m)
		if !ok || !d.Legible() || l.truthErrors.n == 0 {
			continue
		}
		n++
		if l.worst > worst {
			worst, name = l.worst, d.Name
		}
	}
	if n == 0 {
		return g
	}
	g.Known, g.Met = true, worst <= goalPage
	g.Measured = fmt.Sprintf("%.1f points %s", 100*worst, name)
	return g
}

func found(docs []*Document, m string) Goal {
	g := Goal{Name: "words found again, mean of documents", Goal: fmt.Sprintf(">= %.0f %%", 100*goalFound)}
	var f, own mean
	var low []string
	for _, d := range docs {
		l, ok := legibilityOf(d, m)
		if !ok || !d.Legible() || l.found.n == 0 {
			continue
		}
		f.add(l.found.value())
		own.add(d.again())
		if l.found.value() < 0.85 {
			low = append(low, fmt.Sprintf("%s %.0f", d.Name, 100*l.found.value()))
		}
	}
	if f.n == 0 {
		return g
	}
	g.Known, g.Met = true, f.value() >= goalFound
	g.Measured = fmt.Sprintf("%.1f %% (%d); of the originals 2 %% smaller %.1f %%", 100*f.value(), f.n, 100*own.value()) + some("; low: ", low)
	return g
}

// again is Page.Again of the document.
func (d *Document) again() float64 {
	var m mean
	for _, p := range d.Rows[Original].Scores {
		if p.HasWords {
			m.add(p.Again)
		}
	}
	return m.value()
}

func (r *Results) dossier(limit int64, least float64, most int64) Goal {
	g := Goal{Name: "dossier under " + Amount(limit), Goal: fmt.Sprintf(">= %.0f %% of the words", 100*least)}
	if most > 0 {
		g.Goal += " and <= " + Amount(most)
	}
	for _, f := range r.Fits {
		if f.Document != r.Dossier || f.Limit != limit || f.Method != peers.Ours {
			continue
		}
		g.Known = true
		g.Met = f.Bytes > 0 && f.Bytes < limit && f.Found >= least && (most == 0 || f.Bytes <= most)
		g.Measured = strings.ReplaceAll(fitCell(f), "**", "") + " at " + Amount(limit)
	}
	return g
}

func grown(docs []*Document, m string) Goal {
	g := Goal{Name: "never larger than the input", Goal: "0 files grow"}
	n, bad := 0, []string{}
	for _, d := range docs {
		row := d.Rows[m]
		if row == nil || !row.OK() {
			continue
		}
		n++
		in := d.Files
		if m == peers.Ours {
			in = d.Rows[Original].Bytes
		}
		if row.Bytes > in {
			bad = append(bad, fmt.Sprintf("%s %s > %s", d.Name, kb(row.Bytes), kb(in)))
		}
	}
	return g.met(n, fmt.Sprintf("%d of %d grow", len(bad), n), ": ", bad)
}

func bornDigital(docs []*Document, m string) Goal {
	g := Goal{Name: "born-digital PDF: size", Goal: "<= gs /ebook on each"}
	n, bad := 0, []string{}
	for _, d := range docs {
		row, gs := d.Rows[m], d.Rows["gs /ebook"]
		if d.Class != papers.BornDigital || row == nil || gs == nil || !gs.OK() {
			continue
		}
		n++
		if !row.OK() || row.Bytes > gs.Bytes {
			bad = append(bad, fmt.Sprintf("%s %s > %s", d.Name, kb(row.Bytes), kb(gs.Bytes)))
		}
	}
	return g.met(n, fmt.Sprintf("%d of %d", n-len(bad), n), "; larger: ", bad)
}

func stillText(docs []*Document, m string) Goal {
	g := Goal{Name: "born-digital PDF: text still text, no font lost", Goal: "every word, every font"}
	n, bad := 0, []string{}
	for _, d := range docs {
		row, o := d.Rows[m], d.Rows[Original]
		if d.Class != papers.BornDigital || row == nil || !row.OK() {
			continue
		}
		n++
		if row.Text < 0.995 || row.Bare > o.Bare {
			bad = append(bad, fmt.Sprintf("%s %.0f %%, %d fonts missing", d.Name, 100*row.Text, row.Bare-o.Bare))
		}
	}
	return g.met(n, fmt.Sprintf("%d of %d", n-len(bad), n), ": ", bad)
}

// some joins a list after a lead; nothing for an empty list.
func some(lead string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	if len(list) > 5 {
		list = append(list[:5:5], fmt.Sprintf("and %d more", len(list)-5))
	}
	return lead + strings.Join(list, ", ")
}
