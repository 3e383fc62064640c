package tool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/tool"
)

// corpusDir is the corpus of documents beside the repository; its tests see
// nothing to do where it is missing.
const corpusDir = "../../../../shared/corpus"

func TestOfficeFilesOfTheCorpus(t *testing.T) {
	x := newTools(t, tool.Options{Time: 20 * time.Second})
	needOffice(t, x)
	for name, want := range map[string]string{
		"tables.docx": "Calories per portion", "textbox.docx": "Infectious Disease", "text.odt": "heading level 1", "legacy.doc": "Swimming in the lake",
		"hostile-bomb.docx": "", "hostile-xxe.docx": "",
	} {
		f, err := os.Open(filepath.Join(corpusDir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		pdf, err := x.PDF(t.Context(), f, tool.OfficeKind(filepath.Ext(name)[1:]))
		f.Close()
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
