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
	switch kind {
	case DOC, XLS, PPT, RTF:
		return nil
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: open package", Err: err}
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

// Locked says whether an office file needs a password: OpenDocument says so in
// its manifest, the newer formats of Microsoft are a container with an
// encrypted package in it, Word 97 has a bit. Of other old formats it can't
// be told: they are broken for LibreOffice.
func Locked(f io.ReaderAt, size int64) bool {
	if z, err := zip.NewReader(f, size); err == nil {
		return lockedODF(z)
	}
	var magic [8]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil || !bytes.Equal(magic[:], []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
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
		if f.Name != "META-INF/manifest.xml" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return false
		}
		defer r.Close()
		manifest, _ := io.ReadAll(io.LimitReader(r, 1<<20)) // a part will do
		return bytes.Contains(manifest, []byte("encryption-data"))
	}
	return false
}
