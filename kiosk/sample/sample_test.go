package sample_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"

	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/verdict"
	"pointnum/kiosk/sample"
)

func TestPagesAreA4AndAlwaysTheSame(t *testing.T) {
	first, err := sample.JPEG(2, sample.Options{Total: 3, DPI: 75, Marker: "M1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := sample.JPEG(2, sample.Options{Total: 3, DPI: 75, Marker: "M1"})
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("two paintings of one page differ (%v)", err)
	}
	for _, o := range []sample.Options{{Total: 3, DPI: 75}, {Total: 4, DPI: 75, Marker: "M1"}, {Total: 3, DPI: 75, Marker: "M2"}} {
		if other, err := sample.JPEG(2, o); err != nil || bytes.Equal(first, other) {
			t.Errorf("%+v gives the same page (%v)", o, err)
		}
	}
	if got := sample.Page(1, sample.Options{Blank: true, Clean: true, Straight: true}).Bounds(); got != image.Rect(0, 0, 2480, 3508) {
		t.Errorf("a page at 300 dpi is %v", got)
	}
}

func TestEveryPaperIsAFitPage(t *testing.T) {
	for n := 1; n <= 4; n++ {
		page := sample.Page(n, sample.Options{Total: 4, DPI: 120})
		if v := verdict.Judge(raster.NewOverview(page), 120, false); len(v) > 0 {
			t.Errorf("page %d: %v", n, v)
		}
		if raster.IsGray(page) {
			t.Errorf("page %d has no colour", n)
		}
		if r, cut := raster.CropBed(page); cut {
			t.Errorf("page %d would be cut to %v", n, r)
		}
		skew := float64(n) - 2.4
		tilted := sample.Page(n, sample.Options{Total: 4, DPI: 100, Skew: skew})
		if got := raster.Skew(raster.Gray(tilted)); math.Abs(got-skew) > 0.3 {
			t.Errorf("page %d turned by %.1f: found %.2f", n, skew, got)
		}
	}
}

func TestOptions(t *testing.T) {
	if !verdict.Blank(raster.NewOverview(sample.Page(1, sample.Options{Blank: true, DPI: 100}))) {
		t.Error("the back of a sheet is not blank")
	}
	if _, ok := sample.Page(1, sample.Options{Gray: true, DPI: 100}).(*image.Gray); !ok {
		t.Error("a grey page is in colour")
	}
	clean := sample.Page(3, sample.Options{Clean: true, Straight: true, DPI: 100})
	if clean.At(5, 5) != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("clean paper is %v", clean.At(5, 5))
	}
	if a := raster.Skew(raster.Gray(clean)); math.Abs(a) > 0.1 {
		t.Errorf("a straight page is turned by %.2f", a)
	}
}

func TestJPEGSaysItsResolution(t *testing.T) {
	data, err := sample.JPEG(1, sample.Options{DPI: 150, Quality: 60})
	if err != nil {
		t.Fatal(err)
	}
	if string(data[6:10]) != "JFIF" || int(data[14])<<8|int(data[15]) != 150 || data[13] != 1 {
		t.Errorf("header % x", data[:20])
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != 1240 || c.Height != 1754 {
		t.Errorf("%+v, %v", c, err)
	}
}

func BenchmarkJPEG(b *testing.B) {
	for b.Loop() {
		if _, err := sample.JPEG(1, sample.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
