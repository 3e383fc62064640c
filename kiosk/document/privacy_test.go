package document_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
)

// marker stands for what must not be known of a visitor.
const marker = "JeanneVisiteuse"

// traces are the ways in which the marker is written.
func traces() [][]byte {
	var wide, narrow []byte
	for _, c := range utf16.Encode([]rune(marker)) {
		wide, narrow = binary.BigEndian.AppendUint16(wide, c), binary.LittleEndian.AppendUint16(narrow, c)
	}
	return [][]byte{[]byte(marker), wide, narrow, fmt.Appendf(nil, "%x", marker), fmt.Appendf(nil, "%X", wide)}
}

// segment is a part of a JPEG's head.
func segment(kind byte, s string) string {
	return string([]byte{0xff, kind, byte((len(s) + 2) >> 8), byte(len(s) + 2)}) + s
}

// tattling is a photograph that says who took it and where: in EXIF with a
// place, in XMP, in the press's own way and in a comment.
func tattling(t *testing.T) []byte {
	exif := "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x02" +
		"\x01\x3b\x00\x02\x00\x00\x00\x10\x00\x00\x00\x26" + // artist, at 38
		"\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x36" + // place, at 54
		"\x00\x00\x00\x00" + marker + "\x00" +
		"\x00\x01\x00\x01\x00\x02\x00\x00\x00\x02N\x00\x00\x00\x00\x00\x00\x00"
	plain := string(asJPEG(t, sheet(900, 1200, true, 21), 85))
	return []byte(plain[:2] + segment(0xe1, exif) +
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><dc:creator>"+marker+"</dc:creator></x:xmpmeta>") +
		segment(0xed, "Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x14\x1c\x02\x50\x00\x0f"+marker) +
		segment(0xfe, marker) + plain[2:] + marker)
}

// tattlingPDF is a form of live text over a tattling photograph. It names its
// author in each way that PDF has, and carries a file.
func tattlingPDF(t *testing.T) []byte {
	photo := tattling(t)
	xmp := "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>" + marker + "</dc:creator></x:xmpmeta><?xpacket end='w'?>"
	draw := "q 200 0 0 260 40 40 cm /Im Do Q BT /F 18 Tf 60 700 Td (Bonjour, voici ma demande de logement.) Tj 0 -30 Td (Elle est complete, avec toutes ses pieces.) Tj ET"
	return pdfOf(
		"<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R/Names<</EmbeddedFiles<</Names[("+marker+") 9 0 R]>>>>/PieceInfo<</Ours<</Private("+marker+")>>>>>>",
		"<</Type/Pages/Kids[4 0 R]/Count 1>>",
		documenttest.Stream("/Type/Metadata/Subtype/XML", xmp),
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Metadata 3 0 R/LastModified(D:20200101)/Resources<</Font<</F 6 0 R>>/XObject<</Im 7 0 R>>>>/Annots[8 0 R]>>",
		documenttest.Stream("", draw),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
		documenttest.Stream("/Type/XObject/Subtype/Image/Width 900/Height 1200/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/DCTDecode/Metadata 3 0 R", string(photo)),
		"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/T("+marker+")/Contents("+marker+")>>",
		"<</Type/Filespec/F("+marker+")/EF<</F 10 0 R>>>>",
		documenttest.Stream("/Type/EmbeddedFile", marker),
		"<</Author("+marker+")/Title("+marker+")/Creator("+marker+")>>",
	)
}

// pdfOf writes objects as a PDF: the first is the catalogue; the last tells of
// the file.
func pdfOf(objects ...string) []byte {
	return documenttest.PDF(fmt.Sprintf("/Info %d 0 R", len(objects)), objects...)
}

// tattlingDOCX is a letter that names its author.
func tattlingDOCX(t *testing.T) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"[Content_Types].xml", `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`},
		{"_rels/.rels", `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="b" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`},
		{"docProps/core.xml", `<?xml version="1.0"?><cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>` + marker + `</dc:creator><dc:title>` + marker + `</dc:title><cp:lastModifiedBy>` + marker + `</cp:lastModifiedBy></cp:coreProperties>`},
		{"word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Bonjour, voici ma demande de logement.</w:t></w:r></w:p></w:body></w:document>`},
	} {
		w, err := z.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tattlingPNG is a picture with texts and EXIF.
func tattlingPNG(t *testing.T) []byte {
	img := filepath.Join(t.TempDir(), "in.png")
	output(t, "convert", saved(t, asPNG(t, sheet(600, 800, true, 22))), "-set", "Author", marker, "-set", "comment", marker, "png:"+img)
	return readFile(t, img)
}

// Nothing tells who somebody is or where they have been, whatever is made of
// what they brought.
func TestNobodyIsNamedInAFile(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	for name, data := range map[string][]byte{"photo": tattling(t), "pdf": tattlingPDF(t), "docx": tattlingDOCX(t), "png": tattlingPNG(t)} {
		t.Run(name, func(t *testing.T) {
			in := input(data)
			in.Name = marker + "." + name
			all, err := pages(t.Context(), e, in)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d pages, %v", len(all), err)
			}
			for what, b := range map[string][]byte{"master": all[0].Image, "preview": all[0].Preview, "thumb": all[0].Thumb, "packed": all[0].Packed} {
				silent(t, what, b)
			}
			for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG, kiosk.FormatTIFF} {
				silent(t, string(f), made(t, e, refs(in, all), f, 5_000_000).Files[0].Data)
			}
			silent(t, "small pdf", made(t, e, refs(in, all), kiosk.FormatPDF, 60_000).Files[0].Data)
		})
	}
}

// silent looks for the marker in a file, as it is and unpacked.
func silent(t *testing.T, what string, data []byte) {
	t.Helper()
	all := [][]byte{data}
	if bytes.HasPrefix(data, []byte("%PDF")) {
		plain := unpack(t, data)
		all = append(all, plain)
		for _, name := range []string{"/Author", "/EmbeddedFile", "/PieceInfo", "/Creator ("} {
			if bytes.Contains(plain, []byte(name)) {
				t.Errorf("%s: holds %s", what, name)
			}
		}
	}
	for _, b := range all {
		for _, trace := range traces() {
			if bytes.Contains(b, trace) {
				t.Errorf("%s: names its author: %q", what, trace)
			}
		}
		if bytes.Contains(b, []byte("Exif\x00")) || bytes.Contains(b, []byte("8BIM")) {
			t.Errorf("%s: holds a photograph's metadata", what)
		}
	}
}

// A signature counts only while not a byte is changed.
func TestASignedFileIsPassedOnByteByByte(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	in, all := imported(t, e, "paperless-signed.pdf")
	before := documenttest.Read(t, "paperless-signed.pdf")
	c := made(t, e, all, kiosk.FormatPDF, in.Size+1)
	if !c.Passed || !bytes.Equal(c.Files[0].Data, before) {
		t.Errorf("passed %v, %d bytes of %d", c.Passed, len(c.Files[0].Data), len(before))
	}
	if !strings.Contains(string(before), "/ByteRange") {
		t.Fatal("it was not signed")
	}
	turned := append([]kiosk.PageRef(nil), all...)
	turned[0].Turn = 180
	c = made(t, e, turned, kiosk.FormatPDF, 2_000_000)
	checkPDF(t, c.Files[0].Data, len(all))
	if bytes.Contains(unpack(t, c.Files[0].Data), []byte("/ByteRange")) {
		t.Error("a changed file claims to be signed")
	}
}
