package encode

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/boombuler/barcode/qr"
	"golang.org/x/text/encoding/charmap"

	"pointnum/drivers/escpos/typeset"
	"pointnum/kiosk"
)

// maxBand is how many rows one GS v 0 prints: a stall then loses little, and
// printers with little memory take it.
const maxBand = 255

// picture prints a line drawn by us where its item stands.
func (e *encoder) picture(line *typeset.Bitmap, a kiosk.Align) {
	if line.Width == 0 {
		e.add('\n')
		return
	}
	e.raster(line, e.justify(a))
}

// raster prints a picture with GS v 0. The paper moves by its height; no line
// feed follows.
func (e *encoder) raster(b *typeset.Bitmap, justify byte) {
	// The width sent is a multiple of 8; on a right edge the white dots that
	// fill it up belong at the left.
	if justify == justifyRight && b.Width%8 != 0 {
		wide := typeset.NewBitmap(b.Stride*8, b.Height)
		wide.Draw(b, wide.Width-b.Width, 0)
		b = wide
	}
	for top := 0; top < b.Height; top += maxBand {
		band := b.Rows(top, min(top+maxBand, b.Height))
		piece := []byte{
			0x1b, 'a', justify,
			0x1d, 'v', '0', 0,
			byte(band.Stride), byte(band.Stride >> 8), byte(band.Height), byte(band.Height >> 8),
		}
		e.add(append(piece, harmless(band.Bits)...)...)
	}
}

// harmless changes a dot wherever a picture holds the bytes of a real-time
// command (DLE EOT, DLE ENQ, DLE DC4): printers obey those anywhere, even
// inside a picture.
func harmless(bits []byte) []byte {
	bits = bytes.Clone(bits)
	for i := 0; i+1 < len(bits); i++ {
		if bits[i] == 0x10 && (bits[i+1] == 0x04 || bits[i+1] == 0x05 || bits[i+1] == 0x14) {
			bits[i] = 0x18
		}
	}
	return bits
}

// rule prints a line across.
func (e *encoder) rule() {
	const line = 0xc4 // U+2500 in the pages of the IBM PC
	for _, p := range e.paper.Pages {
		if p.Charmap.DecodeByte(line) == '─' {
			text := bytes.Repeat([]byte{line}, e.paper.Columns)
			e.add(append(e.selectPage(p), append(text, '\n')...)...)
			return
		}
	}
	b := typeset.NewBitmap(e.paper.Dots, 24)
	b.Fill(0, 11, b.Width, 2)
	e.raster(b, justifyLeft)
}

func (e *encoder) selectPage(p Page) []byte {
	b := []byte{0x1b, 'a', justifyLeft}
	if e.page != int(p.Number) {
		b = append(b, 0x1b, 't', p.Number)
		e.page = int(p.Number)
	}
	return b
}

// qrWidth is the least width of a QR code on paper, in millimetres: smaller
// ones are not read by the cameras of old telephones.
const qrWidth = 30

// quiet is the white that must surround a QR code, in modules.
const quiet = 4

// maxModule is the largest module GS ( k fn 167 takes, in dots.
const maxModule = 16

// qr prints a QR code of correction level M.
func (e *encoder) qr(item kiosk.ReceiptItem) error {
	code, err := qr.Encode(item.QR, qr.M, qr.Auto)
	if err != nil {
		// The library's text would hold the content.
		return errors.New("content does not fit a QR code")
	}
	modules := code.Bounds().Dx()
	room := e.paper.Dots / (modules + 2*quiet)
	if room < 2 {
		return fmt.Errorf("qr code of %d modules is too fine for %d dots", modules, e.paper.Dots)
	}
	want := int(math.Ceil(qrWidth * float64(e.paper.DPI) / 25.4 / float64(modules)))
	module := min(want, room, maxModule)
	if e.paper.QR {
		e.nativeQR(item, module)
		return nil
	}
	border := quiet * module
	b := typeset.NewBitmap((modules+2*quiet)*module, (modules+2*quiet)*module)
	for y := range modules {
		for x := range modules {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				b.Fill(border+x*module, border+y*module, module, module)
			}
		}
	}
	e.raster(b, e.justify(item.Align))
	return nil
}

// nativeQR lets the printer draw the code: GS ( k, cn 49, functions 165 (model
// 2), 167 (module), 169 (level M), 180 (store) and 181 (print).
func (e *encoder) nativeQR(item kiosk.ReceiptItem, module int) {
	size := len(item.QR) + 3
	b := []byte{
		'\n',
		0x1b, 'a', e.justify(item.Align),
		0x1d, '(', 'k', 4, 0, 49, 65, 50, 0,
		0x1d, '(', 'k', 3, 0, 49, 67, byte(module),
		0x1d, '(', 'k', 3, 0, 49, 69, 49,
		0x1d, '(', 'k', byte(size), byte(size >> 8), 49, 80, 48,
	}
	b = append(b, item.QR...)
	b = append(b, 0x1d, '(', 'k', 3, 0, 49, 81, 48, '\n')
	e.add(b...)
}

// DefaultPages are the pages that print French, the best first.
func DefaultPages() []Page {
	return []Page{{19, charmap.CodePage858}, {16, charmap.Windows1252}}
}
