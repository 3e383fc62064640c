// Package diag makes the one file that a technician sends when a kiosk does
// not work: a zip with a page to read first, a summary for programs and a text
// for each part of the machine.
//
// It is made by an allow-list. A Part writes the values that it names, never a
// file or a command's words as they came, and of the journal only lines whose
// every word is known (Words) or a number. So nothing of a visitor can be in
// it, whatever a program has written. What can't be had is said in its place.
package diag

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of a file.
const (
	MaxTime  = 30 * time.Second // for all parts
	PartTime = 8 * time.Second  // for one
	MaxPart  = 700 << 10        // bytes of a part's text
	MaxBytes = 5 << 20          // of all, before it is packed
)

// Part is one thing to tell about.
type Part struct {
	Name  string // of its text in the file, without ".txt"
	Title string // French
	// Fill writes what is known; what it wrote before an error is kept. It
	// obeys ctx.
	Fill func(ctx context.Context, s *Sheet) error
}

// Result is what became of a part.
type Result struct {
	Name, Title string
	Text        string
	Facts       map[string]any // by key, for the summary
	Problem     string         // why it is not whole, French; "" when it is
}

// Report is what goes into the file.
type Report struct {
	Made    time.Time
	Version string // of the program that made it
	Parts   []Result
}

// Collect asks all parts, one after the other, within MaxTime. tell, if not
// nil, hears which part begins: i of n. The error is ctx's own end; parts that
// had no time say so in the report.
func Collect(ctx context.Context, version string, parts []Part, tell func(i, n int, title string)) (Report, error) {
	r := Report{Made: time.Now(), Version: version}
	all, cancel := context.WithTimeout(ctx, MaxTime)
	defer cancel()
	room := MaxBytes - maxHead
	for i, p := range parts {
		if tell != nil {
			tell(i+1, len(parts), p.Title)
		}
		res := collect(all, p, min(MaxPart, room))
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		room -= len(res.Text)
		r.Parts = append(r.Parts, res)
	}
	return r, nil
}

// maxHead is kept for the page to read first and the summary.
const maxHead = 1 << 20

func collect(ctx context.Context, p Part, room int) Result {
	ctx, cancel := context.WithTimeout(ctx, PartTime)
	defer cancel()
	s := &Sheet{facts: map[string]any{}, room: room}
	err := ctx.Err()
	if err == nil {
		err = p.Fill(ctx, s)
	}
	if ctx.Err() != nil { // a program that was stopped says something else
		err = ctx.Err()
	}
	res := Result{Name: p.Name, Title: p.Title, Text: s.text.String(), Facts: s.facts, Problem: Why(err)}
	if s.cut {
		res.Problem = strings.TrimPrefix(res.Problem+" ; coupé : trop long", " ; ")
	}
	return res
}

// Sheet is a part's text and facts while it is filled.
type Sheet struct {
	text  strings.Builder
	facts map[string]any
	room  int
	cut   bool
}

// Say writes "label : value" and keeps the value for the summary, under key.
// Texts are made plain: see Plain.
func (s *Sheet) Say(key, label string, value any) {
	if t, ok := value.(string); ok {
		value = Plain(t)
	}
	s.facts[key] = value
	s.Line("%s : %v", label, value)
}

// Line writes a line. Its values are the caller's to check.
func (s *Sheet) Line(format string, args ...any) {
	line := fmt.Sprintf(format, args...) + "\n"
	if s.text.Len()+len(line) > s.room {
		s.cut = true
		return
	}
	s.text.WriteString(line)
}

// Keep keeps a value for the summary only.
func (s *Sheet) Keep(key string, value any) { s.facts[key] = value }

// maxPlain is how long a value from outside may be, in bytes.
const maxPlain = 120

// Plain is a text on one line, bounded: a device's or the system's own word.
// What is not such a text is "?".
func Plain(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxPlain || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "?"
	}
	return s
}

// Why says in French why a part is not whole, without any word that is not
// known; "" for nil.
func Why(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded):
		return "pas de réponse à temps"
	case errors.Is(err, context.Canceled):
		return "arrêté"
	case errors.Is(err, fs.ErrPermission):
		return "pas le droit de lire : lancez la commande avec sudo"
	case errors.Is(err, exec.ErrNotFound):
		return "le programme n’est pas sur cette machine"
	case errors.Is(err, fs.ErrNotExist):
		return "n’existe pas ici"
	case errors.Is(err, syscall.ENOSPC):
		return "le disque est plein"
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Sprintf("le programme de la machine a fini avec le code %d", exit.ExitCode())
	}
	return CleanError(err.Error())
}

// summary is resume.json.
func (r Report) summary() ([]byte, error) {
	type part struct {
		Name    string         `json:"name"`
		OK      bool           `json:"ok"`
		Problem string         `json:"problem,omitempty"`
		Facts   map[string]any `json:"facts"`
	}
	v := struct {
		Words   int       `json:"words"`
		Made    time.Time `json:"made"`
		Version string    `json:"version"`
		Parts   []part    `json:"parts"`
	}{Words: 1, Made: r.Made.UTC().Truncate(time.Second), Version: r.Version}
	for _, p := range r.Parts {
		v.Parts = append(v.Parts, part{p.Name, p.Problem == "", p.Problem, p.Facts})
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("diag: summary: %w", err)
	}
	return append(b, '\n'), nil
}
