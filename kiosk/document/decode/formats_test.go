package decode_test

import (
	"bytes"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/turbojpeg"
)

var limits = decode.Limits{MaxPages: 100, MaxPixels: 60_000_000, MaxMemory: 700 << 20}

// run makes a file with another program and gives its bytes.
func run(t testing.TB, out, program string, args ...string) []byte {
	t.Helper()
	documenttest.Run(t, program, args...)
	return readFile(t, out)
}

// pixels decodes a page upright and opaque.
func pixels(t testing.TB, data []byte, page int) (*image.RGBA, decode.Picture) {
	t.Helper()
	s, err := decode.Open(data, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Page(page)
	if err != nil {
		t.Fatal(err)
	}
	return raster.ToRGBA(raster.Orient(p.Image, p.Orientation)), p
}

// away is the mean distance of two pictures' samples.
func away(a, b *image.RGBA) float64 {
	if a.Rect != b.Rect {
		return math.Inf(1)
	}
	sum := 0.0
	for i := range a.Pix {
		sum += math.Abs(float64(a.Pix[i]) - float64(b.Pix[i]))
	}
	return sum / float64(len(a.Pix)) * 4 / 3
}

// The picture that the formats are tried with: four colours in the corners of
// a soft ground, so that turning it shows.
const drawing = "rect"

func draw(t testing.TB, dir string) string {
	t.Helper()
	f := filepath.Join(dir, drawing+".png")
	run(t, f, "convert", "-size", "240x160", "gradient:#fff8e0-#c0d8f0", "-depth", "8",
		"-fill", "#d02020", "-draw", "rectangle 10,10 60,50",
		"-fill", "#20a040", "-draw", "rectangle 170,12 228,44",
		"-fill", "#2040c0", "-draw", "rectangle 14,100 50,150",
		"-fill", "black", "-draw", "rectangle 120,70 200,90", "-type", "TrueColor", f)
	return f
}

func TestFormatsAreReadByTheirContent(t *testing.T) {
	dir := t.TempDir()
	png := draw(t, dir)
	want, _ := pixels(t, readFile(t, png), 0)
	for _, c := range []struct {
		name string
		ext  string
		args []string
		off  float64
	}{
		{"jpeg", "jpg", []string{"-quality", "95"}, 3},
		{"progressive jpeg", "jpg", []string{"-quality", "95", "-interlace", "JPEG"}, 3},
		{"cmyk jpeg", "jpg", []string{"-quality", "95", "-colorspace", "CMYK"}, 5},
		{"16 bit png", "png", []string{"-depth", "16"}, 0.6},
		{"webp", "webp", []string{"-quality", "95"}, 5},
		{"lossless webp", "webp", []string{"-define", "webp:lossless=true"}, 0.6},
		{"bmp", "bmp", nil, 0.6},
		{"gif", "gif", nil, 8},
		{"avif", "avif", []string{"-quality", "90"}, 4},
		{"heic", "heic", []string{"-quality", "90"}, 4},
		{"tiff", "tiff", []string{"-compress", "none"}, 0.6},
		{"tiff, lzw", "tiff", []string{"-compress", "lzw"}, 0.6},
		{"tiff, deflate", "tiff", []string{"-compress", "zip"}, 0.6},
		{"tiff, packbits", "tiff", []string{"-compress", "rle"}, 0.6},
		{"tiff, jpeg", "tiff", []string{"-compress", "jpeg", "-quality", "95"}, 4},
		{"tiff, 16 bit", "tiff", []string{"-depth", "16", "-compress", "lzw"}, 0.6},
		{"tiff, 16 bit big-endian", "tiff", []string{"-depth", "16", "-endian", "MSB"}, 0.6},
		{"tiff, cmyk", "tiff", []string{"-colorspace", "CMYK", "-compress", "lzw"}, 10},
		{"tiff, palette", "tiff", []string{"-type", "Palette", "-colors", "250", "-compress", "lzw"}, 8},
		{"tiff, planar", "tiff", []string{"-interlace", "plane", "-compress", "none"}, 0.6},
		{"tiff, planar lzw", "tiff", []string{"-interlace", "plane", "-compress", "lzw"}, 0.6},
		{"tiff, tiles", "tiff", []string{"-define", "tiff:tile-geometry=64x64", "-compress", "zip"}, 0.6},
		{"tiff, alpha", "tiff", []string{"-type", "TrueColorAlpha", "-compress", "zip"}, 0.6},
		{"tiff, associated alpha", "tiff", []string{"-type", "TrueColorAlpha", "-define", "tiff:alpha=associated"}, 0.6},
		{"tiff, strips of a row", "tiff", []string{"-define", "tiff:rows-per-strip=1"}, 0.6},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(c.name)+"."+c.ext)
			got, _ := pixels(t, run(t, out, "convert", append(append([]string{png}, c.args...), out)...), 0)
			if d := away(got, want); d > c.off {
				t.Errorf("%v, %.2f away", got.Rect, d)
			}
		})
	}
}

func TestBlackAndWhiteTIFFsAreRead(t *testing.T) {
	dir := t.TempDir()
	png := filepath.Join(dir, "bw.png")
	run(t, png, "convert", draw(t, dir), "-colorspace", "gray", "-threshold", "50%", "-type", "bilevel", png)
	want, _ := pixels(t, readFile(t, png), 0)
	for _, compress := range []string{"none", "group4", "fax", "lzw", "zip", "rle"} {
		for _, zero := range []string{"min-is-black", "min-is-white"} {
			// Only faxes are inverted to keep their looks by what writes this.
			fax := compress == "group4" || compress == "fax"
			if zero == "min-is-white" && !fax {
				continue
			}
			out := filepath.Join(dir, compress+zero+".tiff")
			got, _ := pixels(t, run(t, out, "convert", png, "-monochrome", "-define", "quantum:polarity="+zero, "-compress", compress, out), 0)
			if d := away(got, want); d != 0 {
				t.Errorf("%s, %s: %v, %.2f away", compress, zero, got.Rect, d)
			}
		}
	}
}

func TestAllPagesOfATIFFAreRead(t *testing.T) {
	dir := t.TempDir()
	png := draw(t, dir)
	out := filepath.Join(dir, "pages.tiff")
	data := run(t, out, "convert", png, "(", png, "-rotate", "90", "-compress", "jpeg", ")", "(", png, "-flip", "-colorspace", "CMYK", "-compress", "lzw", ")", "-density", "200", "-units", "PixelsPerInch", out)
	s, err := decode.Open(data, limits)
	if err != nil || s.Pages() != 3 || s.Format() != decode.TIFF {
		t.Fatalf("%v pages, %v", s, err)
	}
	s.Close()
	want, _ := pixels(t, readFile(t, png), 0)
	for i, o := range []int{1, 6, 4} {
		got, p := pixels(t, data, i)
		if d := away(got, raster.ToRGBA(raster.Orient(want, o))); d > 10 {
			t.Errorf("page %d: %v, %.2f away", i, got.Rect, d)
		}
		if p.DPI != 200 || math.Round(p.Width) != math.Round(float64(got.Rect.Dx())*72/200) {
			t.Errorf("page %d: %d dpi, %.0f points wide", i, p.DPI, p.Width)
		}
	}
}

func TestPicturesAreTurnedAsTheirFilesSay(t *testing.T) {
	dir := t.TempDir()
	png := draw(t, dir)
	upright, _ := pixels(t, readFile(t, png), 0)
	names := []string{"", "top-left", "top-right", "bottom-right", "bottom-left", "left-top", "right-top", "right-bottom", "left-bottom"}
	for o := 1; o <= 8; o++ {
		want := raster.ToRGBA(raster.Orient(upright, o))
		for _, compress := range []string{"lzw", "jpeg"} {
			if compress == "jpeg" && o%3 != 0 {
				continue // the same code as another
			}
			out := filepath.Join(dir, "turned.tiff")
			got, _ := pixels(t, run(t, out, "convert", png, "-compress", compress, "-orient", names[o], out), 0)
			if d := away(got, want); d > 5 {
				t.Errorf("tiff of %s, orientation %d: %v, %.2f away", compress, o, got.Rect, d)
			}
		}
	}
}

func TestOfficeFilesAreNamed(t *testing.T) {
	for name, want := range map[string]decode.Format{
		"tables.docx": decode.DOCX, "textbox.docx": decode.DOCX, "text.odt": decode.ODT, "legacy.doc": decode.DOC,
		"hostile-bomb.docx": decode.DOCX, "hostile-xxe.docx": decode.DOCX,
	} {
		data := documenttest.Read(t, name)
		if got := decode.Sniff(data); got != want || !got.Office() {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if _, err := decode.Open(data, limits); kiosk.CodeOf(err) != kiosk.CodeFileUnsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := decode.Sniff([]byte(`{\rtf1\ansi`)); got != decode.RTF {
		t.Errorf("got %v", got)
	}
	if got := decode.Sniff(zipOf(t, "[Content_Types].xml", "_rels/.rels", "xl/workbook.xml")); got != decode.XLSX {
		t.Errorf("got %v", got)
	}
	if got := decode.Sniff(zipOf(t, "docProps/app.xml", "ppt/presentation.xml")); got != decode.PPTX {
		t.Errorf("got %v", got)
	}
	if got := decode.Sniff(zipOf(t, "holiday.jpg")); got.Office() {
		t.Errorf("a ZIP file is %v", got)
	}
	locked := compound("EncryptionInfo", "EncryptedPackage")
	if _, err := decode.Open(locked, limits); kiosk.CodeOf(err) != kiosk.CodeFilePassword {
		t.Errorf("an encrypted one: %v", err)
	}
	for stream, want := range map[string]decode.Format{"WordDocument": decode.DOC, "Workbook": decode.XLS, "PowerPoint Document": decode.PPT} {
		if got := decode.Sniff(compound("CompObj", stream)); got != want {
			t.Errorf("%s: %v", stream, got)
		}
	}
}

// A film has no page, whatever its container.
func TestFilmsAreRefusedPlainly(t *testing.T) {
	for _, brand := range []string{"hevc", "msf1", "avis"} {
		data := append([]byte("\x00\x00\x00\x18ftyp"+brand+"\x00\x00\x00\x00"+brand+"iso8"), "\x00\x00\x00\x08moov"...)
		if _, err := decode.Open(data, limits); kiosk.CodeOf(err) != kiosk.CodeFileUnsupported {
			t.Errorf("%s: %v", brand, err)
		}
	}
}

func TestLargePhotographsAreDecodedSmaller(t *testing.T) {
	jpg, err := turbojpeg.Encode(image.NewGray(image.Rect(0, 0, 8000, 6000)), 50)
	if err != nil {
		t.Fatal(err)
	}
	data := segment(jpg, 0xe0, "JFIF\x00\x01\x02\x01\x02\x58\x02\x58\x00\x00")
	got, p := pixels(t, data, 0)
	if got.Rect.Size() != (image.Point{4000, 3000}) || p.DPI != 300 {
		t.Errorf("%v, %d dpi", got.Rect, p.DPI)
	}
	l := limits
	l.WantSide = 1000
	s, err := decode.Open(data, l)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if p, err = s.Page(0); err != nil || p.Image.Bounds().Dx() != 1000 || p.DPI != 75 {
		t.Errorf("%v, %d dpi, %v", p.Image.Bounds(), p.DPI, err)
	}
}

func TestATruncatedJPEGIsKeptInPart(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "cut.jpg")
	data := run(t, out, "convert", draw(t, dir), out)
	if _, p := pixels(t, data[:len(data)*3/5], 0); !p.Partial {
		t.Error("nobody is told that a part is missing")
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func BenchmarkJPEGPage(b *testing.B) {
	dir := b.TempDir()
	out := filepath.Join(dir, "a4.jpg")
	data := run(b, out, "convert", "-size", "2480x3508", "plasma:fractal", "-quality", "90", out)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s, err := decode.Open(data, limits)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Page(0); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func TestSniffingSurvivesCutFiles(t *testing.T) {
	for _, whole := range [][]byte{zipOf(t, "word/document.xml"), compound("WordDocument"), []byte("PK\x03\x04" + strings.Repeat("\xff", 26) + "mimetype")} {
		for n := range whole {
			decode.Sniff(bytes.Clone(whole[:n]))
		}
	}
}
