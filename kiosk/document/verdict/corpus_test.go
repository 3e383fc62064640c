package verdict_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// collection is where the real documents are.
const collection = "../../../../shared/corpus"

// pictures keeps what corpus has read: decoding is most of these tests' time.
var pictures sync.Map

// corpus gives a copy of a page of the collection, at most 1,754 pixels long,
// as 150 dpi make of A4. ImageMagick reads it: the race detector makes Go's
// own decoder take seconds for a large scan.
func corpus(t testing.TB, name string) *image.RGBA {
	t.Helper()
	if img, ok := pictures.Load(name); ok {
		return clone(img.(*image.RGBA))
	}
	convert, err := exec.LookPath("convert")
	if err != nil {
		t.Fatal("convert is not installed: run 'make deps' first")
	}
	// P6 is a line of type, one of the size and one of the largest value,
	// then red, green and blue.
	data, err := exec.Command(convert, "-quiet", "-limit", "thread", "1", "-define", "jpeg:size=1754x1754",
		filepath.Join(collection, name), "-auto-orient", "-resize", "1754x1754>", "-depth", "8", "ppm:-").Output()
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
	return clone(img)
}

func clone(m *image.RGBA) *image.RGBA {
	c := *m
	c.Pix = append([]uint8(nil), m.Pix...)
	return &c
}

var (
	white = color.RGBA{250, 250, 248, 255}
	black = color.RGBA{20, 20, 24, 255}
)

func plain(c color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// letterhead is a sheet of simulated writing: rows of small dark strokes.
func letterhead(w, h int, paper, ink color.RGBA) *image.RGBA {
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

// grain adds what a scanner adds.
func grain(m *image.RGBA, depth int) *image.RGBA {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range m.Pix {
		if i%4 != 3 {
			m.Pix[i] = uint8(min(max(int(m.Pix[i])+r.IntN(2*depth+1)-depth, 0), 255))
		}
	}
	return m
}
