package pictures_test

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"pointnum/cmd/internal/benchengine/pictures"
)

func TestTheBusiestPartHoldsTheMostWords(t *testing.T) {
	page := image.Rect(0, 0, 2480, 3508)
	boxes := []image.Rectangle{image.Rect(50, 50, 200, 80)}
	for i := range 10 {
		boxes = append(boxes, image.Rect(1400, 3000+40*i, 1500, 3030+40*i))
	}
	got := pictures.Busiest(page, boxes)
	if got.Dx() != pictures.CropWidth || got.Dy() != pictures.CropHeight || !got.In(page) {
		t.Errorf("got %v on %v", got, page)
	}
	for _, b := range boxes[1:] {
		if !b.In(got) {
			t.Errorf("%v is not in %v", b, got)
		}
	}
	if got := pictures.Busiest(page, nil); !page.Inset(900).Overlaps(got) {
		t.Errorf("a page without words: %v is not its middle", got)
	}
}

func TestASheetShowsEachCropPixelForPixel(t *testing.T) {
	page := image.NewRGBA(image.Rect(0, 0, 1000, 1400))
	mark := color.RGBA{10, 200, 30, 255}
	page.Set(999, 1399, mark)
	// A crop that hangs over the edge is moved back onto the page.
	crop := image.Rect(900, 1300, 900+pictures.CropWidth, 1300+pictures.CropHeight)
	sheet := pictures.Sheet([]pictures.Panel{{Label: "original 12.0 kB/page", Page: page, Crop: crop}, {Label: "nothing"}})
	found := 0
	for y := range sheet.Rect.Dy() {
		for x := range sheet.Rect.Dx() {
			if sheet.RGBAAt(x, y) == mark {
				found++
			}
		}
	}
	if found == 0 {
		t.Error("the last pixel of the page is not shown")
	}
	if want := 3*16 + 2*pictures.CropWidth; sheet.Rect.Dx() != want {
		t.Errorf("%d wide, want %d", sheet.Rect.Dx(), want)
	}
}

func TestIndex(t *testing.T) {
	var text strings.Builder
	if err := pictures.Index(&text, []pictures.Entry{{Name: "a<b", Class: "photo", File: "pictures/a.png", Note: "12 kB"}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a&lt;b", `src="pictures/a.png"`, "photo. 12 kB"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
