package document_test

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
)

// Text that could be selected still can be, under a limit of any size that
// the file meets.
func TestLiveTextStaysText(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	for _, name := range []string{"cerfa-15059.pdf", "cerfa-cni-12100.pdf", "synthese-securite.pdf"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, all := imported(t, e, name)
			want := textOf(t, documenttest.Read(t, name), 0)
			if len(want) == 0 {
				t.Fatal("no text to begin with")
			}
			for _, limit := range []int64{250_000, 5_000_000} {
				c := made(t, e, all, kiosk.FormatPDF, limit)
				checkPDF(t, c.Files[0].Data, len(all))
				if got := textOf(t, c.Files[0].Data, 0); !slices.Equal(got, want) {
					t.Errorf("under %d: %d words, %d before: %s", limit, len(got), len(want), difference(want, got))
				}
				if n := int64(len(c.Files[0].Data)); n > in.Size {
					t.Errorf("under %d: %d bytes of %d", limit, n, in.Size)
				}
			}
		})
	}
}

// difference shows where two texts part.
func difference(want, got []string) string {
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	part := func(s []string) string { return strings.Join(s[min(i, len(s)):min(i+6, len(s))], " ") }
	return "at word " + itoa(i) + " " + part(got) + " instead of " + part(want)
}

func TestLiveTextSurvivesWhatIsDoneToPages(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, all := imported(t, e, "cerfa-15059.pdf")
	before := documenttest.Read(t, "cerfa-15059.pdf")
	turned := all[3]
	turned.Turn = 90
	c := made(t, e, []kiosk.PageRef{turned, all[1], all[0]}, kiosk.FormatPDF, 1_000_000)
	data := c.Files[0].Data
	checkPDF(t, data, 3)
	for i, from := range []int{4, 2, 1} {
		want, got := textOf(t, before, from), textOf(t, data, i+1)
		// Lines of a page on its side are read in another order.
		if i == 0 {
			slices.Sort(want)
			slices.Sort(got)
		}
		if !slices.Equal(want, got) {
			t.Errorf("page %d, once %d: %s", i+1, from, difference(want, got))
		}
	}
	if b := drawn(t, data, 1, 50).Bounds(); b.Dx() <= b.Dy() {
		t.Errorf("turned by a quarter it is %v", b.Size())
	}
	if b := drawn(t, data, 2, 50).Bounds(); b.Dx() >= b.Dy() {
		t.Errorf("not turned it is %v", b.Size())
	}
	if len(data) > len(before) {
		t.Errorf("three of four pages take %d bytes of %d", len(data), len(before))
	}
}

// One file of a form, a letter from the scanner and a photograph, in the
// visitor's order.
func TestLiveTextIsMixedWithScans(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, form := imported(t, e, "cerfa-15059.pdf")
	_, scan := imported(t, e, "ocrmypdf-epson.pdf")
	_, card := imported(t, e, "photo-cni-specimen.jpg")
	c := made(t, e, []kiosk.PageRef{scan[0], form[1], card[0], form[0]}, kiosk.FormatPDF, 500_000)
	data := c.Files[0].Data
	checkPDF(t, data, 4)
	if want := []string{"bilevel", "original", "picture", "original"}; !slices.Equal(c.Forms, want) {
		t.Errorf("forms are %v, want %v", c.Forms, want)
	}
	before := documenttest.Read(t, "cerfa-15059.pdf")
	for at, from := range map[int]int{2: 2, 4: 1} {
		if want, got := textOf(t, before, from), textOf(t, data, at); !slices.Equal(want, got) {
			t.Errorf("page %d: %s", at, difference(want, got))
		}
	}
	for _, at := range []int{1, 3} {
		if got := textOf(t, data, at); len(got) > 0 {
			t.Errorf("page %d was pixels and has the text %v", at, got)
		}
	}
}

// What an office program wrote stays text.
func TestOfficeFilesBecomeDocumentsOfText(t *testing.T) {
	t.Parallel()
	documenttest.Tool(t, "soffice")
	e := newEngine(t, patient())
	for name, words := range map[string][]string{"tables.docx": {"Swimming", "Duck", "lake"}, "text.odt": nil} {
		in := input(documenttest.Read(t, name))
		all, err := pages(t.Context(), e, in)
		if err != nil || len(all) == 0 {
			t.Fatalf("%s: %d pages, %v", name, len(all), err)
		}
		if all[0].Source == nil || all[0].Kind != kiosk.PageDigital {
			t.Errorf("%s: a page of the kind %s with %d bytes of source", name, all[0].Kind, len(all[0].Source))
		}
		data := made(t, e, refs(in, all), kiosk.FormatPDF, 1_000_000).Files[0].Data
		checkPDF(t, data, len(all))
		want, got := textOf(t, all[0].Source, 0), textOf(t, data, 0)
		if len(want) < 5 || !slices.Equal(want, got) {
			t.Errorf("%s: %d words, %d before: %s", name, len(got), len(want), difference(want, got))
		}
		for _, w := range words {
			if !slices.Contains(got, w) {
				t.Errorf("%s: the text lacks %q", name, w)
			}
		}
		made(t, e, refs(in, all)[:1], kiosk.FormatJPEG, 500_000)
	}
}

// A box that was ticked, or not, is seen as before.
func TestFormFieldsStayVisible(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, all := imported(t, e, "ocrmypdf-acroform.pdf")
	before := documenttest.Read(t, "ocrmypdf-acroform.pdf")
	c := made(t, e, all, kiosk.FormatPDF, 1_000_000)
	checkPDF(t, c.Files[0].Data, 1)
	want, got := inked(drawn(t, before, 1, 150)), inked(drawn(t, c.Files[0].Data, 1, 150))
	if want == 0 || got < want*8/10 || got > want*12/10 {
		t.Errorf("%d dark points, %d before", got, want)
	}
}

// inked counts the dark points of a picture.
func inked(img image.Image) int {
	n := 0
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 128 {
				n++
			}
		}
	}
	return n
}
