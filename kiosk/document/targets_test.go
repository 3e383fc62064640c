package document_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
)

// A TIFF has all pages, each in the form that suits it, for programs of others.
func TestPagesBecomeATIFF(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, fax := imported(t, e, "ocrmypdf-cardinal.pdf")
	_, card := imported(t, e, "photo-cni-specimen.jpg")
	c := made(t, e, []kiosk.PageRef{fax[0], card[0]}, kiosk.FormatTIFF, 1_000_000)
	if !slices.Equal(c.Forms, []string{"bilevel", "picture"}) {
		t.Errorf("forms are %v", c.Forms)
	}
	out := output(t, "identify", "-quiet", "-format", "%m %C %x%U %w\n", saved(t, c.Files[0].Data))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "TIFF Group4 ") || !strings.HasPrefix(lines[1], "TIFF JPEG ") || !strings.Contains(lines[0], "PixelsPerInch") {
		t.Errorf("ImageMagick finds %q", lines)
	}
	if _, err := e.Convert(t.Context(), fax, kiosk.Target{Format: kiosk.FormatTIFF, MaxBytes: 9_000}, nil); kiosk.CodeOf(err) != kiosk.CodeCannotFit {
		t.Errorf("four pages in 9 kB: %v", err)
	}
}

// numbered are pages that tell which they are by their shape.
func numbered(t *testing.T, e *document.Engine, n int) []kiosk.PageRef {
	t.Helper()
	var all []kiosk.PageRef
	for i := range n {
		in := input(asJPEG(t, sheet(1000, 1200+20*i, false, uint64(500+i)), 85))
		in.Scanned, in.DPI, in.AsIs = true, 120, true
		p, err := pages(t.Context(), e, in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, refs(in, p)...)
	}
	return all
}

// What does not fit in one file comes in several that follow each other, as
// few as will do and no more than the field takes.
func TestPartsFollowTheOrderOfPages(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	all := numbered(t, e, 6)
	whole := len(made(t, e, all, kiosk.FormatPDF, 5_000_000).Files[0].Data)
	limit := int64(whole/2 + 6_000)
	c, err := e.Convert(t.Context(), all, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: limit, MaxFiles: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, f := range c.Files {
		if int64(len(f.Data)) >= limit {
			t.Errorf("part %d: %d bytes", i+1, len(f.Data))
		}
		checkPDF(t, f.Data, f.Pages)
		n += f.Pages
	}
	if n != 6 || len(c.Files) > 4 {
		t.Errorf("%d pages in %d files", n, len(c.Files))
	}
	pictures, err := e.Convert(t.Context(), all, kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 500_000, MaxFiles: 6}, nil)
	if err != nil || len(pictures.Files) != 6 {
		t.Fatalf("%d pictures, %v", len(pictures.Files), err)
	}
	for i, f := range pictures.Files {
		c, err := jpeg.DecodeConfig(bytes.NewReader(f.Data))
		if want := float64(1200+20*i) / 1000; err != nil || float64(c.Height)/float64(c.Width) < want-0.005 || float64(c.Height)/float64(c.Width) > want+0.005 {
			t.Errorf("picture %d is %d by %d, %v", i+1, c.Width, c.Height, err)
		}
	}
}

// What can't be read any more is not made: the answer is that it does not fit.
func TestWhatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	for _, name := range []string{"fr-lettre-pale.jpg", "cerfa-15059.pdf", "photo-cni-specimen.jpg"} {
		_, all := imported(t, e, name)
		for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG, kiosk.FormatTIFF} {
			c, err := e.Convert(t.Context(), all, kiosk.Target{Format: f, MaxBytes: 3_000}, nil)
			if kiosk.CodeOf(err) != kiosk.CodeCannotFit || len(c.Files) > 0 {
				t.Errorf("%s as %s in 3 kB: %d files, %v", name, f, len(c.Files), err)
			}
		}
	}
}

// A picture in the right format that is light enough stays as it is, but for
// its metadata, and never grows.
func TestPicturesThatFitStayAsTheyAre(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	img := sheet(900, 1200, true, 31)
	for f, data := range map[kiosk.Format][]byte{kiosk.FormatJPEG: asJPEG(t, img, 60), kiosk.FormatPNG: asPNG(t, img)} {
		in := input(data)
		in.AsIs = true
		all, err := pages(t.Context(), e, in)
		if err != nil {
			t.Fatal(err)
		}
		c := made(t, e, refs(in, all), f, in.Size+1)
		before, _, err1 := image.Decode(bytes.NewReader(data))
		after, _, err2 := image.Decode(bytes.NewReader(c.Files[0].Data))
		if err1 != nil || err2 != nil || !c.Passed || int64(len(c.Files[0].Data)) > in.Size || fmt.Sprint(before.At(300, 300), before.At(77, 901)) != fmt.Sprint(after.At(300, 300), after.At(77, 901)) {
			t.Errorf("%s: passed %v, %d bytes of %d, %v, %v", f, c.Passed, len(c.Files[0].Data), in.Size, err1, err2)
		}
		if n := int64(len(made(t, e, refs(in, all), f, in.Size*4/5).Files[0].Data)); n >= in.Size*4/5 {
			t.Errorf("%s: %d bytes under four fifths of %d", f, n, in.Size)
		}
	}
}

// Pictures of a PDF's pages are as fine as the limit permits: that the PDF was
// small is no reason to make them hard to read.
func TestPicturesOfASmallPDFAreFine(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, all := imported(t, e, "cerfa-15059.pdf")
	c, err := e.Convert(t.Context(), all, kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 2_000_000, MaxFiles: 4}, nil)
	if err != nil || len(c.Files) != 4 || c.Level > 1 || c.Gray {
		t.Errorf("%d files, level %d, %d dpi, grey %v, %v", len(c.Files), c.Level, c.DPI, c.Gray, err)
	}
}
