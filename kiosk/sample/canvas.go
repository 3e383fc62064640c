package sample

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"
	"github.com/go-fonts/dejavu/dejavusansmono"
	"github.com/go-fonts/dejavu/dejavuserif"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// style is a font.
type style int

const (
	sans style = iota
	bold
	mono
	serif
)

var (
	black = color.RGBA{28, 28, 32, 255}
	gray  = color.RGBA{120, 120, 124, 255}
	navy  = color.RGBA{0, 0, 145, 255}
	red   = color.RGBA{190, 30, 45, 255}
	pen   = color.RGBA{35, 55, 160, 255}
	pale  = color.RGBA{225, 232, 245, 255}
)

// canvas is a sheet that is painted in millimetres from its upper left
// corner; text sizes are points.
type canvas struct {
	img   *image.RGBA
	mm    float64 // pixels
	dpi   int
	faces map[string]font.Face
}

func newCanvas(dpi int) *canvas {
	mm := float64(dpi) / 25.4
	c := &canvas{mm: mm, dpi: dpi, faces: map[string]font.Face{}}
	c.img = image.NewRGBA(image.Rect(0, 0, int(sheetWidth*mm+0.5), int(sheetHeight*mm+0.5)))
	draw.Draw(c.img, c.img.Rect, image.White, image.Point{}, draw.Src)
	return c
}

func (c *canvas) face(s style, size float64) font.Face {
	key := fmt.Sprint(s, size)
	if f, ok := c.faces[key]; ok {
		return f
	}
	data := [][]byte{dejavusans.TTF, dejavusansbold.TTF, dejavusansmono.TTF, dejavuserif.TTF}[s]
	parsed, err := opentype.Parse(data)
	if err != nil {
		panic(fmt.Sprintf("sample: a font of this program is broken: %v", err))
	}
	f, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: float64(c.dpi), Hinting: font.HintingNone})
	if err != nil {
		panic(fmt.Sprintf("sample: a font of this program is broken: %v", err))
	}
	c.faces[key] = f
	return f
}

// text writes a line that starts at x on the base line y.
func (c *canvas) text(x, y, size float64, s style, col color.Color, line string) {
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(col), Face: c.face(s, size),
		Dot: fixed.Point26_6{X: fixed.Int26_6(x * c.mm * 64), Y: fixed.Int26_6(y * c.mm * 64)}}
	d.DrawString(line)
}

// width is how long a line is, in millimetres.
func (c *canvas) width(size float64, s style, line string) float64 {
	return float64(font.MeasureString(c.face(s, size), line)) / 64 / c.mm
}

func (c *canvas) center(x, y, size float64, s style, col color.Color, line string) {
	c.text(x-c.width(size, s, line)/2, y, size, s, col, line)
}

func (c *canvas) right(x, y, size float64, s style, col color.Color, line string) {
	c.text(x-c.width(size, s, line), y, size, s, col, line)
}

// paragraph writes text in lines of at most width, and returns the base line
// of what may follow.
func (c *canvas) paragraph(x, y, width, size float64, s style, text string) float64 {
	lead := size * 25.4 / 72 * 1.45
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if c.width(size, s, longer) > width {
			c.text(x, y, size, s, black, line)
			y += lead
			longer = word
		}
		line = longer
	}
	c.text(x, y, size, s, black, line)
	return y + lead
}

// fill paints a rectangle.
func (c *canvas) fill(x0, y0, x1, y1 float64, col color.Color) {
	r := image.Rect(int(x0*c.mm), int(y0*c.mm), int(x1*c.mm), int(y1*c.mm))
	draw.Draw(c.img, r, image.NewUniform(col), image.Point{}, draw.Src)
}

// rule draws a line across or down the page, thick millimetres wide.
func (c *canvas) rule(x0, y0, x1, y1, thick float64, col color.Color) {
	if x0 == x1 {
		c.fill(x0-thick/2, y0, x0+thick/2+1/c.mm, y1, col)
		return
	}
	c.fill(x0, y0-thick/2, x1, y0+thick/2+1/c.mm, col)
}

// frame draws the outline of a rectangle.
func (c *canvas) frame(x0, y0, x1, y1, thick float64, col color.Color) {
	c.rule(x0, y0, x1, y0, thick, col)
	c.rule(x0, y1, x1, y1, thick, col)
	c.rule(x0, y0, x0, y1, thick, col)
	c.rule(x1, y0, x1, y1, thick, col)
}

// row is a line of a table.
type row []string

// table draws lines of cells whose left sides are at the given places, the
// last one the table's right side; the first line is its head.
func (c *canvas) table(y float64, at []float64, height, size float64, rows []row) float64 {
	left, last := at[0], at[len(at)-1]
	c.fill(left, y, last, y+height, pale)
	for i, cells := range rows {
		s := sans
		if i == 0 {
			s = bold
		}
		base := y + height*0.68
		for k, cell := range cells {
			if k == len(cells)-1 && i > 0 && len(cells) > 1 {
				c.right(at[k+1]-2, base, size, s, black, cell)
				continue
			}
			c.text(at[k]+2, base, size, s, black, cell)
		}
		c.rule(left, y, last, y, 0.25, black)
		y += height
	}
	c.rule(left, y, last, y, 0.25, black)
	for _, x := range at {
		c.rule(x, y-height*float64(len(rows)), x, y, 0.25, black)
	}
	return y
}

// disc paints a round spot of a soft edge; alpha is 0 to 1.
func (c *canvas) disc(x, y, r float64, col color.RGBA, alpha float64) {
	cx, cy, cr := x*c.mm, y*c.mm, r*c.mm
	for py := int(cy - cr - 1); py <= int(cy+cr+1); py++ {
		for px := int(cx - cr - 1); px <= int(cx+cr+1); px++ {
			if !image.Pt(px, py).In(c.img.Rect) {
				continue
			}
			d := math.Hypot(float64(px)+0.5-cx, float64(py)+0.5-cy)
			c.blend(px, py, col, min(max(cr+0.5-d, 0), 1)*alpha)
		}
	}
}

// blend lays ink over a pixel: it darkens, as ink does, and never brightens.
func (c *canvas) blend(x, y int, col color.RGBA, a float64) {
	p := c.img.Pix[c.img.PixOffset(x, y):]
	for i, v := range [3]uint8{col.R, col.G, col.B} {
		mixed := float64(p[i])*(1-a) + float64(v)*a
		p[i] = min(p[i], uint8(mixed+0.5))
	}
}
