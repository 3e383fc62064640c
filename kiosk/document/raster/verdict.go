package raster

import (
	"image"

	"pointnum/kiosk"
)

// Verdicts says what is wrong with a page for somebody who has to read it,
// the worst first; none when it is fine. dpi is the page's resolution on
// paper, 0 when unknown. VerdictPartial is not for this function to know.
func Verdicts(img image.Image, dpi int) []kiosk.Verdict {
	if Blank(img) {
		return []kiosk.Verdict{kiosk.VerdictBlank}
	}
	return nil
}

// Blank says whether there is nothing on a page, not even pale.
func Blank(img image.Image) bool {
	pts, _, _ := inkPoints(reduce(Gray(img), skewSide))
	return len(pts) < 40
}
