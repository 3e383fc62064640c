package tool

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"strings"

	"pointnum/kiosk"
)

// Above these an office file is not one that a person wrote.
const (
	maxPartXML = 64 << 20  // bytes of one XML part, unpacked
	maxParts   = 512 << 20 // of all parts
)

// checkPackage refuses what would only be refused after a minute's work: it
// looks at the sizes that a zip file states. One that lies meets the room's
// limits.
func checkPackage(f io.ReaderAt, size int64, kind OfficeKind) error {
	if Locked(f, size) {
		return &kiosk.Error{Code: kiosk.CodeFilePassword, Op: "tool: locked by a password"}
	}
	if magic, ok := magics[kind]; ok {
		head := make([]byte, len(magic))
		if _, err := f.ReadAt(head, 0); err != nil || string(head) != magic {
			return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: another kind of file"}
		}
		return nil
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: open package", Err: err}
	}
	if !holds(z, kind) {
		return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: another kind of package"}
	}
	var sum uint64
	for _, f := range z.File {
		xml := path.Ext(f.Name) == ".xml" || path.Ext(f.Name) == ".rels"
		if f.UncompressedSize64 > maxParts-sum || xml && f.UncompressedSize64 > maxPartXML {
			return &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "tool: unpacked size"}
		}
		sum += f.UncompressedSize64
	}
	return nil
}

// How the formats begin that are no packages.
const (
	magicOLE = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	magicRTF = `{\rtf`
)

var magics = map[OfficeKind]string{DOC: magicOLE, XLS: magicOLE, PPT: magicOLE, RTF: magicRTF}

// contents are how a package shows its kind: the folder of its main part, or
// its media type.
var contents = map[OfficeKind]string{
	DOCX: "word/", XLSX: "xl/", PPTX: "ppt/",
	ODT: "application/vnd.oasis.opendocument.text", ODS: "application/vnd.oasis.opendocument.spreadsheet",
	ODP: "application/vnd.oasis.opendocument.presentation",
}

// holds says whether a package is of a kind: of another one, LibreOffice
// would make a blank page.
func holds(z *zip.Reader, kind OfficeKind) bool {
	for _, f := range z.File {
		switch {
		case kind == DOCX || kind == XLSX || kind == PPTX:
			if strings.HasPrefix(f.Name, contents[kind]) {
				return true
			}
		case f.Name == "mimetype":
			return strings.HasPrefix(string(part(f)), contents[kind]) // or a template of it
		}
	}
	return false
}

// part gives the beginning of a part, enough for the small ones.
func part(f *zip.File) []byte {
	r, err := f.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	b, _ := io.ReadAll(io.LimitReader(r, 1<<20)) // what can be read will do
	return b
}

// Locked says whether an office file needs a password: OpenDocument says so in
// its manifest, the newer formats of Microsoft are a container with an
// encrypted package in it, Word 97 has a bit. Of other old formats it can't
// be told: they are broken for LibreOffice.
func Locked(f io.ReaderAt, size int64) bool {
	if z, err := zip.NewReader(f, size); err == nil {
		return lockedODF(z)
	}
	var magic [len(magicOLE)]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil || string(magic[:]) != magicOLE {
		return false
	}
	var sector [512]byte
	for at := int64(0); at+int64(len(sector)) <= size; at += int64(len(sector)) {
		if _, err := f.ReadAt(sector[:], at); err != nil {
			return false
		}
		// [MS-CFB] 2.6: names are UTF-16 in entries of 128 bytes.
		for entry := 0; entry < len(sector); entry += 128 {
			if bytes.HasPrefix(sector[entry:], encryptedPackage) {
				return true
			}
		}
		// [MS-DOC] 2.5.2: wIdent, and fEncrypted among the flags.
		if sector[0] == 0xEC && sector[1] == 0xA5 && sector[0xB]&1 != 0 {
			return true
		}
	}
	return false
}

var encryptedPackage = []byte(strings.Join(strings.Split("EncryptedPackage", ""), "\x00"))

func lockedODF(z *zip.Reader) bool {
	for _, f := range z.File {
		if f.Name == "META-INF/manifest.xml" {
			return bytes.Contains(part(f), []byte("encryption-data"))
		}
	}
	return false
}
