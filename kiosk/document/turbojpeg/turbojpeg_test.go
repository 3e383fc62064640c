package turbojpeg_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"strconv"
	"sync"
	"testing"

	"pointnum/kiosk/document/turbojpeg"
)

// page is a picture with smooth colours and hard edges.
func page(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(255 - x*40/w), uint8(250 - y*60/h), uint8(200 + x*30/w), 255}
			if x/7%3 == 0 && y/11%2 == 0 && (x/60+y/60)%3 == 0 {
				c = color.RGBA{30, 30, 60, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func gray(m *image.RGBA) *image.Gray {
	g := image.NewGray(m.Rect)
	for i := range g.Pix {
		g.Pix[i] = m.Pix[4*i+1]
	}
	return g
}

func goJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// psnr compares two pictures of the same size, in decibels.
func psnr(a, b image.Image) float64 {
	var sum float64
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r0, g0, b0, _ := a.At(x, y).RGBA()
			r1, g1, b1, _ := b.At(x, y).RGBA()
			for _, d := range [3]float64{float64(r0>>8) - float64(r1>>8), float64(g0>>8) - float64(g1>>8), float64(b0>>8) - float64(b1>>8)} {
				sum += d * d
			}
		}
	}
	if sum == 0 {
		return 99
	}
	return 10 * math.Log10(255*255*3*float64(r.Dx()*r.Dy())/sum)
}

func TestTheLibraryIsThere(t *testing.T) {
	if !turbojpeg.Available() {
		t.Fatal("no libturbojpeg.so.0: install libturbojpeg0")
	}
}

func TestPicturesLookAsTheGoDecoderSeesThem(t *testing.T) {
	m := page(311, 207)
	for name, want := range map[string]image.Image{"colour": m, "grey": gray(m)} {
		data := goJPEG(t, want, 92)
		slow, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		fast, flawed, err := turbojpeg.Decode(data, 8, 1e6)
		if err != nil || flawed {
			t.Fatalf("%s: %v, flawed %v", name, err, flawed)
		}
		// The Go decoder's chroma is not smoothed.
		if p, q := psnr(slow, want), psnr(fast, want); q < p-0.5 {
			t.Errorf("%s: %.1f dB, the Go decoder %.1f", name, q, p)
		}
		if _, isGray := fast.(*image.Gray); isGray != (name == "grey") {
			t.Errorf("%s becomes %T", name, fast)
		}
		if m, ok := fast.(*image.RGBA); ok && !m.Opaque() {
			t.Errorf("%s is not opaque", name)
		}
	}
}

func TestPicturesAreWrittenAsWellAsTheGoEncoderDoes(t *testing.T) {
	m := page(311, 207)
	part := m.SubImage(image.Rect(13, 9, 250, 177)).(*image.RGBA)
	for name, want := range map[string]image.Image{"colour": m, "a part": part, "grey": gray(m)} {
		for _, quality := range []int{40, 75, 90} {
			data, err := turbojpeg.Encode(want, quality)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			other := goJPEG(t, want, quality)
			slow, err := jpeg.Decode(bytes.NewReader(other))
			if err != nil {
				t.Fatal(err)
			}
			p, q := psnr(slow, at0(want)), psnr(got, at0(want))
			if q < p-0.3 || len(data) > len(other)*21/20 {
				t.Errorf("%s, quality %d: %.1f dB in %d bytes, the Go encoder %.1f in %d", name, quality, q, len(data), p, len(other))
			}
		}
	}
}

// at0 moves a part of a picture to the origin.
func at0(m image.Image) image.Image {
	r, ok := m.(*image.RGBA)
	if !ok || r.Rect.Min == (image.Point{}) {
		return m
	}
	c := *r
	c.Rect = c.Rect.Sub(c.Rect.Min)
	return &c
}

func TestFractionsOfAPictureAreAskedFor(t *testing.T) {
	data := goJPEG(t, page(311, 207), 90)
	for eighths, want := range map[int]image.Point{8: {311, 207}, 6: {234, 156}, 5: {195, 130}, 4: {156, 104}, 2: {78, 52}, 1: {39, 26}} {
		img, _, err := turbojpeg.Decode(data, eighths, 1e6)
		if err != nil || img.Bounds().Size() != want {
			t.Errorf("%d/8: %v, %v", eighths, img.Bounds(), err)
		}
	}
	for _, eighths := range []int{0, 9} {
		if _, _, err := turbojpeg.Decode(data, eighths, 1e6); err == nil {
			t.Errorf("%d/8 were given", eighths)
		}
	}
}

func TestPixelsAreBounded(t *testing.T) {
	data := goJPEG(t, page(311, 207), 90)
	if _, _, err := turbojpeg.Decode(data, 8, 311*207-1); !errors.Is(err, turbojpeg.ErrTooBig) {
		t.Errorf("got %v", err)
	}
	if _, _, err := turbojpeg.Decode(data, 4, 311*207/3); err != nil {
		t.Errorf("a half of it: %v", err)
	}
	if _, err := turbojpeg.Encode(image.NewGray(image.Rect(0, 0, 65501, 1)), 50); !errors.Is(err, turbojpeg.ErrTooBig) {
		t.Errorf("got %v", err)
	}
}

func TestATruncatedPictureIsKeptAsFarAsItGoes(t *testing.T) {
	m := page(320, 320)
	data := goJPEG(t, m, 90)
	img, flawed, err := turbojpeg.Decode(data[:len(data)*2/3], 8, 1e6)
	if err != nil || !flawed {
		t.Fatalf("%v, flawed %v", err, flawed)
	}
	top := image.Rect(0, 0, 320, 150)
	if p := psnr(img.(*image.RGBA).SubImage(top), m.SubImage(top)); p < 25 {
		t.Errorf("its top has %.1f dB", p)
	}
}

func TestGarbageIsRefused(t *testing.T) {
	jpg := goJPEG(t, page(32, 32), 90)
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("<html>"), "a start": {0xff, 0xd8}, "a head without a body": jpg[:100],
	} {
		if _, _, err := turbojpeg.Decode(data, 8, 1e6); !errors.Is(err, turbojpeg.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := turbojpeg.Encode(image.NewAlpha(image.Rect(0, 0, 2, 2)), 50); err == nil {
		t.Error("an alpha channel was encoded")
	}
}

func TestManyAtOnce(t *testing.T) {
	m := page(200, 200)
	want, err := turbojpeg.Encode(m, 80)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := turbojpeg.Encode(m, 80)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v; want the same %d", len(got), err, len(want))
			}
			if _, _, err := turbojpeg.Decode(want, 4, 1e6); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func FuzzDecode(f *testing.F) {
	m := page(40, 30)
	f.Add(goJPEG(f, m, 80), 8)
	f.Add(goJPEG(f, gray(m), 50)[:400], 1)
	f.Add([]byte("\xff\xd8\xff\xc2\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"), 4)
	f.Fuzz(func(t *testing.T, data []byte, eighths int) {
		// A header may ask for more coefficients than a test has memory.
		if i, err := turbojpeg.Header(data); err != nil || i.Width*i.Height > 1<<22 {
			return
		}
		img, _, err := turbojpeg.Decode(data, eighths, 1<<18)
		if err == nil && img.Bounds().Dx()*img.Bounds().Dy() > 1<<18 {
			t.Errorf("gave %v", img.Bounds())
		}
	})
}

func BenchmarkDecodeA4(b *testing.B) {
	data := goJPEG(b, page(2480, 3508), 90)
	for _, eighths := range []int{8, 7, 6, 5, 4} {
		b.Run(strconv.Itoa(eighths), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := turbojpeg.Decode(data, eighths, 1e8); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeA4(b *testing.B) {
	m := page(2480, 3508)
	for b.Loop() {
		if _, err := turbojpeg.Encode(m, 90); err != nil {
			b.Fatal(err)
		}
	}
}
