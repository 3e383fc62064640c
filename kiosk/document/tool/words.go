package tool

import (
	"context"
)

// Word is a word that was read on a picture, and where.
type Word struct {
	Text           string
	X0, Y0, X1, Y1 int // pixels from the upper left corner; X1 and Y1 are outside
	// Confidence is 0 to 100; what is below 30 is left out as noise.
	Confidence float64
	// Line counts the lines from 0 in reading order: words of one line have
	// the same.
	Line int
}

// Words reads the words of a picture, a JPEG or PNG of our own, in reading
// order. languages are those the page may be written in, best first, by their
// tag (fr, ar-MA) or as tesseract calls them (fra); those that are not
// installed are left out.
//
// It takes seconds of one core, at low priority: nobody should wait for it.
// Errors: CodeFileUnsupported when tesseract, all of the languages, or a room
// to run it in is missing; CodeFileBroken when the picture can't be read;
// CodeFileTooSlow, CodeFileTooBig; the code of ctx's cause when it ends.
func (t *Tools) Words(ctx context.Context, picture []byte, dpi int, languages []string) ([]Word, error) {
	return nil, missing("tesseract-ocr")
}
