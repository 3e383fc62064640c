package diag_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pointnum/kiosk/diag"
)

var update = flag.Bool("update", false, "write words.txt anew")

// Every message that a kiosk's program can log is in the list: else its lines
// would be missing in the file that a technician sends.
func TestWordsAreTheSource(t *testing.T) {
	messages, rest := harvest(t)
	if *update {
		all := maps.Clone(messages)
		maps.Copy(all, rest)
		text := strings.Join(slices.Sorted(maps.Keys(all)), "\n") + "\n"
		if err := os.WriteFile("words.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(messages) < 80 || len(rest) < 300 {
		t.Fatalf("found %d messages and %d other words in the source", len(messages), len(rest))
	}
	words := diag.NewWords()
	for m := range messages {
		if !words[m] {
			t.Errorf("the message %q is not in words.txt: run go test ./kiosk/diag -run Words -update", m)
		}
	}
}

// harvest reads the source of what runs on a kiosk: the messages of its log,
// and the constant words of codes and errors.
func harvest(t *testing.T) (messages, rest map[string]bool) {
	t.Helper()
	messages, rest = map[string]bool{}, map[string]bool{}
	const root = "../.."
	for _, dir := range []string{"kiosk", "drivers", "ui", "provisioning", "cmd/internal/agent", "cmd/kioskd", "cmd/kioskctl"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := filepath.ToSlash(path[len(root)+1:])
			if d.IsDir() && slices.Contains([]string{"provisioning/fleet", "provisioning/relay", "ui/console", "ui/assets/node_modules"}, name) {
				return filepath.SkipDir
			}
			if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool { wordsOf(n, messages, rest); return true })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return messages, rest
}

var word = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,40}$`)

func wordsOf(n ast.Node, messages, rest map[string]bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) == 0 {
			return
		}
		text := literal(n.Args[0])
		switch f.Sel.Name {
		case "Debug", "Info", "Warn", "Error":
			if text != "" {
				messages[text] = true
			}
		case "Errorf":
			if pkg, ok := f.X.(*ast.Ident); ok && pkg.Name == "fmt" {
				segments(text, rest)
			}
		case "New":
			if pkg, ok := f.X.(*ast.Ident); ok && pkg.Name == "errors" {
				segments(text, rest)
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Op" {
			segments(literal(n.Value), rest)
		}
	case *ast.ValueSpec:
		for _, v := range n.Values {
			if s := literal(v); word.MatchString(s) {
				rest[s] = true
			}
		}
	}
}

// segments are the parts of an error's text that hold no value.
func segments(text string, into map[string]bool) {
	for s := range strings.SplitSeq(text, ": ") {
		if s = strings.TrimSpace(s); s != "" && !strings.ContainsAny(s, "%\n") {
			into[s] = true
		}
	}
}

func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return s
}
