package documenttest

import (
	"bytes"
	"fmt"
	"image"
	"testing"

	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/pdf"
)

// PDF writes a file of the given objects, the first its catalog; trailer is
// what its trailer has besides.
func PDF(trailer string, objects ...string) []byte {
	b := []byte("%PDF-1.7\n")
	table := fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	return fmt.Appendf(b, "%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", table, len(objects)+1, trailer, len(b))
}

// Stream is an object of data, with the given entries.
func Stream(entries, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(data), data)
}

// Natural is a file of one page, on a sheet that is just as large.
func Natural(t testing.TB, p pdf.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pdf.NewWriter(&b)
	w.Paper = pdf.Natural
	if err := w.Add(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pdf.Check(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Drawn is what MuPDF draws of a file's first page, in so many pixels.
func Drawn(t testing.TB, data []byte, w, h int) *image.RGBA {
	t.Helper()
	d, err := mupdf.Open(data, 512<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	frame, err := d.Bounds(0)
	if err != nil {
		t.Fatal(err)
	}
	img, flaws, err := d.Render(0, frame, w, h)
	if err != nil || flaws > 0 {
		t.Fatalf("%d by %d: %d flaws, %v", w, h, flaws, err)
	}
	return img
}
