package fit

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"pointnum/kiosk"
	"pointnum/kiosk/document/raster"
)

func pngLevels() []level {
	return []level{
		{dpi: 300, size: 100},
		{dpi: 200, size: 50},
		{dpi: 150, size: 30},
		{dpi: 200, gray: true, size: 18},
		{dpi: 150, gray: true, size: 11},
		{dpi: 200, gray: true, shades: 16, size: 6},
		{dpi: 150, gray: true, shades: 16, size: 4},
		{dpi: 150, gray: true, shades: 4, size: 1.5},
	}
}

const (
	fullPNG = 9_000_000
	// comfortPNG is the level that is given up for the limit only.
	comfortPNG = 2
	// mostStacked is how many pages one picture can show so that somebody
	// still finds their way in it: both sides of two cards.
	mostStacked = 4
)

// fitPictures makes one picture of each page, or of several pages, one below
// the other, when the field takes fewer files than there are pages.
func fitPictures(pages []Page, t kiosk.Target, aim, limit int64, o Options) (Result, error) {
	files := min(t.MaxFiles, len(pages))
	var r Result
	r.Gray = true
	done := 0
	for i := range files {
		group := pages[i*len(pages)/files : (i+1)*len(pages)/files]
		if len(group) > mostStacked {
			return Result{}, cannotFit("fit: too many pages for a picture")
		}
		data, l, gray, err := fitPicture(group, t.Format, aim, limit)
		if err != nil {
			return Result{}, err
		}
		r.Files = append(r.Files, kiosk.File{Format: t.Format, Data: data, Pages: len(group)})
		if r.DPI == 0 || l.dpi < r.DPI {
			r.DPI = l.dpi
		}
		r.Gray = r.Gray && gray
		if done += len(group); o.Progress != nil {
			o.Progress(done, len(pages))
		}
	}
	return r, nil
}

func fitPicture(group []Page, f kiosk.Format, aim, limit int64) ([]byte, level, bool, error) {
	levels, full, easy, encode := pdfLevels(), int64(fullPage), comfort, encodeJPEG
	if f == kiosk.FormatPNG {
		levels, full, easy, encode = pngLevels(), fullPNG, comfortPNG, encodePNG
	}
	img, dpi, err := stack(group)
	if err != nil {
		return nil, level{}, false, err
	}
	made := map[int][]byte{}
	find := func(from int, budget int64) (int, error) {
		return search(levels, from, firstGuess(levels, len(group), full, budget), budget, func(k int) (int64, error) {
			if made[k] == nil {
				scaled, _ := apply(img, dpi, levels[k])
				data, err := encode(scaled, levels[k])
				if err != nil {
					return 0, err
				}
				made[k] = data
			}
			return int64(len(made[k])), nil
		})
	}
	k, err := find(0, aim)
	if err == errTooBig || err == nil && k > easy {
		k, err = find(easy, limit)
	}
	if errors.Is(err, errTooBig) {
		return nil, level{}, false, cannotFit("fit: picture")
	}
	if err != nil {
		return nil, level{}, false, err
	}
	_, gray := img.(*image.Gray)
	return made[k], levels[k], gray || levels[k].gray, nil
}

func encodeJPEG(img image.Image, l level) ([]byte, error) {
	return raster.EncodeJPEG(img, l.quality)
}

func encodePNG(img image.Image, l level) ([]byte, error) {
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
		img, err := group[0].Load()
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
		img, err := p.Load()
		if err != nil {
			return nil, 0, err
		}
		img, _ = apply(img, p.DPI, level{dpi: dpi})
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
