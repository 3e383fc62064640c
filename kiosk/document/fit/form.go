package fit

import (
	"image"

	"pointnum/kiosk"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/jpegenc"
	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// Pack makes the form that a page takes in a PDF when there is room enough,
// and says what kind of page it is.
func Pack(page *raster.Overview, dpi int) (pdf.Page, kiosk.PageKind, error) {
	return pack(page, dpi, "", levels()[standard])
}

// pack makes a page's form at a level. A page whose kind is not known yet is
// looked at.
func pack(page *raster.Overview, dpi int, kind kiosk.PageKind, l level) (pdf.Page, kiosk.PageKind, error) {
	img := page.Page()
	if kind == "" || kind == kiosk.PageBilevel {
		if raster.IsBilevel(img) {
			return packBilevel(img.(*image.Gray), dpi, l), kiosk.PageBilevel, nil
		}
	}
	if kind != kiosk.PagePicture {
		if p, ok, err := packWriting(page, dpi, l); ok || err != nil {
			return p, kiosk.PageWriting, err
		}
	}
	p, err := packPicture(img, dpi, l)
	return p, kiosk.PagePicture, err
}

// A page of less than coarseDPI is split at twice its resolution, or fineDPI
// where that is less: more only takes more.
const (
	coarseDPI = 200
	fineDPI   = 300
)

// layers are a page of writing split.
type layers struct {
	*mrc.Layers
	page  image.Image       // that was split
	holes []image.Rectangle // in it, where the layers have to be patched
}

// split splits a page of writing; false when it is a picture, or when too much
// on it would be lost.
func split(page *raster.Overview, dpi int, o mrc.Options) (l layers, ok bool) {
	l = layers{Layers: mrc.SplitPage(page, dpi, o), page: page.Page()}
	if l.Photo {
		return l, false
	}
	l.holes, ok = patches(l.Layers)
	return l, ok
}

// Finer enlarges a page on which letters are only a few pixels high, before it
// is split: the greys at the edges of letters say where these are between the
// pixels, and black and white pixels of about half the size keep that. It
// gives the page's resolution then, and how it is to be split.
func Finer(page *raster.Overview, dpi int) (*raster.Overview, int, mrc.Options) {
	if dpi <= 0 || dpi >= coarseDPI {
		return page, dpi, mrc.Options{}
	}
	size, to := page.Page().Bounds().Size(), min(2*dpi, fineDPI)
	return raster.NewOverview(raster.Scale(page.Page(), size.X*to/dpi, size.Y*to/dpi)), to, mrc.Options{Doubled: true}
}

func packWriting(page *raster.Overview, dpi int, l level) (pdf.Page, bool, error) {
	page, dpi, o := Finer(page, dpi)
	s, ok := split(page, dpi, o)
	if !ok {
		return pdf.Page{}, false, nil
	}
	p, _, err := s.Encode(l.writing)
	for _, r := range s.holes {
		p.Layers = append(p.Layers, patch(s.page, r, p.Width, p.Height, l.gray))
	}
	return p, err == nil, err
}

func packPicture(img image.Image, dpi int, l level) (pdf.Page, error) {
	scaled, dpi := reduce(img, dpi, l.picture.dpi, l.gray)
	data := jpegenc.Encode(scaled, l.picture.quality, jpegenc.Options{})
	_, gray := scaled.(*image.Gray)
	b := scaled.Bounds()
	return pdf.Page{Data: data, Encoding: pdf.JPEG, Width: b.Dx(), Height: b.Dy(), Gray: gray, DPI: dpi}, nil
}

// packBilevel packs without loss, but for the resolution where the level asks
// for less.
func packBilevel(g *image.Gray, dpi int, l level) pdf.Page {
	if l.mask > 0 && dpi > l.mask {
		scaled, to := reduce(g, dpi, l.mask, true)
		g, dpi = scaled.(*image.Gray), to
	}
	return pdf.Page{Data: jbig2.Encode(bitmap(g)), Encoding: pdf.JBIG2, Width: g.Rect.Dx(), Height: g.Rect.Dy(), Gray: true, DPI: dpi}
}

// reduce scales a page to a resolution, never up, and gives its resolution
// then.
func reduce(img image.Image, dpi, to int, gray bool) (image.Image, int) {
	if gray {
		img = raster.Gray(img)
	}
	if dpi <= 0 {
		dpi = 300
	}
	if dpi <= to {
		return img, dpi
	}
	b := img.Bounds()
	w, h := b.Dx()*to/dpi, b.Dy()*to/dpi
	return raster.Scale(img, max(w, 1), max(h, 1)), to
}

// bitmap packs a page; what is darker than the middle is black.
func bitmap(g *image.Gray) *jbig2.Bitmap {
	b := jbig2.NewBitmap(g.Rect.Dx(), g.Rect.Dy())
	for y := range b.Height {
		row := b.Row(y)
		for x, v := range g.Pix[y*g.Stride:][:b.Width] {
			if v < 128 {
				row[x>>3] |= 0x80 >> (x & 7)
			}
		}
	}
	return b
}
