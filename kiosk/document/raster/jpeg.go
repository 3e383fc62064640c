package raster

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
)

// EncodeJPEG writes a page as JPEG without any metadata; quality is 1 to 100.
// An *image.Gray becomes a JPEG of one component, everything else colour.
func EncodeJPEG(img image.Image, quality int) ([]byte, error) {
	switch img.(type) {
	case *image.Gray, *image.RGBA, *image.YCbCr:
	default:
		img = ToRGBA(img)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("raster: encode jpeg: %w", err)
	}
	return b.Bytes(), nil
}
