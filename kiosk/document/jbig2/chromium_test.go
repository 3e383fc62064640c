package jbig2_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/pdf"
)

// cssDPI is the resolution at which Chromium, whose viewer of documents is
// PDFium, shows a pixel of a page as one pixel of the screen.
const cssDPI = 96

// viewerRim is how far around a page its viewer's own things reach at the most.
const viewerRim = 24

// asPage is a page that is one picture.
func asPage(b *jbig2.Bitmap) pdf.Page {
	return pdf.Page{Data: jbig2.Encode(b), Encoding: pdf.JBIG2, Width: b.Width, Height: b.Height, DPI: cssDPI}
}

// stencil is a picture that is painted in a colour at a place of a page.
type stencil struct {
	*jbig2.Bitmap
	x, y  int
	color color.RGBA
}

// asStencils is a white page on which pictures are painted.
func asStencils(w, h int, stencils []stencil) pdf.Page {
	p := asPage(jbig2.NewBitmap(w, h))
	for _, s := range stencils {
		p.Layers = append(p.Layers, pdf.Image{Data: jbig2.Encode(s.Bitmap), Encoding: pdf.JBIG2, Width: s.Width, Height: s.Height,
			Place: image.Rect(s.x, s.y, s.x+s.Width, s.y+s.Height), Stencil: true, Color: s.color})
	}
	return p
}

// painted is what a page must look like.
func painted(w, h int, stencils ...stencil) *image.RGBA {
	want := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(want, want.Rect, image.White, image.Point{}, draw.Src)
	for _, s := range stencils {
		for y := range s.Height {
			for x := range s.Width {
				if s.Black(x, y) {
					want.SetRGBA(s.x+x, s.y+y, s.color)
				}
			}
		}
	}
	return want
}

// served is where a browser of this test finds a page's file.
func served(t *testing.T, p pdf.Page) string {
	t.Helper()
	file := documenttest.Natural(t, p)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/#toolbar=0&navpanes=0&zoom=100"
}

// shows says whether every pixel of a page stands somewhere on a screen: the
// viewer puts the page in the middle, below its own edge.
func shows(shot []byte, want *image.RGBA) (bool, error) {
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return false, err
	}
	screen := image.NewRGBA(img.Bounds())
	draw.Draw(screen, screen.Rect, img, image.Point{}, draw.Src)
	spare := screen.Rect.Size().Sub(want.Rect.Size())
	for i := range (spare.X + 1) * (spare.Y + 1) {
		x, y := i%(spare.X+1), i/(spare.X+1)
		if samePixels(want, screen.SubImage(want.Rect.Add(image.Pt(x, y))).(*image.RGBA)) {
			return true, nil
		}
	}
	return false, nil
}

func samePixels(a, b *image.RGBA) bool {
	for y := range a.Rect.Dy() {
		if n := 4 * a.Rect.Dx(); !bytes.Equal(a.Pix[y*a.Stride:][:n], b.Pix[y*b.Stride:][:n]) {
			return false
		}
	}
	return true
}

// sameInPDFium shows a page in a tab of its own until it has every pixel.
func sameInPDFium(ctx context.Context, t *testing.T, b *devtools.Browser, p pdf.Page, want *image.RGBA) {
	t.Helper()
	tab, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Screen(ctx, p.Width+viewerRim, p.Height+viewerRim); err != nil {
		t.Fatal(err)
	}
	if err := tab.Navigate(ctx, served(t, p)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(15 * time.Second)
	for same := false; !same; {
		shot, err := tab.Screenshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if same, err = shows(shot, want); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("a page of %d by %d pixels is shown different", p.Width, p.Height)
		}
	}
	if err := tab.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestPDFiumShowsEveryPixel(t *testing.T) {
	documenttest.Tool(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := devtools.Start(ctx, devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	black := color.RGBA{A: 255}
	for _, m := range []*jbig2.Bitmap{documenttest.Bilevel(t, "sim-cerfa-12100-p1.jpg", "1241x"), random(1, 333, 201, 0.2), random(6, 177, 177, 0.5), random(2, 65, 1, 0.5)} {
		sameInPDFium(ctx, t, b, asPage(m), painted(m.Width, m.Height, stencil{m, 0, 0, black}))
	}
	stencils := []stencil{
		{random(1, 503, 301, 0.2), 13, 7, black}, {random(3, 500, 300, 0.1), 20, 11, color.RGBA{R: 255, B: 255, A: 255}},
		{random(4, 7, 300, 0.9), 520, 3, black}, {random(5, 1, 311, 0.5), 530, 1, black}, {random(6, 511, 1, 0.5), 9, 318, black},
		{random(8, 1, 1, 1), 540, 320, black}, {random(9, 8, 8, 0.5), 541, 300, color.RGBA{R: 255, A: 255}},
	}
	sameInPDFium(ctx, t, b, asStencils(551, 323, stencils), painted(551, 323, stencils...))
}
