package pdf

import (
	"bytes"
	"fmt"
	"image/color"
	"image/jpeg"
)

// Encoding says how the samples of an image are packed.
type Encoding int

// The encodings.
const (
	// JPEG is a whole JPEG file of one or three components, kept byte for byte.
	JPEG Encoding = iota
	// Flate is what a PNG's IDAT chunks hold: rows of 8 bit samples, grey or
	// red-green-blue, each after the number of its PNG filter, in one zlib
	// stream.
	Flate
	// CCITT is one bit per pixel, 0 for black, as ITU-T T.6 (group 4).
	CCITT
	// JBIG2 is one bit per pixel, 1 for black, as ITU-T T.88: the segments of
	// one page without a file header and without an end-of-page segment.
	JBIG2
)

// A4 in points of 1/72 inch, upright.
const (
	A4Width  = 595.276
	A4Height = 841.890
)

// Image is a rectangle of pixels that is stretched over the whole page it
// lies on, whatever its own resolution.
type Image struct {
	Data          []byte
	Encoding      Encoding
	Width, Height int  // pixels
	Gray          bool // one sample a pixel, not three; CCITT and JBIG2 are so anyway

	// Stencil paints the black pixels of a one bit image with Color and
	// leaves the others as they are.
	Stencil bool
	Color   color.RGBA
	// Mask shows the image only where this one bit image is black.
	Mask *Image
}

// Page is one page: a picture that fills it, and layers over it.
type Page struct {
	Data          []byte // may be nil when layers are all there is
	Encoding      Encoding
	Width, Height int // pixels
	Gray          bool
	// DPI says how large the page is on paper: it is never shown larger, and
	// smaller only when it would not fit on A4. 0 fills A4.
	DPI    int
	Layers []Image // painted in order over the picture, each as large as it
}

// images gives what is to be painted, the lowest first.
func (p *Page) images() []Image {
	if p.Data == nil {
		return p.Layers
	}
	base := Image{Data: p.Data, Encoding: p.Encoding, Width: p.Width, Height: p.Height, Gray: p.Gray}
	return append([]Image{base}, p.Layers...)
}

// place gives the size of the sheet, and where on it the picture lies, in
// points from the lower left corner.
func (p *Page) place() (sheetW, sheetH, x, y, w, h float64) {
	sheetW, sheetH = A4Width, A4Height
	if p.Width > p.Height {
		sheetW, sheetH = sheetH, sheetW
	}
	scale := min(sheetW/float64(p.Width), sheetH/float64(p.Height))
	if p.DPI > 0 {
		scale = min(scale, 72/float64(p.DPI))
	}
	w, h = float64(p.Width)*scale, float64(p.Height)*scale
	return sheetW, sheetH, (sheetW - w) / 2, (sheetH - h) / 2, w, h
}

func (p *Page) check() error {
	if p.Width <= 0 || p.Height <= 0 || p.DPI < 0 {
		return fmt.Errorf("%d by %d pixels at %d dpi", p.Width, p.Height, p.DPI)
	}
	all := p.images()
	if len(all) == 0 {
		return fmt.Errorf("no picture")
	}
	for i := range all {
		if err := all[i].check(); err != nil {
			return fmt.Errorf("image %d: %w", i+1, err)
		}
	}
	return nil
}

func (m *Image) bilevel() bool { return m.Encoding == CCITT || m.Encoding == JBIG2 }

// check finds what a reader of the file would stumble over, so that it fails
// here and not on the visitor's screen at home.
func (m *Image) check() error {
	switch {
	case len(m.Data) == 0:
		return fmt.Errorf("no data")
	case m.Width <= 0 || m.Height <= 0:
		return fmt.Errorf("%d by %d pixels", m.Width, m.Height)
	case m.Stencil && !m.bilevel():
		return fmt.Errorf("a stencil has one bit a pixel")
	case m.Mask != nil && (!m.Mask.bilevel() || m.Stencil):
		return fmt.Errorf("a mask has one bit a pixel and covers a picture")
	case m.Encoding == JPEG:
		return m.checkJPEG()
	case m.Encoding < JPEG || m.Encoding > JBIG2:
		return fmt.Errorf("unknown encoding %d", m.Encoding)
	}
	if m.Mask != nil {
		return m.Mask.check()
	}
	return nil
}

func (m *Image) checkJPEG() error {
	c, err := jpeg.DecodeConfig(bytes.NewReader(m.Data))
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
	if m.Mask != nil {
		return m.Mask.check()
	}
	return nil
}
