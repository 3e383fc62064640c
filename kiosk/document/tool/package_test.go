package tool_test

import (
	"bytes"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/tool"
)

func FuzzOfficePackage(f *testing.F) {
	f.Add(packed(f, "META-INF/manifest.xml", "<encryption-data/>"))
	f.Add([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 504) + "\xec\xa5" + strings.Repeat("\x01", 510)))
	f.Add(docx(f, `<w:p/>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []tool.OfficeKind{tool.DOCX, tool.DOC} {
			locked := tool.Locked(bytes.NewReader(b), int64(len(b)))
			err := tool.CheckPackage(bytes.NewReader(b), int64(len(b)), k)
			if locked != (kiosk.CodeOf(err) == kiosk.CodeFilePassword) {
				t.Errorf("locked %v, but %v", locked, err)
			}
		}
	})
}
