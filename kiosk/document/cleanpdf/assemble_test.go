package cleanpdf_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/documenttest"
)

func opened(t *testing.T, data []byte) *cleanpdf.Original {
	t.Helper()
	o, err := cleanpdf.Open(data, memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func all(o *cleanpdf.Original) []cleanpdf.Part {
	var parts []cleanpdf.Part
	for i := range o.Pages() {
		parts = append(parts, cleanpdf.Part{Original: o, Page: i})
	}
	return parts
}

func assembled(t *testing.T, parts []cleanpdf.Part, q cleanpdf.Quality) []byte {
	t.Helper()
	out, err := cleanpdf.Assemble(parts, q, memory)
	if err != nil {
		t.Fatal(err)
	}
	again, err := cleanpdf.Assemble(parts, q, memory)
	if err != nil || !bytes.Equal(out, again) {
		t.Errorf("the same parts came out differently (%v)", err)
	}
	return out
}

// written asks another program for the words of a file.
func written(t *testing.T, data []byte) string {
	t.Helper()
	out := documenttest.Run(t, "pdftotext", "-raw", documenttest.Save(t, "f.pdf", data), "-")
	return strings.Join(strings.Fields(string(out)), " ")
}

// plainPages makes a PDF of n pages that say who they are.
func plainPages(n int) []byte {
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", "", font}
	var kids strings.Builder
	for i := range n {
		fmt.Fprintf(&kids, "%d 0 R ", len(objects)+1)
		objects = append(objects,
			fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>", len(objects)+2),
			documenttest.Stream("", fmt.Sprintf("BT /F 30 Tf 40 60 Td (Page%d) Tj ET", i)))
	}
	objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", n, kids.String())
	return documenttest.PDF("", objects...)
}

func TestPagesOfSeveralFilesComeInOrder(t *testing.T) {
	a, b := opened(t, plainPages(3)), opened(t, plainPages(5))
	out := assembled(t, []cleanpdf.Part{
		{Original: a, Page: 2}, {Raster: plainPages(2)}, {Original: b, Page: 4, Turn: 90}, {Original: a, Page: 0},
	}, cleanpdf.Quality{})
	if got := written(t, out); got != "Page2 Page0 Page1 Page4 Page0" {
		t.Errorf("got %q", got)
	}
	if plain := plainly(t, out); strings.Count(plain, "/Rotate 90") != 1 || strings.Count(plain, "/BaseFont /Helvetica") != 1 {
		t.Error("want one turned page, and the font once")
	}
}

func TestBornDigitalFilesComeOutSmall(t *testing.T) {
	for _, c := range []struct {
		name string
		most int // what Ghostscript's /ebook makes of it
	}{
		{"cerfa-15059.pdf", 34572}, {"synthese-securite.pdf", 316548}, {"ocrmypdf-blank.pdf", 2259},
		{"cerfa-cni-12100.pdf", 423000}, {"ocrmypdf-acroform.pdf", 5870},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := documenttest.Read(t, c.name)
			out, err := cleanpdf.Assemble(all(opened(t, data)), cleanpdf.Quality{ImageDPI: 150, JPEG: 75}, memory)
			if err != nil {
				t.Fatal(err)
			}
			if len(out) > c.most {
				t.Errorf("%d bytes, want at most %d", len(out), c.most)
			}
			plainly(t, out)
			if a, b := written(t, data), written(t, out); a != b {
				a, b := strings.Fields(a), strings.Fields(b)
				t.Errorf("%d words became %d", len(a), len(b))
			}
		})
	}
}

func TestManyPagesTakeTheirTimeOnce(t *testing.T) {
	const pages = 100
	out, err := cleanpdf.Assemble(all(opened(t, plainPages(pages))), cleanpdf.Quality{}, memory)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(written(t, out), "Page"); got != pages {
		t.Errorf("%d pages", got)
	}
}

func TestFieldsBecomePartOfThePage(t *testing.T) {
	in := documenttest.PDF("", "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>", pageTree, page("/Annots[6 0 R]"), documenttest.Stream("", text), font,
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Dupont)/Rect[10 10 110 30]/AP<</N 7 0 R>>>>",
		documenttest.Stream("/Subtype/Form/BBox[0 0 100 20]/Resources<</Font<</F 5 0 R>>>>", "BT /F 10 Tf 2 5 Td (Dupont) Tj ET"))
	out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
	if got := written(t, out); got != "Attestation Dupont" {
		t.Errorf("got %q", got)
	}
	if strings.Contains(plainly(t, out), "Widget") {
		t.Error("the field is still there")
	}
}

func TestBadFilesAreErrorsWithACode(t *testing.T) {
	for name, want := range map[string]kiosk.Code{
		"hostile-user-password.pdf": kiosk.CodeFilePassword, "hostile-empty.pdf": kiosk.CodeFileBroken,
		"hostile-billion-laughs.pdf": kiosk.CodeFileTooBig, "hostile-flate-bomb.pdf": kiosk.CodeFileTooBig,
		"hostile-image-bomb.pdf": kiosk.CodeFileTooBig, "hostile-huge-page.pdf": kiosk.CodeFileTooBig,
		"hostile-truncated.pdf": kiosk.CodeFileBroken,
	} {
		t.Run(name, func(t *testing.T) {
			data := documenttest.Read(t, name)
			o, err := cleanpdf.Open(data, memory)
			if err == nil {
				defer o.Close()
				_, err = cleanpdf.Assemble(all(o), cleanpdf.Quality{}, memory)
			}
			if got := kiosk.CodeOf(err); err == nil || got != want {
				t.Errorf("got %v (code %q), want %q", err, got, want)
			}
		})
	}
}

func TestNothingActiveIsLeft(t *testing.T) {
	data := documenttest.Read(t, "hostile-active.pdf")
	o := opened(t, data)
	if !o.Active() || o.Signed() {
		t.Errorf("active %v, signed %v", o.Active(), o.Signed())
	}
	if opened(t, assembled(t, all(o), cleanpdf.Quality{})).Active() {
		t.Error("something active is left")
	}
}
