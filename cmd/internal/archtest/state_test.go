package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

// packageState checks that programs have no init function and no
// package-level variable that changes: errors, tables, regular expressions
// and embedded files only.
func packageState(r *repo) []string {
	packages := r.packages()
	var out []string
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		out = append(out, r.inits(packages[dir])...)
		out = append(out, r.mutableVars(packages[dir])...)
	}
	return out
}

func (r *repo) inits(files []*source) []string {
	var out []string
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				out = append(out, r.at(f, "no init function: make a value and pass it in from cmd"))
			}
		}
	}
	return out
}

// mutableVars finds package-level variables that something in the package
// changes, or that are made to be changed.
func (r *repo) mutableVars(files []*source) []string {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	var parsed []*ast.File
	for _, s := range files {
		parsed = append(parsed, s.file)
	}
	// Imports can't be found here, and need not be: only this package's own
	// names are looked at, so every other error is ignored.
	conf := types.Config{Error: func(error) {}, FakeImportC: true}
	pkg, _ := conf.Check(files[0].dir, r.fset, parsed, info)
	var out []string
	for _, f := range parsed {
		out = append(out, r.madeToChange(f)...)
		ast.Inspect(f, func(n ast.Node) bool {
			for _, e := range changed(n) {
				id := root(e)
				if id == nil {
					continue
				}
				if v, ok := info.Uses[id].(*types.Var); ok && v.Parent() == pkg.Scope() {
					out = append(out, r.at(id, "the package-level variable %s is changed here: make it a field of a value that is passed in", id.Name))
				}
			}
			return true
		})
	}
	return out
}

// changed returns what a node changes or lets others change.
func changed(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
			return n.Args[:1]
		}
	}
	return nil
}

// root is the variable that an expression such as x.f[i] belongs to; nil when
// there is none.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// madeToChange finds package-level locks, atomics and channels.
func (r *repo) madeToChange(f *ast.File) []string {
	var out []string
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			if name, bad := stateful(v); bad {
				out = append(out, r.at(v, "a package-level %s is state: make it a field of a value that is passed in", name))
			}
		}
	}
	return out
}

func stateful(v *ast.ValueSpec) (string, bool) {
	exprs := slices.Clone(v.Values)
	if v.Type != nil {
		exprs = append(exprs, v.Type)
	}
	for _, e := range exprs {
		if u, ok := e.(*ast.UnaryExpr); ok {
			e = u.X
		}
		if lit, ok := e.(*ast.CompositeLit); ok {
			e = lit.Type
		}
		if call, ok := e.(*ast.CallExpr); ok && len(call.Args) > 0 {
			if f, ok := call.Fun.(*ast.Ident); ok && (f.Name == "make" || f.Name == "new") {
				e = call.Args[0]
			}
		}
		if x, ok := e.(*ast.IndexExpr); ok {
			e = x.X
		}
		switch t := e.(type) {
		case *ast.ChanType:
			return "channel", true
		case *ast.SelectorExpr:
			if p, ok := t.X.(*ast.Ident); ok && (p.Name == "sync" || p.Name == "atomic") {
				return p.Name + "." + t.Sel.Name, true
			}
		}
	}
	return "", false
}
