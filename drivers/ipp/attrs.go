package ipp

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/OpenPrinting/goipp"
)

// attrs reads the attributes of one group as a printer sent them: any may be
// missing, of another type, or nonsense.
type attrs goipp.Attributes

func (a attrs) values(name string) goipp.Values {
	for _, x := range a {
		if x.Name == name {
			return x.Values
		}
	}
	return nil
}

// has says whether the printer sent a value for the attribute.
func (a attrs) has(name string) bool {
	vs := a.values(name)
	return len(vs) > 0 && vs[0].V.Type() != goipp.TypeVoid
}

// strings returns the attribute's texts, keywords, names or octet strings.
func (a attrs) strings(name string) []string {
	var out []string
	for _, v := range a.values(name) {
		switch s := v.V.(type) {
		case goipp.String:
			out = append(out, string(s))
		case goipp.TextWithLang:
			out = append(out, s.Text)
		case goipp.Binary:
			out = append(out, string(s))
		}
	}
	return out
}

func (a attrs) contains(name, value string) bool {
	return slices.Contains(a.strings(name), value)
}

// text returns the attribute's first text, made safe for a log.
func (a attrs) text(name string) string {
	if s := a.strings(name); len(s) > 0 {
		return clean(s[0])
	}
	return ""
}

// ints returns the attribute's integers and enums.
func (a attrs) ints(name string) []int {
	var out []int
	for _, v := range a.values(name) {
		if n, ok := v.V.(goipp.Integer); ok {
			out = append(out, int(n))
		}
	}
	return out
}

// int returns the attribute's first number, or otherwise.
func (a attrs) int(name string, otherwise int) int {
	if n := a.ints(name); len(n) > 0 {
		return n[0]
	}
	return otherwise
}

// bool returns the attribute's truth, or otherwise.
func (a attrs) bool(name string, otherwise bool) bool {
	for _, v := range a.values(name) {
		if b, ok := v.V.(goipp.Boolean); ok {
			return bool(b)
		}
	}
	return otherwise
}

// within says whether n lies in the attribute's range, or is one of its values.
func (a attrs) within(name string, n int) bool {
	for _, v := range a.values(name) {
		if r, ok := v.V.(goipp.IntegerOrRange); ok && r.Within(n) {
			return true
		}
	}
	return false
}

// maxText bounds a printer's words where they are kept.
const maxText = 120

// clean makes a device's words fit for one line of a log: valid, printable
// and short.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText])
	}
	return s
}

func keyword(name, value string) goipp.Attribute {
	return goipp.MakeAttribute(name, goipp.TagKeyword, goipp.String(value))
}

func integer(name string, value int) goipp.Attribute {
	return goipp.MakeAttribute(name, goipp.TagInteger, goipp.Integer(value))
}

func nameOf(name, value string) goipp.Attribute {
	return goipp.MakeAttribute(name, goipp.TagName, goipp.String(value))
}

func boolean(name string, value bool) goipp.Attribute {
	return goipp.MakeAttribute(name, goipp.TagBoolean, goipp.Boolean(value))
}

// keywords makes a set of keywords, of which there must be one.
func keywords(name string, values ...string) goipp.Attribute {
	a := goipp.Attribute{Name: name}
	for _, v := range values {
		a.Values.Add(goipp.TagKeyword, goipp.String(v))
	}
	return a
}
