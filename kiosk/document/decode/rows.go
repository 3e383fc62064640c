package decode

import (
	"errors"
	"image"
	"image/draw"
)

// reducedSize is the size of so many eighths of a picture.
func reducedSize(w, h, eighths int) image.Point {
	return image.Pt((w*eighths+7)/8, (h*eighths+7)/8)
}

// reducedTo says at which size a picture is taken of whose longer side so many
// pixels are wanted; 0 is all.
func reducedTo(want int) func(w, h int) image.Point {
	return func(w, h int) image.Point {
		if want == 0 {
			return image.Pt(w, h)
		}
		return reducedSize(w, h, eighths(w, h, want))
	}
}

// fromRGB makes opaque pixels of three samples each.
func fromRGB(to, row []uint8) {
	for len(to) >= 4 && len(row) >= 3 {
		to[0], to[1], to[2], to[3] = row[0], row[1], row[2], 255
		to, row = to[4:], row[3:]
	}
}

// onWhite makes opaque pixels of a picture of one row.
func onWhite(to []uint8, row image.Image) {
	m := image.RGBA{Pix: to, Stride: len(to), Rect: row.Bounds()}
	draw.Draw(&m, m.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(&m, m.Rect, row, image.Point{}, draw.Over)
}

var (
	errFilter      = errors.New("decode: png filter")
	errCompression = errors.New("decode: tiff compression")
)

// unfilter undoes a filter of PNG (third edition, 9.2) on a row whose pixels
// have so many bytes, and reports whether there is such a filter.
func unfilter(filter uint8, row, above []uint8, pixel int) bool {
	above = above[:len(row)]
	switch filter {
	case 0:
	case 1:
		for i := pixel; i < len(row); i++ {
			row[i] += row[i-pixel]
		}
	case 2:
		for i, v := range above {
			row[i] += v
		}
	case 3:
		for i := range min(pixel, len(row)) {
			row[i] += above[i] / 2
		}
		for i := pixel; i < len(row); i++ {
			row[i] += uint8((int(row[i-pixel]) + int(above[i])) / 2)
		}
	case 4:
		paeth(row, above, pixel)
	default:
		return false
	}
	return true
}

// paeth adds to each byte that of its neighbours to the left, above and above
// to the left that is nearest to left + above - upper left.
func paeth(row, above []uint8, pixel int) {
	for k := range min(pixel, len(row)) {
		a, c := 0, 0
		for i := k; i < len(row); i += pixel {
			b := int(above[i])
			pa, pb := b-c, a-c
			pc := pa + pb
			pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
			p := c
			if pb <= pc {
				p = b
			}
			if pa <= pb && pa <= pc {
				p = a
			}
			a, c = int(row[i]+uint8(p)), b
			row[i] = uint8(a)
		}
	}
}
