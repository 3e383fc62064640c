package tiff

import (
	"errors"
	"image"
	"io"
)

// Write writes a file of the given pages. It fails when a page's data is not
// what the page says, and when w fails.
func Write(w io.Writer, pages []Page) error { return errors.New("tiff: write: not yet") }

// Size is how many bytes Write writes; 0 when it would fail.
func Size(pages []Page) int64 { return 0 }

// Lossless packs a picture as Deflate, grey when it is an *image.Gray; it
// must be opaque.
func Lossless(img image.Image) (Page, error) {
	return Page{}, errors.New("tiff: pack picture: not yet")
}
