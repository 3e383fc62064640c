package jbig2_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/pdf"
)

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
	return documenttest.PDF("",
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>",
		fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>", b.Width, b.Height),
		documenttest.Stream("", fmt.Sprintf("%d 0 0 %d 0 0 cm /I Do", b.Width, b.Height)),
		documenttest.Stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode", b.Width, b.Height), string(jbig2.Encode(b))))
}

// sameInMuPDF compares a picture with what MuPDF makes of it.
func sameInMuPDF(t *testing.T, b *jbig2.Bitmap) {
	t.Helper()
	img := documenttest.Drawn(t, onePage(b), b.Width, b.Height)
	for y := range b.Height {
		for x := range b.Width {
			if want, got := b.Black(x, y), img.Pix[y*img.Stride+4*x] < 128; got != want {
				t.Fatalf("%d by %d: the pixel at %d, %d is black: %v, want %v", b.Width, b.Height, x, y, got, want)
			}
		}
	}
}

func TestMuPDFReadsEveryPixelBack(t *testing.T) {
	sameInMuPDF(t, documenttest.Bilevel(t, "sim-cerfa-12100-p1.jpg", "2480x"))
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
	for i, b := range []*jbig2.Bitmap{documenttest.Bilevel(t, "newspaper-colour.png", "2480x"), random(1, 1003, 701, 0.2), random(2, 65, 1, 0.5), jbig2.NewBitmap(500, 700)} {
		out := filepath.Join(t.TempDir(), "out")
		file := documenttest.Natural(t, pdf.Page{Data: jbig2.Encode(b), Encoding: pdf.JBIG2, Width: b.Width, Height: b.Height})
		documenttest.Run(t, "pdfimages", documenttest.Save(t, "in.pdf", file), out)
		data, err := os.ReadFile(out + "-000.pbm")
		if err != nil {
			t.Fatal(err)
		}
		got := documenttest.PBM(t, data)
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
	file := documenttest.Path(t, "ocrmypdf-cardinal.pdf")
	documenttest.Run(t, "pdfimages", "-l", "1", file, filepath.Join(dir, "pixels"))
	documenttest.Run(t, "pdfimages", "-l", "1", "-jbig2", file, filepath.Join(dir, "stream"))
	theirs, err := os.ReadFile(filepath.Join(dir, "stream-000.jb2e"))
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := os.ReadFile(filepath.Join(dir, "pixels-000.pbm"))
	if err != nil {
		t.Fatal(err)
	}
	ours := jbig2.Encode(documenttest.PBM(t, pixels))
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
			p := documenttest.Bilevel(b, name, "2480x")
			fax := documenttest.Run(b, "convert", "-quiet", documenttest.Path(b, name), "-resize", "2480x", "-colorspace", "gray", "-threshold", "60%", "-compress", "group4", "tiff:-")
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
	for i, b := range []*jbig2.Bitmap{documenttest.Bilevel(t, "newspaper-colour.png", "1240x"), random(1, 1003, 701, 0.2), random(2, 65, 1, 0.5), random(4, 7, 300, 0.9), jbig2.NewBitmap(500, 700)} {
		out := filepath.Join(t.TempDir(), "out.pbm")
		documenttest.Run(t, "jbig2dec", "-e", "-t", "pbm", "-o", out, documenttest.Save(t, "in.jb2", jbig2.Encode(b)))
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		got := documenttest.PBM(t, data)
		if got.Width != b.Width || got.Height != b.Height || !bytes.Equal(got.Pix, b.Pix) {
			t.Errorf("picture %d came out different", i)
		}
	}
}
