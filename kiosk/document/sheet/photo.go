package sheet

import (
	"image"
	"slices"
)

// IsPhoto is View.IsPhoto of a picture.
func IsPhoto(img image.Image) bool { return NewView(img).IsPhoto() }

// IsPhoto says whether a picture is a camera's rather than a scanner's, by its
// light: the brightest of each part of a page is even under a scanner's lamp
// and uneven under a room's. A photograph taken in even light is missed; what
// EXIF says is better where there is any.
func (v *View) IsPhoto() bool {
	if v.copy == nil {
		return false
	}
	p := v.copy.dim
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

const (
	marginWhite = 250  // the margin of an inlaid picture is at least so bright
	leastInlay  = 0.25 // of the page's area is the picture
	mostInlay   = 0.98
	darkBorder  = 0.75 // of the picture's border is no white paper
)

// Inlay is View.Inlay of a picture.
func Inlay(img image.Image) (image.Rectangle, bool) { return NewView(img).Inlay() }

// Inlay gives the place of a picture that was put on a larger white page: there
// is nothing at all around it, and it ends on four straight sides. It is false
// when there is none.
func (v *View) Inlay() (image.Rectangle, bool) {
	if v.copy == nil {
		return image.Rectangle{}, false
	}
	p, b := v.copy.dim, v.img.Bounds()
	white := func(r image.Rectangle) (n int) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for _, v := range p.raw[y*p.w+r.Min.X : y*p.w+r.Max.X] {
				if v >= marginWhite {
					n++
				}
			}
		}
		return n
	}
	all := func(r image.Rectangle) bool { return white(r) == r.Dx()*r.Dy() }
	in := image.Rect(0, 0, p.w, p.h)
	for in.Min.Y < in.Max.Y && all(image.Rect(0, in.Min.Y, p.w, in.Min.Y+1)) {
		in.Min.Y++
	}
	for in.Max.Y > in.Min.Y && all(image.Rect(0, in.Max.Y-1, p.w, in.Max.Y)) {
		in.Max.Y--
	}
	for in.Min.X < in.Max.X && all(image.Rect(in.Min.X, in.Min.Y, in.Min.X+1, in.Max.Y)) {
		in.Min.X++
	}
	for in.Max.X > in.Min.X && all(image.Rect(in.Max.X-1, in.Min.Y, in.Max.X, in.Max.Y)) {
		in.Max.X--
	}
	in = in.Inset(2) // mixed pixels
	share := float64(in.Dx()*in.Dy()) / float64(p.w*p.h)
	if in.Empty() || share < leastInlay || share > mostInlay {
		return image.Rectangle{}, false
	}
	for _, side := range []image.Rectangle{
		{in.Min, image.Pt(in.Max.X, in.Min.Y+1)}, {image.Pt(in.Min.X, in.Max.Y-1), in.Max},
		{in.Min, image.Pt(in.Min.X+1, in.Max.Y)}, {image.Pt(in.Max.X-1, in.Min.Y), in.Max},
	} {
		if float64(white(side)) > (1-darkBorder)*float64(side.Dx()*side.Dy()) {
			return image.Rectangle{}, false
		}
	}
	at := func(v int, of, to int) int { return v * to / of }
	return image.Rect(at(in.Min.X, p.w, b.Dx()), at(in.Min.Y, p.h, b.Dy()), at(in.Max.X, p.w, b.Dx()), at(in.Max.Y, p.h, b.Dy())).Add(b.Min), true
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
