package document_test

import (
	"image"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

// What programs of others make of our files.

// saved writes bytes into a file that is gone after the test.
func saved(t testing.TB, data []byte) string {
	t.Helper()
	return documenttest.Save(t, "file", data)
}

// output runs a program and gives what it writes.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	return string(documenttest.Run(t, name, args...))
}

// textOf gives the words that poppler finds in a page of a PDF, counted from
// 1, in their order; those of all pages when it is 0.
func textOf(t testing.TB, data []byte, page int) []string {
	t.Helper()
	args := []string{"-q", saved(t, data), "-"}
	if page > 0 {
		args = append([]string{"-f", itoa(page), "-l", itoa(page)}, args...)
	}
	return strings.Fields(output(t, "pdftotext", args...))
}

// picture gives a PNG of a page of a PDF, counted from 1, as poppler draws it.
func picture(t testing.TB, data []byte, page, dpi int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "page")
	output(t, "pdftoppm", "-q", "-png", "-r", itoa(dpi), "-f", itoa(page), "-l", itoa(page), "-singlefile", saved(t, data), path)
	return path + ".png"
}

// drawn is that picture in memory; the race detector makes Go slow at it.
func drawn(t testing.TB, data []byte, page, dpi int) image.Image {
	t.Helper()
	return documenttest.PNG(t, picture(t, data, page, dpi))
}

// brought is a file of the collection and its pages.
type brought struct {
	in    *kiosk.Input
	pages []kiosk.PageRef
}

// known are the files that tests have read already, by name.
var known sync.Map

// imported gives the pages of a file of the collection, ready to be converted.
func imported(t testing.TB, e *document.Engine, name string) (*kiosk.Input, []kiosk.PageRef) {
	t.Helper()
	if f, ok := known.Load(name); ok {
		return f.(brought).in, slices.Clone(f.(brought).pages)
	}
	in := input(documenttest.Read(t, name))
	all, err := pages(t.Context(), e, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	known.Store(name, brought{in, refs(in, all)})
	return in, refs(in, all)
}

// made converts pages into one file.
func made(t testing.TB, e *document.Engine, pages []kiosk.PageRef, f kiosk.Format, most int64) kiosk.Conversion {
	t.Helper()
	c, err := e.Convert(t.Context(), pages, kiosk.Target{Format: f, MaxBytes: most}, nil)
	if err != nil {
		t.Fatalf("%s under %d: %v", f, most, err)
	}
	if len(c.Files) != 1 || int64(len(c.Files[0].Data)) >= most {
		t.Fatalf("%s under %d: %d files, the first of %d bytes", f, most, len(c.Files), len(c.Files[0].Data))
	}
	return c
}

// patient are the options of an engine whose pages have time, however busy the
// machine is.
func patient() document.Options {
	return document.Options{Probe: time.Minute, Page: time.Minute, Input: 3 * time.Minute, PerPage: 10 * time.Second}
}
