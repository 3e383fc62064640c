package drivertest

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// ScannerPages makes n different JPEG pages of A4, coarse to be quick. Page i, counted
// from 0, is one shade of gray all over: PageShade(i).
func ScannerPages(n int) [][]byte {
	pages := make([][]byte, n)
	for i := range pages {
		img := image.NewGray(image.Rect(0, 0, 310, 438))
		for k := range img.Pix {
			img.Pix[k] = PageShade(i).Y
		}
		// A band of noise, so that half of the bytes is not half of nothing.
		for k := range 310 * 100 {
			img.Pix[200*310+k] ^= byte(k*k>>3) & 0x1f
		}
		var b bytes.Buffer
		_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}) // a Buffer takes everything
		pages[i] = b.Bytes()
	}
	return pages
}

// PageShade is the shade of a page of ScannerPages in its upper left corner.
func PageShade(i int) color.Gray { return color.Gray{Y: uint8(20 + 22*(i%10))} }
