package sheet_test

import (
	"testing"

	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/sheet"
)

// A letter that was folded does not lie flat: its sides bend, and nothing of
// the table may be left along them.
func TestSidesThatBendBecomeStraight(t *testing.T) {
	page := corpus(t, "fr-rapport-1984-p2.jpg", 1000)
	ratio := float64(page.Rect.Dx()) / float64(page.Rect.Dy())
	for _, curl := range []float64{-0.012, 0.012} {
		s := scene{page: page, ground: wood, quad: seen(ratio, 4, 15, 0.8), curl: curl}
		img := s.picture()
		found, sure := sheet.Find(img)
		if !sure {
			t.Errorf("curled by %v: not sure", curl)
			continue
		}
		bent := raster.Gray(sheet.Flatten(img, found, 0, 1000))
		const rim = 4
		dark, all := 0, 0
		for y := range bent.Rect.Dy() {
			for x := range bent.Rect.Dx() {
				if x < rim || y < rim || x >= bent.Rect.Dx()-rim || y >= bent.Rect.Dy()-rim {
					all++
					if bent.GrayAt(x, y).Y < 140 {
						dark++
					}
				}
			}
		}
		if dark*50 > all {
			t.Errorf("curled by %v: %d of %d pixels along the sides are table", curl, dark, all)
		}
		a, b := raster.Gray(raster.Scale(bent, 250, 350)), raster.Gray(raster.Scale(page, 250, 350))
		if like := correlation(a.Pix, b.Pix); like < 0.6 {
			t.Errorf("curled by %v: the flat page is like the page by %.2f only", curl, like)
		}
	}
}
