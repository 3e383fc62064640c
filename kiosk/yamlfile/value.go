package yamlfile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Value is one place in a file: a word, a list or a map, or nothing. Reading
// it as something it is not reports a Problem and yields the zero value, so
// that a caller reads everything first and asks Document.Err once.
type Value struct {
	doc  *Document
	node *yaml.Node // nil when the file has nothing there
	line int
}

// IsSet is true when the file says something there. An empty value ("key:")
// is not set.
func (v Value) IsSet() bool {
	return v.node != nil && v.node.ShortTag() != "!!null"
}

// Line is where the value stands; the line of the map around it when it is
// not set.
func (v Value) Line() int { return v.line }

// Where gives "file:line" of the value.
func (v Value) Where() string { return fmt.Sprintf("%s:%d", v.doc.name, v.line) }

// Fail reports a mistake at the value. The text says what to do, in French.
func (v Value) Fail(format string, args ...any) {
	v.doc.fail(v.line, format, args...)
}

// Text reads a word or a sentence, without the spaces around it. Numbers and
// dates are taken as they are written.
func (v Value) Text() string {
	if !v.IsSet() {
		return ""
	}
	if v.node.Kind != yaml.ScalarNode {
		v.Fail("il faut ici un mot ou une phrase, pas une liste")
		return ""
	}
	return strings.TrimSpace(v.node.Value)
}

// OneOf reads a word that must be one of words.
func (v Value) OneOf(words ...string) string {
	got := v.Text()
	if v.IsSet() && !slices.Contains(words, got) {
		v.Fail("« %s » n’est pas possible ici : écrivez %s", got, strings.Join(words, ", "))
		return ""
	}
	return got
}

// Int reads a whole number between low and high.
func (v Value) Int(low, high int) int {
	if !v.IsSet() {
		return 0
	}
	n, err := strconv.Atoi(v.Text())
	if err != nil || n < low || n > high {
		v.Fail("« %s » n’est pas possible ici : écrivez un nombre entier de %d à %d", v.Text(), low, high)
		return 0
	}
	return n
}

// Duration reads a time such as "90s" or "2m" between low and high.
func (v Value) Duration(low, high time.Duration) time.Duration {
	if !v.IsSet() {
		return 0
	}
	d, err := time.ParseDuration(v.Text())
	if err != nil || d < low || d > high {
		v.Fail("« %s » n’est pas une durée possible ici : écrivez une durée de %v à %v, par exemple 90s ou 2m", v.Text(), low, high)
		return 0
	}
	return d
}

// Bytes reads a size such as "10 Mo", "500 ko" or "200 000": 1 Mo is
// 1,000,000 bytes, the strict reading.
func (v Value) Bytes() int64 {
	if !v.IsSet() {
		return 0
	}
	text := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".").Replace(v.Text())
	unit := 1.0
	for suffix, u := range map[string]float64{"ko": 1e3, "Mo": 1e6, "Go": 1e9} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = rest, u
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	// Written so that NaN is refused too.
	if size := math.Round(n * unit); err == nil && size >= 1 && size <= 1e12 {
		return int64(size)
	}
	v.Fail("« %s » n’est pas une taille : écrivez par exemple 10 Mo ou 500 ko", v.Text())
	return 0
}

// List reads a list; nil when the value is not set.
func (v Value) List() []Value {
	if !v.IsSet() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.Fail("il faut ici une liste : une ligne par élément, qui commence par « - »")
		return nil
	}
	out := make([]Value, len(v.node.Content))
	for i, n := range v.node.Content {
		out[i] = Value{doc: v.doc, node: n, line: n.Line}
	}
	return out
}

// Texts reads a list of words, none of them empty, none of them twice.
func (v Value) Texts() []string {
	var out []string
	for _, one := range v.List() {
		text := one.Text()
		switch {
		case text == "":
			one.Fail("cet élément de la liste est vide : complétez-le ou enlevez-le")
		case slices.Contains(out, text):
			one.Fail("« %s » est déjà dans la liste : enlevez cette ligne", text)
		default:
			out = append(out, text)
		}
	}
	return out
}
