package raster_test

import (
	"image"
	"image/color"
	"testing"

	xdraw "golang.org/x/image/draw"

	"pointnum/kiosk/document/raster"
)

func TestSmallerIsTheMeanOfWhatItCovers(t *testing.T) {
	src := noise(90, 60)
	got := raster.Scale(src, 30, 20).(*image.RGBA)
	for y := range 20 {
		for x := range 30 {
			sum := 0
			for i := range 9 {
				sum += int(src.RGBAAt(3*x+i%3, 3*y+i/3).G)
			}
			if far(got.RGBAAt(x, y).G, uint8(sum/9)) {
				t.Fatalf("at %d,%d: %d, want %d", x, y, got.RGBAAt(x, y).G, sum/9)
			}
		}
	}
}

func TestAnyRatioKeepsTheMeanAndNeverOverflows(t *testing.T) {
	for _, to := range []image.Point{{89, 59}, {61, 47}, {7, 60}, {90, 1}, {1, 1}, {13, 200}, {500, 300}} {
		w := image.NewRGBA(image.Rect(0, 0, 90, 60))
		for i := range w.Pix {
			w.Pix[i] = 255
		}
		for name, img := range map[string]image.Image{"colour": w, "grey": raster.Gray(w)} {
			m := raster.ToRGBA(raster.Scale(img, to.X, to.Y))
			if m.Rect.Size() != to {
				t.Fatalf("%v gives %v", to, m.Rect)
			}
			for y := range to.Y {
				for x := range to.X {
					if m.RGBAAt(x, y) != (color.RGBA{255, 255, 255, 255}) {
						t.Fatalf("%s to %v: white became %v at %d,%d", name, to, m.RGBAAt(x, y), x, y)
					}
				}
			}
		}
	}
	if _, ok := raster.Scale(grayNoise(90, 60), 31, 17).(*image.Gray); !ok {
		t.Error("a grey page did not stay grey")
	}
}

func TestThinStrokesNeverVanish(t *testing.T) {
	for at := range 30 {
		g := image.NewGray(image.Rect(0, 0, 100, 30))
		for i := range g.Pix {
			g.Pix[i] = 255
		}
		for x := range 100 {
			g.SetGray(x, at, color.Gray{})
		}
		m := raster.Scale(g, 37, 7).(*image.Gray)
		least := uint8(255)
		for _, p := range m.Pix {
			least = min(least, p)
		}
		if least > 225 {
			t.Errorf("the rule in row %d is only %d dark", at, 255-least)
		}
	}
}

func TestLargerIsInterpolated(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 40}, {40, 1}, {2, 3}, {15, 9}, {16, 16}, {17, 8}, {18, 8}, {19, 8}, {31, 8}, {90, 60}} {
		src := noise(size.X, size.Y)
		for _, img := range []image.Image{src, raster.Gray(src)} {
			for _, to := range []image.Point{size.Mul(2), size.Mul(3), {size.X + 1, size.Y}, size.Mul(17).Div(10).Add(image.Pt(1, 1))} {
				r := image.Rectangle{Max: to}
				want := image.NewRGBA(r)
				xdraw.BiLinear.Scale(want, r, img, img.Bounds(), xdraw.Src, nil)
				got := raster.Scale(img, to.X, to.Y)
				if got.Bounds() != r {
					t.Fatalf("%v became %v", size, got.Bounds())
				}
				c := raster.ToRGBA(got)
				for i, v := range want.Pix {
					if int(v)-int(c.Pix[i]) > 2 || int(c.Pix[i])-int(v) > 2 {
						t.Fatalf("%T of %v to %v, byte %d: %d, want %d", img, size, to, i, c.Pix[i], v)
					}
				}
			}
		}
	}
}
