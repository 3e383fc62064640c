package tool_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/tool"
)

func TestOfficeFilesOfTheCorpus(t *testing.T) {
	x := newTools(t, tool.Options{Time: 20 * time.Second})
	needOffice(t, x)
	for name, want := range map[string]string{
		"tables.docx": "Calories per portion", "textbox.docx": "Infectious Disease", "text.odt": "heading level 1", "legacy.doc": "Swimming in the lake",
		"hostile-bomb.docx": "", "hostile-xxe.docx": "",
	} {
		data := documenttest.Read(t, name)
		pdf, err := x.PDF(t.Context(), bytes.NewReader(data), tool.OfficeKind(filepath.Ext(name)[1:]))
		if want == "" {
			if code := kiosk.CodeOf(err); code != kiosk.CodeFileTooBig && code != kiosk.CodeFileBroken {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := text(t, pdf); !strings.Contains(got, want) {
			t.Errorf("%s: %q is not in %q", name, want, got)
		}
	}
	if peak := x.PeakMemory(); peak > 1<<30 {
		t.Errorf("%d MB", peak>>20)
	}
}
