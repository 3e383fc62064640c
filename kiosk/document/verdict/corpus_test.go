package verdict_test

import (
	"image"
	"image/color"
	"image/draw"
	"sync"
	"testing"

	"pointnum/kiosk/document/documenttest"
)

// pictures keeps what corpus has read: decoding is most of these tests' time.
var pictures sync.Map

// corpus gives a copy of a page of the collection, at most 1,754 pixels long,
// as 150 dpi make of A4.
func corpus(t testing.TB, name string) *image.RGBA {
	t.Helper()
	read, _ := pictures.LoadOrStore(name, sync.OnceValue(func() *image.RGBA { return documenttest.Page(t, name, 1754) }))
	return clone(read.(func() *image.RGBA)())
}

func clone(m *image.RGBA) *image.RGBA {
	c := *m
	c.Pix = append([]uint8(nil), m.Pix...)
	return &c
}

var (
	white = color.RGBA{250, 250, 248, 255}
	black = color.RGBA{20, 20, 24, 255}
)

func plain(c color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}
