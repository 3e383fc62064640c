package tiff

// Encoding says how the samples of a page are packed.
type Encoding int

// The encodings.
const (
	// G4 is one bit a pixel, as ccitt.Encode gives it.
	G4 Encoding = iota
	// JPEG is a whole sequential Huffman JPEG file of 8 bits and one or three
	// components in one scan; a progressive one is refused, for too many
	// programs don't read it in a TIFF.
	JPEG
	// Deflate is what Lossless makes: one zlib stream of rows of 8 bit
	// samples, grey or red-green-blue, each the difference to its left
	// neighbour.
	Deflate
)

// Page is one page: a picture of its own.
type Page struct {
	Data          []byte
	Encoding      Encoding
	Width, Height int  // pixels
	Gray          bool // one sample a pixel, not three; G4 is so anyway
	DPI           int  // 0 when not known
}
