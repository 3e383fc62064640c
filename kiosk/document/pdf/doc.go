// Package pdf writes pages of pixels as a PDF 1.7 file (ISO 32000-1) that
// keeps the rules for long-term archives (PDF/A-2b, ISO 19005-2), and checks
// such a file before it is handed out.
//
// The same pages always give the same bytes. A file says nothing about its
// maker or its visitor: it has no information dictionary, no title, no author
// and no date, its metadata names the archive standard only, and its
// identifier is a digest of its content. The cross reference table and the
// objects are written plainly: packing them (ISO 32000-1, 7.5.7) would save
// 200 bytes a page, but programs that put uploaded files together, as portals
// run them, often can't read that.
//
// A page that is about as large as A4 fills an A4 sheet. A smaller paper lies
// on the sheet in its real size, so that a card or a receipt prints as large
// as it is; a larger one is shrunk to it. See Paper.
package pdf
