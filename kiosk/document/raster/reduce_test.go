package raster_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"

	"pointnum/kiosk/document/raster"
)

func TestRowsThatComeOneByOneAreScaledAsTheWholePageIs(t *testing.T) {
	for _, size := range [][2]image.Point{
		{{97, 203}, {48, 101}}, {{97, 203}, {97, 102}}, {{97, 203}, {97, 203}}, {{640, 480}, {320, 240}}, {{400, 300}, {250, 188}},
		{{400, 300}, {350, 263}}, {{300, 500}, {40, 66}}, {{5, 4}, {1, 1}}, {{1, 900}, {1, 300}}, {{200, 1}, {33, 1}},
	} {
		from, to := size[0], size[1]
		page := image.NewRGBA(image.Rectangle{Max: from})
		rnd := rand.New(rand.NewPCG(1, 2))
		for i := range page.Pix {
			page.Pix[i] = uint8(rnd.Uint32()) | uint8(i%4/3*255)
		}
		r := raster.NewReducer(from, to)
		for y := range from.Y {
			copy(r.Next(), page.Pix[y*page.Stride:][:page.Stride])
		}
		want := raster.Scale(page, to.X, to.Y).(*image.RGBA)
		if got := r.Image(); got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%v to %v is another page", from, to)
		}
	}
}
