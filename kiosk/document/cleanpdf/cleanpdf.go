// Package cleanpdf takes out of a PDF file what is not its pages.
package cleanpdf

// Clean is not there yet.
func Clean(data []byte, pages, maxMemory int) ([]byte, bool) { return nil, false }
