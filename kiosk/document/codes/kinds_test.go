package codes_test

import (
	"image"
	"math"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/makiuchi-d/gozxing/datamatrix/encoder"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
	xdraw "golang.org/x/image/draw"

	"pointnum/kiosk/document/codes"
)

// bars is how high bar codes are, of their width.
const bars = 0.35

// kinds are codes of the kinds that papers bear, without margins.
func kinds(t testing.TB) map[string]*gozxing.BitMatrix {
	all := make(map[string]*gozxing.BitMatrix)
	add := func(name, text string, w gozxing.Writer, f gozxing.BarcodeFormat) {
		none := map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_MARGIN: 0,
			gozxing.EncodeHintType_DATA_MATRIX_SHAPE: encoder.SymbolShapeHint_FORCE_SQUARE}
		m, err := w.Encode(text, f, 1, 1, none)
		if err != nil {
			t.Fatal(name, err)
		}
		all[name] = m
	}
	long := "DC04FR000001125E125E0125FR26Jean Dupont 12 rue de la Paix 75002 Paris 0123456789 ABCDEFGHIJ KLMNOPQRSTUV"
	add("QR", "https://example.org/a", qrcode.NewQRCodeWriter(), gozxing.BarcodeFormat_QR_CODE)
	add("QR, long", long+long, qrcode.NewQRCodeWriter(), gozxing.BarcodeFormat_QR_CODE)
	add("DataMatrix", "0123456789ABCDEF", datamatrix.NewDataMatrixWriter(), gozxing.BarcodeFormat_DATA_MATRIX)
	add("DataMatrix, long", long, datamatrix.NewDataMatrixWriter(), gozxing.BarcodeFormat_DATA_MATRIX)
	add("Code 128", "FR75002-12345678", oned.NewCode128Writer(), gozxing.BarcodeFormat_CODE_128)
	add("EAN", "3017620422003", oned.NewEAN13Writer(), gozxing.BarcodeFormat_EAN_13)
	return all
}

// paste draws a code that is so many pixels wide, turned by degrees, with its
// quiet zone, in the middle of a page of type, and gives its place.
func paste(page *image.Gray, m *gozxing.BitMatrix, wide, degrees float64) image.Rectangle {
	high := wide
	if m.GetHeight() < m.GetWidth()/3 {
		high = wide * bars
	}
	const fine = 3 // samples a pixel each way
	cx, cy := float64(page.Rect.Dx())/2, float64(page.Rect.Dy())/2
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	quiet := wide / 12
	for y := range page.Rect.Dy() {
		for x := range page.Rect.Dx() {
			sum, in := 0, false
			for k := range fine * fine {
				px, py := float64(x)+float64(k%fine)/fine-cx, float64(y)+float64(k/fine)/fine-cy
				u, v := px*cos+py*sin+wide/2, py*cos-px*sin+high/2
				in = in || u > -quiet && u < wide+quiet && v > -quiet && v < high+quiet
				if u < 0 || v < 0 || u >= wide || v >= high || !m.Get(int(u*float64(m.GetWidth())/wide), int(v*float64(m.GetHeight())/high)) {
					sum += 235
				} else {
					sum += 30
				}
			}
			if in {
				page.Pix[y*page.Stride+x] = uint8(sum / (fine * fine))
			}
		}
	}
	w, h := (math.Abs(wide*cos)+math.Abs(high*sin))/2, (math.Abs(wide*sin)+math.Abs(high*cos))/2
	return image.Rect(int(cx-w), int(cy-h), int(cx+w)+1, int(cy+h)+1)
}

// column is a piece of dense type of 75 by 70 mm at a resolution.
func column(from *image.Gray, r image.Rectangle, dpi int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, 75*dpi*10/254, 70*dpi*10/254))
	xdraw.BiLinear.Scale(m, m.Rect, from, r, xdraw.Src, nil)
	return m
}

func TestCodesAmongTypeAreFound(t *testing.T) {
	typed, printed := scan(t, "fr-rapport-1984-p2.jpg"), scan(t, "newspaper-colour.png")
	for _, dpi := range []int{150, 200, 300} {
		for k, page := range []*image.Gray{column(typed, image.Rect(600, 900, 1486, 1727), dpi), column(printed, image.Rect(30, 900, 532, 1369), dpi)} {
			for name, code := range kinds(t) {
				for _, degrees := range []float64{0, 1.5, 90, 271} {
					// As small as they are printed, and large.
					for _, module := range []float64{0.33, 0.5, 1} { // millimetres
						wide := float64(code.GetWidth()) * module
						if wide < 12 || wide > 45 || module*float64(dpi) < 3*25.4 {
							continue // nobody reads modules of less than three pixels
						}
						one := image.NewGray(page.Rect)
						copy(one.Pix, page.Pix)
						want := paste(one, code, wide*float64(dpi)/25.4, degrees)
						if found := codes.Find(one, dpi); !holds(found, want, dpi/25) {
							t.Errorf("%s on page %d, modules of %.2f mm at %d dpi, turned by %.1f: %v is not in %v", name, k, module, dpi, degrees, want, found)
						}
					}
				}
			}
		}
	}
}

// holds says whether a place is in one of others, or sticks out by so much.
func holds(found []image.Rectangle, want image.Rectangle, by int) bool {
	for _, r := range found {
		if want.In(r.Inset(-by)) {
			return true
		}
	}
	return false
}

func TestDenseTypeIsNoCode(t *testing.T) {
	m := scan(t, "newspaper-colour.png")
	area := 0
	for _, r := range codes.Find(m, 170) {
		area += r.Dx() * r.Dy()
	}
	if 100*area > m.Rect.Dx()*m.Rect.Dy() {
		t.Errorf("%.1f percent of it", 100*float64(area)/float64(m.Rect.Dx()*m.Rect.Dy()))
	}
}
