package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
)

// images gives what is to be painted, the lowest first.
func (p *Page) images() []Image {
	if p.Data == nil {
		return p.Layers
	}
	base := Image{Data: p.Data, Encoding: p.Encoding, Width: p.Width, Height: p.Height, Gray: p.Gray}
	return append([]Image{base}, p.Layers...)
}

// check finds what a reader of the file would stumble over, so that it fails
// here and not on the visitor's screen at home.
func (p *Page) check() error {
	if p.Width <= 0 || p.Height <= 0 || p.DPI < 0 {
		return fmt.Errorf("%d by %d pixels at %d dpi", p.Width, p.Height, p.DPI)
	}
	if !quarter(p.Turn) {
		return fmt.Errorf("turned by %d degrees", p.Turn)
	}
	all := p.images()
	if len(all) == 0 {
		return fmt.Errorf("no picture")
	}
	whole := image.Rect(0, 0, p.Width, p.Height)
	for i := range all {
		if err := all[i].check(whole); err != nil {
			return fmt.Errorf("image %d: %w", i+1, err)
		}
	}
	for i, w := range p.Words {
		if !quarter(w.Turn) || w.X0 >= w.X1 || w.Y0 >= w.Y1 || !image.Rect(w.X0, w.Y0, w.X1, w.Y1).In(whole) {
			return fmt.Errorf("word %d lies beside the page", i+1)
		}
	}
	return nil
}

func quarter(turn int) bool { return turn == 0 || turn == 90 || turn == 180 || turn == 270 }

func (m *Image) bilevel() bool { return m.Encoding == CCITT || m.Encoding == JBIG2 }

func (m *Image) check(page image.Rectangle) error {
	switch {
	case len(m.Data) == 0:
		return fmt.Errorf("no data")
	case m.Width <= 0 || m.Height <= 0:
		return fmt.Errorf("%d by %d pixels", m.Width, m.Height)
	case m.Place != (image.Rectangle{}) && (m.Place.Empty() || !m.Place.In(page)):
		return fmt.Errorf("it lies beside the page")
	case m.Stencil && !m.bilevel():
		return fmt.Errorf("a stencil has one bit a pixel")
	case m.Encoding < JPEG || m.Encoding > PackedJPEG:
		return fmt.Errorf("unknown encoding %d", m.Encoding)
	case m.Encoding == JPEG || m.Encoding == PackedJPEG:
		if err := m.checkJPEG(); err != nil {
			return err
		}
	}
	if m.Mask == nil {
		return nil
	}
	if m.Stencil || !m.Mask.bilevel() || m.Mask.Mask != nil || m.Mask.Place != (image.Rectangle{}) {
		return fmt.Errorf("a mask has one bit a pixel and covers a picture")
	}
	return m.Mask.check(page)
}

// mostHeader is how far into a packed JPEG its size is looked for.
const mostHeader = 1 << 20

func (m *Image) checkJPEG() error {
	var data io.Reader = bytes.NewReader(m.Data)
	if m.Encoding == PackedJPEG {
		z, err := zlib.NewReader(data)
		if err != nil {
			return fmt.Errorf("unpack jpeg: %w", err)
		}
		data = io.LimitReader(z, mostHeader)
	}
	c, err := jpeg.DecodeConfig(data)
	if err != nil {
		return fmt.Errorf("read jpeg header: %w", err)
	}
	if c.Width != m.Width || c.Height != m.Height {
		return fmt.Errorf("jpeg is %d by %d pixels, not %d by %d", c.Width, c.Height, m.Width, m.Height)
	}
	if gray := c.ColorModel == color.GrayModel; gray != m.Gray {
		return fmt.Errorf("jpeg is grey: %v, not %v", gray, m.Gray)
	}
	if c.ColorModel == color.CMYKModel {
		return fmt.Errorf("jpeg has four components")
	}
	return nil
}
