package decode_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/raster"
)

// scene is a picture whose rows differ in what packs them best.
func scene(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{uint8(x * 3), uint8(y * 5), uint8(x*x/7 + y*3), 255}
			if y/8%3 == 1 {
				c.R, c.G = uint8(x*y), uint8(x^y)
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// pictures are the kinds of pixels that PNG files have.
func pictures() map[string]image.Image {
	s := scene(151, 97)
	clear := image.NewNRGBA(s.Rect)
	for i, v := range s.Pix {
		clear.Pix[i] = v
		if i%4 == 3 && i/4%5 == 0 {
			clear.Pix[i] = uint8(i / 4)
		}
	}
	deep := image.NewRGBA64(s.Rect)
	for i := range deep.Pix {
		deep.Pix[i] = s.Pix[i/2] + uint8(i%2*77)
		if i%8 >= 6 {
			deep.Pix[i] = 255
		}
	}
	table, clearTable := image.NewPaletted(s.Rect, nil), image.NewPaletted(s.Rect, nil)
	for i := range table.Pix {
		table.Pix[i], clearTable.Pix[i] = s.Pix[4*i+2], s.Pix[4*i+2]
	}
	for i := range 256 {
		table.Palette = append(table.Palette, color.NRGBA{uint8(i), uint8(3 * i), uint8(7 * i), 255})
		clearTable.Palette = append(clearTable.Palette, color.NRGBA{uint8(i), uint8(3 * i), uint8(7 * i), uint8(5 * i)})
	}
	few := image.NewPaletted(s.Rect, color.Palette{color.White, color.Black, color.NRGBA{200, 0, 0, 255}})
	for i := range few.Pix {
		few.Pix[i] = uint8(i / 9 % 3)
	}
	return map[string]image.Image{
		"colour": raster.ToRGBA(s), "grey": raster.Gray(s), "transparent": clear, "deep": deep,
		"palette": table, "transparent palette": clearTable, "few colours": few,
	}
}

func wanting(side int) decode.Limits {
	l := limits
	l.WantSide = side
	return l
}

// onePageOf decodes the only page of a file.
func onePageOf(data []byte, l decode.Limits) (image.Image, error) {
	s, err := decode.Open(data, l)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	p, err := s.Page(0)
	return p.Image, err
}

// sameAs says what a picture has that the one it should be has not.
func sameAs(got, want image.Image) error {
	g, w := raster.ToRGBA(got), raster.ToRGBA(want)
	if g.Rect != w.Rect {
		return fmt.Errorf("is %v, not %v", g.Rect, w.Rect)
	}
	if !bytes.Equal(g.Pix, w.Pix) {
		return fmt.Errorf("has other pixels")
	}
	return nil
}

// halfOf is a picture on white at half its size.
func halfOf(img image.Image) image.Image {
	b := img.Bounds()
	return raster.Scale(raster.ToRGBA(img), (b.Dx()+1)/2, (b.Dy()+1)/2)
}

func TestPNGFilesAreReadAsTheyAreWritten(t *testing.T) {
	for name, img := range pictures() {
		for _, level := range []png.CompressionLevel{png.DefaultCompression, png.NoCompression} {
			var b bytes.Buffer
			enc := png.Encoder{CompressionLevel: level}
			if err := enc.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			got, err := onePageOf(b.Bytes(), limits)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", whole) {
				t.Errorf("%s: %T, the standard library gives %T", name, got, whole)
			}
			if err := sameAs(got, whole); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestLargePNGFilesAreHalvedWhileTheyAreRead(t *testing.T) {
	for name, img := range pictures() {
		if name == "grey" || name == "few colours" {
			continue // small enough
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		got, err := onePageOf(b.Bytes(), wanting(70))
		if err != nil {
			t.Fatal(err)
		}
		if err := sameAs(got, halfOf(img)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGreyPNGFilesWithAlphaAreRead(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "grey.png")
	data := run(t, out, "convert", draw(t, dir), "-alpha", "set", "-channel", "A", "-evaluate", "multiply", "0.6", "+channel", "-define", "png:color-type=4", "-define", "png:bit-depth=8", out)
	want, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := onePageOf(data, limits); err != nil || sameAs(got, want) != nil {
		t.Errorf("%v, %v", err, sameAs(got, want))
	}
	if got, err := onePageOf(data, wanting(100)); err != nil || sameAs(got, halfOf(want)) != nil {
		t.Errorf("half: %v, %v", err, sameAs(got, halfOf(want)))
	}
}

// damaged gives a file with each of some bytes changed, and cut at them.
func damaged(data []byte, each func(what string, data []byte)) {
	for at := 8; at < len(data); at += max(1, len(data)/80) {
		each(fmt.Sprint("cut at ", at), data[:at])
		other := bytes.Clone(data)
		other[at] ^= 0x55
		each(fmt.Sprint("changed at ", at), other)
	}
}

func TestDamagedPNGFilesAreRefused(t *testing.T) {
	for name, img := range pictures() {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		damaged(b.Bytes(), func(what string, data []byte) {
			_, wanted := png.Decode(bytes.NewReader(data))
			for _, side := range []int{0, 70} {
				if _, err := onePageOf(data, wanting(side)); (err == nil) != (wanted == nil) {
					t.Errorf("%s, %s: %v, the standard library says %v", name, what, err, wanted)
				}
			}
		})
	}
}

// tiffs are the ways in which programs write a colour picture.
func tiffs(t *testing.T, dir, from string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, args := range map[string][]string{
		"plain":        {"-compress", "none"},
		"lzw":          {"-compress", "lzw"},
		"one strip":    {"-compress", "lzw", "-define", "tiff:rows-per-strip=2000"},
		"flate":        {"-compress", "zip"},
		"no predictor": {"-compress", "zip", "-define", "tiff:predictor=1"},
		"runs":         {"-compress", "rle"},
		"tiles":        {"-compress", "lzw", "-define", "tiff:tile-geometry=64x48"},
		"high first":   {"-compress", "lzw", "-endian", "MSB"},
		"deep":         {"-compress", "zip", "-depth", "16", "-evaluate", "multiply", "0.7"},
		"deep, high":   {"-compress", "lzw", "-depth", "16", "-evaluate", "multiply", "0.7", "-endian", "MSB"},
		"palette":      {"-compress", "lzw", "-type", "Palette"},
		"alpha":        {"-compress", "zip", "-alpha", "set", "-channel", "A", "-evaluate", "multiply", "0.6", "+channel"},
		"mixed alpha":  {"-compress", "zip", "-alpha", "set", "-channel", "A", "-evaluate", "multiply", "0.6", "+channel", "-define", "tiff:alpha=associated"},
	} {
		if !strings.Contains(name, "alpha") && name != "palette" {
			args = append(args, "-type", "TrueColor") // no palette
		}
		out := filepath.Join(dir, "out.tif")
		files[name] = run(t, out, "convert", append(append([]string{from}, args...), out)...)
	}
	return files
}

func TestLargeTIFFFilesAreHalvedWhileTheyAreRead(t *testing.T) {
	dir := t.TempDir()
	for name, data := range tiffs(t, dir, draw(t, dir)) {
		whole, err := tiff.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, err := decode.Open(data, wanting(100))
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Page(0)
		s.Close()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := sameAs(p.Image, halfOf(whole)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := onePageOf(data, limits); err != nil || sameAs(got, whole) != nil {
			t.Errorf("%s, whole: %v, %v", name, err, sameAs(got, whole))
		}
	}
}

func TestTheResolutionOfWhatWasHalvedIsHalf(t *testing.T) {
	dir := t.TempDir()
	from := draw(t, dir)
	for _, name := range []string{"out.png", "out.tif"} {
		out := filepath.Join(dir, name)
		data := run(t, out, "convert", from, "-units", "PixelsPerInch", "-density", "600", "-type", "TrueColor", out)
		s, err := decode.Open(data, wanting(100))
		if err != nil {
			t.Fatal(err)
		}
		if p, err := s.Page(0); err != nil || p.DPI != 300 || p.Image.Bounds().Dx() != 120 {
			t.Errorf("%s: %v, %d dpi, %v", name, p.Image.Bounds(), p.DPI, err)
		}
		s.Close()
	}
}

func FuzzPNG(f *testing.F) {
	for _, img := range pictures() {
		var b bytes.Buffer
		if err := png.Encode(&b, img.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(image.Rect(0, 0, 20, 12))); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	small := decode.Limits{MaxPages: 3, MaxPixels: 1 << 16, MaxMemory: 32 << 20}
	half := small
	half.WantSide = 8
	f.Fuzz(func(t *testing.T, data []byte) {
		if decode.Sniff(data) != decode.PNG {
			return
		}
		c, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width > 1<<8 || c.Height > 1<<8 {
			return
		}
		want, wrong := png.Decode(bytes.NewReader(data))
		got, err := onePageOf(data, small)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%v, the standard library says %v", err, wrong)
		}
		if _, err := onePageOf(data, half); (err == nil) != (wrong == nil) {
			t.Fatalf("half: %v, the standard library says %v", err, wrong)
		}
		if wrong == nil {
			if err := sameAs(got, want); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestLargeTIFFFilesOfJPEGAreHalvedWhileTheyAreRead(t *testing.T) {
	dir := t.TempDir()
	from, out := draw(t, dir), filepath.Join(dir, "out.tif")
	want := raster.ToRGBA(halfOf(readPNG(t, from)))
	for name, args := range map[string][]string{
		"strips": {}, "one strip": {"-define", "tiff:rows-per-strip=400"}, "tiles": {"-define", "tiff:tile-geometry=64x48"},
		"luma": {"-colorspace", "YCbCr"}, "luma, one strip": {"-colorspace", "YCbCr", "-define", "tiff:rows-per-strip=400"},
	} {
		data := run(t, out, "convert", append(append([]string{from, "-type", "TrueColor", "-compress", "jpeg", "-quality", "95"}, args...), out)...)
		got, err := onePageOf(data, wanting(100))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := away(raster.ToRGBA(got), want); d > 3 {
			t.Errorf("%s: %.1f away, %v", name, d, got.Bounds())
		}
	}
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(readFile(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	return img
}
