package steps

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Reading is how well a page reads, on the whole of several readings.
type Reading struct {
	Sure   int     `json:"sure"`   // words that run across and that tesseract is sure of
	Truth  bool    `json:"truth"`  // Found and Errors are against the exact text
	Found  float64 `json:"found"`  // words of the exact text
	Errors float64 `json:"errors"` // of the exact text's letters
}

// Result is one page before and after one step.
type Result struct {
	Step   string  `json:"step"`
	Trial  string  `json:"trial"`
	Class  string  `json:"class"`
	Page   string  `json:"page"`
	Acted  bool    `json:"acted"`
	Before Reading `json:"before"`
	After  Reading `json:"after"`
}

// What counts as worse or better: more than tesseract's own noise.
const (
	noiseFound = 0.02 // of the words of the exact text
	noiseSure  = 0.05 // of the sure words, and
	fewSure    = 5    // at least so many
)

// change is -1 for worse, 1 for better, 0 for the same.
func (r *Result) change() int {
	if r.Before.Truth {
		switch d := r.After.Found - r.Before.Found; {
		case d < -noiseFound:
			return -1
		case d > noiseFound:
			return 1
		}
		return 0
	}
	d := r.After.Sure - r.Before.Sure
	room := max(fewSure, int(noiseSure*float64(r.Before.Sure)))
	switch {
	case d < -room:
		return -1
	case d > room:
		return 1
	}
	return 0
}

// sum is a class of pages under one step and trial.
type sum struct {
	step, trial, class  string
	pages, acted        int
	better, worse       int
	truth               int
	found, foundAfter   float64
	errors, errorsAfter float64
	sure, sureAfter     int
	worsePages          []string
}

// Markdown writes the table, and what got worse in plain words.
func Markdown(w io.Writer, results []Result) error {
	var sums []*sum
	for i := range results {
		r := &results[i]
		j := slices.IndexFunc(sums, func(s *sum) bool { return s.step == r.Step && s.trial == r.Trial && s.class == r.Class })
		if j < 0 {
			j = len(sums)
			sums = append(sums, &sum{step: r.Step, trial: r.Trial, class: r.Class})
		}
		sums[j].add(r)
	}
	var out strings.Builder
	out.WriteString("## What each step of cleaning is worth\n\n")
	out.WriteString("Words of the exact text and its letters wrong, in percent, on pages that have one; sure words: of three letters or more, ")
	out.WriteString("that run across the page and that tesseract is sure of; the means of three readings, the page drawn 3 % smaller and larger. Better and worse: by more than tesseract's own noise ")
	fmt.Fprintf(&out, "(%.0f points of the words; else %.0f %% of the sure words).\n\n", 100*noiseFound, 100*noiseSure)
	out.WriteString("| step | page | class | pages | acted | words found | letters wrong | sure words | better | worse |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range sums {
		fmt.Fprintf(&out, "| %s | %s | %s | %d | %d | %s | %s | %d → %d | %d | %d |\n", s.step, s.trial, s.class, s.pages, s.acted,
			s.percents(s.found, s.foundAfter), s.percents(s.errors, s.errorsAfter), s.sure, s.sureAfter, s.better, s.worse)
	}
	out.WriteString("\n")
	out.WriteString(plain(sums))
	_, err := io.WriteString(w, out.String())
	return err
}

func (s *sum) add(r *Result) {
	s.pages++
	if r.Acted {
		s.acted++
	}
	s.sure, s.sureAfter = s.sure+r.Before.Sure, s.sureAfter+r.After.Sure
	how := fmt.Sprintf("%s, sure words %d → %d", r.Page, r.Before.Sure, r.After.Sure)
	if r.Before.Truth {
		s.truth++
		s.found, s.foundAfter = s.found+r.Before.Found, s.foundAfter+r.After.Found
		s.errors, s.errorsAfter = s.errors+r.Before.Errors, s.errorsAfter+r.After.Errors
		how = fmt.Sprintf("%s, words found %.1f → %.1f %%", r.Page, 100*r.Before.Found, 100*r.After.Found)
	}
	switch r.change() {
	case 1:
		s.better++
	case -1:
		s.worse++
		s.worsePages = append(s.worsePages, how)
	}
}

func (s *sum) percents(before, after float64) string {
	if s.truth == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f → %.1f", 100*before/float64(s.truth), 100*after/float64(s.truth))
}

// down says that the class as a whole reads worse.
func (s *sum) down() bool {
	if s.truth > 0 && s.foundAfter < s.found-0.005*float64(s.truth) {
		return true
	}
	return s.truth < s.pages && float64(s.sureAfter) < 0.97*float64(s.sure)
}

func plain(sums []*sum) string {
	var out strings.Builder
	down := 0
	for _, s := range sums {
		if s.down() {
			down++
			fmt.Fprintf(&out, "- **Worse:** %s, %s pages, %s.\n", s.step, s.class, s.trial)
		}
		if s.worse > 0 {
			fmt.Fprintf(&out, "- %s makes %d of %d %s pages (%s) worse: %s.\n", s.step, s.worse, s.pages, s.class, s.trial, strings.Join(s.worsePages, "; "))
		}
	}
	if down == 0 {
		out.WriteString("No class is made worse by any step.\n")
	}
	return out.String()
}
