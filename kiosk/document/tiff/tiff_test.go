package tiff_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"

	xtiff "golang.org/x/image/tiff"

	"pointnum/kiosk/document/ccitt"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/tiff"
)

func write(t testing.TB, pages ...tiff.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tiff.Write(&b, pages); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func lossless(t testing.TB, m image.Image) tiff.Page {
	t.Helper()
	p, err := tiff.Lossless(m)
	if err != nil {
		t.Fatal(err)
	}
	p.DPI = 200
	return p
}

// jpegPage is a JPEG made by Go (two by two sampled), or by ImageMagick with
// the given options.
func jpegPage(t testing.TB, m image.Image, options ...string) tiff.Page {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	if options != nil {
		data = documenttest.Quiet(t, "convert", slices.Concat([]string{documenttest.Save(t, "in.jpg", data)}, options, []string{"jpeg:-"})...)
	}
	_, isGray := m.(*image.Gray)
	return tiff.Page{Data: data, Encoding: tiff.JPEG, Width: m.Bounds().Dx(), Height: m.Bounds().Dy(), Gray: isGray, DPI: 150}
}

func bilevel(w, h int) (tiff.Page, *image.Gray) {
	b, m := jbig2.NewBitmap(w, h), image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if (x/7+y/5)%3 == 0 {
				b.Set(x, y)
			} else {
				m.Pix[y*m.Stride+x] = 255
			}
		}
	}
	return tiff.Page{Data: ccitt.Encode(b), Encoding: tiff.G4, Width: w, Height: h, DPI: 300}, m
}

// kinds are pages of all kinds, and how each should look.
func kinds(t testing.TB) (pages []tiff.Page, want []image.Image) {
	t.Helper()
	decoded := func(p tiff.Page) image.Image {
		m, err := jpeg.Decode(bytes.NewReader(p.Data))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	g4, m := bilevel(203, 101)
	pages, want = append(pages, g4), append(want, m)
	for _, m := range []image.Image{documenttest.Gradient(61, 40), documenttest.GrayGradient(33, 21)} {
		pages, want = append(pages, lossless(t, m)), append(want, m)
		for _, options := range [][]string{nil, {"-sampling-factor", "1x1", "-interlace", "none"}, {"-sampling-factor", "2x1", "-define", "jpeg:restart-interval=4"}} {
			p := jpegPage(t, m, options...)
			pages, want = append(pages, p), append(want, decoded(p))
		}
	}
	return pages, want
}

// same compares pictures; JPEG decoders differ a little.
func same(t testing.TB, name string, got, want image.Image, slack int) {
	t.Helper()
	if got.Bounds().Size() != want.Bounds().Size() {
		t.Errorf("%s: %v, want %v", name, got.Bounds(), want.Bounds())
		return
	}
	g, w := got.Bounds().Min, want.Bounds().Min
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, gr, b, _ := got.At(g.X+x, g.Y+y).RGBA()
			R, GR, B, _ := want.At(w.X+x, w.Y+y).RGBA()
			for _, d := range []int{int(r>>8) - int(R>>8), int(gr>>8) - int(GR>>8), int(b>>8) - int(B>>8)} {
				if max(d, -d) > slack {
					t.Errorf("%s: %v at %d, %d, want %v", name, got.At(g.X+x, g.Y+y), x, y, want.At(w.X+x, w.Y+y))
					return
				}
			}
		}
	}
}

// slack is what may differ: nothing but how decoders of JPEG spread colours
// that were sampled by half.
func slack(p tiff.Page) int {
	if p.Encoding == tiff.JPEG {
		return 16
	}
	return 0
}

func TestLibtiffReadsAllPages(t *testing.T) {
	pages, want := kinds(t)
	path := documenttest.Save(t, "file.tif", write(t, pages...))
	for i := range pages {
		m, err := png.Decode(bytes.NewReader(documenttest.Quiet(t, "convert", fmt.Sprintf("%s[%d]", path, i), "png:-")))
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("page %d", i), m, want[i], slack(pages[i]))
	}
	out := string(documenttest.Quiet(t, "identify", "-format", "%p %w %h %x %C\n", path))
	for i, p := range pages {
		if line := fmt.Sprintf("%d %d %d %d ", i, p.Width, p.Height, p.DPI); !strings.Contains(out, line) {
			t.Errorf("no page %q in\n%s", line, out)
		}
	}
}

func TestMuPDFReadsAllPages(t *testing.T) {
	pages, want := kinds(t)
	data := write(t, pages...)
	for i := range pages {
		m, err := mupdf.TIFF(data, i, 64<<20, nil)
		if err != nil {
			t.Fatalf("page %d: %v", i, err)
		}
		more := 1
		if pages[i].Gray {
			more = 20 // it takes grey for a colour space of its own
		}
		same(t, fmt.Sprintf("page %d", i), m, want[i], slack(pages[i])+more)
	}
}

func TestGoReadsWhatIsLossless(t *testing.T) {
	pages, want := kinds(t)
	for i, p := range pages {
		if p.Encoding == tiff.JPEG {
			continue
		}
		m, err := xtiff.Decode(bytes.NewReader(write(t, p)))
		if err != nil {
			t.Fatalf("page %d: %v", i, err)
		}
		same(t, fmt.Sprintf("page %d", i), m, want[i], 0)
	}
}

func TestLosslessTakesAnyOpaquePicture(t *testing.T) {
	full := documenttest.Gradient(40, 30)
	part := full.SubImage(image.Rect(5, 6, 20, 17))
	ycc := image.NewYCbCr(image.Rect(3, 3, 19, 13), image.YCbCrSubsampleRatio444)
	for i := range ycc.Y {
		ycc.Y[i], ycc.Cb[i], ycc.Cr[i] = uint8(i), uint8(2*i), 90
	}
	for _, m := range []image.Image{part, ycc, documenttest.GrayGradient(9, 9).SubImage(image.Rect(2, 3, 7, 8))} {
		got, err := xtiff.Decode(bytes.NewReader(write(t, lossless(t, m))))
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("%T", m), got, m, 0)
	}
	if _, err := tiff.Lossless(image.NewRGBA(image.Rect(0, 0, 4, 4))); err == nil {
		t.Error("a transparent picture was packed")
	}
	if _, err := tiff.Lossless(image.NewGray(image.Rectangle{})); err == nil {
		t.Error("no picture was packed")
	}
}

func TestTheSizeIsKnownBefore(t *testing.T) {
	pages, _ := kinds(t)
	sum := int64(tiff.FileOverhead)
	for _, p := range pages {
		sum += p.Size()
	}
	data := write(t, pages...)
	if n := int64(len(data)); n != tiff.Size(pages) || n != sum {
		t.Errorf("%d bytes, expected %d, by page %d", n, tiff.Size(pages), sum)
	}
	if n := int64(len(write(t, pages[0]))); n != tiff.Size(pages[:1]) || n > tiff.FileOverhead+pages[0].Size() {
		t.Errorf("one page takes %d bytes, expected %d", n, tiff.Size(pages[:1]))
	}
	if !bytes.Equal(data, write(t, pages...)) {
		t.Error("the same pages give another file")
	}
}

func TestWhereAPictureComesFromIsLeftOut(t *testing.T) {
	p := jpegPage(t, documenttest.GrayGradient(30, 40), "-set", "comment", "Anne Martin")
	exif := []byte("\xff\xe1\x00\x16Exif\x00\x00Paris 48.85 2.3")
	p.Data = slices.Concat(p.Data[:2], exif[:2], []byte{0, byte(len(exif) - 2)}, exif[4:], p.Data[2:])
	if !bytes.Contains(p.Data, []byte("Anne")) || !bytes.Contains(p.Data, []byte("Paris")) {
		t.Fatal("there is nothing to leave out")
	}
	data := write(t, p)
	for _, s := range []string{"Anne", "Paris", "Exif", "JFIF"} {
		if bytes.Contains(data, []byte(s)) {
			t.Errorf("the file says %s", s)
		}
	}
	documenttest.Quiet(t, "identify", documenttest.Save(t, "file.tif", data))
}

func TestWrongPagesAreRefused(t *testing.T) {
	good := jpegPage(t, documenttest.Gradient(30, 40))
	progressive := jpegPage(t, documenttest.Gradient(30, 40), "-interlace", "jpeg")
	cmyk := jpegPage(t, documenttest.Gradient(30, 40), "-colorspace", "cmyk")
	change := func(f func(p *tiff.Page)) tiff.Page { p := good; f(&p); return p }
	for name, p := range map[string]tiff.Page{
		"nothing":          {},
		"progressive":      progressive,
		"four components":  cmyk,
		"sampled in rows":  jpegPage(t, documenttest.Gradient(30, 40), "-sampling-factor", "1x3"),
		"another size":     change(func(p *tiff.Page) { p.Width++ }),
		"said to be grey":  change(func(p *tiff.Page) { p.Gray = true }),
		"not a JPEG":       change(func(p *tiff.Page) { p.Data = []byte("GIF89a") }),
		"unknown encoding": change(func(p *tiff.Page) { p.Encoding = 9 }),
		"no data":          {Encoding: tiff.G4, Width: 9, Height: 9},
	} {
		if err := tiff.Write(io.Discard, []tiff.Page{p}); err == nil || p.Size() != 0 || tiff.Size([]tiff.Page{p}) != 0 {
			t.Errorf("%s: written", name)
		}
	}
	if tiff.Write(io.Discard, nil) == nil {
		t.Error("a file without pages was written")
	}
	for n := range good.Data {
		p := change(func(p *tiff.Page) { p.Data = p.Data[:n] })
		if tiff.Write(io.Discard, []tiff.Page{p}) == nil {
			t.Fatalf("a JPEG cut to %d bytes was written", n)
		}
	}
}

func TestAFailingWriterIsReported(t *testing.T) {
	page, _ := bilevel(30, 40)
	for left := range len(write(t, page)) {
		if err := tiff.Write(&documenttest.FullDisk{Left: left}, []tiff.Page{page}); !errors.Is(err, documenttest.ErrFull) {
			t.Fatalf("after %d bytes: %v", left, err)
		}
	}
}

func FuzzJPEG(f *testing.F) {
	for _, p := range []tiff.Page{jpegPage(f, documenttest.Gradient(9, 9)), jpegPage(f, documenttest.GrayGradient(8, 8))} {
		f.Add(p.Data, p.Width, p.Height, p.Gray)
	}
	f.Fuzz(func(t *testing.T, data []byte, w, h int, gray bool) {
		pages := []tiff.Page{{Data: data, Encoding: tiff.JPEG, Width: w, Height: h, Gray: gray}}
		var b bytes.Buffer
		if tiff.Write(&b, pages) == nil && int64(b.Len()) != tiff.Size(pages) {
			t.Errorf("%d bytes, expected %d", b.Len(), tiff.Size(pages))
		}
	})
}
