// Package tiff writes pages as a TIFF 6.0 file: black and white ones as group
// 4, pictures as JPEG (TIFF Technical Note 2) or Deflate.
//
// The same pages always give the same bytes. A file says nothing about its
// maker or its visitor: it has neither date nor program, and what a JPEG says
// of its origin (EXIF, comments, thumbnails) is left out.
package tiff
