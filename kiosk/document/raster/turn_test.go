package raster_test

import (
	"image"
	"testing"

	"pointnum/kiosk/document/raster"
)

func TestFourTurnsBringThePageBack(t *testing.T) {
	for name, img := range map[string]image.Image{"colour": noise(203, 131), "grey": grayNoise(77, 140)} {
		for _, d := range []int{90, 270, -90} {
			m := img
			for range 4 {
				m = raster.Turn(m, d)
			}
			if !same(m, img) {
				t.Errorf("%s page turned four times by %d is another one", name, d)
			}
		}
		if !same(raster.Turn(raster.Turn(img, 90), 90), raster.Turn(img, 180)) {
			t.Errorf("%s: twice 90 is not 180", name)
		}
		if !same(raster.Turn(img, 450), raster.Turn(img, 90)) || !same(raster.Turn(img, 360), img) {
			t.Errorf("%s: a full turn changes something", name)
		}
	}
}

func TestTurnIsClockwise(t *testing.T) {
	g := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(g.Pix, []uint8{1, 2, 3, 4, 5, 6})
	got := raster.Turn(g, 90).(*image.Gray)
	if want := []uint8{4, 1, 5, 2, 6, 3}; got.Rect.Dx() != 2 || string(got.Pix) != string(want) {
		t.Errorf("got %v, want %v", got.Pix, want)
	}
}

// The orientations of EXIF say where the first row and column of the picture
// belong; each case is the picture "123/456" as the viewer shall see it.
func TestOrientFollowsTheEXIFTable(t *testing.T) {
	want := map[int][]uint8{
		1: {1, 2, 3, 4, 5, 6}, 2: {3, 2, 1, 6, 5, 4}, 3: {6, 5, 4, 3, 2, 1}, 4: {4, 5, 6, 1, 2, 3},
		5: {1, 4, 2, 5, 3, 6}, 6: {4, 1, 5, 2, 6, 3}, 7: {6, 3, 5, 2, 4, 1}, 8: {3, 6, 2, 5, 1, 4},
		0: {1, 2, 3, 4, 5, 6}, 9: {1, 2, 3, 4, 5, 6},
	}
	for exif, pix := range want {
		g := image.NewGray(image.Rect(0, 0, 3, 2))
		copy(g.Pix, []uint8{1, 2, 3, 4, 5, 6})
		got := raster.Orient(g, exif)
		if string(got.(*image.Gray).Pix) != string(pix) {
			t.Errorf("orientation %d: got %v, want %v", exif, got.(*image.Gray).Pix, pix)
		}
		if !same(got, raster.Orient(raster.ToRGBA(g), exif)) {
			t.Errorf("orientation %d differs in colour", exif)
		}
		if wide := got.Bounds().Dx() == 3; wide != (exif < 5 || exif > 8) {
			t.Errorf("orientation %d: %v", exif, got.Bounds())
		}
	}
}

func TestPhonePhotosStandUpright(t *testing.T) {
	for name, c := range map[string]struct {
		exif int
		wide bool
	}{"photo-exif-6.jpg": {6, true}, "photo-exif-5-mirror.jpg": {5, false}} {
		img := raster.Orient(corpus(t, name), c.exif)
		b := img.Bounds()
		if (b.Dx() > b.Dy()) != c.wide {
			t.Errorf("%s is %v", name, b.Size())
		}
		g := raster.Scale(raster.Gray(img), 8, 8).(*image.Gray)
		sky, ground := 0, 0
		for x := range 8 {
			sky += int(g.GrayAt(x, 0).Y) + int(g.GrayAt(x, 1).Y)
			ground += int(g.GrayAt(x, 6).Y) + int(g.GrayAt(x, 7).Y)
		}
		if sky <= ground {
			t.Errorf("%s: the sky (%d) is not over the ground (%d)", name, sky, ground)
		}
	}
}
