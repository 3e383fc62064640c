package sheet

import (
	"image"
	"slices"
)

// IsPhoto says whether a picture is a camera's rather than a scanner's, by its
// light: the brightest of each part of a page is even under a scanner's lamp
// and uneven under a room's. A photograph taken in even light is missed; what
// EXIF says is better where there is any.
func IsPhoto(img image.Image) bool {
	b := img.Bounds()
	if min(b.Dx(), b.Dy()) < minSide {
		return false
	}
	p := newCopy(img).dim
	const parts = 6
	var bright []int
	for j := range parts {
		for i := range parts {
			bright = append(bright, p.brightest(i*p.w/parts, j*p.h/parts, (i+1)*p.w/parts, (j+1)*p.h/parts))
		}
	}
	slices.Sort(bright)
	// A scan's ground is white nearly everywhere; its pictures and its bed are
	// not, so only the upper three quarters are asked.
	upper := bright[len(bright)/4:]
	return upper[len(upper)-1]-upper[0] > 45 && bright[len(bright)/2] < 225
}

// brightest is the level that a tenth of a part is brighter than.
func (p *plane) brightest(x0, y0, x1, y1 int) int {
	var count [256]int
	n := 0
	for y := y0; y < y1; y++ {
		for _, v := range p.closed[y*p.w+x0 : y*p.w+x1] {
			count[v]++
			n++
		}
	}
	for v, left := 255, n/10; v > 0; v-- {
		if left -= count[v]; left < 0 {
			return v
		}
	}
	return 0
}
