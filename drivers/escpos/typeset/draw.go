package typeset

import (
	"image"
	"slices"

	"github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// draw draws a line of shaped runs from left to right.
func draw(line shaping.Line, s Style) *Bitmap {
	runs := slices.Clone(line)
	slices.SortFunc(runs, func(a, b shaping.Output) int { return int(a.VisualIndex - b.VisualIndex) })
	// Glyphs may reach over the edge of their advance, and bold ones do.
	var ink pen
	var left, right float32
	var x fixed.Int26_6
	for _, run := range runs {
		for _, g := range run.Glyphs {
			from := dots(x + g.XOffset + g.XBearing)
			left, right = min(left, from), max(right, from+dots(g.Width))
			x += g.Advance
		}
	}
	right = max(right, dots(x))
	width := int(right-left) + 1
	ink.raster = vector.NewRasterizer(width, lineHeight(s.Size))
	x = 0
	for _, run := range runs {
		scale := float32(s.Size) / float32(run.Face.Upem())
		for _, g := range run.Glyphs {
			ink.glyph(run.Face, g.GlyphID, dots(x+g.XOffset)-left, float32(baseline(s.Size))-dots(g.YOffset), scale, scale)
			x += g.Advance
		}
	}
	return ink.bitmap(width, lineHeight(s.Size))
}

func dots(v fixed.Int26_6) float32 { return float32(v) / 64 }

// pen draws outlines.
type pen struct {
	raster *vector.Rasterizer
}

// glyph adds the outline of a glyph with its origin at x, y.
func (p pen) glyph(face *font.Face, id font.GID, x, y, scaleX, scaleY float32) {
	outline, ok := face.GlyphDataOutline(id)
	if !ok {
		return
	}
	at := func(q ot.SegmentPoint) (float32, float32) { return x + q.X*scaleX, y - q.Y*scaleY }
	open := false
	for _, seg := range outline.Segments {
		ax, ay := at(seg.Args[0])
		bx, by := at(seg.Args[1])
		cx, cy := at(seg.Args[2])
		switch seg.Op {
		case ot.SegmentOpMoveTo:
			if open {
				p.raster.ClosePath()
			}
			p.raster.MoveTo(ax, ay)
			open = true
		case ot.SegmentOpLineTo:
			p.raster.LineTo(ax, ay)
		case ot.SegmentOpQuadTo:
			p.raster.QuadTo(ax, ay, bx, by)
		case ot.SegmentOpCubeTo:
			p.raster.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	if open {
		p.raster.ClosePath()
	}
}

// bitmap makes a dot black that is covered by more than two fifths: thermal
// heads have no grey, and thin strokes must not vanish.
func (p pen) bitmap(width, height int) *Bitmap {
	mask := image.NewAlpha(image.Rect(0, 0, width, height))
	p.raster.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	b := NewBitmap(width, height)
	for y := range height {
		for x, alpha := range mask.Pix[y*mask.Stride : y*mask.Stride+width] {
			if alpha > 100 {
				b.Set(x, y)
			}
		}
	}
	return b
}
