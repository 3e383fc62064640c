package documenttest

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"os"
	"testing"

	"pointnum/kiosk/document/jbig2"
)

// Page gives a picture of the collection, upright as its EXIF says, whose long
// side has at most so many pixels. ImageMagick reads it: the race detector
// makes Go's own decoder take seconds for a large scan.
func Page(t testing.TB, name string, side int) *image.RGBA {
	t.Helper()
	size := fmt.Sprintf("%dx%d", side, side)
	return PPM(t, Run(t, "convert", "-quiet", "-limit", "thread", "1", "-define", "jpeg:size="+size,
		Path(t, name), "-auto-orient", "-resize", size+">", "-depth", "8", "ppm:-"))
}

// Bilevel gives a picture of the collection in black and white, of a size as
// ImageMagick takes it.
func Bilevel(t testing.TB, name, size string) *jbig2.Bitmap {
	t.Helper()
	return PBM(t, Run(t, "convert", "-quiet", "-limit", "thread", "1", Path(t, name),
		"-resize", size, "-colorspace", "gray", "-threshold", "60%", "pbm:-"))
}

// PBM reads a picture in black and white as netpbm's P4 has it.
func PBM(t testing.TB, data []byte) *jbig2.Bitmap {
	t.Helper()
	data, w, h := netpbm(t, "P4", data)
	b := jbig2.NewBitmap(w, h)
	copy(b.Pix, data[len(data)-len(b.Pix):])
	return b
}

// PGM reads a grey picture as netpbm's P5 has it.
func PGM(t testing.TB, data []byte) *image.Gray {
	t.Helper()
	data, w, h := netpbm(t, "P5", data)
	return &image.Gray{Pix: data[len(data)-w*h:], Stride: w, Rect: image.Rect(0, 0, w, h)}
}

// PPM reads a picture in colour as netpbm's P6 has it.
func PPM(t testing.TB, data []byte) *image.RGBA {
	t.Helper()
	data, w, h := netpbm(t, "P6", data)
	data = data[len(data)-3*w*h:]
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for to := m.Pix; len(to) > 0; to, data = to[4:], data[3:] {
		to[0], to[1], to[2], to[3] = data[0], data[1], data[2], 255
	}
	return m
}

// netpbm reads the head of a picture: a line of its kind and one of its size.
// Its pixels are the last bytes.
func netpbm(t testing.TB, kind string, data []byte) (all []byte, w, h int) {
	t.Helper()
	if _, err := fmt.Sscanf(string(data[:min(len(data), 30)]), kind+"\n%d %d\n", &w, &h); err != nil {
		t.Fatalf("no %s: %v", kind, err)
	}
	return data, w, h
}

// PNG reads a picture from a file.
func PNG(t testing.TB, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Gradient is a picture without two pixels alike in a row or a column.
func Gradient(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), uint8(200 - (x+y)*200/(w+h)), 255})
		}
	}
	return m
}

// GrayGradient is one from left to right.
func GrayGradient(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8(i % w * 255 / w)
	}
	return m
}

// Letterhead is a sheet of simulated writing: rows of small strokes.
func Letterhead(w, h int, paper, ink color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	r := rand.New(rand.NewPCG(5, 6))
	size := max(w/80, 6)
	for y := h / 10; y < h*9/10; y += 2 * size {
		for x := w / 10; x < w*9/10; x += size {
			if r.IntN(6) == 0 {
				continue // between words
			}
			draw.Draw(m, image.Rect(x, y+r.IntN(size/3), x+max(size/5, 2), y+size), image.NewUniform(ink), image.Point{}, draw.Src)
			draw.Draw(m, image.Rect(x, y+size/2, x+size*3/4, y+size/2+max(size/6, 2)), image.NewUniform(ink), image.Point{}, draw.Src)
		}
	}
	return m
}

// Grain adds to a picture what a scanner adds, and returns it.
func Grain(m *image.RGBA, depth int) *image.RGBA {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range m.Pix {
		if i%4 != 3 {
			m.Pix[i] = uint8(min(max(int(m.Pix[i])+r.IntN(2*depth+1)-depth, 0), 255))
		}
	}
	return m
}
