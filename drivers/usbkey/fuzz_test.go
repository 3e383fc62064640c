package usbkey_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pointnum/drivers/usbkey"
)

// FuzzNames holds the two names made of a visitor's to what they promise.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"Relevé.pdf", "../x", "a\x00b", "\u202egpj.exe", "", ".", "..", "LPT1", "x.é", strings.Repeat("…", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		stem, ext := usbkey.FileName(name)
		full := stem + ext
		if stem == "" || len(full) > 80 || full != filepath.Base(full) || strings.HasPrefix(full, ".") {
			t.Errorf("%q is saved as %q", name, full)
		}
		for _, r := range full {
			if r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r) {
				t.Errorf("%q is saved as %q, with %q", name, full, r)
			}
		}
		shown := usbkey.ShownName(name)
		if shown == "" || utf8.RuneCountInString(shown) > 80 || !utf8.ValidString(shown) {
			t.Errorf("%q is shown as %q", name, shown)
		}
		for _, r := range shown {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q is shown with %q", name, r)
			}
		}
	})
}

// FuzzMounts reads any mount table; what it finds lies where it was looked for.
func FuzzMounts(f *testing.F) {
	f.Add("36 35 98:0 / /media/key rw - vfat /dev/sda1 rw\n")
	f.Add(`37 35 0:5 / /media/key\040two rw - tmpfs tmpfs rw`)
	f.Add("x\n1\n1 2 3 4 /media\\")
	f.Fuzz(func(t *testing.T, table string) {
		point, ok := usbkey.FindMount(table, "/media")
		if ok && point != "/media" && filepath.Dir(point) != "/media" {
			t.Errorf("found %q", point)
		}
	})
}
