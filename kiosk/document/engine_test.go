package document_test

import (
	"bytes"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

// sheet draws a page that looks like a scanned letter: lines of dark strokes
// on paper with grain, and a coloured stamp.
func sheet(w, h int, colour bool, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		v := uint8(240 + r.IntN(12))
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = v, v, v, 255
	}
	line := max(h/60, 4)
	for y := h / 12; y < h*11/12; y += line {
		for x := w / 10; x < w*9/10; x += line / 2 {
			if r.IntN(6) == 0 {
				continue
			}
			stroke := image.Rect(x, y, x+line/8+1, y+line/2)
			if r.IntN(2) == 0 {
				stroke = image.Rect(x, y+r.IntN(line/2), x+line/3+1, y+line/2)
			}
			draw.Draw(img, stroke, image.NewUniform(color.Gray{Y: uint8(20 + r.IntN(40))}), image.Point{}, draw.Src)
		}
	}
	if colour {
		draw.Draw(img, image.Rect(w*6/10, h*8/10, w*8/10, h*9/10), image.NewUniform(color.RGBA{40, 60, 180, 255}), image.Point{}, draw.Src)
	}
	return img
}

func asJPEG(t testing.TB, img image.Image, q int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: q}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withOrientation puts an EXIF segment into a JPEG.
func withOrientation(jpg []byte, orientation byte) []byte {
	exif := append([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"), orientation, 0, 0, 0, 0, 0, 0, 0)
	out := append([]byte{}, jpg[:2]...)
	out = append(out, 0xff, 0xe1, byte((len(exif)+2)>>8), byte(len(exif)+2))
	return append(append(out, exif...), jpg[2:]...)
}

func TestPagesComeOutReady(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{})
	in := input(withOrientation(asJPEG(t, sheet(1754, 1240, true, 1), 90), 6))
	all, err := pages(t.Context(), e, in)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %d pages, %v", len(all), err)
	}
	p := all[0]
	if p.Width != 1240 || p.Height != 1754 {
		t.Errorf("turned as EXIF says it is 1240 by 1754, got %d by %d", p.Width, p.Height)
	}
	if p.DPI < 148 || p.DPI > 152 || p.Gray || p.Index != 0 || p.Total != 1 {
		t.Errorf("got %d dpi, grey %v, page %d of %d", p.DPI, p.Gray, p.Index, p.Total)
	}
	for name, b := range map[string][]byte{"master": p.Image, "preview": p.Preview, "thumb": p.Thumb} {
		c, _, err := image.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "preview" && c.Height != 1400 || name == "thumb" && c.Height != 320 {
			t.Errorf("%s is %d by %d", name, c.Width, c.Height)
		}
		if bytes.Contains(b, []byte("Exif")) {
			t.Errorf("%s holds metadata", name)
		}
	}
}

func TestWhatIsWrongWithAFileIsSaidPlainly(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{MaxPages: 3})
	letter := asJPEG(t, sheet(600, 800, false, 2), 80)
	for _, c := range []struct {
		name string
		data []byte
		want kiosk.Code
	}{
		{"no bytes", nil, kiosk.CodeFileEmpty},
		{"text", []byte("bonjour, ceci n'est pas une image"), kiosk.CodeFileUnknown},
		{"a web page", []byte("<!doctype html><html><body>x</body></html>"), kiosk.CodeFileUnknown},
		{"an old office file", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 4096)...), kiosk.CodeFileUnsupported},
		{"a PDF of nothing", []byte("%PDF-1.4\n%%EOF\n"), kiosk.CodeFileBroken},
		{"a JPEG that is only its head", letter[:200], kiosk.CodeFileBroken},
		{"a PNG cut short", asPNG(t, sheet(300, 300, true, 3))[:5000], kiosk.CodeFileBroken},
		{"a PNG of 30000 by 30000", pngHeader(30000, 30000), kiosk.CodeFileTooBig},
		{"a JPEG of 65500 by 65500", jpegHeader(65500, 65500), kiosk.CodeFileTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := pages(t.Context(), e, input(c.data))
			if got := kiosk.CodeOf(err); got != c.want || len(all) > 0 {
				t.Errorf("got %d pages, %v (code %q), want %q", len(all), err, got, c.want)
			}
		})
	}
}

func pngHeader(w, h int) []byte {
	be := func(v int) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	b = append(append(append(b, be(w)...), be(h)...), 8, 2, 0, 0, 0)
	crc := crc32.ChecksumIEEE(b[12:])
	return append(b, be(int(crc))...)
}

func jpegHeader(w, h int) []byte {
	return []byte{0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xd9}
}

func TestATruncatedPhotoKeepsItsTop(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{})
	b := asJPEG(t, sheet(1240, 1754, true, 4), 85)
	all, err := pages(t.Context(), e, input(b[:len(b)*6/10]))
	if err != nil || len(all) != 1 {
		t.Fatalf("got %d pages, %v", len(all), err)
	}
	if !slices.Contains(all[0].Findings, kiosk.Finding{Verdict: kiosk.VerdictPartial}) {
		t.Errorf("verdicts are %v", all[0].Findings)
	}
}

func TestAnErrorOfTheReceiverEndsTheImport(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{})
	full := errors.New("spool is full")
	err := e.Import(t.Context(), *input(asJPEG(t, sheet(600, 800, false, 5), 80)), func(kiosk.Page) error { return full })
	if err != full {
		t.Errorf("got %v, want the receiver's own error", err)
	}
	if _, err := pages(t.Context(), e, input(asJPEG(t, sheet(600, 800, false, 5), 80))); err != nil {
		t.Errorf("the next import fails: %v", err)
	}
}

func TestFilesStayUnderTheirLimits(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{})
	var all []kiosk.Page
	for i := range 3 {
		p, err := pages(t.Context(), e, input(asJPEG(t, sheet(1240, 1754, i == 0, uint64(i)), 92)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p...)
	}
	for _, c := range []struct {
		name   string
		target kiosk.Target
		pages  int
		files  []int // pages of each file wanted
		code   kiosk.Code
	}{
		{"a PDF of three pages", kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 3_000_000}, 3, []int{3}, ""},
		{"aiming lower", kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 9_000_000, AimBytes: 1_500_000}, 3, []int{3}, ""},
		{"too small to be read", kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 9_000}, 3, nil, kiosk.CodeCannotFit},
		{"in parts", kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 14_000, MaxFiles: 3}, 3, []int{1, 1, 1}, ""},
		{"one JPEG", kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 700_000}, 1, []int{1}, ""},
		{"three JPEGs", kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 700_000, MaxFiles: 5}, 3, []int{1, 1, 1}, ""},
		{"both sides in one JPEG", kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 1_200_000}, 2, []int{2}, ""},
		{"a PNG", kiosk.Target{Format: kiosk.FormatPNG, MaxBytes: 1_000_000}, 1, []int{1}, ""},
		{"a PNG too small to be read", kiosk.Target{Format: kiosk.FormatPNG, MaxBytes: 4_000}, 1, nil, kiosk.CodeCannotFit},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkFit(t, e, all[:c.pages], c.target, c.files, c.code)
		})
	}
}

func checkFit(t *testing.T, e *document.Engine, all []kiosk.Page, target kiosk.Target, files []int, code kiosk.Code) {
	t.Helper()
	last := 0
	progress := func(done, total int) {
		if done <= last || done > total || total != len(all) {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	}
	r := refs(nil, all)
	got, err := e.Convert(t.Context(), r, target, progress)
	if kiosk.CodeOf(err) != code {
		t.Fatalf("got %v, want code %q", err, code)
	}
	if err != nil {
		return
	}
	var sizes []int
	for _, f := range got.Files {
		sizes = append(sizes, f.Pages)
		if int64(len(f.Data)) >= target.MaxBytes || f.Format != target.Format {
			t.Errorf("got a %s of %d bytes", f.Format, len(f.Data))
		}
		if target.Format == kiosk.FormatPDF {
			checkPDF(t, f.Data, f.Pages)
		} else if _, name, err := image.Decode(bytes.NewReader(f.Data)); err != nil || name != string(target.Format) {
			t.Errorf("%s does not decode: %v", name, err)
		}
	}
	if !slices.Equal(sizes, files) {
		t.Errorf("files have %v pages, want %v", sizes, files)
	}
	if len(all) == 3 {
		return
	}
	again, err := e.Convert(t.Context(), r, target, nil)
	if err != nil || len(again.Files) != len(got.Files) || !bytes.Equal(again.Files[0].Data, got.Files[0].Data) {
		t.Errorf("the same pages gave another file: %v", err)
	}
}

func TestAnOriginThatFitsIsPassedOnWithoutMetadata(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{})
	jpg := asJPEG(t, sheet(800, 1000, true, 7), 80)
	withExif := withOrientation(jpg, 1)
	in := input(withExif)
	all, err := pages(t.Context(), e, in)
	if err != nil {
		t.Fatal(err)
	}
	target := kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 1_000_000}
	got, err := e.Convert(t.Context(), refs(in, all), target, nil)
	if err != nil || !got.Passed || !bytes.Equal(got.Files[0].Data, jpg) {
		t.Errorf("passed %v, %v; want the same picture without its metadata", got.Passed, err)
	}
	turned := refs(in, all)
	turned[0].Turn = 90
	got, err = e.Convert(t.Context(), turned, target, nil)
	if err != nil || got.Passed {
		t.Errorf("a turned page was passed on: %v, %v", got.Passed, err)
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(got.Files[0].Data))
	if err != nil || c.Width != 1000 || c.Height != 800 {
		t.Errorf("turned it is %d by %d, %v", c.Width, c.Height, err)
	}
}

func TestActiveContentDoesNotSurvive(t *testing.T) {
	t.Parallel()
	name := documenttest.Path(t, "hostile-active.pdf")
	e := newEngine(t, document.Options{})
	in := input(readFile(t, name))
	all, err := pages(t.Context(), e, in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Convert(t.Context(), refs(in, all), kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 1_000_000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkPDF(t, got.Files[0].Data, 1)
	plain := unpack(t, got.Files[0].Data)
	for _, word := range []string{"JavaScript", "/JS", "Launch", "EmbeddedFile", "OpenAction", "/AA", "URI", ".exe"} {
		if bytes.Contains(plain, []byte(word)) {
			t.Errorf("%s survived", word)
		}
	}
}
