package decode_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"testing"
)

// zipOf writes a ZIP file with empty entries.
func zipOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, n := range names {
		if _, err := w.Create(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compound writes the head and the directory of an OLE compound file.
func compound(streams ...string) []byte {
	b := make([]byte, 512, 1024)
	copy(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	binary.LittleEndian.PutUint16(b[30:], 9)
	for i, name := range append([]string{"Root Entry"}, streams...) {
		e := make([]byte, 128)
		for j := range len(name) {
			e[2*j] = name[j]
		}
		binary.LittleEndian.PutUint16(e[64:], uint16(2*len(name)+2))
		e[66] = 2
		if i == 0 {
			e[66] = 5
		}
		b = append(b, e...)
	}
	return b
}
