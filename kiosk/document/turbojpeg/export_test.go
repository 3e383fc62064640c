package turbojpeg

import "image"

// DecodeSplit is Decode of a progressive JPEG by its parts, however small.
func DecodeSplit(data []byte, eighths int) (img *image.RGBA, flawed, ok bool) {
	return decodeSplit(data, eighths, 0)
}
