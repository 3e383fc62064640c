package typeset

import (
	"sync"

	"github.com/go-fonts/dejavu/dejavusansmono"
	"github.com/go-fonts/dejavu/dejavusansmonobold"
	"github.com/go-text/typesetting/font"
	"golang.org/x/image/vector"
)

// Cells stands for the font inside a printer: every character as wide as the
// others. It may be used from any goroutine.
type Cells struct {
	mu   sync.Mutex
	mono *font.Face
	bold *font.Face
}

// NewCells reads the fonts. An error is a fault of the program.
func NewCells() (*Cells, error) {
	mono, bold, err := parse(dejavusansmono.TTF, dejavusansmonobold.TTF)
	if err != nil {
		return nil, err
	}
	return &Cells{mono: mono, bold: bold}, nil
}

// Cell draws one character, stretched to a cell of width by height dots.
func (c *Cells) Cell(r rune, bold bool, width, height int) *Bitmap {
	c.mu.Lock()
	defer c.mu.Unlock()
	face := c.mono
	if bold {
		face = c.bold
	}
	id, _ := face.NominalGlyph(r)
	upem := float32(face.Upem())
	// DejaVu Sans Mono: advance 0.602 em, ascent 0.928, descent 0.236.
	scaleX := float32(width) / (0.602 * upem)
	scaleY := float32(height) / (1.2 * upem)
	ink := pen{raster: vector.NewRasterizer(width, height)}
	ink.glyph(face, id, 0, float32(height)*0.94/1.2, scaleX, scaleY)
	return ink.bitmap(width, height)
}
