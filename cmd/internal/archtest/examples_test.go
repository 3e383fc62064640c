package archtest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Each rule finds the bad examples, on the right line and with what to do,
// and leaves the good ones alone.
func TestTheRulesFindWhatTheyShould(t *testing.T) {
	for _, c := range []struct {
		name  string
		check func(*repo) []string
		files map[string]string
		want  []string // beginnings of the findings, in any order
	}{
		{"the vocabulary takes no library", layers, map[string]string{
			"kiosk/a.go": "package kiosk\n\nimport (\n\t_ \"io\"\n\t_ \"golang.org/x/sys/unix\"\n)\n",
		}, []string{"kiosk/a.go:5: kiosk uses the standard library only"}},
		{"the vocabulary knows nobody", layers, map[string]string{
			"kiosk/a.go": "package kiosk\n\nimport _ \"pointnum/kiosk/watch\"\n",
		}, []string{"kiosk/a.go:3: kiosk must not import kiosk/watch: kiosk is the vocabulary"}},
		{"kiosk never knows drivers or ui, not even in tests", layers, map[string]string{
			"kiosk/spool/a.go":      "package spool\n\nimport _ \"pointnum/drivers/escl\"\n",
			"kiosk/spool/a_test.go": "package spool_test\n\nimport _ \"pointnum/ui\"\n",
		}, []string{"kiosk/spool/a.go:3: kiosk/spool must not import drivers/escl", "kiosk/spool/a_test.go:3: kiosk/spool must not import ui"}},
		{"an edge within kiosk is a decision", layers, map[string]string{
			"kiosk/spool/a.go":        "package spool\n\nimport _ \"pointnum/kiosk/session\"\n",
			"kiosk/spool/a_test.go":   "package spool_test\n\nimport _ \"pointnum/kiosk/session\"\n",
			"kiosk/portal/a.go":       "package portal\n\nimport _ \"pointnum/kiosk/yamlfile\"\n",
			"kiosk/document/a.go":     "package document\n\nimport _ \"pointnum/kiosk/document/pdf\"\n",
			"kiosk/document/pdf/a.go": "package pdf\n\nimport _ \"pointnum/kiosk/document/raster\"\n",
		}, []string{"kiosk/spool/a.go:3: kiosk/spool must not import kiosk/session: this edge is not in kioskEdges"}},
		{"drivers know kiosk and each other", layers, map[string]string{
			"drivers/escl/a.go":      "package escl\n\nimport (\n\t_ \"pointnum/kiosk\"\n\t_ \"pointnum/drivers/quirks\"\n\t_ \"pointnum/kiosk/watch\"\n\t_ \"pointnum/drivers/virtual\"\n)\n",
			"drivers/escl/a_test.go": "package escl_test\n\nimport (\n\t_ \"pointnum/drivers/escl\"\n\t_ \"pointnum/drivers/virtual\"\n)\n",
			"drivers/virtual/a.go":   "package virtual\n\nimport _ \"pointnum/drivers/drivertest\"\n",
		}, []string{"drivers/escl/a.go:6: drivers/escl must not import kiosk/watch", "drivers/escl/a.go:7: drivers/escl must not import drivers/virtual: virtual devices"}},
		{"drivers, ui and provisioning do not know each other, but for the console", layers, map[string]string{
			"ui/a.go":                      "package ui\n\nimport _ \"pointnum/provisioning/link\"\n",
			"ui/console/a.go":              "package console\n\nimport _ \"pointnum/ui/safeweb\"\n",
			"provisioning/link/a.go":       "package link\n\nimport _ \"pointnum/ui/console\"\n",
			"provisioning/fleet/desk/a.go": "package desk\n\nimport _ \"pointnum/ui/console\"\n",
		}, []string{"ui/a.go:3: ui must not import provisioning/link", "provisioning/link/a.go:3: provisioning/link must not import ui/console"}},
		{"nobody imports a command", layers, map[string]string{
			"ui/a.go":         "package ui\n\nimport _ \"pointnum/cmd/internal/agent\"\n",
			"cmd/kioskd/a.go": "package main\n\nimport (\n\t_ \"pointnum/cmd/internal/agent\"\n\t_ \"pointnum/drivers/escl\"\n\t_ \"pointnum/ui\"\n)\n",
		}, []string{"ui/a.go:3: ui must not import cmd/internal/agent: commands tie"}},

		{"the agent contains no virtual device, however far away", contents, map[string]string{
			"cmd/kioskd/main.go":        "package main\n\nimport _ \"pointnum/cmd/internal/agent\"\n",
			"cmd/internal/agent/a.go":   "package agent\n\nimport _ \"pointnum/drivers/escl\"\n",
			"drivers/escl/a.go":         "package escl\n\nimport _ \"pointnum/drivers/virtual\"\n",
			"drivers/virtual/a.go":      "package virtual\n",
			"cmd/kioskdev/main.go":      "package main\n\nimport _ \"pointnum/drivers/virtual\"\n",
			"cmd/kioskd/main_test.go":   "package main\n\nimport _ \"pointnum/provisioning/fleet\"\n",
			"provisioning/fleet/doc.go": "package fleet\n",
		}, []string{"cmd/kioskd:1: cmd/kioskd must not contain drivers/virtual: cut the way cmd/kioskd → cmd/internal/agent → drivers/escl → drivers/virtual"}},

		{"no init", packageState, map[string]string{
			"a/a.go": "package a\n\nfunc init() {}\n\ntype T struct{}\n\nfunc (T) init() {}\n",
		}, []string{"a/a.go:3: no init function"}},
		{"a package variable that changes is found wherever it changes", packageState, map[string]string{
			"a/vars.go": "package a\n\nvar (\n\tcount int\n\tseen = map[string]bool{}\n\tlist []int\n\tconf struct{ n int }\n)\n",
			"a/use.go":  "package a\n\nfunc f() *int {\n\tcount++\n\tdelete(seen, \"a\")\n\tseen[\"b\"] = true\n\tlist = append(list, 1)\n\tconf.n = 2\n\treturn &count\n}\n",
		}, []string{"a/use.go:4: the package-level variable count", "a/use.go:5:", "a/use.go:6:", "a/use.go:7:", "a/use.go:8:", "a/use.go:9:"}},
		{"tables, errors and local names are no state", packageState, map[string]string{
			"a/a.go": "package a\n\nimport (\n\t\"errors\"\n\t\"regexp\"\n\t\"example.org/x\"\n)\n\nvar (\n\tErrA = errors.New(\"a\")\n\tword = regexp.MustCompile(`a`)\n\ttable = map[string]int{\"a\": 1}\n\tlib = x.New()\n)\n\nvar _ error = (*T)(nil)\n\nfunc f() int {\n\tword := 1\n\tword++\n\tfor k := range table {\n\t\t_ = k\n\t}\n\treturn table[\"a\"] + word\n}\n",
		}, nil},
		{"locks, atomics and channels are state before anybody uses them", packageState, map[string]string{
			"a/a.go": "package a\n\nimport (\n\t\"sync\"\n\t\"sync/atomic\"\n)\n\nvar mu sync.Mutex\nvar once = sync.Once{}\nvar n = new(atomic.Int64)\nvar ch = make(chan int)\nvar p atomic.Pointer[int]\n",
		}, []string{"a/a.go:8: a package-level sync.Mutex", "a/a.go:9:", "a/a.go:10: a package-level atomic.Int64", "a/a.go:11: a package-level channel", "a/a.go:12:"}},

		{"a package says what it is for", packageDocs, map[string]string{
			"a/a.go": "package a\n", "b/b.go": "// Package b is good.\npackage b\n", "b/more.go": "package b\n",
			"c/main.go": "// Package main is wrong.\npackage main\n", "d/main.go": "// Command d is good.\npackage main\n",
		}, []string{"a/a.go:1: no package comment: write one that starts with \"Package a …\"", "c/main.go:1: no package comment: write one that starts with \"Command …\""}},
		{"every exported name says what it is", exportedDocs, map[string]string{
			"a/a.go": `package a

func F() {}

type T struct{}

func (*T) M() {}

const C = 1

var V, W int

type I interface {
	// A is good.
	A()
	B()
}

type (
	X int
)
`,
		}, []string{"a/a.go:3: F has", "a/a.go:5: T has", "a/a.go:7: M has", "a/a.go:9: C has", "a/a.go:11: V has", "a/a.go:11: W has", "a/a.go:13: I has", "a/a.go:16: B has", "a/a.go:20: X has"}},
		{"comments of groups, of lines and of one-method interfaces count", exportedDocs, map[string]string{
			"a/a.go": `package a

// F is good.
func F() {}

func hidden() {}

type inner struct{}

func (inner) Close() {}

// The colours.
const (
	Red = iota
	Green
)

const (
	Blue = 2 // of the sky
)

// I is what B does.
type I interface{ B() }

// G is generic.
type G[T any] struct{}

// M is good.
func (*G[T]) M() {}
`,
		}, nil},

		{"the top level is fixed", layout, map[string]string{
			"pkg/a.go": "package pkg\n", "notes.txt": "x", "README.md": "x", ".gitignore": "x", "kiosk/a.go": "package kiosk\n",
		}, []string{"notes.txt:1: the top level is fixed", "pkg:1: the top level is fixed"}},
		{"no drawers", layout, map[string]string{
			"kiosk/utils/a.go": "// Package utils is a drawer.\npackage utils\n",
		}, []string{"kiosk/utils/a.go:2: package utils says nothing"}},

		{"no path of one machine", hygiene, map[string]string{
			"README.md": "see\n`/wo" + "rk/main/x`\n", "a/b.txt": "/ro" + "ot/x", "a/good.md": "../shared, https://example.org/wo" + "rk/x and homework/x",
		}, []string{"README.md:2: ", "a/b.txt:1: "}},
		{"no test skips", noSkips, map[string]string{
			"a/a_test.go": "package a\n\nfunc TestA(t *testing.T) {\n\tt.Skip(\"x\")\n\tif testing.Short() {\n\t\tt.SkipNow()\n\t}\n\tscanner.Skip()\n}\n",
		}, []string{"a/a_test.go:4: a test never skips", "a/a_test.go:6:"}},
		{"long files and functions", func(r *repo) []string { return append(longFiles(r), longFunctions(r)...) }, map[string]string{
			"a/a.go": "package a\n\nfunc f() {\n" + strings.Repeat("\tg()\n", 500) + "}\n\nfunc g() {}\n",
		}, []string{"a/a.go:500: 506 lines", "a/a.go:3: f has 502 lines"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for name, text := range c.files {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			r, err := load(tree)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c.check(r), c.want)
		})
	}
}

// compare wants each finding to begin with one of want, and each of want to
// be found once.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	rest := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(rest, func(g string) bool { return strings.HasPrefix(g, w) })
		if i < 0 {
			t.Errorf("nothing begins with %q", w)
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, g := range rest {
		t.Errorf("found, and should not be: %s", g)
	}
}

func TestDataAndForeignFoldersAreNotRead(t *testing.T) {
	r, err := load(fstest.MapFS{
		"a/testdata/bad.go":       {Data: []byte("not Go")},
		"node_modules/x/a.go":     {Data: []byte("not Go")},
		"ui/assets/vendor/x/a.go": {Data: []byte("not Go")},
		".git/a.go":               {Data: []byte("not Go")},
		"a/picture.bin":           {Data: []byte{0, 1, 2}},
		"a/a.go":                  {Data: []byte("package a\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.sources) != 1 || r.sources[0].path != "a/a.go" {
		t.Errorf("got %d sources", len(r.sources))
	}
	if _, ok := r.texts["a/picture.bin"]; ok {
		t.Error("a binary file was taken for a text")
	}
}
