package i18n_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// used lists the texts that the templates and the Go code ask for by name.
func used(t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	template := regexp.MustCompile(`(?:\bt|\.T) "([a-z_]+)" "([a-z_.]+)"`)
	code := regexp.MustCompile(`\.[TN]\("([a-z_]+)", "([a-z_.]+)"`)
	deliver := regexp.MustCompile(`deliver\(l, .*, "([a-z_]+)", "([a-z_]+)", "([a-z_]+)"\)`)
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "vendor") || strings.HasSuffix(path, "_test.go") {
			if err == nil && e.IsDir() && (e.Name() == "node_modules" || e.Name() == "console") {
				return fs.SkipDir
			}
			return err
		}
		var pattern *regexp.Regexp
		switch filepath.Ext(path) {
		case ".html":
			pattern = template
		case ".go":
			pattern = code
		default:
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range pattern.FindAllStringSubmatch(string(raw), -1) {
			ids[m[1]+"/"+m[2]] = true
		}
		for _, m := range deliver.FindAllStringSubmatch(string(raw), -1) {
			for _, id := range m[1:] {
				ids["result/"+id] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range constants(t, "../../kiosk/session/state.go", "TaskKind") {
		ids["task/"+k], ids["task/"+k+"_do"] = true, true
	}
	for _, v := range constants(t, "../../kiosk/document.go", "Verdict") {
		ids["verdict/"+v] = true
	}
	for typeName, context := range map[string]string{"Step": "setup_step", "Task": "setup_task", "LineState": "setup_state", "About": "setup_line"} {
		for _, v := range constants(t, "../setup/types.go", typeName) {
			ids[context+"/"+v] = true
		}
	}
	for _, v := range constants(t, "../setup/types.go", "trouble") {
		ids["setup_fault/"+v+".what"], ids["setup_fault/"+v+".do"] = true, true
	}
	for typeName, context := range map[string]string{"Link": "technique_link", "Phase": "technique_phase", "Task": "technique_task"} {
		for _, v := range constants(t, "../technician/types.go", typeName) {
			ids[context+"/"+v] = true
			if typeName == "Task" {
				ids[context+"/"+v+".do"] = true
			}
		}
	}
	for day := range 7 {
		ids["date/"+strings.ToLower(time.Weekday(day).String())] = true
	}
	for month := range 12 {
		ids["date/"+strings.ToLower(time.Month(month+1).String())] = true
	}
	for _, code := range constants(t, "../../kiosk/error.go", "Code") {
		ids["fault/"+code+".what"], ids["fault/"+code+".do"] = true, true
		for _, kind := range constants(t, "../../kiosk/device.go", "Kind") {
			ids["device/"+i18n.Picture(kiosk.Code(code), kiosk.Kind(kind))] = true
		}
		ids["device/"+i18n.Picture(kiosk.Code(code), "")] = true
	}
	return ids
}

// constants reads the values of a type's constants from its source: a code
// that somebody adds must have its texts, too.
func constants(t *testing.T, path, typeName string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typeName {
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					s, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, s)
				}
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constants of type %s", path, typeName)
	}
	return values
}
