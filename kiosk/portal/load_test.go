package portal_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/portal"
	"pointnum/kiosk/yamlfile"
)

func TestAPlacesOwnCatalogueLoads(t *testing.T) {
	path := filepath.Join("testdata", "small.yaml")
	c, err := portal.LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Updated != "2026-11" || len(c.Kinds) != 1 || len(c.Portals) != 1 || c.Portals[0].Field("rib").MaxBytes != 1_500_000 {
		t.Errorf("got %+v", c)
	}
	if _, err := portal.LoadFile(filepath.Join("testdata", "nothing.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: got %v", err)
	}
}

// The messages are read by people who never saw a program: testdata/*.bad.yaml
// holds their mistakes, *.bad.txt what they are told.
func TestMistakesSayTheLineAndWhatToDo(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.bad.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := portal.LoadFile(path)
			problems, ok := errors.AsType[yamlfile.Problems](err)
			if !ok {
				t.Fatalf("got %v, want Problems", err)
			}
			got := problems.Error() + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

var update = flag.Bool("update", false, "write the golden files")

func FuzzLoad(f *testing.F) {
	for _, path := range []string{"small.yaml", "everything.bad.yaml", "structure.bad.yaml", "empty.bad.yaml", "web.bad.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := portal.Load(strings.NewReader(text), "f.yaml")
		if err != nil {
			if _, ok := errors.AsType[yamlfile.Problems](err); !ok {
				t.Fatalf("got a %T", err)
			}
			return
		}
		for _, p := range c.Portals {
			if p.Address != "" {
				opens(t, p.ID, p.Address, c.Hosts(p.ID))
			}
			for _, k := range c.Kinds {
				got, known, ok := c.Target(p.ID, k.ID)
				if !ok || got.MaxBytes < 50_000 || got.AimBytes > got.MaxBytes || (!known && got.MaxBytes > portal.UnknownMax) {
					t.Errorf("%s, %s: got %+v, %v, %v", p.ID, k.ID, got, known, ok)
				}
			}
		}
	})
}
