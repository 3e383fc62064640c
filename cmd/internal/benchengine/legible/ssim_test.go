package legible_test

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pointnum/cmd/internal/benchengine/legible"
)

// noise is a picture of noise around a grey.
func noise(seed uint64, w, h int, middle, spread int) *image.Gray {
	r := rand.New(rand.NewPCG(seed, 7))
	g := image.NewGray(image.Rect(0, 0, w, h))
	for i := range g.Pix {
		g.Pix[i] = byte(middle + r.IntN(2*spread+1) - spread)
	}
	return g
}

// textbook computes one window after the other.
func textbook(a, b *image.Gray) float64 {
	const n, c1, c2 = 49.0, 6.5025, 58.5225
	sum, count := 0.0, 0
	for y := 0; y+7 <= a.Rect.Dy(); y++ {
		for x := 0; x+7 <= a.Rect.Dx(); x++ {
			var mx, my, vx, vy, cxy float64
			for i := range 49 {
				mx += float64(a.GrayAt(x+i%7, y+i/7).Y) / n
				my += float64(b.GrayAt(x+i%7, y+i/7).Y) / n
			}
			for i := range 49 {
				p, q := float64(a.GrayAt(x+i%7, y+i/7).Y)-mx, float64(b.GrayAt(x+i%7, y+i/7).Y)-my
				vx, vy, cxy = vx+p*p/(n-1), vy+q*q/(n-1), cxy+p*q/(n-1)
			}
			sum += (2*mx*my + c1) * (2*cxy + c2) / ((mx*mx + my*my + c1) * (vx + vy + c2))
			count++
		}
	}
	return sum / float64(count)
}

func TestSSIM(t *testing.T) {
	a := noise(1, 40, 31, 120, 60)
	brighter := noise(1, 40, 31, 150, 60)
	other := noise(2, 40, 31, 120, 60)
	for _, c := range []struct {
		name string
		b    *image.Gray
	}{{"the same", a}, {"brighter", brighter}, {"another", other}} {
		got, ok := legible.SSIM(a, c.b)
		if want := textbook(a, c.b); !ok || math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: got %.6f %v, want %.6f", c.name, got, ok, want)
		}
	}
	if got, _ := legible.SSIM(a, a); math.Abs(got-1) > 1e-9 {
		t.Errorf("the same picture: %.9f", got)
	}
	if _, ok := legible.SSIM(a, noise(1, 41, 31, 120, 60)); ok {
		t.Error("pictures of two sizes were compared")
	}
	if _, ok := legible.SSIM(noise(1, 6, 6, 9, 9), noise(1, 6, 6, 9, 9)); ok {
		t.Error("a picture smaller than the window was compared")
	}
}

func TestFourTurnsAreNone(t *testing.T) {
	g := noise(3, 5, 9, 100, 90)
	turned := g
	for range 4 {
		turned = legible.Turn(turned, 90)
	}
	if !slices.Equal(turned.Pix, g.Pix) {
		t.Error("four quarter turns changed the picture")
	}
	if !slices.Equal(legible.Turn(legible.Turn(g, 90), 90).Pix, legible.Turn(g, 180).Pix) {
		t.Error("two quarter turns are not a half turn")
	}
	if !slices.Equal(legible.Turn(legible.Turn(g, 180), 90).Pix, legible.Turn(g, 270).Pix) {
		t.Error("three quarter turns are not one the other way")
	}
	g.Pix[0] = 7 // upper left goes to upper right
	if q := legible.Turn(g, 90); q.GrayAt(q.Rect.Dx()-1, 0).Y != 7 {
		t.Error("a quarter turn is not clockwise")
	}
}

func TestShrinkKeepsTheMean(t *testing.T) {
	g := image.NewGray(image.Rect(0, 0, 4, 2))
	copy(g.Pix, []byte{0, 100, 10, 30, 50, 50, 20, 40})
	if got := legible.Shrink(g, 2, 1).Pix; !slices.Equal(got, []byte{50, 25}) {
		t.Errorf("got %v, want [50 25]", got)
	}
}
