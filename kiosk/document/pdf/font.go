package pdf

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The font of invisible words has one glyph for all characters, which is
// empty. Codes are UTF-16, so what a reader of the file copies needs no table
// of the characters used.

// Of the em, in thousandths.
const (
	glyphWidth   = 500
	glyphAscent  = 800
	glyphDescent = 200
)

// font writes the font as object n, and what belongs to it behind it
// (ISO 32000-1, 9.7; ISO 19005-2, 6.2.11).
func (f *Writer) font(n int) {
	toUnicode := f.deflated("", []byte(unicodeMap))
	// Every code is shown by glyph 1; glyph 0 means "missing", which an
	// archive must not refer to (ISO 19005-2, 6.2.11.8).
	glyphs := f.deflated("", bytes.Repeat([]byte{0, 1}, 1<<16))
	ttf := trueType()
	file := f.deflated(fmt.Sprintf("/Length1 %d", len(ttf)), ttf)
	descriptor := f.object()
	f.printf("<</Type/FontDescriptor/FontName/Blank/Flags 4/FontBBox[0 -%d %d %d]/ItalicAngle 0/Ascent %d/Descent -%d/CapHeight %d/StemV 80/FontFile2 %d 0 R>>\nendobj\n",
		glyphDescent, glyphWidth, glyphAscent, glyphAscent, glyphDescent, glyphAscent, file)
	cid := f.object()
	f.printf("<</Type/Font/Subtype/CIDFontType2/BaseFont/Blank/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW %d/CIDToGIDMap %d 0 R/FontDescriptor %d 0 R>>\nendobj\n",
		glyphWidth, glyphs, descriptor)
	f.begin(n)
	f.printf("<</Type/Font/Subtype/Type0/BaseFont/Blank/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>\nendobj\n",
		cid, toUnicode)
}

// unicodeMap says that codes are UTF-16, in one range as OCR programs write it
// and every reader takes it. By ISO 32000-1, 9.10.3, a range should end with
// its last byte; Ghostscript misreads that.
const unicodeMap = "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
	"/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n" +
	"/CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n" +
	"1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n" +
	"1 beginbfrange\n<0000><FFFF><0000>\nendbfrange\n" +
	"endcmap\nCMapName currentdict/CMap defineresource pop\nend\nend\n"

// trueType is a font of two empty glyphs (ISO/IEC 14496-22), of the tables
// that a font in a PDF must have.
func trueType() []byte {
	be := binary.BigEndian
	u16s := func(v ...uint16) (b []byte) {
		for _, x := range v {
			b = be.AppendUint16(b, x)
		}
		return b
	}
	descent := uint16(0x10000 - glyphDescent)
	tables := []struct {
		name string
		data []byte
	}{
		// Version 1.0, revision, checksum (set below), magic number, flags,
		// units in the em, two dates, box, style, least size, direction,
		// short offsets, format.
		{"head", u16s(1, 0, 1, 0, 0, 0, 0x5F0F, 0x3CF5, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, descent, glyphWidth, glyphAscent, 0, 8, 2, 0, 0)},
		{"hhea", u16s(1, 0, glyphAscent, descent, 0, glyphWidth, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)},
		{"hmtx", u16s(glyphWidth, 0, 0)},
		{"loca", u16s(0, 0, 0)},
		{"maxp", u16s(1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"glyf", nil},
	}
	sum := func(b []byte) (s uint32) {
		for ; len(b) > 0; b = b[min(4, len(b)):] {
			var w [4]byte
			copy(w[:], b)
			s += be.Uint32(w[:])
		}
		return s
	}
	// The directory is sorted by name, and tells how to search it.
	order := []int{5, 0, 1, 2, 3, 4}
	n := len(tables)
	file := u16s(0, 1, uint16(n), 64, 2, uint16(n*16-64))
	file[1], file[3] = 1, 0 // version 1.0 is 0x00010000
	at := len(file) + n*16
	var body []byte
	head := 0
	for _, i := range order {
		t := tables[i]
		if t.name == "head" {
			head = at + len(body)
		}
		file = append(file, t.name...)
		file = be.AppendUint32(file, sum(t.data))
		file = be.AppendUint32(file, uint32(at+len(body)))
		file = be.AppendUint32(file, uint32(len(t.data)))
		body = append(body, t.data...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	file = append(file, body...)
	be.PutUint32(file[head+8:], 0xB1B0AFBA-sum(file))
	return file
}
