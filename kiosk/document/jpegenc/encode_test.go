package jpegenc_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jpegenc"
)

// noise is the ratio of 255 to the error, in dB.
func noise(t testing.TB, want *image.RGBA, data []byte) float64 {
	t.Helper()
	got, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	b := want.Rect
	if got.Bounds().Size() != b.Size() {
		t.Fatalf("got %v, want %v", got.Bounds(), b)
	}
	seen := image.NewRGBA(b)
	draw.Draw(seen, b, got, got.Bounds().Min, draw.Src)
	for i, v := range seen.Pix {
		if i%4 != 3 {
			d := float64(v) - float64(want.Pix[i])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255/(sum/float64(3*b.Dx()*b.Dy())+1e-9))
}

func standard(t testing.TB, m image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// At the same error a file must be smaller than the standard library's.
func TestSmallerThanTheStandardEncoder(t *testing.T) {
	for _, name := range []string{"photo-cni-specimen.jpg", "sim-cerfa-12100-p1.jpg", "photo-exif-6.jpg"} {
		m := documenttest.Page(t, name, 700)
		for _, quality := range []int{35, 80} {
			std := standard(t, m, quality)
			want := noise(t, m, std)
			for q := quality; ; q++ {
				data := jpegenc.Encode(m, q, jpegenc.Options{})
				if noise(t, m, data) < want && q < 100 {
					continue
				}
				if len(data) > len(std)*99/100 {
					t.Errorf("%s at %d: %d bytes, image/jpeg %d", name, quality, len(data), len(std))
				}
				break
			}
		}
	}
}

func TestColoursOfEveryPixelAreKept(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 61, 47))
	for i := range 61 * 47 {
		c := color.RGBA{0, 0, 200, 255}
		if i%61%2 == 0 {
			c = color.RGBA{200, 0, 0, 255}
		}
		m.SetRGBA(i%61, i/61, c)
	}
	half, full := noise(t, m, jpegenc.Encode(m, 95, jpegenc.Options{})), noise(t, m, jpegenc.Encode(m, 95, jpegenc.Options{FullColor: true}))
	if full < 35 || half > 20 {
		t.Errorf("%.1f dB with colours at half, %.1f at full resolution", half, full)
	}
}

func TestEverySizeIsReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range []image.Point{{1, 1}, {1, 9}, {8, 8}, {9, 7}, {15, 17}, {16, 16}, {17, 33}, {640, 1}, {2600, 2600}} {
		m := image.NewRGBA(image.Rectangle{Max: size})
		for i := range m.Pix {
			m.Pix[i] = 255
			if size.X < 1000 && i%4 != 3 {
				m.Pix[i] = uint8(100 + r.IntN(3) + 40*(i/64%2))
			}
		}
		g := image.NewGray(m.Rect)
		for i := range g.Pix {
			g.Pix[i] = m.Pix[4*i]
		}
		for name, data := range map[string][]byte{"colour": jpegenc.Encode(m, 90, jpegenc.Options{}), "full": jpegenc.Encode(m, 90, jpegenc.Options{FullColor: true})} {
			if got := noise(t, m, data); got < 28 {
				t.Errorf("%v %s: %.1f dB", size, name, got)
			}
		}
		back, err := jpeg.Decode(bytes.NewReader(jpegenc.Encode(g, 90, jpegenc.Options{})))
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		if b, ok := back.(*image.Gray); !ok || b.Rect != g.Rect {
			t.Errorf("%v grey came back as %T, %v", size, back, back.Bounds())
		}
	}
}

func TestTheSamePictureGivesTheSameBytesWithoutMetadata(t *testing.T) {
	m := documenttest.Page(t, "photo-cni-specimen.jpg", 300)
	a, b := jpegenc.Encode(m, 50, jpegenc.Options{}), jpegenc.Encode(m, 50, jpegenc.Options{})
	if !bytes.Equal(a, b) {
		t.Error("the bytes differ")
	}
	for at := 2; a[at+1] != 0xDA; at += 2 + int(a[at+2])<<8 + int(a[at+3]) {
		if marker := a[at+1]; marker >= 0xE0 {
			t.Errorf("there is a segment %X", marker)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(uint8(3), uint8(50), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add(uint8(17), uint8(1), bytes.Repeat([]byte{0, 255, 7}, 300))
	f.Add(uint8(8), uint8(100), bytes.Repeat([]byte{0, 0, 0, 255, 255, 255}, 300))
	f.Fuzz(func(t *testing.T, width, quality uint8, pix []byte) {
		w := int(width) + 1
		h := len(pix) / w / 3
		if h == 0 || len(pix) > 1<<16 {
			return
		}
		m := image.NewRGBA(image.Rect(0, 0, w, h))
		g := image.NewGray(m.Rect)
		for i := range w * h {
			copy(m.Pix[4*i:], pix[3*i:3*i+3])
			m.Pix[4*i+3] = 255
			g.Pix[i] = pix[i]
		}
		for _, img := range []image.Image{m, g} {
			for _, full := range []bool{false, true} {
				back, err := jpeg.Decode(bytes.NewReader(jpegenc.Encode(img, int(quality), jpegenc.Options{FullColor: full})))
				if err != nil || back.Bounds() != m.Rect {
					t.Fatalf("%d by %d: %v", w, h, err)
				}
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"fr-rapport-1984-p2.jpg", "photo-cni-specimen.jpg"} {
		m := documenttest.Page(b, name, 3508)
		for encoder, encode := range map[string]func() []byte{
			"ours":     func() []byte { return jpegenc.Encode(m, 75, jpegenc.Options{}) },
			"standard": func() []byte { return standard(b, m, 75) },
		} {
			b.Run(encoder+"/"+name, func(b *testing.B) {
				var data []byte
				for b.Loop() {
					data = encode()
				}
				b.ReportMetric(float64(len(data)), "bytes")
				b.ReportMetric(float64(m.Rect.Dx()*m.Rect.Dy())/1e6, "Mpx")
			})
		}
	}
}
