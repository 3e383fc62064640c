package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

func TestIsPage(t *testing.T) {
	for _, x := range []struct {
		name   string
		paper  uint8
		shades int
		want   bool
	}{{"page", 240, 60, true}, {"firmware's logo", 0, 60, false}, {"white, nothing on it yet", 255, 1, false}} {
		img := image.NewGray(image.Rect(0, 0, 400, 400))
		for i := range img.Pix {
			img.Pix[i] = x.paper
		}
		for i := range x.shades {
			for k := range 20 {
				img.SetGray(2*i, 2*k, color.Gray{Y: uint8(3 * i)})
			}
		}
		path := filepath.Join(t.TempDir(), "screen.png")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := isPage(path); err != nil || got != x.want {
			t.Errorf("%s: %v, %v", x.name, got, err)
		}
	}
}
