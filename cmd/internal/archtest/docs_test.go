package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// packageDocs checks that every package says what it is for.
func packageDocs(r *repo) []string {
	packages := r.packages()
	var out []string
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		name := packages[dir][0].file.Name.Name
		start := "Package " + name + " "
		if name == "main" {
			start = "Command "
		}
		if !slices.ContainsFunc(packages[dir], func(s *source) bool { return strings.HasPrefix(s.file.Doc.Text(), start) }) {
			out = append(out, fmt.Sprintf("%s:1: no package comment: write one that starts with %q above a package clause", packages[dir][0].path, start+"…"))
		}
	}
	return out
}

// exportedDocs checks that every exported name has a comment: of its own, at
// the end of its line, or above its group.
func exportedDocs(r *repo) []string {
	var out []string
	for _, s := range r.program() {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil && s.file.Name.Name != "main" {
					out = append(out, r.undocumented(d.Name))
				}
			case *ast.GenDecl:
				out = append(out, r.undocumentedIn(d)...)
			}
		}
	}
	return out
}

func (r *repo) undocumented(name *ast.Ident) string {
	return r.at(name, "%s has no comment: write a sentence that starts with its name and says what its caller must know", name.Name)
}

func (r *repo) undocumentedIn(d *ast.GenDecl) []string {
	var out []string
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if !spec.Name.IsExported() {
				continue
			}
			if spec.Doc == nil && spec.Comment == nil && (d.Doc == nil || d.Lparen != token.NoPos) {
				out = append(out, r.undocumented(spec.Name))
			}
			if t, ok := spec.Type.(*ast.InterfaceType); ok {
				out = append(out, r.undocumentedMethods(t)...)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
					out = append(out, r.undocumented(name))
				}
			}
		}
	}
	return out
}

// undocumentedMethods: an interface's methods are a contract. The comment of
// an interface of one method is that method's; embedded interfaces have
// theirs where they are defined.
func (r *repo) undocumentedMethods(t *ast.InterfaceType) []string {
	if len(t.Methods.List) == 1 {
		return nil
	}
	var out []string
	for _, m := range t.Methods.List {
		if m.Doc == nil && m.Comment == nil && len(m.Names) > 0 && m.Names[0].IsExported() {
			out = append(out, r.undocumented(m.Names[0]))
		}
	}
	return out
}

// exportedReceiver is false for a method of a type that nobody outside can
// name, such as the methods that satisfy an interface.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		case *ast.Ident:
			return u.IsExported()
		default:
			return true
		}
	}
}
