package report_test

import (
	"strings"
	"testing"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/report"
)

// made is a run that ended well.
func made(bytes int64, cpu float64, mb int64) *peers.Run {
	return &peers.Run{Bytes: bytes, CPU: cpu, PeakKB: mb << 10, Files: []string{"out.pdf"}}
}

// page is a page with an exact text.
func page(found, truthErrors float64) report.Page {
	return report.Page{Letters: 500, Found: found, HasWords: true, HasTruth: true, TruthErrors: truthErrors, TruthFound: found, Sure: 100}
}

// document is a document of one page with the original and our two ways.
func document(name, class string, ours *report.Row) *report.Document {
	ours.Method = peers.Ours
	files := *ours
	return &report.Document{Name: name, Class: class, Study: true, Files: 1_000_000, Rows: map[string]*report.Row{
		report.Original: {Run: made(1_100_000, 0, 0), Pages: 1, Scores: []report.Page{page(1, 0.05)}},
		"gs /ebook":     {Run: made(100_000, 0.2, 60), Pages: 1, Scores: []report.Page{page(0.9, 0.08)}},
		peers.Ours:      ours, peers.OursFiles: &files,
	}}
}

func goal(t *testing.T, r *report.Results, name string) report.Goal {
	t.Helper()
	for _, g := range r.Goals(peers.Ours) {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("no goal %q", name)
	return report.Goal{}
}

func results(docs ...*report.Document) *report.Results {
	return &report.Results{Docs: docs, Methods: []string{report.Original, "gs /ebook", peers.Ours, peers.OursFiles}}
}

func TestGoalsAreComputed(t *testing.T) {
	good := &report.Row{Run: made(20_000, 0.4, 150), Pages: 1, Scores: []report.Page{page(0.98, 0.04)}}
	bad := &report.Row{Run: made(1_200_000, 0.9, 250), Pages: 1, Scores: []report.Page{page(0.5, 0.2)}, Check: "damaged"}
	bad.Scores[0].Turn, bad.Scores[0].Sure = 180, 3
	lost := &report.Row{Run: made(90_000, 0.1, 30), Pages: 1, Text: 0.5}
	kept := &report.Row{Run: made(90_000, 0.1, 30), Pages: 1, Text: 1}
	for _, c := range []struct {
		goal, class string
		good, bad   *report.Row
	}{
		{"mean size of scan and photo pages", papers.ScanColour, good, bad},
		{"errors against the exact text, mean of documents", papers.ScanColour, good, bad},
		{"no page with an exact text much worse than its original", papers.ScanColour, good, bad},
		{"words found again, mean of documents", papers.ScanColour, good, bad},
		{"never larger than the input", papers.ScanColour, good, bad},
		{"CPU of a page, colour scans", papers.ScanColour, good, bad},
		{"memory, peak of a process", papers.ScanColour, good, bad},
		{"pages upright", papers.ScanColour, good, bad},
		{"a file for every document, qpdf --check clean", papers.ScanColour, good, bad},
		{"phone photo of a page: size", papers.Photo, good, bad},
		{"phone photo of a page: sure words, straight", papers.Photo, good, bad},
		{"born-digital PDF: size", papers.BornDigital, kept, bad},
		{"born-digital PDF: text still text, no font lost", papers.BornDigital, kept, lost},
	} {
		t.Run(c.goal, func(t *testing.T) {
			if g := goal(t, results(document("a", c.class, c.good)), c.goal); !g.Known || !g.Met {
				t.Errorf("a good document: %+v", g)
			}
			if g := goal(t, results(document("a", c.class, c.bad)), c.goal); !g.Known || g.Met {
				t.Errorf("a bad document: %+v", g)
			}
			if g := goal(t, results(), c.goal); g.Known {
				t.Errorf("no document: %+v", g)
			}
		})
	}
}

func TestAMeanIsNotMetWhenADocumentFailed(t *testing.T) {
	failed := &report.Row{Run: &peers.Run{Exit: 1}}
	r := results(document("a", papers.ScanColour, &report.Row{Run: made(20_000, 0.4, 150), Pages: 1}), document("b", papers.ScanColour, failed))
	if g := goal(t, r, "mean size of scan and photo pages"); g.Met {
		t.Errorf("%+v", g)
	}
}

func TestOnlyDocumentsOfTheStudyAreJudgedWhenThereAreSome(t *testing.T) {
	extra := document("extra", papers.ScanColour, &report.Row{Run: made(900_000, 9, 900), Pages: 1})
	extra.Study = false
	r := results(document("a", papers.ScanColour, &report.Row{Run: made(20_000, 0.4, 150), Pages: 1}), extra)
	if g := goal(t, r, "mean size of scan and photo pages"); !g.Met {
		t.Errorf("%+v", g)
	}
	r = results(extra)
	if g := goal(t, r, "mean size of scan and photo pages"); !g.Known || g.Met {
		t.Errorf("a folder without them: %+v", g)
	}
}

func TestLimits(t *testing.T) {
	fit := func(limit, bytes int64, found float64) report.Fit {
		return report.Fit{Document: "d", Method: peers.Ours, Limit: limit, Bytes: bytes, Found: found, Words: true}
	}
	r := results()
	r.Dossier = "d"
	r.Fits = []report.Fit{fit(500_000, 390_000, 0.97), fit(1_000_000, 700_000, 0.98)}
	for name, met := range map[string]bool{"dossier under 500 kB": true, "dossier under 1 MB": true, "exact limit": true} {
		if g := goal(t, r, name); g.Met != met || !g.Known {
			t.Errorf("%+v", g)
		}
	}
	if g := goal(t, r, "dossier under 5 MB"); g.Known {
		t.Errorf("not measured: %+v", g)
	}
	r.Fits = []report.Fit{fit(500_000, 500_000, 0.97)}
	if g := goal(t, r, "exact limit"); g.Met {
		t.Errorf("a file of exactly the limit is over it: %+v", g)
	}
	r.Fits = []report.Fit{{Document: "d", Method: peers.Ours, Limit: 500_000, Refused: true}}
	if g := goal(t, r, "exact limit"); g.Met {
		t.Errorf("500 kB is enough for 12 pages: %+v", g)
	}
	r.Fits = []report.Fit{{Document: "d", Method: peers.Ours, Limit: 200_000, Refused: true}}
	if g := goal(t, r, "exact limit"); !g.Met {
		t.Errorf("a refusal below 30 kB a page is allowed: %+v", g)
	}
}

func TestTables(t *testing.T) {
	r := results(document("form", papers.ScanColour, &report.Row{Run: made(20_000, 0.4, 150), Pages: 1, Scores: []report.Page{page(0.98, 0.04)}}))
	r.Methods = append(r.Methods, "qpdf")
	r.Docs[0].Rows["qpdf"] = &report.Row{Run: &peers.Run{Exit: 3, Said: "it|broke\nbadly"}}
	r.Dossier = "d"
	r.Fits = []report.Fit{
		{Document: "d", Method: "gs", Limit: 500_000, Bytes: 311_000, Found: 0.152, Words: true, CPU: 15.8},
		{Document: "d", Method: peers.Ours, Limit: 500_000, Bytes: 510_000},
		{Document: "d", Method: peers.Ours, Limit: 2_500_000, Refused: true},
	}
	r.Hostile = []report.Hostile{{Name: "bomb.pdf", Exit: 5, Wall: 0.1}, {Name: "crash.pdf", Exit: -1, Said: "a|b"}}
	var text strings.Builder
	if err := r.Markdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| qpdf | - | - | - | - | - | - |",
		"| form | scan-colour | 1 | 1100 | 100 (0.20) | 20.0 (0.40) | 20.0 (0.40) | exit 3 |",
		"| form | ref gt 5.0 | 0.0/90 gt 8.0 | 0.0/98 gt 4.0 | 0.0/98 gt 4.0 | - |",
		"| d | gs |  | 311, 15.2 % (15.8 s) |",
		"| d | pointnum | refused | **over: 510** |",
		"| document | method | 2.5 MB | 500 kB |",
		"| crash.pdf | **exit -1** a/b |",
		"- form, qpdf: exit 3: it/broke badly",
		"**NOT MET**",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	columns := 0
	for line := range strings.Lines(text.String()) {
		if n := strings.Count(line, "|"); !strings.HasPrefix(line, "|") {
			columns = 0
		} else if columns == 0 {
			columns = n
		} else if n != columns {
			t.Errorf("%d columns instead of %d: %s", n-1, columns-1, line)
		}
	}
}

func TestAmount(t *testing.T) {
	for n, want := range map[int64]string{200_000: "200 kB", 1_000_000: "1 MB", 2_500_000: "2.5 MB"} {
		if got := report.Amount(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
