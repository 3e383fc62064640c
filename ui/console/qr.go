package console

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// qrView is a QR code as one path of an SVG picture; a module is one unit.
type qrView struct {
	Box  string // viewBox
	Path string
}

// drawQR draws what says text. Four modules around it stay white (ISO/IEC
// 18004, 6.3.8).
func drawQR(text string) (*qrView, error) {
	const quiet = 4
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("console: qr: %w", err)
	}
	var path strings.Builder
	size := code.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x-size.Min.X+quiet, y-size.Min.Y+quiet)
			}
		}
	}
	n := size.Dx() + 2*quiet
	return &qrView{Box: fmt.Sprintf("0 0 %d %d", n, n), Path: path.String()}, nil
}
