package usbkey_test

import (
	"os"
	"path/filepath"
	"testing"

	"pointnum/drivers/usbkey"
	"pointnum/kiosk"
)

// The names of a visitor's files are theirs: they go with the visit, though
// the key may still be there.
func TestAListOfNothingForgetsTheLastOne(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pdf"), []byte("%PDF-1.4"), 0o600); err != nil {
		t.Fatal(err)
	}
	dev, err := usbkey.Driver().Open(t.Context(), kiosk.Spec{ID: "usb", URI: "dir:" + dir, Options: map[string]string{"mount": "any"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	key := dev.(kiosk.Key)
	files, err := key.List(t.Context(), 10)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if none, err := key.List(t.Context(), 0); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
	if r, err := key.Open(t.Context(), files[0].ID); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("what was forgotten opens: %v, %v", r, err)
	}
	if err := key.Close(); err != nil {
		t.Error(err)
	}
}
