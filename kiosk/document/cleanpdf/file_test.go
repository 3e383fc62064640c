package cleanpdf_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/document/cleanpdf"
)

const memory = 200 << 20

// file writes a PDF of the given objects, the first its catalog.
func file(trailer string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, trailer, start)
	return b.Bytes()
}

func stream(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

const (
	pageTree = "<</Type/Pages/Count 1/Kids[3 0 R]>>"
	font     = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
	text     = "BT /F 30 Tf 40 60 Td (Attestation) Tj ET"
)

func page(more string) string {
	return "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>" + more + ">>"
}

func TestWhatIsNotThePageIsTakenOut(t *testing.T) {
	clean := "<</Type/Catalog/Pages 2 0 R>>"
	for _, c := range []struct {
		name, catalog, page, trailer string
		more                         []string
	}{
		{"a script at the start", "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(secret)>>>>", "", "", nil},
		{"a script by name", "<</Type/Catalog/Pages 2 0 R/Names<</JavaScript<</Names[(x)<</S/JavaScript/JS(secret)>>]>>>>>>", "", "", nil},
		{"a page's action", clean, "/AA<</O<</S/Launch/F(secret)>>>>", "", nil},
		{"a link", clean, "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Border[0 0 0]/A<</S/URI/URI(secret)>>>>]", "", nil},
		{"an attachment", "<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(x)<</EF<</F 6 0 R>>>>]>>>>>>", "", "", []string{stream("", "secret")}},
		{"the author", clean, "", "/Info<</Author(secret)>>", nil},
		{"the author by reference", clean, "", "/Info 6 0 R", []string{"<</Author(secret)>>"}},
		{"XMP", "<</Type/Catalog/Pages 2 0 R/Metadata 6 0 R>>", "", "", []string{stream("/Type/Metadata/Subtype/XML", "secret")}},
		{"another program's notes", clean, "/PieceInfo<</X<</Private(secret)>>>>/LastModified(D:2026)", "", nil},
		{"a form's own rules", "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA(secret)>>>>", "", "", nil},
		{"bookmarks", "<</Type/Catalog/Pages 2 0 R/Outlines<</First 6 0 R/Last 6 0 R>>>>", "", "", []string{"<</Title(secret)>>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			objects := append([]string{c.catalog, pageTree, page(c.page), stream("", text), font}, c.more...)
			in := file(c.trailer, objects...)
			plain := plainly(t, assembled(t, all(opened(t, in)), cleanpdf.Quality{}))
			if strings.Contains(plain, "secret") {
				t.Errorf("it is still there:\n%s", plain)
			}
			if !strings.Contains(plain, "Attestation") {
				t.Error("the page lost its text")
			}
		})
	}
}

func TestSignaturesAreSeen(t *testing.T) {
	in := file("/Info<</Producer(x)>>", "<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[6 0 R]>>>>", pageTree, page(""),
		stream("", text), font, "<</FT/Sig/T(s)/V<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>>>")
	if o := opened(t, in); !o.Signed() || o.Active() {
		t.Errorf("signed %v, active %v", o.Signed(), o.Active())
	}
}

// plainly asks another program to check a file and to write it unpacked.
func plainly(t *testing.T, data []byte) string {
	t.Helper()
	qpdf, err := exec.LookPath("qpdf")
	if err != nil {
		t.Fatalf("these tests need qpdf: %v", err)
	}
	f := filepath.Join(t.TempDir(), "f.pdf")
	if err := os.WriteFile(f, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(qpdf, "--check", f).CombinedOutput(); err != nil {
		t.Fatalf("qpdf: %v: %s", err, out)
	}
	out, err := exec.Command(qpdf, "--qdf", "--object-streams=disable", f, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
