package jbig2_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/mupdf"
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

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(tool(t, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// collection is where the real documents are.
const collection = "../../../../shared/corpus"

// readPBM reads a picture as netpbm's P4 has it: 1 for black, as here.
func readPBM(t testing.TB, data []byte) *jbig2.Bitmap {
	t.Helper()
	var w, h int
	if _, err := fmt.Sscanf(string(data[:min(len(data), 30)]), "P4\n%d %d\n", &w, &h); err != nil {
		t.Fatal(err)
	}
	b := jbig2.NewBitmap(w, h)
	copy(b.Pix, data[len(data)-len(b.Pix):])
	return b
}

// page is a real page in black and white.
func page(t testing.TB, name, size string) *jbig2.Bitmap {
	t.Helper()
	out, err := exec.Command(tool(t, "convert"), "-quiet", "-limit", "thread", "1", filepath.Join(collection, name),
		"-resize", size, "-colorspace", "gray", "-threshold", "60%", "pbm:-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return readPBM(t, out)
}

// random is a picture in which a pixel is often as the one above or before
// it, so that all contexts are met.
func random(seed uint64, w, h int, share float64) *jbig2.Bitmap {
	r := rand.New(rand.NewPCG(seed, 7))
	b := jbig2.NewBitmap(w, h)
	for y := range h {
		if y > 1 && r.IntN(4) == 0 { // a row repeated
			copy(b.Row(y), b.Row(y-1))
			continue
		}
		for x := range w {
			black := r.Float64() < share
			if x > 0 && y > 0 && r.IntN(3) > 0 {
				black = b.Black(x, y-1)
			}
			if black {
				b.Set(x, y)
			}
		}
	}
	return b
}

// onePage is a PDF whose pixels are exactly those of the picture.
func onePage(b *jbig2.Bitmap) []byte {
	var f bytes.Buffer
	data := jbig2.Encode(b)
	offsets := []int{}
	object := func(s string) {
		offsets = append(offsets, f.Len())
		fmt.Fprintf(&f, "%d 0 obj\n%s\nendobj\n", len(offsets), s)
	}
	f.WriteString("%PDF-1.7\n")
	paint := fmt.Sprintf("%d 0 0 %d 0 0 cm /I Do", b.Width, b.Height)
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Count 1/Kids[3 0 R]>>")
	object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>", b.Width, b.Height))
	object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(paint), paint))
	object(fmt.Sprintf("<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode/Length %d>>\nstream\n%s\nendstream", b.Width, b.Height, len(data), data))
	start := f.Len()
	fmt.Fprintf(&f, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&f, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&f, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return f.Bytes()
}

// sameInMuPDF compares a picture with what MuPDF makes of it.
func sameInMuPDF(t *testing.T, b *jbig2.Bitmap) {
	t.Helper()
	d, err := mupdf.Open(onePage(b), 512<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	frame, err := d.Bounds(0)
	if err != nil {
		t.Fatal(err)
	}
	img, flaws, err := d.Render(0, frame, b.Width, b.Height)
	if err != nil || flaws > 0 {
		t.Fatalf("%d by %d: %d flaws, %v", b.Width, b.Height, flaws, err)
	}
	for y := range b.Height {
		for x := range b.Width {
			if want, got := b.Black(x, y), img.Pix[y*img.Stride+4*x] < 128; got != want {
				t.Fatalf("%d by %d: the pixel at %d, %d is black: %v, want %v", b.Width, b.Height, x, y, got, want)
			}
		}
	}
}

func TestMuPDFReadsEveryPixelBack(t *testing.T) {
	sameInMuPDF(t, page(t, "sim-cerfa-12100-p1.jpg", "2480x"))
	for i := range 60 {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		sameInMuPDF(t, random(uint64(i), 1+r.IntN(90), 1+r.IntN(60), r.Float64()*r.Float64()))
	}
	for _, size := range [][2]int{{1, 1}, {1, 300}, {300, 1}, {7, 7}, {8, 8}, {9, 9}, {16, 3}, {2481, 33}} {
		for _, share := range []float64{0, 0.01, 0.5, 1} {
			sameInMuPDF(t, random(3, size[0], size[1], share))
		}
	}
}

func TestPopplerReadsEveryPixelBack(t *testing.T) {
	for i, b := range []*jbig2.Bitmap{page(t, "newspaper-colour.png", "2480x"), random(1, 1003, 701, 0.2), random(2, 65, 1, 0.5), jbig2.NewBitmap(500, 700)} {
		dir := t.TempDir()
		file := filepath.Join(dir, "in.pdf")
		var out bytes.Buffer
		p := pdf.Page{Data: jbig2.Encode(b), Encoding: pdf.JBIG2, Width: b.Width, Height: b.Height}
		if err := pdf.Write(&out, []pdf.Page{p}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "pdfimages", file, filepath.Join(dir, "out"))
		data, err := os.ReadFile(filepath.Join(dir, "out-000.pbm"))
		if err != nil {
			t.Fatal(err)
		}
		got := readPBM(t, data)
		if got.Width != b.Width || got.Height != b.Height || !bytes.Equal(got.Pix, b.Pix) {
			t.Errorf("picture %d came out different", i)
		}
	}
}

func TestPixelsBehindARowMeanNothing(t *testing.T) {
	b := random(5, 61, 40, 0.3)
	want := jbig2.Encode(b)
	n := b.Count()
	for y := range b.Height {
		b.Pix[y*b.Stride+b.Stride-1] |= 7
	}
	if !bytes.Equal(jbig2.Encode(b), want) || b.Count() != n {
		t.Error("they were written or counted")
	}
}

// Another encoder made this page, with one generic region too.
func TestAsSmallAsAnotherEncoder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(collection, "ocrmypdf-cardinal.pdf")
	run(t, "pdfimages", "-l", "1", file, filepath.Join(dir, "pixels"))
	run(t, "pdfimages", "-l", "1", "-jbig2", file, filepath.Join(dir, "stream"))
	theirs, err := os.ReadFile(filepath.Join(dir, "stream-000.jb2e"))
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := os.ReadFile(filepath.Join(dir, "pixels-000.pbm"))
	if err != nil {
		t.Fatal(err)
	}
	ours := jbig2.Encode(readPBM(t, pixels))
	if len(ours) > len(theirs)*102/100 {
		t.Errorf("%d bytes, theirs %d", len(ours), len(theirs))
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(uint16(1), []byte{0x80})
	f.Add(uint16(13), []byte{1, 2, 3, 4, 5, 6, 255, 254})
	f.Add(uint16(200), bytes.Repeat([]byte{0, 0, 7}, 300))
	f.Fuzz(func(t *testing.T, w uint16, pix []byte) {
		stride := (int(w) + 7) / 8
		if stride == 0 || len(pix) < stride || len(pix) > 1<<16 {
			return
		}
		sameInMuPDF(t, &jbig2.Bitmap{Width: int(w), Height: len(pix) / stride, Stride: stride, Pix: pix})
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"fr-rapport-1984-p1.jpg", "sim-cerfa-12100-p1.jpg", "newspaper-colour.png"} {
		b.Run(name, func(b *testing.B) {
			p := page(b, name, "2480x")
			fax, err := exec.Command(tool(b, "convert"), "-quiet", filepath.Join(collection, name), "-resize", "2480x", "-colorspace", "gray", "-threshold", "60%", "-compress", "group4", "tiff:-").Output()
			if err != nil {
				b.Fatal(err)
			}
			var n int
			for b.Loop() {
				n = len(jbig2.Encode(p))
			}
			b.ReportMetric(float64(n), "bytes")
			b.ReportMetric(float64(len(fax)), "bytes-as-G4")
		})
	}
}

func TestJbig2decReadsEveryPixelBack(t *testing.T) {
	for i, b := range []*jbig2.Bitmap{page(t, "newspaper-colour.png", "1240x"), random(1, 1003, 701, 0.2), random(2, 65, 1, 0.5), random(4, 7, 300, 0.9), jbig2.NewBitmap(500, 700)} {
		dir := t.TempDir()
		file, out := filepath.Join(dir, "in.jb2"), filepath.Join(dir, "out.pbm")
		if err := os.WriteFile(file, jbig2.Encode(b), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "jbig2dec", "-e", "-t", "pbm", "-o", out, file)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		got := readPBM(t, data)
		if got.Width != b.Width || got.Height != b.Height || !bytes.Equal(got.Pix, b.Pix) {
			t.Errorf("picture %d came out different", i)
		}
	}
}
