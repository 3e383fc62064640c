package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// layout checks that the top level holds the fixed parts only, and that no
// package is a drawer for everything.
func layout(r *repo) []string {
	fixed := []string{"cmd", "kiosk", "drivers", "ui", "provisioning", "go.mod", "go.sum", "README.md",
		"LICENSE", "Makefile", "CONTRIBUTING.md",
		"bin", "node_modules"} // made by make, never committed
	var out []string
	for _, name := range r.top {
		if !strings.HasPrefix(name, ".") && !slices.Contains(fixed, name) {
			out = append(out, fmt.Sprintf("%s:1: the top level is fixed: put it below %s", name, strings.Join(fixed[:5], ", ")))
		}
	}
	for _, s := range r.sources {
		switch name := strings.TrimSuffix(s.file.Name.Name, "_test"); name {
		case "util", "utils", "common", "helper", "helpers", "misc", "manager", "shared", "base":
			out = append(out, r.at(s.file.Name, "package %s says nothing: name it after what its callers say", name))
		}
	}
	return out
}

// machineFolders are where code is written and tests are run on some machines.
// They are put together here so that this file does not hold what it looks
// for.
var machineFolders = []string{"/wo" + "rk/", "/ro" + "ot/", "/tmp/in" + "st/"}

// hygiene checks that no text names a place outside of the repository.
func hygiene(r *repo) []string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(r.texts)) {
		text := r.texts[p]
		for _, folder := range machineFolders {
			for from := 0; ; {
				i := bytes.Index(text[from:], []byte(folder))
				if i < 0 {
					break
				}
				at := from + i
				if at == 0 || startsPath(text[at-1]) {
					line := 1 + bytes.Count(text[:at], []byte("\n"))
					out = append(out, fmt.Sprintf("%s:%d: %s is a folder of one machine: use a path inside the repository, a flag or t.TempDir", p, line, folder))
				}
				from = at + 1
			}
		}
	}
	return out
}

// startsPath says whether a slash after c begins an absolute path; it goes on
// with another one after a letter, and with an address after "https:/".
func startsPath(c byte) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._-:/", c) >= 0)
}

// noSkips checks that no test skips itself: a missing part fails.
func noSkips(r *repo) []string {
	var out []string
	for _, s := range r.sources {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) {
				out = append(out, r.at(call, "a test never skips: fail with what to install, or return when an input is of no interest"))
			}
			return true
		})
	}
	return out
}

// What a file and a function hold at most before somebody should ask why.
const (
	maxFileLines     = 500
	maxFunctionLines = 60
)

// longFiles is advice.
func longFiles(r *repo) []string {
	var out []string
	for _, s := range r.sources {
		if s.lines > maxFileLines {
			out = append(out, fmt.Sprintf("%s:%d: %d lines: split it by what its parts are about", s.path, maxFileLines, s.lines))
		}
	}
	return out
}

// longFunctions is advice.
func longFunctions(r *repo) []string {
	var out []string
	for _, s := range r.program() {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if n := r.fset.Position(f.End()).Line - r.fset.Position(f.Pos()).Line + 1; n > maxFunctionLines {
				out = append(out, r.at(f.Name, "%s has %d lines: name its steps", f.Name.Name, n))
			}
		}
	}
	return out
}
