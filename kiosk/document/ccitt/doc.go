// Package ccitt writes black and white pictures as ITU-T T.6 (facsimile group
// 4), without loss. Files that some programs refuse as JBIG2 are read by all
// as group 4, and TIFF has nothing better for such pictures; the price is a
// third more bytes.
package ccitt
