package cleanpdf_test

import (
	"strings"
	"testing"

	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/documenttest"
)

const memory = 200 << 20

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
		{"an attachment", "<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(x)<</EF<</F 6 0 R>>>>]>>>>>>", "", "", []string{documenttest.Stream("", "secret")}},
		{"the author", clean, "", "/Info<</Author(secret)>>", nil},
		{"the author by reference", clean, "", "/Info 6 0 R", []string{"<</Author(secret)>>"}},
		{"XMP", "<</Type/Catalog/Pages 2 0 R/Metadata 6 0 R>>", "", "", []string{documenttest.Stream("/Type/Metadata/Subtype/XML", "secret")}},
		{"another program's notes", clean, "/PieceInfo<</X<</Private(secret)>>>>/LastModified(D:2026)", "", nil},
		{"a form's own rules", "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA(secret)>>>>", "", "", nil},
		{"bookmarks", "<</Type/Catalog/Pages 2 0 R/Outlines<</First 6 0 R/Last 6 0 R>>>>", "", "", []string{"<</Title(secret)>>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			objects := append([]string{c.catalog, pageTree, page(c.page), documenttest.Stream("", text), font}, c.more...)
			in := documenttest.PDF(c.trailer, objects...)
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
	in := documenttest.PDF("/Info<</Producer(x)>>", "<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[6 0 R]>>>>", pageTree, page(""),
		documenttest.Stream("", text), font, "<</FT/Sig/T(s)/V<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>>>>>")
	if o := opened(t, in); !o.Signed() || o.Active() {
		t.Errorf("signed %v, active %v", o.Signed(), o.Active())
	}
}

// plainly asks another program to check a file and to write it unpacked.
func plainly(t *testing.T, data []byte) string {
	t.Helper()
	f := documenttest.Save(t, "f.pdf", data)
	documenttest.Quiet(t, "qpdf", "--check", f)
	return string(documenttest.Run(t, "qpdf", "--qdf", "--object-streams=disable", f, "-"))
}
