package mrc_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"path/filepath"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// corpus gives a page of the collection, and its resolution if it is a sheet
// of A4, whose long side has at most so many pixels.
func corpus(t testing.TB, name string, side int) (*image.RGBA, int) {
	t.Helper()
	m := documenttest.Page(t, name, side)
	dpi := max(m.Rect.Dx(), m.Rect.Dy()) * 10 / 117
	if r, ok := raster.CropBed(m); ok {
		m = raster.ToRGBA(m.SubImage(r)) // as pages are when they are split
	}
	return m, dpi
}

// file is a PDF of the layers.
func file(t testing.TB, l *mrc.Layers, v mrc.Level) (data []byte, images int) {
	t.Helper()
	p, n, err := l.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := pdf.Write(&b, []pdf.Page{p}); err != nil {
		t.Fatal(err)
	}
	if err := pdf.Check(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), n
}

// drawn is the path of a PDF's page as PNG, drawn by poppler so that the long
// side of the sheet has so many pixels.
func drawn(t testing.TB, data []byte, side int) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "page")
	documenttest.Run(t, "pdftoppm", "-scale-to", fmt.Sprint(side), "-png", "-singlefile", documenttest.Save(t, "page.pdf", data), out)
	return out + ".png"
}

var (
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{0, 0, 0, 255}
)
