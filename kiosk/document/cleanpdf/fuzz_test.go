package cleanpdf_test

import (
	"testing"

	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/documenttest"
)

func FuzzAssemble(f *testing.F) {
	f.Add(plainPages(2))
	f.Add(documenttest.PDF("", catalog, pageTree, page(""), documenttest.Stream("", "q BI/W 1/H 1/BPC 8/CS/G ID a EI Q "+text), font))
	f.Add(drawing("/Rotate 90/Annots[6 0 R]", "", text,
		"<</Type/Annot/Subtype/Stamp/Rect[100 100 180 130]/F 20/AP<</N 7 0 R>>>>", documenttest.Stream("/Subtype/Form/BBox[0 0 80 30]", "1 0 0 rg 0 0 80 30 re f")))
	f.Add(drawing("", "/XObject<</I 6 0 R>>", "q 200 0 0 150 40 20 cm /I Do Q",
		documenttest.Stream("/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace[/Indexed/DeviceRGB 1 (abcdef)]/SMask 7 0 R", "\x00\x01\x00\x01"),
		documenttest.Stream("/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray", "\x00\x7f\xff\x40")))
	f.Add(drawing("", "/ExtGState<</G<</SMask<</S/Luminosity/G 6 0 R>>>>>>/Pattern<</P 7 0 R>>", "/G gs /Pattern cs /P scn 0 0 99 99 re f",
		documenttest.Stream("/Subtype/Form/BBox[0 0 300 200]/Group<</S/Transparency/CS/DeviceGray>>", "0.5 g 0 0 300 200 re f"),
		documenttest.Stream("/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 20 20]/XStep 20/YStep 20/Resources<<>>", "0 0.6 0 rg 2 2 12 12 re f")))
	f.Fuzz(func(t *testing.T, data []byte) {
		const memory = 16 << 20
		if len(data) > 1<<14 {
			return
		}
		o, err := cleanpdf.Open(data, memory)
		if err != nil {
			return
		}
		defer o.Close()
		if o.Pages() > 5 {
			return
		}
		o.Active()
		out, err := cleanpdf.AssembleSmall(all(o), cleanpdf.Quality{ImageDPI: 100, JPEG: 50}, memory)
		if err != nil {
			return
		}
		again, err := cleanpdf.Open(out, memory)
		if err != nil {
			t.Fatalf("what came out can't be opened: %v", err)
		}
		defer again.Close()
		if again.Active() || again.Pages() != o.Pages() {
			t.Errorf("active %v, %d pages of %d", again.Active(), again.Pages(), o.Pages())
		}
	})
}
