package mupdf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mupdf"
)

const memory = 32 << 20

// file writes a PDF of a page of 300 x 200 points.
func file(contents string, more ...string) []byte {
	objects := append([]string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>>>",
		documenttest.Stream("", contents), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	}, more...)
	return documenttest.PDF("", objects...)
}

// photo is a JPEG, red above and blue below.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{200, 0, 0, 255}
			if y >= h/2 {
				c = color.RGBA{0, 0, 200, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(t *testing.T, data []byte) *mupdf.Document {
	t.Helper()
	d, err := mupdf.Open(data, memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// is says whether a pixel has about some colour.
func is(img image.Image, x, y int, want color.RGBA) bool {
	r, g, b, _ := img.At(x, y).RGBA()
	far := func(a uint32, b uint8) bool { return max(a>>8, uint32(b))-min(a>>8, uint32(b)) > 12 }
	return !far(r, want.R) && !far(g, want.G) && !far(b, want.B)
}

func TestPagesAreDrawn(t *testing.T) {
	d := opened(t, file("1 0 0 rg 0 0 150 100 re f"))
	if n, err := d.Pages(); n != 1 || err != nil {
		t.Fatalf("%d pages, %v", n, err)
	}
	frame, err := d.Bounds(0)
	if err != nil || frame.Width() != 300 || frame.Height() != 200 {
		t.Fatalf("got %v, %v", frame, err)
	}
	img, flaws, err := d.Render(0, frame, 150, 100)
	if err != nil || flaws != 0 {
		t.Fatalf("%d flaws, %v", flaws, err)
	}
	if !is(img, 30, 80, color.RGBA{255, 0, 0, 255}) || !is(img, 120, 20, color.RGBA{255, 255, 255, 255}) {
		t.Errorf("got %v and %v", img.At(30, 80), img.At(120, 20))
	}
	if d.Repaired() || d.Encrypted() {
		t.Error("the file is neither damaged nor encrypted")
	}
}

func TestPagesOfWordsAreVectors(t *testing.T) {
	d := opened(t, file("BT /F 20 Tf 20 50 Td (Attestation de domicile) Tj 3 Tr (invisible) Tj ET 0 0 m 99 99 l S"))
	c, im, err := d.Look(0)
	if err != nil {
		t.Fatal(err)
	}
	if im != nil {
		im.Close()
		t.Error("the page is no picture")
	}
	if c.Glyphs != 21 || c.Hidden != 9 || c.Images != 0 || c.Segments == 0 || !c.Vector() {
		t.Errorf("got %+v", c)
	}
}

func TestThePictureOfAPageIsGiven(t *testing.T) {
	raw := photo(t, 300, 200)
	d := opened(t, file("q 300 0 0 200 0 0 cm /I Do Q", documenttest.Stream("/Subtype/Image/Width 300/Height 200/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/DCTDecode", string(raw))))
	c, im, err := d.Look(0)
	if err != nil || im == nil || c.Images != 1 || c.Vector() {
		t.Fatalf("got %+v, %v, %v", c, im, err)
	}
	defer im.Close()
	if im.Width != 300 || im.Height != 200 || im.Orientation != 1 || im.DPI < 71 || im.DPI > 73 || im.Visible != image.Rect(0, 0, 300, 200) {
		t.Errorf("got %+v", im)
	}
	if !bytes.Equal(im.JPEG, raw) {
		t.Error("its data is not given as it is")
	}
	img, flaws, err := im.Pixels(100, nil)
	if err != nil || flaws != 0 {
		t.Fatalf("%d flaws, %v", flaws, err)
	}
	if size := img.Bounds().Size(); size.X < 100 || size.X > 150 || !is(img, 20, 10, color.RGBA{200, 0, 0, 255}) {
		t.Errorf("got %v, %v", size, img.At(20, 10))
	}
}

func TestPicturesAreDecoded(t *testing.T) {
	raw := photo(t, 64, 48)
	img, flaws, err := mupdf.JPEG(raw, 0, 0, memory)
	if err != nil || flaws != 0 || img.Rect.Size() != image.Pt(64, 48) || !is(img, 5, 5, color.RGBA{200, 0, 0, 255}) || !is(img, 5, 40, color.RGBA{0, 0, 200, 255}) {
		t.Errorf("got %v, %d flaws, %v", img, flaws, err)
	}
	if _, flaws, err := mupdf.JPEG(raw[:len(raw)-40], 0, 0, memory); err != nil || flaws == 0 {
		t.Errorf("half a JPEG has %d flaws, %v", flaws, err)
	}
	img, err = mupdf.TIFF(bitmap(), 0, memory, nil)
	if err != nil || img.Rect.Size() != image.Pt(2, 1) || !is(img, 0, 0, color.RGBA{255, 0, 0, 255}) || !is(img, 1, 0, color.RGBA{0, 0, 255, 255}) {
		t.Errorf("got %v, %v", img, err)
	}
}

// bitmap is a TIFF of a red and a blue pixel.
func bitmap() []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	entries := [][3]uint32{{256, 3, 2}, {257, 3, 1}, {258, 3, 8}, {259, 3, 1}, {262, 3, 2}, {273, 4, 0}, {277, 3, 3}, {278, 3, 1}, {279, 4, 6}}
	end := len(b) + 2 + len(entries)*12 + 4
	entries[5][2] = uint32(end)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return append(b, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255)
}

func TestWhatIsNoFileIsAnError(t *testing.T) {
	for name, data := range map[string][]byte{"nothing": nil, "words": []byte("bonjour"), "zeros": make([]byte, 1000)} {
		if d, err := mupdf.Open(data, memory); err == nil {
			if n, err := d.Pages(); err == nil && n > 0 {
				t.Errorf("%s: %d pages", name, n)
			}
			d.Close()
		}
		if _, _, err := mupdf.JPEG(data, 0, 0, memory); err == nil {
			t.Errorf("%s: a JPEG", name)
		}
		if _, err := mupdf.TIFF(data, 0, memory, nil); err == nil {
			t.Errorf("%s: a TIFF", name)
		}
	}
	if _, _, err := mupdf.JPEG(photo(t, 800, 800), 0, 0, 1<<20); !errors.Is(err, mupdf.ErrMemory) {
		t.Errorf("within too little memory: %v", err)
	}
}

func TestObjectsAreRead(t *testing.T) {
	f, err := mupdf.OpenFile(file("BT /F 20 Tf 20 50 Td (Attestation) Tj ET"), memory)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := f.Objects(); n != 6 || err != nil {
		t.Errorf("%d objects, %v", n, err)
	}
	if root, err := f.Root(); string(root) != "1 0 R" || err != nil {
		t.Errorf("got %q, %v", root, err)
	}
	if _, stream, err := f.Object(4); !stream || err != nil {
		t.Errorf("stream %v, %v", stream, err)
	}
	if words, err := f.Text(0); !bytes.Contains(words, []byte("Attestation")) || err != nil {
		t.Errorf("got %q, %v", words, err)
	}
	if _, err := f.Stream(4, 10); !errors.Is(err, mupdf.ErrMemory) {
		t.Errorf("a stream larger than may be: %v", err)
	}
}
