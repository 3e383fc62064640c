package mrc_test

import (
	"image"
	"image/color"
	"testing"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/mrc"
)

// soften blurs a page as a scanner does: each pixel is the mean of 5 by 5.
func soften(m *image.Gray) *image.Gray {
	out := image.NewGray(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			sum, n := 0, 0
			for ny := max(y-2, 0); ny <= min(y+2, m.Rect.Max.Y-1); ny++ {
				for nx := max(x-2, 0); nx <= min(x+2, m.Rect.Max.X-1); nx++ {
					sum, n = sum+int(m.Pix[ny*m.Stride+nx]), n+1
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum / n)
		}
	}
	return out
}

// blackIn counts the ink in a part of a mask.
func blackIn(b *jbig2.Bitmap, r image.Rectangle) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if b.Black(x, y) {
				n++
			}
		}
	}
	return n
}

// Bold strokes run together, and the dots of a leader are read as letters.
func TestStrokesKeepTheirWidth(t *testing.T) {
	const w, h = 1200, 900
	page := image.NewGray(image.Rect(0, 0, w, h))
	for i := range page.Pix {
		page.Pix[i] = 255
	}
	for _, c := range []struct {
		y     int
		shade uint8
	}{{100, 20}, {300, 60}, {500, 110}} {
		for x := 100; x < 1100; x += 20 {
			box(page, image.Rect(x, c.y, x+8, c.y+60), color.Gray{c.shade})
			box(page, image.Rect(x, c.y+100, x+8, c.y+108), color.Gray{c.shade})
		}
	}
	l := mrc.Split(soften(page), 300, mrc.Options{})
	if l.Photo || len(l.Stencils) != 1 {
		t.Fatalf("it was split into %d stencils", len(l.Stencils))
	}
	for _, y := range []int{100, 300, 500} {
		ink := blackIn(l.Stencils[0].Mask, image.Rect(90, y+20, 1110, y+40))
		if wide := float64(ink) / (50 * 20); wide < 7 || wide > 9 {
			t.Errorf("strokes at %d are %.1f pixels wide, they were 8", y, wide)
		}
		if dots := float64(blackIn(l.Stencils[0].Mask, image.Rect(90, y+80, 1110, y+130))) / 50; dots < 50 || dots > 80 {
			t.Errorf("dots at %d have %.0f pixels, they had 64", y, dots)
		}
	}
}

func TestWhatIsBlackAllOverIsInk(t *testing.T) {
	page := toGray(sheet(1200, 900, color.RGBA{A: 255}))
	square := image.Rect(300, 500, 500, 700)
	box(page, square, color.Gray{25})
	l := mrc.Split(soften(page), 300, mrc.Options{})
	if l.Photo || len(l.Stencils) != 1 {
		t.Fatalf("it was split into %d stencils", len(l.Stencils))
	}
	inner := square.Inset(3)
	if n := blackIn(l.Stencils[0].Mask, inner); n != inner.Dx()*inner.Dy() {
		t.Errorf("%d of %d pixels are ink", n, inner.Dx()*inner.Dy())
	}
}
