package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const module = "pointnum"

// repo is the repository as the rules see it: its Go files parsed, its other
// texts as bytes.
type repo struct {
	fset    *token.FileSet
	sources []*source
	texts   map[string][]byte // every text file by its path, Go files too
	top     []string          // names at the top
}

// source is one Go file.
type source struct {
	path  string // "kiosk/portal/load.go"
	dir   string // "kiosk/portal"
	test  bool   // a _test.go file
	lines int
	file  *ast.File
}

// notOurs are folders that hold nothing of the repository's own.
func notOurs(p string) bool {
	return strings.HasPrefix(path.Base(p), ".") && p != "." && path.Base(p) != ".ci" ||
		slices.Contains([]string{"bin", "node_modules", "ui/assets/vendor"}, p)
}

// load reads a tree. Go files under testdata are data and are not parsed.
func load(tree fs.FS) (*repo, error) {
	r := &repo{fset: token.NewFileSet(), texts: map[string][]byte{}}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		r.top = append(r.top, e.Name())
	}
	err = fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && notOurs(p):
			return fs.SkipDir
		case !d.Type().IsRegular() || notOurs(p):
			return nil
		}
		return r.add(tree, p)
	})
	return r, err
}

func (r *repo) add(tree fs.FS, p string) error {
	text, err := fs.ReadFile(tree, p)
	if err != nil {
		return err
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	r.texts[p] = text
	if path.Ext(p) != ".go" || slices.Contains(strings.Split(p, "/"), "testdata") {
		return nil
	}
	file, err := parser.ParseFile(r.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	r.sources = append(r.sources, &source{
		path: p, dir: path.Dir(p), test: strings.HasSuffix(p, "_test.go"),
		lines: bytes.Count(text, []byte("\n")), file: file,
	})
	return nil
}

// at makes a finding: where, what is wrong, what to do.
func (r *repo) at(n ast.Node, format string, args ...any) string {
	pos := r.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d: %s", pos.Filename, pos.Line, fmt.Sprintf(format, args...))
}

// program returns the files that end up in programs.
func (r *repo) program() []*source {
	return slices.DeleteFunc(slices.Clone(r.sources), func(s *source) bool { return s.test })
}

// packages returns the non-test files by folder.
func (r *repo) packages() map[string][]*source {
	out := map[string][]*source{}
	for _, s := range r.program() {
		out[s.dir] = append(out[s.dir], s)
	}
	return out
}

// imported is the path that an import names.
func imported(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

// inModule gives the folder of an import of our own; ok is false for others.
func inModule(importPath string) (dir string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// within says whether dir is root or below it.
func within(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}
