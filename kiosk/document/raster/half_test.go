package raster_test

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
)

func TestHalfIsTheMeanOfFourPixels(t *testing.T) {
	for _, size := range []image.Point{{90, 60}, {91, 61}, {14, 2}, {7, 5}, {2, 2}} {
		src := noise(size.X, size.Y)
		got := raster.NewOverview(src).Half().(*image.RGBA)
		gray := raster.Gray(src)
		gotGray := raster.NewOverview(gray).Half().(*image.Gray)
		if want := image.Rect(0, 0, size.X/2, size.Y/2); got.Rect != want || gotGray.Rect != want {
			t.Fatalf("%v gives %v and %v", size, got.Rect, gotGray.Rect)
		}
		for y := range size.Y / 2 {
			for x := range size.X / 2 {
				var sum [5]int
				for i := range 4 {
					c := src.RGBAAt(2*x+i%2, 2*y+i/2)
					for k, v := range []uint8{c.R, c.G, c.B, c.A, gray.GrayAt(2*x+i%2, 2*y+i/2).Y} {
						sum[k] += int(v)
					}
				}
				mean := func(k int) uint8 { return uint8((sum[k] + 2) / 4) }
				if c := (color.RGBA{mean(0), mean(1), mean(2), mean(3)}); got.RGBAAt(x, y) != c {
					t.Fatalf("%v at %d,%d: %v, want %v", size, x, y, got.RGBAAt(x, y), c)
				}
				if v := gotGray.GrayAt(x, y).Y; v != mean(4) {
					t.Fatalf("%v grey at %d,%d: %d, want %d", size, x, y, v, mean(4))
				}
			}
		}
	}
}

func TestABedIsSeenAtAnEdgeOfThePage(t *testing.T) {
	page := documenttest.Letterhead(800, 1100, color.RGBA{250, 248, 244, 255}, color.RGBA{30, 30, 60, 255})
	if raster.NewOverview(page).OnBed() {
		t.Error("a bed is seen beside paper that goes to all edges")
	}
	bed := image.NewRGBA(image.Rect(0, 0, 900, 1300))
	draw.Draw(bed, bed.Rect, image.NewUniform(color.RGBA{120, 122, 118, 255}), image.Point{}, draw.Src)
	draw.Draw(bed, page.Rect.Add(image.Pt(50, 120)), page, image.Point{}, draw.Src)
	if !raster.NewOverview(bed).OnBed() {
		t.Error("no bed is seen around paper on grey")
	}
}
