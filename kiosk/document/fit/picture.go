package fit

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"pointnum/kiosk"
	"pointnum/kiosk/document/ccitt"
	"pointnum/kiosk/document/jpegenc"
	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/tiff"
)

// pictureLevel is one way to write a file of pixels.
type pictureLevel struct {
	dpi     int
	quality int // of JPEG
	gray    bool
	shades  int // of PNG, 0 for all
	size    float64
}

// ladder is a format's levels, from the finest down.
type ladder struct {
	levels   []pictureLevel
	standard int // as good as reading needs
	comfort  int // given up for the limit only
	encode   func(image.Image, pictureLevel) ([]byte, error)
}

func jpegLadder() ladder {
	return ladder{standard: 1, comfort: 5, encode: encodeJPEG, levels: []pictureLevel{
		{dpi: 300, quality: 80, size: 100},
		{dpi: 300, quality: 65, size: 73},
		{dpi: 300, quality: 50, size: 58},
		{dpi: 200, quality: 65, size: 37},
		{dpi: 200, quality: 50, size: 29},
		{dpi: 200, quality: 40, size: 25},
		{dpi: 200, quality: 40, gray: true, size: 22},
		{dpi: 150, quality: 50, gray: true, size: 15},
		{dpi: 150, quality: 42, gray: true, size: 12},
		{dpi: 150, quality: 35, gray: true, size: 10.5},
	}}
}

func pngLadder() ladder {
	return ladder{standard: 0, comfort: 2, encode: encodePNG, levels: []pictureLevel{
		{dpi: 300, size: 100},
		{dpi: 200, size: 50},
		{dpi: 150, size: 30},
		{dpi: 200, gray: true, size: 18},
		{dpi: 150, gray: true, size: 11},
		{dpi: 200, gray: true, shades: 16, size: 6},
		{dpi: 150, gray: true, shades: 16, size: 4},
		{dpi: 150, gray: true, shades: 4, size: 1.5},
	}}
}

// mostStacked is how many pages one picture can show so that somebody still
// finds their way in it: both sides of two cards.
const mostStacked = 4

// fitPictures makes one picture of each page, or of several pages, one below
// the other, when the field takes fewer files than there are pages.
func fitPictures(pages []Page, t kiosk.Target, b budget, o Options) (Result, error) {
	l := jpegLadder()
	if t.Format == kiosk.FormatPNG {
		l = pngLadder()
	}
	files := min(t.MaxFiles, len(pages))
	r := Result{Gray: true}
	done := 0
	for i := range files {
		group := pages[i*len(pages)/files : (i+1)*len(pages)/files]
		if len(group) > mostStacked {
			return Result{}, cannotFit("fit: too many pages for a picture")
		}
		img, dpi, err := stack(group)
		if err != nil {
			return Result{}, err
		}
		data, k, err := l.fit(img, dpi, b)
		if err != nil {
			return Result{}, err
		}
		r.Files = append(r.Files, kiosk.File{Format: t.Format, Data: data, Pages: len(group)})
		if to := min(dpi, l.levels[k].dpi); r.DPI == 0 || to < r.DPI {
			r.DPI = to
		}
		_, gray := img.(*image.Gray)
		r.Gray = r.Gray && (gray || l.levels[k].gray)
		r.Level = max(r.Level, k)
		for range group {
			r.Forms = append(r.Forms, FormPicture)
		}
		if done += len(group); o.Progress != nil {
			o.Progress(done, len(pages))
		}
	}
	return r, nil
}

// fit encodes a picture at the best level that the budget allows.
func (l *ladder) fit(img image.Image, dpi int, b budget) ([]byte, int, error) {
	made := map[int][]byte{}
	sizes := make([]float64, len(l.levels))
	for i, v := range l.levels {
		sizes[i] = v.size
	}
	find := func(from int, budget int64) (int, error) {
		return search(sizes, from, from, budget, func(k int) (int64, error) {
			if made[k] == nil {
				v := l.levels[k]
				scaled, _ := reduce(img, dpi, v.dpi, v.gray)
				data, err := l.encode(scaled, v)
				if err != nil {
					return 0, err
				}
				made[k] = data
			}
			return int64(len(made[k])), nil
		})
	}
	from := l.standard
	if b.generous {
		from = 0
	}
	k, err := find(from, b.aim)
	if err == errTooBig || err == nil && k > l.comfort {
		k, err = find(l.comfort, b.limit)
	}
	if errors.Is(err, errTooBig) {
		err = cannotFit("fit: picture")
	}
	if err != nil {
		return nil, 0, err
	}
	return made[k], k, nil
}

func encodeJPEG(img image.Image, l pictureLevel) ([]byte, error) {
	return jpegenc.Encode(img, l.quality, jpegenc.Options{}), nil
}

func encodePNG(img image.Image, l pictureLevel) ([]byte, error) {
	if g, ok := img.(*image.Gray); ok && l.shades > 0 {
		img = posterize(g, l.shades)
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(&b, img); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// posterize keeps n shades of grey, so that the paper's grain goes and a
// palette of few bits does.
func posterize(g *image.Gray, n int) image.Image {
	palette := make(color.Palette, n)
	for i := range n {
		palette[i] = color.Gray{Y: uint8(i * 255 / (n - 1))}
	}
	p := image.NewPaletted(g.Rect, palette)
	for y := range g.Rect.Dy() {
		row := p.Pix[y*p.Stride:]
		for x, v := range g.Pix[y*g.Stride:][:g.Rect.Dx()] {
			row[x] = uint8((int(v)*(n-1) + 127) / 255)
		}
	}
	return p
}

// stack puts pages one below the other at their real sizes, at the coarsest
// of their resolutions, on white.
func stack(group []Page) (image.Image, int, error) {
	if len(group) == 1 {
		img, err := group[0].clean()
		return img, group[0].DPI, err
	}
	dpi := 300
	for _, p := range group {
		if p.DPI > 0 {
			dpi = min(dpi, p.DPI)
		}
	}
	gap := dpi / 12 // 2 mm
	var all []image.Image
	w, h, gray := 0, -gap, true
	for _, p := range group {
		img, err := p.clean()
		if err != nil {
			return nil, 0, err
		}
		img, _ = reduce(img, p.DPI, dpi, false)
		_, g := img.(*image.Gray)
		gray = gray && g
		all = append(all, img)
		w, h = max(w, img.Bounds().Dx()), h+img.Bounds().Dy()+gap
	}
	r := image.Rect(0, 0, w, h)
	var dst draw.Image = image.NewRGBA(r)
	if gray {
		dst = image.NewGray(r)
	}
	draw.Draw(dst, r, image.White, image.Point{}, draw.Src)
	y := 0
	for _, img := range all {
		b := img.Bounds()
		at := image.Pt((w-b.Dx())/2, y)
		draw.Draw(dst, image.Rectangle{Min: at, Max: at.Add(b.Size())}, img, b.Min, draw.Src)
		y += b.Dy() + gap
	}
	return dst, dpi, nil
}

// clean gives a page's pixels, turned; those of writing with the paper white
// and the ink clear, which is easier to read and takes less.
func (p *Page) clean() (image.Image, error) {
	img, err := p.Load()
	if err != nil {
		return nil, err
	}
	if p.Kind == kiosk.PageWriting {
		if s, ok := split(raster.NewOverview(img), p.DPI, mrc.Options{}); ok {
			img = paint(s.Image(s.DPI, false), s.page, s.holes)
		}
	}
	return raster.Turn(img, p.Turn), nil
}

// fitTIFF makes one file of all pages: black and white ones as fax group 4,
// the others as JPEG.
func fitTIFF(pages []Page, b budget, o Options) (Result, error) {
	l := jpegLadder()
	from, money := l.standard, b.aim
	if b.generous {
		from = 0
	}
	for k := from; k < len(l.levels); k++ {
		if k > l.comfort {
			money = b.limit
		}
		made, r, err := tiffPages(pages, l.levels[k], o)
		if err != nil {
			return Result{}, err
		}
		var file bytes.Buffer
		if err := tiff.Write(&file, made); err != nil {
			return Result{}, err
		}
		if int64(file.Len()) <= money {
			r.Level = k
			r.Files = []kiosk.File{{Format: kiosk.FormatTIFF, Data: file.Bytes(), Pages: len(pages)}}
			return r, nil
		}
	}
	return Result{}, cannotFit("fit: tiff")
}

func tiffPages(pages []Page, l pictureLevel, o Options) ([]tiff.Page, Result, error) {
	var made []tiff.Page
	r := Result{Gray: true}
	for i := range pages {
		img, err := pages[i].clean()
		if err != nil {
			return nil, r, err
		}
		scaled, dpi := reduce(img, pages[i].DPI, l.dpi, l.gray)
		g, gray := scaled.(*image.Gray)
		p := tiff.Page{Width: scaled.Bounds().Dx(), Height: scaled.Bounds().Dy(), DPI: dpi, Gray: gray}
		if gray && pages[i].Kind == kiosk.PageBilevel {
			p.Data, p.Encoding = ccitt.Encode(bitmap(g)), tiff.G4
			r.Forms = append(r.Forms, FormBilevel)
		} else {
			if p.Data, err = raster.EncodeJPEG(scaled, l.quality); err != nil {
				return nil, r, err
			}
			p.Encoding = tiff.JPEG
			r.Forms = append(r.Forms, FormPicture)
		}
		made = append(made, p)
		r.Gray = r.Gray && gray
		if r.DPI == 0 || dpi < r.DPI {
			r.DPI = dpi
		}
		if o.Progress != nil {
			o.Progress(i+1, len(pages))
		}
	}
	return made, r, nil
}
