package mrc_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"strings"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mrc"
)

// Pages are tried at 150 dpi: the race detector makes more of them slow.
const side = 1754

func TestNoStrokeOfRealPagesIsMissing(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int{
		"fr-lettre-pale.jpg": 40_000, "handwritten-graph-paper-front.jpg": 60_000, "receipt-highlighter.jpg": 60_000,
		"fr-rapport-1984-p2.jpg": 40_000, "sim-cerfa-12100-p1.jpg": 60_000, "fr-typescript-greybed-p1.jpg": 90_000,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pixels := side
			if strings.HasPrefix(name, "receipt") {
				pixels *= 2 // a narrow paper: fewer would thin its bars away
			}
			img, dpi := corpus(t, name, pixels)
			l := mrc.Split(img, dpi, mrc.Options{})
			if l.Photo || len(l.Stencils) == 0 {
				t.Fatal("it was not split")
			}
			// Not the paper's edges and their shadows, where the bed shows.
			inner := img.Rect.Inset(img.Rect.Dx() / 16)
			for _, r := range l.Missing() {
				if r.Overlaps(inner) {
					t.Errorf("a stroke is missing at %v", r)
				}
			}
			if data, _ := file(t, l, mrc.Standard()); len(data) > most {
				t.Errorf("%d bytes, want at most %d", len(data), most)
			}
		})
	}
}

func TestCodesStillDecode(t *testing.T) {
	t.Parallel()
	img := documenttest.PPM(t, documenttest.Run(t, "pdftoppm", "-r", "300", "-f", "2", "-l", "2", documenttest.Path(t, "paperless-600dpi-colour.pdf")))
	l := mrc.Split(img, 300, mrc.Options{})
	if l.Photo {
		t.Fatal("it was not split")
	}
	levels := mrc.Levels()
	for _, v := range []mrc.Level{levels[0], levels[len(levels)-1]} {
		data, _ := file(t, l, v)
		if !strings.Contains(string(documenttest.Run(t, "zbarimg", "-q", "--raw", drawn(t, data, 2*side))), "ADAR-NEXTDOC") {
			t.Errorf("the page's codes can't be read at %+v", v)
		}
	}
}

func TestCardsAndPhotographsAreNotSplit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"photo-cni-specimen.jpg", "photo-cni-rotated.jpeg", "photo-exif-5-mirror.jpg", "photo-exif-6.jpg"} {
		img, dpi := corpus(t, name, 1169)
		l := mrc.Split(img, dpi, mrc.Options{})
		if !l.Photo {
			t.Errorf("%s was split", name)
		}
		if _, _, err := l.Encode(mrc.Standard()); l.Photo && err == nil {
			t.Errorf("%s was encoded", name)
		}
	}
}

// sheet is white paper with lines of words on it.
func sheet(w, h int, ink color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	r := rand.New(rand.NewPCG(1, 1))
	for y := h / 10; y < h*9/10; y += 30 {
		for x := w / 10; x < w*9/10; x += 9 + r.IntN(12) {
			box(m, image.Rect(x, y, x+3, y+14), ink)
			box(m, image.Rect(x, y+4+r.IntN(6), x+8, y+12), ink)
		}
	}
	return m
}

func box(m draw.Image, r image.Rectangle, c color.Color) {
	draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func TestWhitePaperAndBlackInkAreOneStencil(t *testing.T) {
	t.Parallel()
	for kind, img := range map[string]image.Image{"colour": sheet(1240, 1754, black), "grey": toGray(sheet(1240, 1754, black))} {
		l := mrc.Split(img, 150, mrc.Options{})
		if l.Photo || len(l.Stencils) != 1 || l.Stencils[0].Color != black {
			t.Errorf("%s: %d stencils", kind, len(l.Stencils))
		}
		p, n, err := l.Encode(mrc.Standard())
		if err != nil || len(p.Layers) != 1 || n != len(p.Layers[0].Data) {
			t.Errorf("%s: %d layers, %d bytes, %v", kind, len(p.Layers), n, err)
		}
	}
}

func toGray(m image.Image) *image.Gray {
	g := image.NewGray(m.Bounds())
	draw.Draw(g, g.Rect, m, image.Point{}, draw.Src)
	return g
}

func TestASignatureInColourKeepsIt(t *testing.T) {
	t.Parallel()
	img := sheet(1240, 1754, black)
	for x := range 200 {
		y := 1680 + x%30
		box(img, image.Rect(700+x, y, 704+x, y+4), color.RGBA{20, 40, 200, 255})
	}
	data, _ := file(t, mrc.Split(img, 150, mrc.Options{}), mrc.Standard())
	m := documenttest.PNG(t, drawn(t, data, 1754))
	blue := 0
	for y := 1670; y < 1720; y++ {
		for x := 690; x < 910; x++ {
			if r, _, b, _ := m.At(x, y).RGBA(); b>>8 > r>>8+60 {
				blue++
			}
		}
	}
	if blue < 500 {
		t.Errorf("only %d pixels are blue", blue)
	}
}

func TestAPaleFieldAndAPaleMarkStayInTheBackground(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]color.RGBA{"yellow": {255, 250, 130, 255}, "grey": {205, 205, 205, 255}, "pink": {250, 190, 200, 255}} {
		img := sheet(1240, 1754, black)
		box(img, image.Rect(900, 1650, 940, 1690), c)
		l := mrc.Split(img, 150, mrc.Options{})
		if p, _, err := l.Encode(mrc.Standard()); err != nil || p.Layers[0].Stencil {
			t.Errorf("%s is gone", name)
		}
		if found := l.Missing(); len(found) > 0 {
			t.Errorf("%s: missing at %v", name, found)
		}
	}
}

func TestMissingFindsWhatWasTakenAway(t *testing.T) {
	t.Parallel()
	img := sheet(1240, 1754, black)
	l := mrc.Split(img, 150, mrc.Options{})
	gone := image.Rect(600, 900, 640, 960)
	for y := gone.Min.Y; y < gone.Max.Y; y++ {
		clear(l.Stencils[0].Mask.Row(y)[gone.Min.X/8 : gone.Max.X/8])
	}
	found := l.Missing()
	if len(found) == 0 {
		t.Fatal("nothing was found")
	}
	for _, r := range found {
		if !r.In(gone.Inset(-6)) {
			t.Errorf("%v is not missing", r)
		}
	}
}

func TestAnEmptySheetIsAPage(t *testing.T) {
	t.Parallel()
	img := sheet(1240, 1754, white)
	l := mrc.Split(img, 150, mrc.Options{})
	if l.Photo || len(l.Stencils) > 0 {
		t.Errorf("there are %d inks on it", len(l.Stencils))
	}
	if data, _ := file(t, l, mrc.Standard()); len(data) > 2500 {
		t.Errorf("it takes %d bytes", len(data))
	}
}

func TestTheSamePageGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	img, dpi := corpus(t, "sim-cerfa-12100-p1.jpg", 1169)
	a, _ := file(t, mrc.Split(img, dpi, mrc.Options{}), mrc.Standard())
	b, _ := file(t, mrc.Split(img, dpi, mrc.Options{}), mrc.Standard())
	if !bytes.Equal(a, b) {
		t.Error("two files of the same page differ")
	}
}

func TestOddPagesDoNoHarm(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for _, size := range []image.Point{{1, 1}, {15, 400}, {16, 16}, {17, 33}, {301, 64}, {64, 999}} {
		for _, dpi := range []int{0, 1, 72, 300, 1200} {
			noise := image.NewRGBA(image.Rect(5, 5, 5+size.X, 5+size.Y))
			for i := range noise.Pix {
				noise.Pix[i] = uint8(r.IntN(256))
			}
			for _, img := range []image.Image{noise, sheet(size.X, size.Y, black), image.NewGray(image.Rectangle{Max: size})} {
				l := mrc.Split(img, dpi, mrc.Options{})
				l.Missing()
				if !l.Photo {
					file(t, l, mrc.Standard())
				}
			}
		}
	}
}

func BenchmarkPage(b *testing.B) {
	for _, name := range []string{"fr-rapport-1984-p2.jpg", "sim-cerfa-12100-p1.jpg"} {
		img, dpi := corpus(b, name, 3508)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l := mrc.Split(img, dpi, mrc.Options{})
				if _, _, err := l.Encode(mrc.Standard()); err != nil {
					b.Fatal(err)
				}
				l.Missing()
			}
		})
	}
}
