package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jpegenc"
	"pointnum/kiosk/document/pdf"
)

// run gives what a program says without a complaint.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	return string(documenttest.Quiet(t, name, args...))
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

func TestOtherProgramsFindNothingWrong(t *testing.T) {
	flate, err := pdf.Lossless(documenttest.GrayGradient(300, 200))
	if err != nil {
		t.Fatal(err)
	}
	data := write(t,
		jpegPage(t, documenttest.Gradient(2480/4, 3508/4), 75),
		jpegPage(t, documenttest.GrayGradient(500, 300), 0),
		pdf.Page{Width: 300, Height: 200, DPI: 100, Layers: []pdf.Image{flate}},
	)
	if err := pdf.Check(data); err != nil {
		t.Error(err)
	}
	path := documenttest.Save(t, "file.pdf", data)
	documenttest.Quiet(t, "qpdf", "--check", path)
	info := run(t, "pdfinfo", "-isodates", path)
	for _, want := range []string{"Pages:           3", "595.276 x 841.89 pts (A4)", "PDF version:     1.7"} {
		if !strings.Contains(info, want) {
			t.Errorf("pdfinfo does not say %q:\n%s", want, info)
		}
	}
	for _, not := range []string{"Producer", "Creator", "Date", "Title", "Author"} {
		if strings.Contains(info, not) {
			t.Errorf("pdfinfo says %q:\n%s", not, info)
		}
	}
}

func TestJPEGsAreKeptByteForByte(t *testing.T) {
	pages := []pdf.Page{jpegPage(t, documenttest.Gradient(400, 600), 72), jpegPage(t, documenttest.GrayGradient(300, 500), 72)}
	path := documenttest.Save(t, "file.pdf", write(t, pages...))
	out := filepath.Join(t.TempDir(), "image")
	documenttest.Quiet(t, "pdfimages", "-all", path, out)
	for i, p := range pages {
		got, err := os.ReadFile(fmt.Sprintf("%s-%03d.jpg", out, i))
		if err != nil || !bytes.Equal(got, p.Data) {
			t.Errorf("image %d came out different (%v)", i, err)
		}
	}
}

func TestEmptyJPEGsArePackedOnceMore(t *testing.T) {
	plain := jpegPage(t, image.NewGray(image.Rect(0, 0, 800, 1100)), 100)
	m := pdf.Image{Data: plain.Data, Encoding: pdf.JPEG, Width: plain.Width, Height: plain.Height, Gray: true}
	packed := m.Packed()
	if packed.Encoding != pdf.PackedJPEG || 4*len(packed.Data) > len(m.Data) {
		t.Fatalf("%d bytes of %d", len(packed.Data), len(m.Data))
	}
	noise := image.NewGray(image.Rect(0, 0, 200, 200))
	r := rand.New(rand.NewPCG(1, 1))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(r.IntN(256))
	}
	if n := (pdf.Image{Data: jpegenc.Encode(noise, 80, jpegenc.Options{}), Encoding: pdf.JPEG, Width: 200, Height: 200, Gray: true}).Packed(); n.Encoding != pdf.JPEG {
		t.Error("a full JPEG was packed")
	}
	page := pdf.Page{Width: 800, Height: 1100, DPI: 100, Layers: []pdf.Image{packed}}
	data, err := page.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var again pdf.Page
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	path := documenttest.Save(t, "file.pdf", write(t, again))
	documenttest.Quiet(t, "qpdf", "--check", path)
	out := filepath.Join(t.TempDir(), "image")
	documenttest.Quiet(t, "pdfimages", "-png", path, out) // draws nothing of what it can't decode
	if got := documenttest.PNG(t, out+"-000.png"); got.Bounds() != image.Rect(0, 0, 800, 1100) {
		t.Errorf("a picture of %v came out", got.Bounds())
	}
	broken := packed
	broken.Data = broken.Data[4:]
	if err := pdf.Write(io.Discard, []pdf.Page{{Width: 800, Height: 1100, Layers: []pdf.Image{broken}}}); err == nil {
		t.Error("broken data was taken")
	}
}

func TestTheSamePagesGiveTheSameFile(t *testing.T) {
	page := jpegPage(t, documenttest.Gradient(200, 300), 100)
	a, b := write(t, page, page), write(t, page, page)
	if !bytes.Equal(a, b) {
		t.Error("two files of the same pages differ")
	}
	id := regexp.MustCompile(`/ID\[<(\w{32})><(\w{32})>\]`)
	other := write(t, page)
	if x, y := id.FindSubmatch(a), id.FindSubmatch(other); x == nil || y == nil || bytes.Equal(x[1], y[1]) || !bytes.Equal(x[1], x[2]) {
		t.Error("the identifier does not follow the content")
	}
}

// drawn renders a file's first page at 72 dpi.
func drawn(t *testing.T, data []byte) image.Image {
	t.Helper()
	out := filepath.Join(t.TempDir(), "page")
	documenttest.Quiet(t, "pdftoppm", "-r", "72", "-png", "-singlefile", documenttest.Save(t, "file.pdf", data), out)
	return documenttest.PNG(t, out+".png")
}

// inked is the rectangle of what is not white.
func inked(img image.Image) image.Rectangle {
	var r image.Rectangle
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if _, g, _, _ := img.At(x, y).RGBA(); g < 0xe000 {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

func abs(a int) int { return max(a, -a) }

// blackCCITT is 64 by 16 black pixels in ITU-T T.6: a first row of no white
// (00110101) and 64 black (0000001111 0000110111) in horizontal mode (001),
// then rows as the one above (1 for each of two changes), then the end of the
// block.
func blackCCITT() pdf.Image {
	bits := "001" + "00110101" + "0000001111" + "0000110111" + strings.Repeat("11", 15) + "000000000001000000000001"
	var data []byte
	for len(bits)%8 != 0 {
		bits += "0"
	}
	for i := 0; i < len(bits); i += 8 {
		v := 0
		for _, b := range bits[i : i+8] {
			v = v<<1 | int(b-'0')
		}
		data = append(data, byte(v))
	}
	return pdf.Image{Data: data, Encoding: pdf.CCITT, Width: 64, Height: 16}
}

func TestLayersArePaintedOverThePicture(t *testing.T) {
	page := jpegPage(t, documenttest.Gradient(640, 160), 72)
	stencil := blackCCITT()
	stencil.Stencil, stencil.Color = true, color.RGBA{0, 0, 255, 255}
	ink, err := pdf.Lossless(documenttest.Gradient(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	mask := blackCCITT()
	ink.Mask = &mask
	for name, c := range map[string]struct {
		layer pdf.Image
		want  color.RGBA
	}{
		"stencil": {stencil, color.RGBA{0, 0, 255, 255}},
		"masked":  {ink, color.RGBA{0, 0, 200, 255}},
		"plain":   {blackCCITT(), color.RGBA{0, 0, 0, 255}},
	} {
		p := page
		p.Layers = []pdf.Image{c.layer}
		data := write(t, p)
		documenttest.Quiet(t, "qpdf", "--check", documenttest.Save(t, "file.pdf", data))
		r, g, b, _ := drawn(t, data).At(420, 298).RGBA()
		if got := (color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}); got != c.want {
			t.Errorf("%s: painted %v, want %v", name, got, c.want)
		}
		if err := pdf.Check(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongPagesAreRefused(t *testing.T) {
	good := jpegPage(t, documenttest.GrayGradient(30, 40), 0)
	change := func(f func(p *pdf.Page)) pdf.Page { p := good; f(&p); return p }
	for name, p := range map[string]pdf.Page{
		"nothing":             {},
		"no pixels":           change(func(p *pdf.Page) { p.Width = 0 }),
		"another size":        change(func(p *pdf.Page) { p.Width = 31 }),
		"colour said of grey": change(func(p *pdf.Page) { p.Gray = false }),
		"not a JPEG":          change(func(p *pdf.Page) { p.Data = []byte("GIF89a") }),
		"unknown encoding":    change(func(p *pdf.Page) { p.Encoding = 9 }),
		"stencil of grey": change(func(p *pdf.Page) {
			p.Layers = []pdf.Image{{Data: p.Data, Width: 30, Height: 40, Gray: true, Stencil: true}}
		}),
		"mask of grey": change(func(p *pdf.Page) {
			p.Layers = []pdf.Image{{Data: p.Data, Width: 30, Height: 40, Gray: true, Mask: &pdf.Image{Data: p.Data, Width: 30, Height: 40}}}
		}),
	} {
		if err := pdf.Write(io.Discard, []pdf.Page{p}); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if err := pdf.Write(io.Discard, nil); err == nil {
		t.Error("a file without pages was written")
	}
	w := pdf.NewWriter(io.Discard)
	if err := w.Add(pdf.Page{}); err == nil || w.Close() == nil {
		t.Error("an error is forgotten")
	}
}

func TestAFailingWriterIsReported(t *testing.T) {
	page := jpegPage(t, documenttest.GrayGradient(30, 40), 0)
	size := len(write(t, page))
	for left := 0; left < size; left += 7 {
		if err := pdf.Write(&documenttest.FullDisk{Left: left}, []pdf.Page{page}); !errors.Is(err, documenttest.ErrFull) {
			t.Fatalf("after %d of %d bytes: %v", left, size, err)
		}
	}
}

func TestCheckFindsCutAndShiftedFiles(t *testing.T) {
	data := write(t, jpegPage(t, documenttest.Gradient(40, 50), 100), jpegPage(t, documenttest.GrayGradient(20, 20), 100))
	if err := pdf.Check(data); err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if pdf.Check(data[:n]) == nil {
			t.Fatalf("cut to %d of %d bytes it passes", n, len(data))
		}
		if n%5 == 0 {
			less := slices.Concat(data[:n], data[n+1:])
			if pdf.Check(less) == nil {
				t.Fatalf("without byte %d it passes", n)
			}
			other := slices.Clone(data)
			other[n] ^= 4
			if pdf.Check(other) == nil {
				t.Fatalf("with byte %d changed it passes", n)
			}
		}
	}
}

func TestFourHundredPages(t *testing.T) {
	page := jpegPage(t, documenttest.GrayGradient(30, 40), 0)
	var b bytes.Buffer
	w := pdf.NewWriter(&b)
	for range 400 {
		if err := w.Add(page); err != nil {
			t.Fatal(err)
		}
		if w.Size() != int64(b.Len()) {
			t.Fatalf("said %d bytes, wrote %d", w.Size(), b.Len())
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pdf.Check(b.Bytes()); err != nil {
		t.Error(err)
	}
	if out := run(t, "pdfinfo", documenttest.Save(t, "file.pdf", b.Bytes())); !strings.Contains(out, "Pages:           400") {
		t.Error(out)
	}
}

func FuzzCheck(f *testing.F) {
	data := write(f, jpegPage(f, documenttest.GrayGradient(8, 8), 0))
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte("%PDF-1.7\nxref\n0 3\nstartxref\n9\n%%EOF\n"))
	f.Fuzz(func(t *testing.T, data []byte) { _ = pdf.Check(data) })
}

func BenchmarkWrite(b *testing.B) {
	page := jpegPage(b, documenttest.Gradient(2480, 3508), 300)
	b.SetBytes(int64(len(page.Data)))
	for b.Loop() {
		if err := pdf.Write(io.Discard, []pdf.Page{page}); err != nil {
			b.Fatal(err)
		}
	}
}
