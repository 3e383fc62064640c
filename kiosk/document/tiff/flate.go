package tiff

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/draw"
)

// Lossless packs a picture as Deflate, grey when it is an *image.Gray; it
// must be opaque. The resolution is left to the caller.
func Lossless(img image.Image) (Page, error) {
	size := img.Bounds().Size()
	if size.X <= 0 || size.Y <= 0 {
		return Page{}, errors.New("tiff: pack picture: no pixels")
	}
	if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		return Page{}, errors.New("tiff: pack picture: not opaque")
	}
	gray, isGray := img.(*image.Gray)
	color, isRGBA := img.(*image.RGBA)
	if !isGray && !isRGBA {
		color = image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(color, color.Rect, img, img.Bounds().Min, draw.Src)
	}
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	row := make([]byte, 0, 3*size.X)
	for y := range size.Y {
		if isGray {
			row = grayRow(row[:0], gray.Pix[y*gray.Stride:][:size.X])
		} else {
			row = colorRow(row[:0], color.Pix[y*color.Stride:][:4*size.X])
		}
		if _, err := z.Write(row); err != nil {
			return Page{}, fmt.Errorf("tiff: pack picture: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return Page{}, fmt.Errorf("tiff: pack picture: %w", err)
	}
	return Page{Data: b.Bytes(), Encoding: Deflate, Width: size.X, Height: size.Y, Gray: isGray}, nil
}

// grayRow and colorRow append the differences of a row's samples to those of
// the pixel on the left (TIFF 6.0, section 14).
func grayRow(row, pix []byte) []byte {
	left := byte(0)
	for _, v := range pix {
		row = append(row, v-left)
		left = v
	}
	return row
}

func colorRow(row, pix []byte) []byte {
	var r, g, b byte
	for ; len(pix) >= 4; pix = pix[4:] {
		row = append(row, pix[0]-r, pix[1]-g, pix[2]-b)
		r, g, b = pix[0], pix[1], pix[2]
	}
	return row
}
