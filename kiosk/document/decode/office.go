package decode

import (
	"bytes"
	"encoding/binary"
)

// Office says whether a format is a word processor's, a spreadsheet's or a
// presentation's: Open does not read it, a converter may.
func (f Format) Office() bool { return f.Ext() != "" }

// Ext gives the extension, with its dot, that office programs know an office
// format by; "" for other formats.
func (f Format) Ext() string {
	switch f {
	case DOCX:
		return ".docx"
	case XLSX:
		return ".xlsx"
	case PPTX:
		return ".pptx"
	case ODT:
		return ".odt"
	case ODS:
		return ".ods"
	case ODP:
		return ".odp"
	case DOC:
		return ".doc"
	case XLS:
		return ".xls"
	case PPT:
		return ".ppt"
	case RTF:
		return ".rtf"
	}
	return ""
}

// sniffOffice knows office files by their tables of contents. Nothing is
// unpacked.
func sniffOffice(data []byte) Format {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return sniffZip(data)
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return sniffOLE(data)
	case bytes.HasPrefix(data, []byte(`{\rtf`)):
		return RTF
	}
	return Unknown
}

// sniffZip tells OpenDocument files by their first entry (ODF 1.3 part 2,
// 3.3), Office Open XML by the names of their main parts.
func sniffZip(data []byte) Format {
	const head = 30
	if len(data) > head+8 && string(data[head:head+8]) == "mimetype" {
		at := head + 8 + int(binary.LittleEndian.Uint16(data[28:]))
		kind := data[min(at, len(data)):]
		for _, k := range []struct {
			name string
			f    Format
		}{{"text", ODT}, {"spreadsheet", ODS}, {"presentation", ODP}} {
			if bytes.HasPrefix(kind, []byte("application/vnd.oasis.opendocument."+k.name)) {
				return k.f
			}
		}
		return Unknown
	}
	found := Unknown
	eachZipEntry(data, func(name string) bool {
		switch name {
		case "word/document.xml":
			found = DOCX
		case "xl/workbook.xml", "xl/workbook.bin":
			found = XLSX
		case "ppt/presentation.xml":
			found = PPTX
		}
		return found == Unknown
	})
	return found
}

// eachZipEntry walks the names in a ZIP file's central directory (APPNOTE
// 4.3.12 and 4.3.16), at most some thousands.
func eachZipEntry(data []byte, each func(name string) bool) {
	end := bytes.LastIndex(data[max(0, len(data)-22-1<<16):], []byte("PK\x05\x06"))
	if end < 0 {
		return
	}
	end += max(0, len(data)-22-1<<16)
	if len(data)-end < 22 {
		return
	}
	at := int64(binary.LittleEndian.Uint32(data[end+16:]))
	for range 5000 {
		if at+46 > int64(len(data)) || string(data[at:at+4]) != "PK\x01\x02" {
			return
		}
		e := data[at:]
		name := int64(binary.LittleEndian.Uint16(e[28:]))
		extra, comment := int64(binary.LittleEndian.Uint16(e[30:])), int64(binary.LittleEndian.Uint16(e[32:]))
		if 46+name > int64(len(e)) || !each(string(e[46:46+name])) {
			return
		}
		at += 46 + name + extra + comment
	}
}

// sniffOLE tells a compound file ([MS-CFB]) by its root's class, or by the
// streams that it has.
func sniffOLE(data []byte) Format {
	if len(data) < 512 {
		return Unknown
	}
	shift := binary.LittleEndian.Uint16(data[30:])
	if shift != 9 && shift != 12 {
		return Unknown
	}
	// Directory entries have 128 bytes and lie at multiples of it: they are
	// looked for there instead of along their chain.
	names := map[string]bool{}
	for at := 512; at+128 <= len(data); at += 128 {
		if name := oleName(data[at : at+128]); name != "" {
			names[name] = true
		}
	}
	if names["EncryptedPackage"] {
		return LockedOffice
	}
	root := (int64(binary.LittleEndian.Uint32(data[48:])) + 1) << shift
	if root >= 512 && root+128 <= int64(len(data)) {
		switch string(data[root+80 : root+84]) {
		case "\x06\x09\x02\x00", "\x00\x09\x02\x00":
			return DOC
		case "\x20\x08\x02\x00", "\x10\x08\x02\x00":
			return XLS
		case "\x10\x8d\x81\x64":
			return PPT
		}
	}
	switch {
	case names["PowerPoint Document"]:
		return PPT
	case names["WordDocument"]:
		return DOC
	case names["Workbook"], names["Book"]:
		return XLS
	}
	return Unknown
}

// oleName gives the name of a stream's directory entry, "" for other bytes.
func oleName(e []byte) string {
	n := int(binary.LittleEndian.Uint16(e[64:]))
	if e[66] != 2 || n < 4 || n > 64 || n%2 != 0 || e[n-2] != 0 || e[n-1] != 0 {
		return ""
	}
	name := make([]byte, 0, 31)
	for i := 0; i < n-2; i += 2 {
		if e[i+1] != 0 || e[i] < ' ' {
			return ""
		}
		name = append(name, e[i])
	}
	return string(name)
}
