// Package pictures puts what several programs made of a page side by side:
// the whole page small, and below it the part with the most text, pixel for
// pixel.
package pictures

import (
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/draw"
	"io"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	xdraw "golang.org/x/image/draw"
)

// The sizes, in pixels.
const (
	CropWidth  = 860
	CropHeight = 520
	wholeHigh  = 620
	gap        = 16
	labelHigh  = 40
)

// Panel is one program's page.
type Panel struct {
	Label string      // shown above, ASCII
	Page  image.Image // nil when there is none
	Crop  image.Rectangle
}

// Sheet puts panels side by side.
func Sheet(panels []Panel) *image.RGBA {
	w := gap + len(panels)*(CropWidth+gap)
	h := labelHigh + wholeHigh + gap + CropHeight + gap
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Rect, image.NewUniform(color.Gray{200}), image.Point{}, draw.Src)
	for i, p := range panels {
		x := gap + i*(CropWidth+gap)
		label(dst, x, 4, p.Label)
		if p.Page == nil {
			continue
		}
		b := p.Page.Bounds()
		scale := min(float64(CropWidth)/float64(b.Dx()), float64(wholeHigh)/float64(b.Dy()))
		at := image.Rect(0, 0, int(float64(b.Dx())*scale), int(float64(b.Dy())*scale)).Add(image.Pt(x, labelHigh))
		xdraw.ApproxBiLinear.Scale(dst, at, p.Page, b, draw.Src, nil)
		frame(dst, fit(p.Crop, b), b, at)
		draw.Draw(dst, image.Rect(x, labelHigh+wholeHigh+gap, x+CropWidth, h-gap), p.Page, fit(p.Crop, b).Min, draw.Src)
	}
	return dst
}

// fit moves a crop so that it lies on the page as far as it can.
func fit(crop, page image.Rectangle) image.Rectangle {
	crop = image.Rect(0, 0, CropWidth, CropHeight).Add(crop.Min)
	if d := crop.Max.X - page.Max.X; d > 0 {
		crop = crop.Sub(image.Pt(d, 0))
	}
	if d := crop.Max.Y - page.Max.Y; d > 0 {
		crop = crop.Sub(image.Pt(0, d))
	}
	if d := page.Min.X - crop.Min.X; d > 0 {
		crop = crop.Add(image.Pt(d, 0))
	}
	if d := page.Min.Y - crop.Min.Y; d > 0 {
		crop = crop.Add(image.Pt(0, d))
	}
	return crop
}

// frame shows on the small page where the crop is.
func frame(dst draw.Image, crop, page, at image.Rectangle) {
	px := func(v int) int { return at.Min.X + v*at.Dx()/page.Dx() }
	py := func(v int) int { return at.Min.Y + v*at.Dy()/page.Dy() }
	r := image.Rect(px(crop.Min.X), py(crop.Min.Y), px(crop.Max.X), py(crop.Max.Y)).Intersect(at)
	red := image.NewUniform(color.RGBA{220, 30, 30, 255})
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+2)}, {image.Pt(r.Min.X, r.Max.Y-2), r.Max},
		{r.Min, image.Pt(r.Min.X+2, r.Max.Y)}, {image.Pt(r.Max.X-2, r.Min.Y), r.Max},
	} {
		draw.Draw(dst, side, red, image.Point{}, draw.Src)
	}
}

// label writes twice as large as the font is.
func label(dst draw.Image, x, y int, text string) {
	const high = 16
	small := image.NewRGBA(image.Rect(0, 0, 7*len(text)+2, high))
	d := font.Drawer{Dst: small, Src: image.Black, Face: basicfont.Face7x13, Dot: fixed.P(1, 12)}
	d.DrawString(text)
	to := image.Rect(x, y, x+2*small.Rect.Dx(), y+2*high)
	xdraw.NearestNeighbor.Scale(dst, to, small, small.Rect, draw.Over, nil)
}

// Busiest is the part of a page with the most words; boxes are the words'.
// Without words it is the middle.
func Busiest(page image.Rectangle, boxes []image.Rectangle) image.Rectangle {
	size := image.Rect(0, 0, CropWidth, CropHeight)
	best, at := 0, fit(size.Add(image.Pt((page.Dx()-CropWidth)/2, (page.Dy()-CropHeight)/2)), page)
	for _, start := range boxes {
		r := fit(size.Add(start.Min.Sub(image.Pt(20, 20))), page)
		n := 0
		for _, b := range boxes {
			if b.In(r) {
				n++
			}
		}
		if n > best {
			best, at = n, r
		}
	}
	return at
}

// Entry is one picture of the index.
type Entry struct{ Name, Class, File, Note string }

// Index writes a page that shows all pictures.
func Index(w io.Writer, entries []Entry) error {
	if err := page.Execute(w, entries); err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	return nil
}

var page = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The document engine beside its peers</title>
<style>body{font:16px sans-serif;margin:1em}img{max-width:100%;height:auto}h2{margin:1.5em 0 .2em}</style>
<h1>The document engine beside its peers</h1>
<p>Each page whole, and the part in the red frame pixel for pixel at 300 dpi. <a href="table.md">All figures</a></p>
{{range .}}<h2>{{.Name}}</h2><p>{{.Class}}. {{.Note}}</p><a href="{{.File}}"><img loading="lazy" src="{{.File}}" alt="{{.Name}}"></a>
{{end}}</html>
`))
