package mrc_test

import (
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mrc"
)

// The modules of this code are four pixels wide.
func TestTheCodeOfACoarsePageDecodes(t *testing.T) {
	t.Parallel()
	img, dpi := corpus(t, "qr-bill.jpg", 1423)
	l := mrc.Split(img, dpi, mrc.Options{})
	if l.Photo {
		t.Fatal("it was not split")
	}
	levels := mrc.Levels()
	for _, v := range []mrc.Level{mrc.Standard(), levels[len(levels)-1]} {
		data, _ := file(t, l, v)
		b, err := gozxing.NewBinaryBitmapFromImage(documenttest.PNG(t, drawn(t, data, 3508)))
		if err != nil {
			t.Fatal(err)
		}
		hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
		if r, err := qrcode.NewQRCodeReader().Decode(b, hints); err != nil || len(r.GetText()) != 224 {
			t.Errorf("%+v: %v", v, err)
		}
	}
}
