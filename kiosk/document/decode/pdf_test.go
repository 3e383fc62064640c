package decode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/raster"
)

// object is a stream for a PDF: a picture, or a page's content.
type object struct {
	dict string
	data []byte
}

// onePage writes a PDF of one page, w by h points, that draws content with the
// pictures /I0, /I1… and the font /F.
func onePage(w, h float64, page, content string, pictures ...object) []byte {
	var names strings.Builder
	for i := range pictures {
		fmt.Fprintf(&names, "/I%d %d 0 R", i, 5+i)
	}
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %g %g]%s/Contents 4 0 R/Resources<</XObject<<%s>>/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>", w, h, page, names.String()),
		documenttest.Stream("", content),
	}
	for _, p := range pictures {
		objects = append(objects, documenttest.Stream(p.dict, string(p.data)))
	}
	return documenttest.PDF("", objects...)
}

// corners is a picture that no turn leaves as it is.
func corners(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{250, 245, 235, 255}
			switch {
			case x < w/3 && y < h/3:
				c = color.RGBA{200, 30, 30, 255}
			case x > w*2/3 && y < h/4:
				c = color.RGBA{20, 150, 60, 255}
			case x < w/4 && y > h*2/3:
				c = color.RGBA{30, 60, 190, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func jpegPicture(t testing.TB, m image.Image) object {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	s := m.Bounds().Size()
	return object{fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode", s.X, s.Y), b.Bytes()}
}

const scanned = "q 595 0 0 842 0 0 cm /I0 Do Q\n"

func words(n int) string { return strings.Repeat("pointnum ", n/8+1) }

func TestLivePagesAreToldFromScans(t *testing.T) {
	scan, logo := jpegPicture(t, corners(620, 877)), jpegPicture(t, corners(80, 60))
	text := func(mode, lines int) string {
		var b strings.Builder
		for i := range lines {
			fmt.Fprintf(&b, "BT /F 11 Tf %d Tr 50 %d Td (%s) Tj ET\n", mode, 780-14*i, words(70))
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		content            string
		picture            object
		vector, searchable bool
		drawn              bool // on white at 300 dpi, not the scan's own pixels
	}{
		"a letter with a logo":           {"q 80 0 0 60 40 770 cm /I0 Do Q\n" + text(0, 20), logo, true, false, true},
		"a scan":                         {scanned, scan, false, false, false},
		"a scan with invisible text":     {scanned + text(3, 40), scan, false, true, false},
		"a scan over its text":           {text(0, 40) + scanned, scan, false, true, false},
		"a scan with a page number":      {scanned + "BT /F 9 Tf 300 20 Td (page 3) Tj ET", scan, false, false, true},
		"a scan with a pen's line":       {scanned + "2 w 100 100 m 300 120 l 320 400 l S", scan, false, false, true},
		"a scan with a word blotted out": {scanned + "1 g 100 100 60 20 re f", scan, false, false, true},
		"text on a picture":              {scanned + text(0, 30), scan, true, false, true},
		"a drawing":                      {strings.Repeat("10 10 m 200 300 l S ", 30), logo, true, false, true},
		"a scan on white with a frame":   {"1 1 1 rg 0 0 595 842 re f\n" + scanned, scan, false, false, false},
		"two pictures":                   {"q 500 0 0 400 40 430 cm /I0 Do Q q 500 0 0 400 40 10 cm /I0 Do Q", scan, false, false, true},
	} {
		data := onePage(595, 842, "", c.content, c.picture)
		_, p := pixels(t, data, 0)
		if p.Vector != c.vector || p.Searchable != c.searchable || p.Partial {
			t.Errorf("%s: vector %v, searchable %v, partial %v", name, p.Vector, p.Searchable, p.Partial)
		}
		want := 75
		if c.drawn {
			want = 300
		}
		if p.DPI != want || p.Width != 595 || p.Height != 842 {
			t.Errorf("%s: %d dpi, %g by %g points", name, p.DPI, p.Width, p.Height)
		}
	}
}

// However a page turns its picture, its pixels come as drawing it shows them.
func TestScansAreTurnedAsTheirPagesShowThem(t *testing.T) {
	picture := jpegPicture(t, corners(240, 160))
	for _, c := range []struct {
		w, h   float64
		matrix string
	}{
		{240, 160, "240 0 0 160 0 0"}, {240, 160, "-240 0 0 160 240 0"}, {240, 160, "-240 0 0 -160 240 160"}, {240, 160, "240 0 0 -160 0 160"},
		{160, 240, "0 240 160 0 0 0"}, {160, 240, "0 -240 160 0 0 240"}, {160, 240, "0 240 -160 0 160 0"}, {160, 240, "0 -240 -160 0 160 240"},
	} {
		for _, rotate := range []int{0, 90, 180, 270} {
			data := onePage(c.w, c.h, fmt.Sprintf("/Rotate %d", rotate), "q "+c.matrix+" cm /I0 Do Q", picture)
			checkAsDrawn(t, fmt.Sprintf("%s, turned by %d", c.matrix, rotate), data, 3)
		}
	}
}

func TestAPageShowsAPartOfItsScan(t *testing.T) {
	picture := jpegPicture(t, corners(240, 160))
	for name, content := range map[string]string{
		"larger than the page": "q 240 0 0 160 -40 -20 cm /I0 Do Q",
		"turned":               "q 0 240 -160 0 130 -30 cm /I0 Do Q",
		"in a clip":            "q 1 0 99 100 re W n 240 0 0 160 -40 -20 cm /I0 Do Q",
	} {
		data := onePage(100, 100, "", content, picture)
		if name != "in a clip" {
			checkAsDrawn(t, name, data, 3)
			continue
		}
		if got, p := pixels(t, data, 0); got.Rect.Size() != (image.Point{99, 100}) || p.DPI != 72 {
			t.Errorf("%s: %v at %d dpi", name, got.Rect, p.DPI)
		}
	}
}

// checkAsDrawn compares a page's own pixels with a drawing of the page.
func checkAsDrawn(t *testing.T, name string, data []byte, off float64) {
	t.Helper()
	got, p := pixels(t, data, 0)
	d, err := mupdf.Open(data, 100<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Bounds(0)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := d.Render(0, f, int(f.Width()), int(f.Height()))
	if err != nil {
		t.Fatal(err)
	}
	if a := away(got, want); a > off || p.DPI != 72 {
		t.Errorf("%s: %v at %d dpi, drawn %v, %.2f away", name, got.Rect, p.DPI, want.Rect, a)
	}
}

func TestBlackAndWhiteScansComeAsTheyAre(t *testing.T) {
	const w, h = 64, 48
	bits := make([]byte, w/8*h)
	for i := range bits {
		bits[i] = byte(i * 37)
	}
	for name, dict := range map[string]string{
		"grey":           "/ColorSpace/DeviceGray/BitsPerComponent 1",
		"inverted":       "/ColorSpace/DeviceGray/BitsPerComponent 1/Decode[1 0]",
		"palette":        "/ColorSpace[/Indexed/DeviceRGB 1<FFFFFF000000>]/BitsPerComponent 1",
		"stencil":        "/ImageMask true/BitsPerComponent 1",
		"stencil of one": "/ImageMask true/BitsPerComponent 1/Decode[1 0]",
	} {
		data := onePage(w, h, "", fmt.Sprintf("q %d 0 0 %d 0 0 cm /I0 Do Q", w, h), object{fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d%s", w, h, dict), bits})
		s, err := decode.Open(data, limits)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Page(0)
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		g, ok := p.Image.(*image.Gray)
		if !ok || g.Rect.Size() != (image.Point{w, h}) {
			t.Errorf("%s: %T of %v", name, p.Image, p.Image.Bounds())
			continue
		}
		one := byte(255)
		if name == "inverted" || name == "palette" || name == "stencil of one" {
			one = 0
		}
		for i, v := range g.Pix {
			want := ^one
			if bits[i/8]>>(7-i%8)&1 == 1 {
				want = one
			}
			if v != want {
				t.Errorf("%s: pixel %d is %d, want %d", name, i, v, want)
				break
			}
		}
		checkAsDrawn(t, name, data, 0)
	}
}

func TestFineScansAreHalved(t *testing.T) {
	data := onePage(595, 842, "", scanned, jpegPicture(t, image.NewGray(image.Rect(0, 0, 4960, 7016))))
	data = bytes.Replace(data, []byte("/DeviceRGB"), []byte("/DeviceGray"), 1)
	_, p := pixels(t, data, 0)
	if p.Image.Bounds().Size() != (image.Point{2480, 3508}) || p.DPI != 300 {
		t.Errorf("%T of %v at %d dpi", p.Image, p.Image.Bounds(), p.DPI)
	}
}

func FuzzPDF(f *testing.F) {
	picture := jpegPicture(f, corners(24, 16))
	f.Add(onePage(24, 16, "", "q 24 0 0 16 0 0 cm /I0 Do Q", picture))
	f.Add(onePage(24, 16, "/Rotate 90", "q 0 24 -16 0 16 0 cm /I0 Do Q BT /F 9 Tf 3 Tr 1 1 Td (words) Tj ET", picture))
	f.Add(onePage(24, 16, "", "q 24 0 0 16 0 0 cm /I0 Do Q", object{"/Type/XObject/Subtype/Image/ImageMask true/Width 24/Height 16", make([]byte, 48)}))
	small := decode.Limits{MaxPages: 3, MaxPixels: 1 << 18, MaxMemory: 32 << 20, WantSide: 100}
	f.Fuzz(func(t *testing.T, data []byte) { decodeAll(append([]byte("%PDF-1.7\n"), data...), small) })
}

func FuzzTIFF(f *testing.F) {
	for _, o := range []*tiff.Options{nil, {Compression: tiff.Deflate, Predictor: true}} {
		var b bytes.Buffer
		if err := tiff.Encode(&b, corners(24, 16), o); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	dir := f.TempDir()
	from, out := draw(f, dir), filepath.Join(dir, "out.tif")
	for _, compression := range []string{"jpeg", "lzw", "rle"} {
		f.Add(run(f, out, "convert", from, "-resize", "24x16", "-type", "TrueColor", "-compress", compression, out))
	}
	for _, compression := range []uint16{3, 4, 5, 7} {
		f.Add(exif(binary.LittleEndian, 259, compression))
	}
	small := decode.Limits{MaxPages: 3, MaxPixels: 1 << 16, MaxMemory: 32 << 20}
	halved := small
	halved.WantSide = 8
	f.Fuzz(func(t *testing.T, data []byte) {
		if decode.Sniff(data) == decode.TIFF {
			decodeAll(data, small)
			decodeAll(data, halved)
		}
	})
}

func FuzzJPEG(f *testing.F) {
	f.Add(jpegOf(f, 40, 30))
	f.Add(jpegPicture(f, corners(24, 16)).data)
	small := decode.Limits{MaxPages: 3, MaxPixels: 1 << 18, MaxMemory: 16 << 20, WantSide: 100}
	f.Fuzz(func(t *testing.T, data []byte) {
		if decode.Sniff(data) == decode.JPEG {
			decodeAll(data, small)
		}
	})
}

// decodeAll opens a file and decodes its pages; what goes wrong is the file's.
func decodeAll(data []byte, l decode.Limits) {
	s, err := decode.Open(data, l)
	if err != nil {
		return
	}
	defer s.Close()
	for i := range s.Pages() {
		if p, err := s.Page(i); err == nil {
			raster.Orient(p.Image, p.Orientation)
		}
	}
}
