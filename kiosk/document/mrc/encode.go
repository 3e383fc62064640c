package mrc

import (
	"errors"
	"image"

	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/pdf"
)

// Quality is the JPEG quality, 1 to 100, of the coarse layers.
type Quality struct {
	Background int // 35 when 0
	Ink        int // 40 when 0
}

// errPhoto is Encode's answer to a page that was not split.
var errPhoto = errors.New("mrc: encode: a photograph has no layers")

// Encode packs layers as a page of a PDF, and gives how many bytes its images
// take; what the file has around them comes on top. The page has layers only
// and no Data. It fails when l.Photo is set.
func Encode(l Layers, q Quality) (pdf.Page, int, error) {
	if l.Photo {
		return pdf.Page{}, 0, errPhoto
	}
	if q.Background <= 0 {
		q.Background = 35
	}
	if q.Ink <= 0 {
		q.Ink = 40
	}
	p := pdf.Page{Width: l.Width, Height: l.Height, DPI: l.DPI}
	size := 0
	if l.Background != nil {
		m := packed(l.Background, q.Background)
		p.Layers = append(p.Layers, m)
		size += len(m.Data)
	}
	if l.Mask != nil {
		stencil := pdf.Image{Data: jbig2.Encode(l.Mask), Encoding: pdf.JBIG2, Width: l.Mask.Width, Height: l.Mask.Height, Gray: true}
		size += len(stencil.Data)
		if l.Ink.Colors == nil {
			stencil.Stencil, stencil.Color = true, l.Ink.Color
			p.Layers = append(p.Layers, stencil)
		} else {
			m := packed(l.Ink.Colors, q.Ink)
			m.Mask = &stencil
			p.Layers = append(p.Layers, m)
			size += len(m.Data)
		}
	}
	if len(p.Layers) == 0 { // an empty sheet is a page too
		m := image.NewGray(image.Rect(0, 0, 1, 1))
		m.Pix[0] = 255
		white, err := pdf.Lossless(m)
		if err != nil {
			return pdf.Page{}, 0, err
		}
		p.Layers, size = []pdf.Image{white}, len(white.Data)
	}
	return p, size, nil
}

// packed is a picture as JPEG.
func packed(m image.Image, quality int) pdf.Image {
	_, gray := m.(*image.Gray)
	b := m.Bounds()
	return pdf.Image{Data: progressive(m, quality), Encoding: pdf.JPEG, Width: b.Dx(), Height: b.Dy(), Gray: gray}
}
