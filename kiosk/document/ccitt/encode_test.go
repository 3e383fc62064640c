package ccitt_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	xccitt "golang.org/x/image/ccitt"

	"pointnum/kiosk/document/ccitt"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/tiff"
)

// random is a picture whose rows are like the ones above, so that all modes
// and runs of all lengths are met.
func random(seed uint64, w, h int) *jbig2.Bitmap {
	r := rand.New(rand.NewPCG(seed, 7))
	b := jbig2.NewBitmap(w, h)
	longest := 1 << (1 + r.IntN(12))
	for y := range h {
		if y > 0 && r.IntN(3) > 0 { // as above, with some edges moved
			for x := range w {
				if b.Black(max(0, min(w-1, x+r.IntN(7)/6*(r.IntN(9)-4))), y-1) {
					b.Set(x, y)
				}
			}
			continue
		}
		for x := 0; x < w; x += r.IntN(longest) {
			for end := min(w, x+r.IntN(longest)); x < end; x++ {
				b.Set(x, y)
			}
		}
	}
	return b
}

// pictures are those every decoder is asked for.
func pictures(t testing.TB) []*jbig2.Bitmap {
	black := jbig2.NewBitmap(6000, 3)
	for i := range black.Pix {
		black.Pix[i] = 0xFF
	}
	all := []*jbig2.Bitmap{documenttest.Bilevel(t, "sim-cerfa-12100-p1.jpg", "2480x"), documenttest.Bilevel(t, "newspaper-colour.png", "1240x"), black, jbig2.NewBitmap(500, 70)}
	for i, size := range [][2]int{{1, 1}, {1, 30}, {30, 1}, {63, 9}, {64, 9}, {65, 9}, {127, 40}, {2481, 133}, {9000, 12}} {
		all = append(all, random(uint64(i), size[0], size[1]))
	}
	return all
}

// same compares a picture with the packed rows that a decoder made of it.
func same(t testing.TB, b *jbig2.Bitmap, got []byte, decoder string) {
	t.Helper()
	if len(got) != len(b.Pix) {
		t.Fatalf("%s: %d by %d: %d bytes, want %d", decoder, b.Width, b.Height, len(got), len(b.Pix))
	}
	for y := range b.Height {
		for i, v := range b.Row(y) {
			inside := byte(0xFF)
			if left := b.Width - 8*i; left < 8 {
				inside <<= 8 - left
			}
			if d := (v ^ got[y*b.Stride+i]) & inside; d != 0 {
				t.Fatalf("%s: %d by %d: other pixels than %08b at %d, %d: %08b", decoder, b.Width, b.Height, v, 8*i, y, d)
			}
		}
	}
}

func goDecoded(t testing.TB, b *jbig2.Bitmap) []byte {
	t.Helper()
	got, err := io.ReadAll(xccitt.NewReader(bytes.NewReader(ccitt.Encode(b)), xccitt.MSB, xccitt.Group4, b.Width, b.Height, &xccitt.Options{Invert: true}))
	if err != nil {
		t.Fatalf("%d by %d: %v", b.Width, b.Height, err)
	}
	return got
}

func TestGoReadsEveryPixelBack(t *testing.T) {
	for i := range 300 {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		b := random(uint64(i), 1+r.IntN(400), 1+r.IntN(40))
		same(t, b, goDecoded(t, b), "x/image/ccitt")
	}
}

// onePage is a PDF with the picture on a page that it fills at 72 dpi.
func onePage(t testing.TB, b *jbig2.Bitmap) []byte {
	return documenttest.Natural(t, pdf.Page{Data: ccitt.Encode(b), Encoding: pdf.CCITT, Width: b.Width, Height: b.Height, DPI: 72})
}

func TestEveryDecoderReadsEveryPixelBack(t *testing.T) {
	for _, b := range pictures(t) {
		same(t, b, goDecoded(t, b), "x/image/ccitt")
		popplerReads(t, b)
		if len(ccitt.Encode(b)) > 100 { // ImageMagick takes less for a damaged file
			libtiffReads(t, b)
		}
		if b.Width >= 9 && b.Height >= 9 { // a sheet has a least size
			muPDFReads(t, b)
		}
	}
}

func popplerReads(t *testing.T, b *jbig2.Bitmap) {
	out := filepath.Join(t.TempDir(), "out")
	documenttest.Run(t, "pdfimages", documenttest.Save(t, "in.pdf", onePage(t, b)), out)
	data, err := os.ReadFile(out + "-000.pbm")
	if err != nil {
		t.Fatal(err)
	}
	same(t, b, documenttest.PBM(t, data).Pix, "Poppler")
}

func libtiffReads(t *testing.T, b *jbig2.Bitmap) {
	var out bytes.Buffer
	if err := tiff.Write(&out, []tiff.Page{{Data: ccitt.Encode(b), Encoding: tiff.G4, Width: b.Width, Height: b.Height}}); err != nil {
		t.Fatal(err)
	}
	same(t, b, documenttest.PBM(t, documenttest.Run(t, "convert", documenttest.Save(t, "in.tif", out.Bytes()), "pbm:-")).Pix, "libtiff")
}

func muPDFReads(t *testing.T, b *jbig2.Bitmap) {
	img := documenttest.Drawn(t, onePage(t, b), b.Width, b.Height)
	got := jbig2.NewBitmap(b.Width, b.Height)
	for y := range b.Height {
		for x := range b.Width {
			if img.Pix[y*img.Stride+4*x] < 128 {
				got.Set(x, y)
			}
		}
	}
	same(t, b, got.Pix, "MuPDF")
}

func TestPixelsBehindARowMeanNothing(t *testing.T) {
	b := random(5, 61, 40)
	want := ccitt.Encode(b)
	for y := range b.Height {
		b.Pix[y*b.Stride+b.Stride-1] |= 7
	}
	if !bytes.Equal(ccitt.Encode(b), want) {
		t.Error("they were written")
	}
}

func TestAsSmallAsLibtiff(t *testing.T) {
	b := documenttest.Bilevel(t, "fr-rapport-1984-p1.jpg", "1240x")
	pbm := append(fmt.Appendf(nil, "P4\n%d %d\n", b.Width, b.Height), b.Pix...)
	theirs := documenttest.Run(t, "convert", documenttest.Save(t, "in.pbm", pbm), "-compress", "group4", "tiff:-")
	if ours := ccitt.Encode(b); len(ours) > len(theirs) {
		t.Errorf("%d bytes, a whole file of theirs %d", len(ours), len(theirs))
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(uint16(1), []byte{0x80})
	f.Add(uint16(13), []byte{1, 2, 3, 4, 5, 6, 255, 254})
	f.Add(uint16(200), bytes.Repeat([]byte{0, 0, 7}, 300))
	f.Add(uint16(6000), bytes.Repeat([]byte{255}, 3000))
	f.Fuzz(func(t *testing.T, w uint16, pix []byte) {
		stride := (int(w) + 7) / 8
		if stride == 0 || len(pix) < stride || len(pix) > 1<<16 {
			return
		}
		h := len(pix) / stride
		b := &jbig2.Bitmap{Width: int(w), Height: h, Stride: stride, Pix: pix[:h*stride]}
		same(t, b, goDecoded(t, b), "x/image/ccitt")
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"fr-rapport-1984-p1.jpg", "sim-cerfa-12100-p1.jpg", "newspaper-colour.png"} {
		b.Run(name, func(b *testing.B) {
			p := documenttest.Bilevel(b, name, "2480x")
			var n int
			for b.Loop() {
				n = len(ccitt.Encode(p))
			}
			b.ReportMetric(float64(n), "bytes")
			b.ReportMetric(float64(len(jbig2.Encode(p))), "bytes-as-JBIG2")
		})
	}
}
