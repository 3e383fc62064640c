package decode

import (
	"bytes"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// Format is what a file is, by its content.
type Format int

// The formats.
const (
	Unknown Format = iota
	Empty          // no bytes at all
	JPEG
	PNG
	GIF
	BMP
	WebP
	TIFF
	HEIC
	PDF
	Foreign // known, but not opened here: SVG, JPEG 2000, DjVu, PostScript…
	AVIF
	// Office files.
	DOCX
	XLSX
	PPTX
	ODT
	ODS
	ODP
	DOC
	XLS
	PPT
	RTF
	LockedOffice // one that a password encrypts
)

// String gives the format's usual name.
func (f Format) String() string {
	names := [...]string{"unknown", "empty", "JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF", "HEIC", "PDF", "foreign", "AVIF",
		"DOCX", "XLSX", "PPTX", "ODT", "ODS", "ODP", "DOC", "XLS", "PPT", "RTF", "locked office file"}
	if f < 0 || int(f) >= len(names) {
		return "unknown"
	}
	return names[f]
}

// Sniff says what a file is by its content. It never unpacks anything.
func Sniff(data []byte) Format {
	if len(data) == 0 {
		return Empty
	}
	if f := sniffOffice(data); f != Unknown {
		return f
	}
	// Readers accept a PDF's header within the first 1,024 bytes.
	if bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return PDF
	}
	m := mimetype.Detect(data[:min(len(data), 3072)])
	for ; m != nil; m = m.Parent() {
		if f := ofMediaType(m.String()); f != Unknown {
			return f
		}
	}
	return Unknown
}

func ofMediaType(t string) Format {
	t, _, _ = strings.Cut(t, ";")
	switch t {
	case "image/jpeg":
		return JPEG
	case "image/png", "image/vnd.mozilla.apng":
		return PNG
	case "image/gif":
		return GIF
	case "image/bmp":
		return BMP
	case "image/webp":
		return WebP
	case "image/tiff":
		return TIFF
	case "image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence":
		return HEIC
	case "image/avif":
		return AVIF
	case "image/jp2", "image/jpx", "image/jpm", "image/jxl", "image/svg+xml", "image/vnd.djvu",
		"application/msword", "application/x-ole-storage", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
		"application/rtf", "text/rtf", "application/postscript", "application/epub+zip", "application/vnd.ms-xpsdocument":
		return Foreign
	}
	if strings.HasPrefix(t, "application/vnd.openxmlformats-") || strings.HasPrefix(t, "application/vnd.oasis.opendocument.") {
		return Foreign
	}
	return Unknown
}
