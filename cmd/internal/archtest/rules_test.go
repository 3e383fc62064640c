package archtest

import (
	"os"
	"path/filepath"
	"testing"
)

// rule is one thing that holds everywhere.
type rule struct {
	name   string
	check  func(*repo) []string
	advice bool // printed, does not fail
}

var rules = []rule{
	{name: "layers", check: layers},
	{name: "what programs contain", check: contents},
	{name: "no package state", check: packageState},
	{name: "every package is documented", check: packageDocs},
	{name: "every exported name is documented", check: exportedDocs},
	{name: "the top level is fixed", check: layout},
	{name: "no paths of one machine", check: hygiene},
	{name: "no test skips", check: noSkips},
	{name: "files are short", check: longFiles, advice: true},
	{name: "functions are short", check: longFunctions, advice: true},
}

func TestTheRulesHold(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	r, err := load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.sources) < 10 {
		t.Fatalf("found %d Go files in %s", len(r.sources), root)
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, finding := range rule.check(r) {
				if rule.advice {
					t.Log(finding)
				} else {
					t.Error(finding)
				}
			}
		})
	}
}
