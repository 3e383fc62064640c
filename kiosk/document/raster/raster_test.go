package raster_test

import (
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"pointnum/kiosk/document/raster"
)

// pictures keeps what corpus has read: decoding is most of these tests' time.
var pictures sync.Map

// corpus gives a picture of the collection of real documents, at most 1,754
// pixels long, as 150 dpi make of A4. ImageMagick reads it: the race detector
// makes Go's own decoder take seconds for a large scan.
func corpus(t testing.TB, name string) image.Image {
	t.Helper()
	if img, ok := pictures.Load(name); ok {
		return img.(image.Image)
	}
	convert, err := exec.LookPath("convert")
	if err != nil {
		t.Fatal("convert is not installed: run 'make deps' first")
	}
	// P6 is a line of type, one of the size and one of the largest value,
	// then red, green and blue.
	data, err := exec.Command(convert, "-quiet", "-limit", "thread", "1", "-define", "jpeg:size=1754x1754",
		filepath.Join(collection, name), "-resize", "1754x1754>", "-depth", "8", "ppm:-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var w, h int
	if _, err := fmt.Sscanf(string(data[:min(len(data), 20)]), "P6\n%d %d\n255\n", &w, &h); err != nil {
		t.Fatal(err)
	}
	data = data[len(data)-3*w*h:]
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(img.Pix[4*i:4*i+3], data[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	pictures.Store(name, img)
	return img
}

// collection is where the real documents are.
const collection = "../../../../shared/corpus"

// original reads a picture of the collection.
func original(t testing.TB, name string) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join(collection, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// noise is a picture of which no two parts are alike.
func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func grayNoise(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
	}
	return m
}

// same says whether two pictures have the same size and pixels.
func same(a, b image.Image) bool {
	if a.Bounds().Size() != b.Bounds().Size() {
		return false
	}
	p, q := raster.ToRGBA(a), raster.ToRGBA(b)
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			if p.RGBAAt(x, y) != q.RGBAAt(x, y) {
				return false
			}
		}
	}
	return true
}

// tilt turns a picture clockwise by degrees, independently of the package,
// into a larger one filled with bed, where it starts at the returned offset
// from the middle.
func tilt(img image.Image, degrees float64, w, h int, bed color.Color) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.Draw(dst, dst.Rect, image.NewUniform(bed), image.Point{}, xdraw.Src)
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	b := img.Bounds()
	cx, cy := float64(b.Dx())/2, float64(b.Dy())/2
	m := f64.Aff3{
		cos, -sin, float64(w)/2 - cos*cx + sin*cy,
		sin, cos, float64(h)/2 - sin*cx - cos*cy,
	}
	xdraw.ApproxBiLinear.Transform(dst, m, img, b, xdraw.Over, nil)
	return dst
}

var (
	white = color.RGBA{250, 250, 248, 255}
	black = color.RGBA{20, 20, 24, 255}
)

func TestTheSmallestPicturesDoNoHarm(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 50}, {50, 1}, {16, 16}, {33, 31}, {65, 64}} {
		img := noise(size.X, size.Y)
		raster.IsGray(img)
		raster.Whiten(img)
		raster.CropBed(img)
		raster.Deskew(img)
	}
}
