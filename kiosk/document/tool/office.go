package tool

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"pointnum/kiosk"
)

// OfficeKind is a format of office files, named by its usual extension
// without a dot.
type OfficeKind string

// The office formats that are read.
const (
	DOCX OfficeKind = "docx"
	DOC  OfficeKind = "doc" // Word 97 to 2003
	ODT  OfficeKind = "odt"
	RTF  OfficeKind = "rtf"
	XLSX OfficeKind = "xlsx"
	XLS  OfficeKind = "xls"
	ODS  OfficeKind = "ods"
	PPTX OfficeKind = "pptx"
	PPT  OfficeKind = "ppt"
	ODP  OfficeKind = "odp"
)

// office is what LibreOffice needs to read a kind: its name of the format,
// the library that reads it and the package that has it.
type office struct{ filter, library, pkg string }

const (
	writer  = "libswlo.so"
	calc    = "libsclo.so"
	impress = "libsdlo.so"
)

// kinds names the format for each kind: left to guess, LibreOffice shows
// anything as text.
var kinds = map[OfficeKind]office{
	DOCX: {"MS Word 2007 XML", writer, "libreoffice-writer-nogui"},
	DOC:  {"MS Word 97", writer, "libreoffice-writer-nogui"},
	ODT:  {"writer8", writer, "libreoffice-writer-nogui"},
	RTF:  {"Rich Text Format", writer, "libreoffice-writer-nogui"},
	XLSX: {"Calc MS Excel 2007 XML", calc, "libreoffice-calc-nogui"},
	XLS:  {"MS Excel 97", calc, "libreoffice-calc-nogui"},
	ODS:  {"calc8", calc, "libreoffice-calc-nogui"},
	PPTX: {"Impress MS PowerPoint 2007 XML", impress, "libreoffice-impress-nogui"},
	PPT:  {"MS PowerPoint 97", impress, "libreoffice-impress-nogui"},
	ODP:  {"impress8", impress, "libreoffice-impress-nogui"},
}

// KindOf gives the kind of a media type as found from a file's content. It is
// false for what is no office file. A bare OLE container counts as DOC.
func KindOf(mediaType string) (OfficeKind, bool) {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	k, ok := mediaTypes[mediaType]
	return k, ok
}

var mediaTypes = map[string]OfficeKind{
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   DOCX,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         XLSX,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": PPTX,
	"application/vnd.oasis.opendocument.text":                                   ODT,
	"application/vnd.oasis.opendocument.text-template":                          ODT,
	"application/vnd.oasis.opendocument.spreadsheet":                            ODS,
	"application/vnd.oasis.opendocument.spreadsheet-template":                   ODS,
	"application/vnd.oasis.opendocument.presentation":                           ODP,
	"application/vnd.oasis.opendocument.presentation-template":                  ODP,
	"application/msword":            DOC,
	"application/x-ole-storage":     DOC,
	"application/vnd.ms-excel":      XLS,
	"application/vnd.ms-powerpoint": PPT,
	"text/rtf":                      RTF,
	"application/rtf":               RTF,
}

// PDF makes a PDF of an office file. Pages keep their size, fonts the system
// has not are replaced by similar ones, macros don't run, and nothing outside
// the file is fetched or shown. The PDF comes from a program that opened a
// hostile file: open it only where inputs are opened. It names the author and
// the moment.
//
// in is read to its end first; ctx does not interrupt a read. Errors:
// CodeFileUnsupported when LibreOffice, its part for this kind, or a room to
// run it in is not there; CodeFilePassword, CodeFileBroken, CodeFileEmpty;
// CodeFileTooBig for the file, its content unpacked, its PDF, or its hunger
// for memory; CodeFileTooSlow after Options.Time; the code of ctx's cause
// when it ends.
func (t *Tools) PDF(ctx context.Context, in io.Reader, kind OfficeKind) ([]byte, error) {
	k, ok := kinds[kind]
	if !ok {
		return nil, &kiosk.Error{Code: kiosk.CodeFileUnsupported, Op: "tool: unknown office kind"}
	}
	if t.soffice == "" {
		return nil, missing(k.pkg)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(t.soffice), k.library)); err != nil {
		return nil, missing(k.pkg)
	}
	return t.run(ctx, t.writing, job{
		Office: kind,
		System: []string{"/etc/libreoffice"},
		Args: []string{t.soffice + ".bin", "-env:UserInstallation=file://" + filepath.Dir(userFolder), "--headless", "--norestore",
			"--infilter=" + k.filter, "--convert-to", "pdf", "--outdir", outFolder},
	}, in)
}

// Prepare makes a PDF of a line of text. It shows that LibreOffice works on
// this machine and leaves it in the system's cache, so that the first visitor
// does not wait for the disk. Errors are those of PDF.
func (t *Tools) Prepare(ctx context.Context) error {
	_, err := t.PDF(ctx, strings.NewReader(`{\rtf1\ansi kiosk\par}`), RTF)
	return err
}
