package document_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

func TestMain(m *testing.M) {
	if document.IsChild() {
		document.RunChild()
	}
	os.Exit(run(m))
}

// childProgram is what engines start; this program itself when empty.
var childProgram string

func run(m *testing.M) int {
	if raceDetector {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		childProgram = filepath.Join(dir, "child")
		if out, err := exec.Command("go", "build", "-o", childProgram, "./testdata/child").CombinedOutput(); err != nil {
			panic(string(out))
		}
	}
	return m.Run()
}

func newEngine(t testing.TB, o document.Options) *document.Engine {
	t.Helper()
	o.Executable = childProgram
	e, err := document.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// input is bytes as somebody brings them.
func input(b []byte) *kiosk.Input {
	return &kiosk.Input{Size: int64(len(b)), Open: opener(b)}
}

func opener(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// pages imports an input and keeps its pages.
func pages(ctx context.Context, e *document.Engine, in *kiosk.Input) ([]kiosk.Page, error) {
	var all []kiosk.Page
	err := e.Import(ctx, *in, func(p kiosk.Page) error {
		all = append(all, p)
		return nil
	})
	return all, err
}

// refs are pages as a spool hands them back.
func refs(in *kiosk.Input, all []kiosk.Page) []kiosk.PageRef {
	var r []kiosk.PageRef
	for _, p := range all {
		if p.Source != nil {
			in = input(p.Source)
		}
		ref := kiosk.PageRef{Open: opener(p.Image), Size: int64(len(p.Image)), DPI: p.DPI, Index: p.Index, Kind: p.Kind,
			Changed: slices.ContainsFunc(p.Changes, func(c kiosk.Change) bool { return c != kiosk.ChangeTurned }), Turned: p.Turned,
			Origin: in, OriginPages: p.Total}
		if p.Packed != nil {
			ref.Packed, ref.PackedSize = opener(p.Packed), int64(len(p.Packed))
		}
		r = append(r, ref)
	}
	return r
}

// corpus lists the files of the corpus beside the repository.
func corpus(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(documenttest.Path(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && e.Name() != "INDEX.tsv" {
			files = append(files, documenttest.Path(t, e.Name()))
		}
	}
	return files
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func itoa(n int) string { return strconv.Itoa(n) }

type readCloser = io.ReadCloser

// unpack writes a PDF's objects plainly, so that words can be looked for.
func unpack(t testing.TB, data []byte) []byte {
	t.Helper()
	return documenttest.Run(t, "qpdf", "--qdf", "--object-streams=disable", saved(t, data), "-")
}
