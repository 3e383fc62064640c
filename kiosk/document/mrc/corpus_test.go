package mrc_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// collection is where the real documents are.
const collection = "../../../../shared/corpus"

// run runs a program, which a test needs, and returns what it says.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: run 'make deps' first", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said.String())
	}
	return out
}

// corpus gives a page of the collection, and its resolution if it is a sheet
// of A4, whose long side has at most so many pixels. ImageMagick reads it:
// the race detector makes Go's own decoder take seconds for a large scan.
func corpus(t testing.TB, name string, side int) (*image.RGBA, int) {
	t.Helper()
	data := run(t, "convert", "-quiet", "-limit", "thread", "1", "-define", fmt.Sprintf("jpeg:size=%dx%d", side, side),
		filepath.Join(collection, name), "-auto-orient", "-resize", fmt.Sprintf("%dx%d>", side, side), "-depth", "8", "ppm:-")
	var w, h int
	if _, err := fmt.Sscanf(string(data[:min(len(data), 20)]), "P6\n%d %d\n255\n", &w, &h); err != nil {
		t.Fatal(err)
	}
	data = data[len(data)-3*w*h:]
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(m.Pix[4*i:4*i+3], data[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	dpi := max(w, h) * 10 / 117
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
	dir := t.TempDir()
	path := filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "pdftoppm", "-scale-to", fmt.Sprint(side), "-png", "-singlefile", path, filepath.Join(dir, "page"))
	return filepath.Join(dir, "page.png")
}

func readPNG(t testing.TB, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var (
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{0, 0, 0, 255}
)
