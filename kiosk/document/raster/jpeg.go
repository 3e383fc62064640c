package raster

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"pointnum/kiosk/document/turbojpeg"
)

// EncodeJPEG writes a page as JPEG without any metadata; quality is 1 to 100.
// An *image.Gray becomes a JPEG of one component, everything else colour.
// TurboJPEG does it where it is installed, image/jpeg elsewhere; the bytes
// differ, what is seen does not.
func EncodeJPEG(img image.Image, quality int) ([]byte, error) {
	if turbojpeg.Available() {
		switch img.(type) {
		case *image.Gray, *image.RGBA:
		default:
			img = ToRGBA(img)
		}
		if data, err := turbojpeg.Encode(img, quality); err == nil {
			return data, nil
		}
	}
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
