// Package sample paints papers that look like those people bring to a kiosk:
// French letters and forms as a scanner sees them, with stamp, signature,
// tinted paper, grain and a slight tilt. All names, numbers and offices on
// them are invented, and each paper says SPÉCIMEN.
//
// The virtual scanner feeds them, and tests and benchmarks use them; a real
// kiosk uses one to print a test page. The same arguments always give the same
// pixels.
package sample

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"pointnum/kiosk/document/raster"
)

// Options says how a paper looks; the zero value is a good scan at 300 dpi.
type Options struct {
	Total    int     // pages of the bundle, printed on each; 0 is the page's own number
	Marker   string  // printed large at the foot, to find the page again; may be empty
	DPI      int     // 0 is 300
	Gray     bool    // scanned without colour
	Straight bool    // exactly straight
	Skew     float64 // degrees clockwise; 0 lets the page's number choose, up to 1.2
	Clean    bool    // white paper without grain, as printed
	Blank    bool    // the back of a sheet: paper and grain only
	Quality  int     // of JPEG; 0 is 85
}

// A4 in millimetres.
const (
	sheetWidth  = 210.0
	sheetHeight = 297.0
)

// papers are the kinds of paper; page n is of the kind n-1, then they repeat.
func papers() []func(c *canvas) {
	return []func(c *canvas){rentCertificate, taxNotice, bankDetails, letter}
}

// Page paints page n, counted from 1, of A4: an *image.Gray or an opaque
// *image.RGBA.
func Page(n int, o Options) image.Image {
	n = max(n, 1)
	if o.DPI <= 0 {
		o.DPI = 300
	}
	if o.Total <= 0 {
		o.Total = n
	}
	c := newCanvas(o.DPI)
	if !o.Blank {
		all := papers()
		all[(n-1)%len(all)](c)
		footer(c, n, o)
	}
	img := scan(c.img, n, o)
	if o.Gray {
		return raster.Gray(img)
	}
	return img
}

// JPEG paints page n and packs it as a scanner does, with the resolution in
// its header.
func JPEG(n int, o Options) ([]byte, error) {
	if o.Quality <= 0 {
		o.Quality = 85
	}
	if o.DPI <= 0 {
		o.DPI = 300
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, Page(n, o), &jpeg.Options{Quality: o.Quality}); err != nil {
		return nil, fmt.Errorf("sample: page %d: %w", n, err)
	}
	return withResolution(b.Bytes(), o.DPI), nil
}

// withResolution puts a JFIF header (ITU-T T.871) behind the first marker of a
// JPEG file.
func withResolution(data []byte, dpi int) []byte {
	hi, lo := byte(dpi>>8), byte(dpi)
	jfif := []byte{0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 1, hi, lo, hi, lo, 0, 0}
	out := make([]byte, 0, len(data)+len(jfif))
	out = append(out, data[:2]...)
	out = append(out, jfif...)
	return append(out, data[2:]...)
}

// footer prints what tells the pages of a bundle apart, large enough to be
// read from a preview.
func footer(c *canvas, n int, o Options) {
	c.rule(15, 262, 195, 262, 0.3, gray)
	c.center(sheetWidth/2, 275, 26, bold, black, fmt.Sprintf("PAGE %d/%d", n, o.Total))
	if o.Marker != "" {
		c.center(sheetWidth/2, 286, 16, mono, black, o.Marker)
	}
}
