package report

import (
	"slices"

	"pointnum/cmd/internal/benchengine/papers"
)

// mean is a sum that knows how many it is of.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v float64) { m.sum += v; m.n++ }

func (m mean) value() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / float64(m.n)
}

// scan says whether a document counts as a scan or photo page.
func scan(d *Document) bool { return d.Class != papers.BornDigital }

// perPage is bytes a page of a method over the documents for which keep is
// true; all says whether every one of them was made.
func perPage(docs []*Document, method string, keep func(*Document) bool) (bytes float64, pages int, all bool) {
	sum := int64(0)
	all = true
	for _, d := range docs {
		if !keep(d) {
			continue
		}
		r := d.Rows[method]
		if r == nil || !r.OK() {
			all = false
			continue
		}
		sum += r.Bytes
		pages += d.Pages()
	}
	if pages == 0 {
		return 0, 0, all
	}
	return float64(sum) / float64(pages), pages, all
}

// legibility is what the pages of a document say together.
type legibility struct {
	errors, found           mean
	truthErrors, truthFound mean
	ssim                    mean
	otherFrame              bool
	sure                    int
	turned                  int // pages that are not upright
	pages                   int
	worst                   float64 // most points of errors more than the original's page
}

func legibilityOf(d *Document, method string) (legibility, bool) {
	var l legibility
	r, o := d.Rows[method], d.Rows[Original]
	if r == nil || o == nil || !r.OK() || len(r.Scores) == 0 {
		return l, false
	}
	for i, p := range r.Scores {
		l.pages++
		l.sure += p.Sure
		if p.Turn != 0 {
			l.turned++
		}
		if p.Letters > 0 {
			l.errors.add(p.Errors)
		}
		if p.HasWords {
			l.found.add(p.Found)
		}
		if p.HasTruth {
			l.truthErrors.add(p.TruthErrors)
			l.truthFound.add(p.TruthFound)
			if i < len(o.Scores) {
				l.worst = max(l.worst, p.TruthErrors-o.Scores[i].TruthErrors)
			}
		}
		if p.Frame != NoFrame {
			l.ssim.add(p.SSIM)
			l.otherFrame = l.otherFrame || p.Frame == OtherFrame
		}
	}
	return l, true
}

// judged are the documents that the goals are about: those of the study when
// they are here, else all.
func judged(docs []*Document) []*Document {
	study := slices.DeleteFunc(slices.Clone(docs), func(d *Document) bool { return !d.Study })
	if len(study) > 0 {
		return study
	}
	return docs
}

// median of values, which are sorted.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
