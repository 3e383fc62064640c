package steps

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// Tilt turns a page counter-clockwise by some degrees, as a sheet lies askew
// on a scanner; what comes in at the corners is as light as paper.
func Tilt(img image.Image, degrees float64) image.Image {
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(dst, dst.Rect, image.NewUniform(paper(img)), image.Point{}, draw.Src)
	sin, cos := math.Sincos(-degrees * math.Pi / 180)
	cx, cy := float64(b.Dx())/2, float64(b.Dy())/2
	m := f64.Aff3{cos, -sin, cx - cos*cx + sin*cy, sin, cos, cy - sin*cx - cos*cy}
	xdraw.ApproxBiLinear.Transform(dst, m, img, b, draw.Over, nil)
	return dst
}

// Shade makes a page darker towards one side, to less than half its light, as
// under a lamp or near the spine of a book.
func Shade(img image.Image) image.Image {
	b := img.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(dst, dst.Rect, img, b.Min, draw.Src)
	for y := range b.Dy() {
		for x := range b.Dx() {
			light := 1 - 0.55*float64(x)/float64(b.Dx()) - 0.1*float64(y)/float64(b.Dy())
			p := dst.Pix[dst.PixOffset(x, y):]
			for c := range 3 {
				p[c] = byte(float64(p[c]) * light)
			}
		}
	}
	return dst
}

// OnBed lays a page on a dark scanner bed that is larger than it.
func OnBed(img image.Image) image.Image {
	b := img.Bounds()
	mx, my := b.Dx()/12, b.Dy()/12
	dst := image.NewRGBA(image.Rect(0, 0, b.Dx()+2*mx, b.Dy()+2*my))
	draw.Draw(dst, dst.Rect, image.NewUniform(color.Gray{70}), image.Point{}, draw.Src)
	draw.Draw(dst, b.Sub(b.Min).Add(image.Pt(mx, my)), img, b.Min, draw.Src)
	return dst
}

// paper is the most frequent light colour along the edges of a page.
func paper(img image.Image) color.Color {
	b := img.Bounds()
	count := map[color.RGBA]int{}
	see := func(x, y int) {
		r, g, bl, _ := img.At(x, y).RGBA()
		count[color.RGBA{byte(r>>8) &^ 7, byte(g>>8) &^ 7, byte(bl>>8) &^ 7, 255}]++
	}
	for i := range 200 {
		x, y := b.Min.X+b.Dx()*i/200, b.Min.Y+b.Dy()*i/200
		for _, k := range []int{20, 12} { // a twentieth and a twelfth inside
			see(x, b.Min.Y+b.Dy()/k)
			see(x, b.Max.Y-b.Dy()/k)
			see(b.Min.X+b.Dx()/k, y)
			see(b.Max.X-b.Dx()/k, y)
		}
	}
	best, n := color.RGBA{255, 255, 255, 255}, 0
	for c, k := range count {
		light := int(c.R) + int(c.G) + int(c.B)
		if k > n && light > 300 || k == n && light > int(best.R)+int(best.G)+int(best.B) {
			best, n = c, k
		}
	}
	return best
}
