// Package yamlfile reads the YAML files that people edit: the catalogue of
// portals and a kiosk's configuration. It finds every mistake in one go and
// says for each one the file, the line and what to write instead, in French,
// because those who edit these files are the people of the house and not
// engineers.
//
// Only the plain part of YAML is taken: maps, lists and words. Anchors,
// aliases and a second document are mistakes: nobody needs them in a file of
// facts, and aliases are how a small file becomes a huge one.
package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the largest file that is read.
const MaxBytes = 1 << 20

// Problem is one mistake in a file.
type Problem struct {
	File string // as given to Read
	Line int    // from 1
	Text string // what is wrong and what to do, in French
}

// Error gives "file:line: text".
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Problems is every mistake of a file, in the order of its lines. As an error
// it has one line of text per mistake.
type Problems []Problem

// Error gives all mistakes, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Document is a file while it is being read. It collects the mistakes that
// its Values report.
type Document struct {
	name     string
	root     *yaml.Node
	problems Problems
}

// Read reads a file; name is for the messages. It always returns a Document:
// what is wrong is in Err, after the values were asked for.
func Read(r io.Reader, name string) *Document {
	d := &Document{name: name}
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		d.fail(1, "le fichier ne peut pas être lu (%v)", err)
	case len(text) > MaxBytes:
		d.fail(1, "le fichier est trop grand : 1 Mo au plus")
	case !utf8.Valid(text):
		d.fail(badLine(text), "un caractère n’est pas en UTF-8 : enregistrez le fichier en UTF-8")
	default:
		d.parse(string(text))
	}
	return d
}

func (d *Document) parse(text string) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			d.fail(1, "le fichier est vide")
			return
		}
		d.fail(syntaxLine(err), "ce n’est pas du YAML (%s) : regardez les espaces au début de la ligne, les deux-points et les guillemets", syntaxText(err))
		return
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.fail(max(more.Line, 1), "le fichier contient « --- » et une suite : gardez une seule partie")
		return
	}
	if !d.refuseAliases(&doc) {
		return
	}
	if len(doc.Content) != 1 || doc.Content[0].ShortTag() == "!!null" {
		d.fail(1, "le fichier est vide")
		return
	}
	d.root = doc.Content[0]
}

// refuseAliases says whether the tree is free of anchors and aliases, so that
// walking it ends and costs no more than the file's size.
func (d *Document) refuseAliases(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.fail(n.Line, "« & » et « * » en début de valeur ne sont pas acceptés : écrivez la valeur en entier, ou entre guillemets")
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = d.refuseAliases(c) && ok
	}
	return ok
}

// Root returns the file's outermost value.
func (d *Document) Root() Value {
	return Value{doc: d, node: d.root, line: 1}
}

// Err returns the mistakes found so far as Problems, or nil.
func (d *Document) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	out := slices.Clone(d.problems)
	slices.SortStableFunc(out, func(a, b Problem) int { return a.Line - b.Line })
	return out
}

func (d *Document) fail(line int, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.name, Line: line, Text: fmt.Sprintf(format, args...)})
}

var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntaxLine finds the line in the library's message, which is the only place
// where it says it.
func syntaxLine(err error) int {
	m := syntaxError.FindStringSubmatch(err.Error())
	if m == nil || m[1] == "" {
		return 1
	}
	line, convErr := strconv.Atoi(m[1])
	if convErr != nil {
		return 1
	}
	return max(line, 1)
}

func syntaxText(err error) string {
	if m := syntaxError.FindStringSubmatch(err.Error()); m != nil {
		return m[2]
	}
	return err.Error()
}

func badLine(text []byte) int {
	line := 1
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		text = text[n:]
	}
	return line
}
