package decode

import (
	"bytes"
	"hash/crc32"
	"image"
	"image/png"
	"io"

	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/raster"
)

// decodePNG decodes a PNG; one in colour that has far more pixels than are
// wanted is made smaller while it is read. Kinds that are seldom are left to
// image/png, and so is what is wrong: what that refuses is refused.
func decodePNG(data []byte, want int) (image.Image, error) {
	if f, ok := parsePNG(data); ok {
		if img, ok := f.decode(want); ok {
			return img, nil
		}
	}
	return png.Decode(bytes.NewReader(data))
}

// The colour types of PNG (third edition, 11.2.1).
const (
	pngGray      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGrayAlpha = 4
	pngRGBA      = 6
)

// pngFile is a PNG whose rows come from top to bottom, of samples of whole
// bytes.
type pngFile struct {
	w, h, depth, kind int
	colors            int       // of the palette
	palette           [256]rgba // those behind are black
	clear             bool      // the palette has transparent colours
	data              [][]byte  // what the image data chunks hold
	samples           int       // of a pixel
}

// rgba is a colour with straight alpha.
type rgba = [4]uint8

// parsePNG walks the chunks of a PNG up to its end. It reports false for what
// is damaged or of a kind that is not read here.
func parsePNG(data []byte) (f pngFile, ok bool) {
	for i := range f.palette {
		f.palette[i] = rgba{3: 255}
	}
	ended := false // the image data
	for at := 8; at+12 <= len(data); {
		n := int64(be32(data[at:]))
		if n > int64(len(data)-at-12) {
			return f, false
		}
		name, chunk := string(data[at+4:at+8]), data[at+8:at+8+int(n)]
		if crc32.ChecksumIEEE(data[at+4:at+8+int(n)]) != be32(data[at+8+int(n):]) || (at == 8) != (name == "IHDR") {
			return f, false
		}
		at += 12 + int(n)
		switch name {
		case "IHDR":
			ok = f.header(chunk)
		case "PLTE", "tRNS":
			ok = f.data == nil && f.colorChunk(name, chunk)
		case "IDAT":
			ok = !ended && (f.kind != pngPalette || f.colors > 0)
			f.data = append(f.data, chunk)
		case "IEND":
			return f, n == 0 && f.data != nil
		default:
			ended = f.data != nil
			continue
		}
		if !ok {
			return f, false
		}
	}
	return f, false
}

func (f *pngFile) header(b []byte) bool {
	if len(b) != 13 || b[10] != 0 || b[11] != 0 || b[12] != 0 { // interlaced
		return false
	}
	f.w, f.h, f.depth, f.kind = int(be32(b)), int(be32(b[4:])), int(b[8]), int(b[9])
	f.samples = map[int]int{pngGray: 1, pngRGB: 3, pngPalette: 1, pngGrayAlpha: 2, pngRGBA: 4}[f.kind]
	return f.w > 0 && f.h > 0 && f.samples > 0 && (f.depth == 8 || f.depth == 16 && f.kind == pngRGB)
}

// colorChunk takes a palette or its transparency. Other transparent colours
// are seldom.
func (f *pngFile) colorChunk(name string, b []byte) bool {
	if name == "tRNS" {
		for i, a := range b[:min(len(b), 256)] {
			f.palette[i][3] = a
		}
		ok := f.kind == pngPalette && !f.clear && len(b) <= f.colors
		f.clear = true
		return ok
	}
	if f.kind == pngGray || f.kind == pngGrayAlpha || f.colors > 0 || f.clear || len(b) == 0 || len(b) > 3*256 || len(b)%3 != 0 {
		return false
	}
	f.colors = len(b) / 3
	for i := range f.colors {
		copy(f.palette[i][:3], b[3*i:])
	}
	return true
}

// decode gives the picture as image/png does, or an opaque one on white that is
// smaller. It reports false when it is better left to image/png.
func (f *pngFile) decode(want int) (image.Image, bool) {
	e := eighths(f.w, f.h, want)
	if f.kind == pngGray {
		e = 8 // it is small, and may be black and white only
	}
	if e == 8 && (f.depth != 8 || f.kind == pngPalette) {
		return nil, false
	}
	z := mupdf.NewInflater(f.next())
	defer z.Close()
	var img image.Image
	var err error
	if e < 8 {
		img, err = f.reduced(z, e)
	} else {
		img, err = f.whole(z)
	}
	if err != nil {
		return nil, false
	}
	if n, err := z.Read(make([]byte, 1)); n > 0 || err != io.EOF { // and its checksum
		return nil, false
	}
	return img, true
}

// next gives the pieces of the image data one after the other.
func (f *pngFile) next() func() []byte {
	left := f.data
	return func() (piece []byte) {
		if len(left) > 0 {
			piece, left = left[0], left[1:]
		}
		return piece
	}
}

func (f *pngFile) whole(z io.Reader) (image.Image, error) {
	r := image.Rect(0, 0, f.w, f.h)
	switch f.kind {
	case pngGray:
		m := image.NewGray(r)
		return m, f.rows(z, func(y int, row []uint8) { copy(m.Pix[y*m.Stride:], row) })
	case pngRGB:
		m := image.NewRGBA(r)
		return m, f.rows(z, func(y int, row []uint8) { fromRGB(m.Pix[y*m.Stride:][:m.Stride], row) })
	}
	m := image.NewNRGBA(r)
	return m, f.rows(z, func(y int, row []uint8) { f.straight(m.Pix[y*m.Stride:][:m.Stride], row) })
}

// reduced gives so many eighths of the picture.
func (f *pngFile) reduced(z io.Reader, eighths int) (image.Image, error) {
	r := raster.NewReducer(image.Pt(f.w, f.h), reducedSize(f.w, f.h, eighths))
	line := image.NewNRGBA(image.Rect(0, 0, f.w, 1))
	err := f.rows(z, func(_ int, row []uint8) {
		to := r.Next()
		switch {
		case f.kind == pngRGB && f.depth == 16:
			for x, i := 0, 0; x < len(to); x, i = x+4, i+6 {
				to[x], to[x+1], to[x+2], to[x+3] = row[i], row[i+2], row[i+4], 255
			}
		case f.kind == pngRGB:
			fromRGB(to, row)
		default:
			f.straight(line.Pix, row)
			onWhite(to, line)
		}
	})
	return r.Image(), err
}

// straight makes pixels with straight alpha of a row's.
func (f *pngFile) straight(to, row []uint8) {
	switch f.kind {
	case pngRGBA:
		copy(to, row)
	case pngGrayAlpha:
		for i := 0; i < len(row); i += 2 {
			to[2*i], to[2*i+1], to[2*i+2], to[2*i+3] = row[i], row[i], row[i], row[i+1]
		}
	case pngPalette:
		for i, p := range row {
			*(*rgba)(to[4*i:]) = f.palette[p]
		}
	}
}

// rows calls each with every row, its filter undone.
func (f *pngFile) rows(z io.Reader, each func(y int, row []uint8)) error {
	pixel := f.samples * f.depth / 8
	n := f.w * pixel
	row, above := make([]uint8, 1+n), make([]uint8, 1+n)
	for y := range f.h {
		if _, err := io.ReadFull(z, row); err != nil {
			return err
		}
		if !unfilter(row[0], row[1:], above[1:], pixel) {
			return errFilter
		}
		each(y, row[1:])
		row, above = above, row
	}
	return nil
}
