// Package mrc makes pages of writing small by splitting them into layers
// (mixed raster content, ITU-T T.44): where there is ink, sharp and of one bit
// a pixel; what colour it has, coarse; and the paper with all that is no ink,
// coarse too.
//
// What is not taken for ink stays in the background, so that nothing may
// vanish; Layers.Missing proves it of each page. Cards and photographs are
// recognised and not split. Nothing here does I/O or keeps state; the same
// page always gives the same layers.
//
// A page is split once and encoded at as many levels as are needed:
//
//	func Split(img image.Image, dpi int, o Options) *Layers // img as scanned: it is whitened here
//	func Levels() []Level                                   // finest first: 5 in colour, then 3 in grey
//	func (l *Layers) Encode(v Level) (pdf.Page, int, error) // fails when l.Photo
//	func (l *Layers) Missing() []image.Rectangle            // strokes of img that can't be seen any more
//	func (l *Layers) Holes() []image.Rectangle              // the same, as Split found it
//	func (l *Layers) Confidence() float64                   // 0 to 1, for tables of what was tried
//	func (l *Layers) Image(dpi int, gray bool) image.Image  // the layers drawn, for targets of pixels
package mrc
