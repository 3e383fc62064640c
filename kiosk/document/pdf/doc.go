// Package pdf writes pages of pixels as a PDF 1.7 file (ISO 32000-1), and
// checks such a file before it is handed out.
//
// The same pages always give the same bytes. A file says nothing about its
// maker or its visitor: it has no information dictionary, no metadata stream,
// no date, and its identifier is a digest of its content.
package pdf
