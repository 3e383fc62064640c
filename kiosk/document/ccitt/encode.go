package ccitt

import "pointnum/kiosk/document/jbig2"

// Encode packs a picture as one block of T.6 with the end-of-block code, the
// leftmost pixel in the highest bit and black as 1: PDF takes it with /K -1
// and TIFF with compression 4 and photometric interpretation 0.
func Encode(b *jbig2.Bitmap) []byte {
	panic("ccitt: not yet")
}
