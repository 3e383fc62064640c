package sample

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// signature is a scribble with a ball pen whose middle line starts at x, y.
func signature(c *canvas, x, y, w, h float64) {
	const steps = 1600
	for i := range steps {
		t := float64(i) / steps
		fade := math.Sin(math.Pi * min(t*1.15, 1))
		px := x + w*t + 0.09*w*math.Sin(29*t)
		py := y + h*0.5*fade*math.Sin(23*t+2*math.Sin(7*t)) - 0.25*h*t
		c.disc(px, py, 0.22+0.12*math.Abs(math.Cos(23*t)), pen, 0.85)
	}
	for i := range steps / 3 { // the flourish below
		t := float64(i) / (steps / 3)
		c.disc(x+0.1*w+0.85*w*t, y+h*0.45+0.15*h*math.Sin(3*t), 0.2, pen, 0.8)
	}
}

// stamp is a round rubber stamp around x, y: three lines in two rings, turned
// a little and unevenly inked.
func stamp(c *canvas, x, y float64, col color.RGBA, top, middle, bottom string) {
	const radius = 17.0
	side := int(2 * (radius + 2) * c.mm)
	s := &canvas{img: image.NewRGBA(image.Rect(0, 0, side, side)), mm: c.mm, dpi: c.dpi, faces: c.faces}
	draw.Draw(s.img, s.img.Rect, image.White, image.Point{}, draw.Src)
	m := radius + 2
	s.ring(m, m, radius, 0.7, col)
	s.ring(m, m, radius-1.6, 0.3, col)
	s.center(m, m-4.5, 6.5, bold, col, top)
	s.center(m, m+1.8, 11, bold, col, middle)
	s.center(m, m+7.5, 6.5, bold, col, bottom)

	tilted := image.NewRGBA(s.img.Rect)
	draw.Draw(tilted, tilted.Rect, image.White, image.Point{}, draw.Src)
	xdraw.ApproxBiLinear.Transform(tilted, around(float64(side)/2, float64(side)/2, -11), s.img, s.img.Rect, draw.Src, nil)
	x0, y0 := int((x-m)*c.mm), int((y-m)*c.mm)
	for py := range side {
		for px := range side {
			p := tilted.RGBAAt(px, py)
			cover := 1 - float64(p.G)/255
			if cover < 0.02 || !image.Pt(x0+px, y0+py).In(c.img.Rect) {
				continue
			}
			uneven := 0.8 + 0.2*math.Sin(float64(px)/c.mm/2.3)*math.Cos(float64(py)/c.mm/1.9)
			c.blend(x0+px, y0+py, p, uneven)
		}
	}
}

// ring draws a circle, thick millimetres wide.
func (c *canvas) ring(x, y, r, thick float64, col color.RGBA) {
	steps := int(2 * math.Pi * r * c.mm)
	for i := range steps {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(steps))
		c.disc(x+r*cos, y+r*sin, thick/2, col, 1)
	}
}

// around turns clockwise by degrees around a point.
func around(x, y, degrees float64) f64.Aff3 {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return f64.Aff3{cos, -sin, x - cos*x + sin*y, sin, cos, y - sin*x - cos*y}
}
