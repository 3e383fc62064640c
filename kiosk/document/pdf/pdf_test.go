package pdf_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/document/pdf"
)

// tool returns the path of a program a test needs; a missing one fails it.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: run 'make deps' first", name)
	}
	return path
}

// run runs a program that reads the file and returns what it says.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// picture is a page with a gradient and something at known places.
func picture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 200, 255})
		}
	}
	return m
}

func gray(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(i % w * 255 / w)
	}
	return m
}

func jpegPage(t testing.TB, m image.Image, dpi int) pdf.Page {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 80}); err != nil {
		t.Fatal(err)
	}
	_, isGray := m.(*image.Gray)
	return pdf.Page{Data: b.Bytes(), Encoding: pdf.JPEG, Width: m.Bounds().Dx(), Height: m.Bounds().Dy(), Gray: isGray, DPI: dpi}
}

func write(t testing.TB, pages ...pdf.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pdf.Write(&b, pages); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOtherProgramsFindNothingWrong(t *testing.T) {
	flate, err := pdf.Lossless(gray(300, 200))
	if err != nil {
		t.Fatal(err)
	}
	data := write(t,
		jpegPage(t, picture(2480/4, 3508/4), 75),
		jpegPage(t, gray(500, 300), 0),
		pdf.Page{Width: 300, Height: 200, DPI: 100, Layers: []pdf.Image{flate}},
	)
	if err := pdf.Check(data); err != nil {
		t.Error(err)
	}
	path := save(t, data)
	if out := run(t, "qpdf", "--check", path); strings.Contains(out, "WARNING") {
		t.Errorf("qpdf: %s", out)
	}
	info := run(t, "pdfinfo", "-isodates", path)
	for _, want := range []string{"Pages:           3", "595.276 x 841.89 pts (A4)", "PDF version:     1.7"} {
		if !strings.Contains(info, want) {
			t.Errorf("pdfinfo does not say %q:\n%s", want, info)
		}
	}
	for _, not := range []string{"Producer", "Creator", "Date", "Metadata Stream: yes"} {
		if strings.Contains(info, not) {
			t.Errorf("pdfinfo says %q:\n%s", not, info)
		}
	}
}
