package mrc_test

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// byteBlock is how many pixels of a page a byte makes, across and down.
const byteBlock = 3

// bytesPage is a page of which each byte makes a small square; what they do
// not fill is white.
func bytesPage(width, kind uint8, pix []byte) (img image.Image, dpi int) {
	n := 8 + int(width)%64
	channels := 1
	if kind&1 != 0 {
		channels = 3
	}
	rows := min(len(pix)/(n*channels), 60) + 8
	gray := image.NewGray(image.Rect(0, 0, n*byteBlock, rows*byteBlock))
	rgba := image.NewRGBA(gray.Rect)
	for y := range gray.Rect.Dy() {
		for x := range gray.Rect.Dx() {
			v := [3]uint8{255, 255, 255}
			if i := (y/byteBlock*n + x/byteBlock) * channels; i+channels <= len(pix) {
				v = [3]uint8{pix[i], pix[i+channels/2], pix[i+channels-1]}
			}
			gray.SetGray(x, y, color.Gray{Y: v[0]})
			rgba.SetRGBA(x, y, color.RGBA{v[0], v[1], v[2], 255})
		}
	}
	dpi = []int{75, 150, 300, 0}[kind>>1&3]
	if channels == 1 {
		return gray, dpi
	}
	return rgba, dpi
}

// FuzzRoundTrip splits pages of any bytes, and looks at what another program
// draws of their layers: the ink is at its place.
func FuzzRoundTrip(f *testing.F) {
	white := bytes.Repeat([]byte{255}, 60*60)
	for _, at := range []int{800, 803, 1530, 2010} {
		for i := range 9 {
			white[at+i], white[at+i*60] = uint8(20*i), uint8(12*at)
		}
	}
	dense := make([]byte, 60*12) // is taken for a code
	for i, r := 0, rand.New(rand.NewPCG(1, 1)); i < len(dense); i++ {
		dense[i] = uint8(r.IntN(2)) * 255
	}
	for kind := range uint8(16) {
		f.Add(uint8(49), kind, dense)
		f.Add(uint8(52), kind, white)
		f.Add(uint8(4), 0x80|kind, white)
		f.Add(uint8(33), kind, []byte("Each of these words makes a small square, darker or lighter, of a page. "))
	}
	f.Fuzz(func(t *testing.T, width, kind uint8, pix []byte) {
		img, dpi := bytesPage(width, kind, pix)
		l := mrc.Split(img, dpi, mrc.Options{White: kind&8 != 0})
		if l.Photo {
			return
		}
		v := mrc.Level{BackgroundDPI: 150, Quality: 90, Gray: kind&16 != 0}
		p, _, err := l.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		drawn := documenttest.Drawn(t, documenttest.Natural(t, p), p.Width, p.Height)
		checkInk(t, l, p, drawn, v.Gray)
		if kind&8 == 0 {
			img = raster.Whiten(img)
		}
		checkCodes(t, p, raster.Gray(img), raster.Gray(drawn))
		for _, v := range mrc.Levels() {
			if _, _, err := l.Encode(v); err != nil {
				t.Fatal(err)
			}
		}
	})
}

const rim = 4 // pixels that the page's own edge may share

// checkInk compares the last stencil, which nothing but codes lies over, with
// what was drawn of it.
func checkInk(t *testing.T, l *mrc.Layers, p pdf.Page, drawn *image.RGBA, gray bool) {
	t.Helper()
	if len(l.Stencils) == 0 {
		return
	}
	s := l.Stencils[len(l.Stencils)-1]
	want := s.Color
	if gray {
		y := color.GrayModel.Convert(want).(color.Gray).Y
		want = color.RGBA{y, y, y, 255}
	}
	for y := rim; y < l.Height-rim; y++ {
		for x := rim; x < l.Width-rim; x++ {
			at := image.Rect(x-1, y-1, x+2, y+2)
			if !slices.ContainsFunc(p.Layers, func(m pdf.Image) bool { return m.Place.Overlaps(at) }) &&
				inside(s.Mask, x, y) && far(drawn.RGBAAt(x, y), want) {
				t.Fatalf("the ink at %d, %d is %v, want %v", x, y, drawn.RGBAAt(x, y), want)
			}
		}
	}
}

// checkCodes compares the codes of a coarse page, which are kept as pictures,
// with the page: the blocks of these JPEGs have the brightness that is there.
func checkCodes(t *testing.T, p pdf.Page, page, drawn *image.Gray) {
	t.Helper()
	const block = 8
	inner := page.Rect.Inset(rim)
	for _, m := range p.Layers {
		for y := m.Place.Min.Y; y+block <= m.Place.Max.Y; y += block {
			for x := m.Place.Min.X; x+block <= m.Place.Max.X; x += block {
				r := image.Rect(x, y, x+block, y+block)
				if want, got := mean(page, r), mean(drawn, r); r.In(inner) && max(want, got)-min(want, got) > slack {
					t.Fatalf("the code at %v is %d, want %d", r, got, want)
				}
			}
		}
	}
}

func mean(m *image.Gray, r image.Rectangle) int {
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range m.Pix[m.PixOffset(r.Min.X, y):][:r.Dx()] {
			sum += int(v)
		}
	}
	return sum / (r.Dx() * r.Dy())
}

// inside says whether a pixel and all around it are ink: the page's size in
// points is no whole number of pixels, and others are mixed with their
// neighbours.
func inside(m *jbig2.Bitmap, x, y int) bool {
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			if !m.Black(x+dx, y+dy) {
				return false
			}
		}
	}
	return true
}

// slack is for a page whose size in points is no whole number of pixels.
const slack = 48

func far(a, b color.RGBA) bool {
	apart := func(x, y uint8) bool { return max(x, y)-min(x, y) > slack }
	return apart(a.R, b.R) || apart(a.G, b.G) || apart(a.B, b.B)
}
