//go:build !race

// The race detector takes memory of its own.

package document_test

import (
	"os"
	"path/filepath"
	"testing"

	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

// A sheet at 600 dpi has 35 million pixels: 140 MB, and its copies. No way of
// writing it makes a child take more than 200 MB.
func TestSheetsOf600DPITakeLittleMemory(t *testing.T) {
	from := filepath.Join(t.TempDir(), "sheet.ppm")
	documenttest.Run(t, "convert", "-limit", "thread", "1", documenttest.Path(t, "sim-cerfa-15059-p1.jpg"), "-scale", "200%",
		"-density", "600", "-units", "PixelsPerInch", from)
	for name, args := range map[string][]string{
		"sheet.png":  {"-quality", "10"},
		"strips.tif": {"-compress", "lzw"},
		"fine.jpg":   {"-quality", "90", "-sampling-factor", "1x1", "-interlace", "Plane"},
		"jpeg.tif":   {"-compress", "jpeg", "-quality", "85"},
	} {
		out := filepath.Join(t.TempDir(), name)
		documenttest.Run(t, "convert", append(append([]string{"-limit", "thread", "1", from}, args...), out)...)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		e, in := newEngine(t, document.Options{}), input(data)
		all, err := pages(t.Context(), e, in)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %d pages, %v", name, len(all), err)
		}
		if p := all[0]; max(p.Width, p.Height) < 3300 || max(p.Width, p.Height) > 3510 {
			t.Errorf("%s: %d x %d pixels are left", name, p.Width, p.Height)
		}
		peak := e.PeakMemory()
		t.Logf("%s: %d MB", name, peak>>20)
		if peak > 200<<20 {
			t.Errorf("%s takes %d MB", name, peak>>20)
		}
	}
}
