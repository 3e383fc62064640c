package raster_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
)

// kinds gives one picture as every type the decoders make, also as parts of
// larger pictures.
func kinds(t *testing.T) map[string]image.Image {
	src := noise(60, 40)
	var b bytes.Buffer
	mild := image.NewRGBA(src.Rect) // whose colours RGB can hold after JPEG's rounding
	for i, v := range src.Pix {
		mild.Pix[i] = 96 + v/4
	}
	if err := jpeg.Encode(&b, mild, nil); err != nil {
		t.Fatal(err)
	}
	y, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	n := image.NewNRGBA(src.Rect)
	copy(n.Pix, src.Pix)
	for i := 3; i < len(n.Pix); i += 4 {
		n.Pix[i] = uint8(i)
	}
	premultiplied := image.NewRGBA(src.Rect)
	draw.Draw(premultiplied, src.Rect, n, image.Point{}, draw.Src)
	p := image.NewPaletted(src.Rect, color.Palette{color.White, color.Black, color.Transparent, color.NRGBA{200, 10, 10, 128}})
	for i := range p.Pix {
		p.Pix[i] = uint8(i % 4)
	}
	g16 := image.NewGray16(src.Rect)
	draw.Draw(g16, src.Rect, src, image.Point{}, draw.Src)
	c := image.NewCMYK(src.Rect)
	draw.Draw(c, src.Rect, src, image.Point{}, draw.Src)
	n64 := image.NewNRGBA64(src.Rect)
	draw.Draw(n64, src.Rect, n, image.Point{}, draw.Src)
	part := image.Rect(7, 5, 50, 33)
	return map[string]image.Image{
		"rgba": src, "rgba part": src.SubImage(part), "premultiplied": premultiplied, "ycbcr": y,
		"ycbcr part": y.(*image.YCbCr).SubImage(part), "nrgba": n, "nrgba part": n.SubImage(part),
		"gray": grayNoise(60, 40), "gray part": grayNoise(60, 40).SubImage(part), "gray16": g16,
		"paletted": p, "paletted part": p.SubImage(part), "cmyk": c, "nrgba64": n64,
	}
}

func TestEveryKindOfPictureBecomesTheSamePage(t *testing.T) {
	for name, img := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			b := img.Bounds()
			got, g := raster.ToRGBA(img), raster.Gray(img)
			if got.Rect != image.Rect(0, 0, b.Dx(), b.Dy()) || g.Rect != got.Rect || !got.Opaque() {
				t.Fatalf("bounds %v and %v, opaque %v", got.Rect, g.Rect, got.Opaque())
			}
			want := image.NewRGBA(got.Rect)
			draw.Draw(want, want.Rect, image.White, image.Point{}, draw.Src)
			draw.Draw(want, want.Rect, img, b.Min, draw.Over)
			for y := range b.Dy() {
				for x := range b.Dx() {
					p, q := got.RGBAAt(x, y), want.RGBAAt(x, y)
					if far(p.R, q.R) || far(p.G, q.G) || far(p.B, q.B) {
						t.Fatalf("colour at %d,%d is %v, not %v", x, y, p, q)
					}
					if v := color.GrayModel.Convert(q).(color.Gray).Y; far(g.GrayAt(x, y).Y, v) {
						t.Fatalf("grey at %d,%d is %d, not %d", x, y, g.GrayAt(x, y).Y, v)
					}
				}
			}
		})
	}
}

// far allows for rounding, of which JPEG's limited colours need most.
func far(a, b uint8) bool { return max(a, b)-min(a, b) > 2 }

func TestColourIsKeptWhereItMatters(t *testing.T) {
	stamp := documenttest.Grain(documenttest.Letterhead(800, 1100, white, black), 4)
	draw.Draw(stamp, image.Rect(500, 950, 560, 956), image.NewUniform(color.RGBA{60, 80, 190, 255}), image.Point{}, draw.Src)
	for name, c := range map[string]struct {
		img  image.Image
		gray bool
	}{
		"black writing with a scanner's noise": {documenttest.Grain(documenttest.Letterhead(800, 1100, white, black), 6), true},
		"a blue signature of one stroke":       {stamp, false},
		"typed page, slightly tinted":          {corpus(t, "fr-rapport-1984-p2.jpg"), true},
		"stamp on a programme":                 {corpus(t, "fr-programme-1962.jpg"), false},
		"highlighter over a receipt":           {corpus(t, "receipt-highlighter.jpg"), false},
		"form with a blue line of text":        {corpus(t, "sim-cerfa-15059-p2.jpg"), false},
		"already grey":                         {grayNoise(64, 64), true},
	} {
		if got := raster.IsGray(c.img); got != c.gray {
			t.Errorf("%s: grey %v, want %v", name, got, c.gray)
		}
	}
}

func TestJPEGOfAGreyPageHasOneComponent(t *testing.T) {
	for name, img := range map[string]image.Image{"grey": grayNoise(64, 48), "colour": noise(64, 48)} {
		data, err := raster.EncodeJPEG(img, 80)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width != 64 || c.Height != 48 || (c.ColorModel == color.GrayModel) != (name == "grey") {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if bytes.Contains(data, []byte("Exif")) || bytes.Contains(data, []byte("JFIF")) {
			t.Errorf("%s: metadata in the file", name)
		}
	}
}
