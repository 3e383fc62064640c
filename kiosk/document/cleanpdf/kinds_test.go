package cleanpdf_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/documenttest"
)

const catalog = "<</Type/Catalog/Pages 2 0 R>>"

// drawing makes a PDF of a page with keys, resources and contents.
func drawing(keys, resources, contents string, more ...string) []byte {
	if !strings.Contains(keys, "/MediaBox") {
		keys += "/MediaBox[0 0 300 200]"
	}
	page := fmt.Sprintf("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>%s>>%s>>", resources, keys)
	return documenttest.PDF("", append([]string{catalog, pageTree, page, documenttest.Stream("", contents), font}, more...)...)
}

func TestPagesKeepTheirLooks(t *testing.T) {
	squares := "1 0 0 rg 20 20 80 80 re f 0 0 1 rg 60 60 90 90 re f "
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"turned by a quarter", drawing("/Rotate 90", "", text)},
		{"turned by three", drawing("/Rotate -90", "", text)},
		{"of a larger unit", drawing("/UserUnit 2", "", text)},
		{"cropped", drawing("/CropBox[30 40 200 110]", "", text)},
		{"cropped, turned and off its origin", drawing("/MediaBox[-50 -20 250 180]/CropBox[20 30 220 130]/Rotate 270", "", text)},
		{"cropped beyond the page", drawing("/CropBox[-100 -100 900 900]", "", text)},
		{"with a soft mask", drawing("", "/ExtGState<</G<</SMask<</S/Luminosity/G 6 0 R>>>>>>", "/G gs "+squares,
			documenttest.Stream("/Subtype/Form/BBox[0 0 300 200]/Group<</S/Transparency/CS/DeviceGray>>", "0.5 g 0 0 300 200 re f 1 g 40 40 60 60 re f"))},
		{"with blending", drawing("/Group<</S/Transparency/CS/DeviceRGB>>", "/ExtGState<</M<</BM/Multiply>>/A<</ca 0.3/BM/Screen>>>>",
			"0 1 0 rg 0 0 300 100 re f /M gs "+squares+" /A gs 0.2 0.8 0.5 rg 100 30 100 140 re f")},
		{"of a spot colour", drawing("", "/ColorSpace<</S[/Separation/Gold/DeviceCMYK 6 0 R]>>", "/S cs 1 scn 20 20 100 100 re f 0.4 scn 130 20 100 100 re f",
			"<</FunctionType 2/Domain[0 1]/C0[0 0 0 0]/C1[0 0.2 0.8 0.1]/N 1>>")},
		{"of measured colours", drawing("", "/ColorSpace<</L[/Lab<</WhitePoint[0.9505 1 1.089]/Range[-100 100 -100 100]>>]/C[/CalRGB<</WhitePoint[0.9505 1 1.089]/Gamma[2.2 2.2 2.2]>>]>>",
			"/L cs 60 40 -30 sc 20 20 100 100 re f /C cs 0.9 0.3 0.1 sc 130 20 100 100 re f")},
		{"with a gradient", drawing("", "/Shading<</S<</ShadingType 2/ColorSpace/DeviceRGB/Coords[0 0 300 0]/Function<</FunctionType 2/Domain[0 1]/C0[1 0 0]/C1[0 0 1]/N 1>>>>>>", "/S sh")},
		{"with a pattern", drawing("", "/Pattern<</P 6 0 R>>", "/Pattern cs /P scn 10 10 280 180 re f",
			documenttest.Stream("/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 20 20]/XStep 20/YStep 20/Resources<<>>", "0 0.6 0 rg 2 2 12 12 re f"))},
		{"with a drawn font", drawing("", "/Font<</F 6 0 R>>", text,
			"<</Type/Font/Subtype/Type3/FontBBox[0 0 10 10]/FontMatrix[0.1 0 0 0.1 0 0]/FirstChar 97/LastChar 97/Widths[10]/Encoding<</Differences[97/box]>>/CharProcs<</box 7 0 R>>/Resources<<>>>>",
			documenttest.Stream("", "10 0 0 0 8 8 d1 0 0 8 8 re f"))},
		{"with a masked picture", drawing("", "/XObject<</I 6 0 R>>", squares+" q 200 0 0 150 40 20 cm /I Do Q",
			documenttest.Stream("/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceRGB/SMask 7 0 R", "abcdefghijkl"),
			documenttest.Stream("/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray", "\x00\x7f\xff\x40"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := c.in
			out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
			sameLooks(t, in, out)
			plainly(t, out)
		})
	}
}

func TestPagesAreTurned(t *testing.T) {
	for _, own := range []int{0, 90} {
		for _, turn := range []int{90, 180, 270} {
			in := drawing(fmt.Sprintf("/CropBox[20 30 220 130]/Rotate %d", own), "", text)
			out := assembled(t, []cleanpdf.Part{{Original: opened(t, in), Turn: turn}}, cleanpdf.Quality{})
			want := drawing(fmt.Sprintf("/CropBox[20 30 220 130]/Rotate %d", own+turn), "", text)
			sameLooks(t, want, out)
		}
	}
}

func TestLayersStayAsTheyAreSwitched(t *testing.T) {
	in := documenttest.PDF("", "<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[6 0 R 7 0 R]/D<</OFF[6 0 R]>>>>>>", pageTree,
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/Properties<</A 6 0 R/B 7 0 R>>>>>>",
		documenttest.Stream("", "/OC/A BDC 1 0 0 rg 0 0 90 90 re f EMC /OC/B BDC "+text+" EMC"), font,
		"<</Type/OCG/Name(secret)>>", "<</Type/OCG/Name(plan)>>")
	out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
	sameLooks(t, in, out)
	if strings.Contains(plainly(t, out), "secret") {
		t.Error("a layer kept its name")
	}
}

func TestNotesKeepTheirLooks(t *testing.T) {
	for name, c := range map[string]struct{ page, flags string }{
		"upright":                         {"", "4"},
		"on a turned page":                {"/Rotate 90", "4"},
		"upright on a turned page":        {"/Rotate 90", "20"},
		"upright on a page upside down":   {"/Rotate 180", "20"},
		"upright on a page turned thrice": {"/Rotate 270", "20"},
	} {
		t.Run(name, func(t *testing.T) {
			in := drawing(c.page+"/Annots[6 0 R]", "", text,
				"<</Type/Annot/Subtype/Stamp/Rect[100 100 180 130]/F "+c.flags+"/AP<</N 7 0 R>>>>",
				documenttest.Stream("/Subtype/Form/BBox[0 0 80 30]/Matrix[1 0 0 1 0 0]", "1 0 0 rg 0 0 80 30 re f 0 0 1 rg 0 0 20 15 re f"))
			sameLooks(t, in, assembled(t, all(opened(t, in)), cleanpdf.Quality{}))
		})
	}
}

func TestFilesOfAllShapesAreRead(t *testing.T) {
	plain := plainPages(2)
	for name, args := range map[string][]string{
		"restricted":       {"--encrypt", "", "owner", "256", "--print=none", "--modify=none", "--"},
		"restricted, old":  {"--allow-weak-crypto", "--encrypt", "", "owner", "40", "--modify=n", "--"},
		"object streams":   {"--object-streams=generate"},
		"linearised":       {"--linearize"},
		"packed otherwise": {"--stream-data=uncompress", "--object-streams=disable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, _ := run(t, map[string][]byte{"in.pdf": plain}, "qpdf", append(args, "in.pdf", "out.pdf")...)
			in, err := os.ReadFile(filepath.Join(folder, "out.pdf"))
			if err != nil {
				t.Fatal(err)
			}
			out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
			sameLooks(t, plain, out)
			if want := assembled(t, all(opened(t, plain)), cleanpdf.Quality{}); !bytes.Equal(out, want) {
				t.Error("it came out otherwise than the plain file")
			}
		})
	}
}

func TestWhatAnUpdateReplacedIsGone(t *testing.T) {
	in := documenttest.PDF("", catalog, pageTree, page(""), documenttest.Stream("", "BT /F 30 Tf 40 60 Td (secret) Tj ET"), font)
	prev := bytes.LastIndex(in, []byte("startxref\n"))
	at, old := len(in), 0
	fmt.Sscanf(string(in[prev:]), "startxref\n%d", &old)
	update := fmt.Sprintf("4 0 obj\n%s\nendobj\n", documenttest.Stream("", text))
	in = fmt.Appendf(in, "%sxref\n4 1\n%010d 00000 n \ntrailer\n<</Size 6/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", update, at, old, at+len(update))
	out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
	sameLooks(t, in, out)
	if plain := plainly(t, out); strings.Contains(plain, "secret") || !strings.Contains(plain, "Attestation") {
		t.Errorf("got\n%s", plain)
	}
}

func TestTablesOfBothKindsAreRead(t *testing.T) {
	// The font is only in the cross reference stream (ISO 32000-1, 7.5.8.4).
	in := documenttest.PDF("", catalog, pageTree, page(""), documenttest.Stream("", text), "null")
	cut := bytes.LastIndex(in, []byte("xref\n0 "))
	table, in := string(in[cut:]), in[:cut]
	at := len(in)
	in = append(in, "5 0 obj\n"+strings.Replace(font, "Helvetica", "Courier", 1)+"\nendobj\n"...)
	hidden := len(in)
	in = append(in, "6 0 obj\n"+documenttest.Stream("/Type/XRef/Size 7/W[1 2 1]/Index[5 1]", string([]byte{1, byte(at >> 8), byte(at), 0}))+"\nendobj\n"...)
	start := len(in)
	lines := strings.SplitAfter(table, "\n")
	lines[7] = "0000000000 00000 f \n" // object 5
	table = strings.Join(lines, "")
	table = strings.Replace(table, "/Root", fmt.Sprintf("/XRefStm %d/Root", hidden), 1)
	table = table[:strings.Index(table, "startxref")]
	in = fmt.Appendf(in, "%sstartxref\n%d\n%%%%EOF\n", table, start)
	out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
	sameLooks(t, in, out)
	if !strings.Contains(plainly(t, out), "/Courier") {
		t.Error("the font is not found")
	}
}
