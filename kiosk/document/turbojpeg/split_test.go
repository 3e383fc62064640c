package turbojpeg_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/turbojpeg"
)

// progressive writes a picture as another program does.
func progressive(t testing.TB, m image.Image, sampling string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.jpg")
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	documenttest.Run(t, "convert", in, "-quality", "92", "-sampling-factor", sampling, "-interlace", "Plane", out)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPartsOfAProgressivePictureMakeTheWhole(t *testing.T) {
	for _, size := range []image.Point{{311, 207}, {64, 64}, {17, 9}, {8, 8}, {1, 1}} {
		for _, sampling := range []string{"1x1", "2x1"} {
			data := progressive(t, page(size.X, size.Y), sampling)
			for _, eighths := range []int{8, 7, 5, 4, 2, 1} {
				got, flawed, ok := turbojpeg.DecodeSplit(data, eighths)
				if !ok || flawed {
					t.Errorf("%v, %s, %d/8: split %v, flawed %v", size, sampling, eighths, ok, flawed)
					continue
				}
				want, _, err := turbojpeg.Decode(data, eighths, 1e6)
				if err != nil {
					t.Fatal(err)
				}
				if m := want.(*image.RGBA); m.Rect != got.Rect || !bytes.Equal(m.Pix, got.Pix) {
					t.Errorf("%v, %s, %d/8: %v dB away from the whole", size, sampling, eighths, psnr(got, want))
				}
			}
		}
	}
}

func TestOnlyProgressivePicturesAreSplit(t *testing.T) {
	m := page(64, 64)
	for name, data := range map[string][]byte{
		"baseline": goJPEG(t, m, 80), "coarse chroma": progressive(t, m, "2x2"), "chroma of half the rows": progressive(t, m, "1x2"),
		"grey": progressive(t, gray(m), "1x1"),
	} {
		if _, _, ok := turbojpeg.DecodeSplit(data, 8); ok {
			t.Errorf("%s was split", name)
		}
		if _, flawed, err := turbojpeg.Decode(data, 8, 1e6); err != nil || flawed {
			t.Errorf("%s: %v, flawed %v", name, err, flawed)
		}
	}
}

func TestASplitPictureThatWasCutIsFlawed(t *testing.T) {
	data := progressive(t, page(160, 160), "1x1")
	for n := len(data) - 2; n > len(data)/2; n -= 97 {
		if _, flawed, ok := turbojpeg.DecodeSplit(data[:n], 8); ok && !flawed {
			t.Errorf("%d bytes of %d are taken for all", n, len(data))
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, sampling := range []string{"1x1", "2x1"} {
		f.Add(progressive(f, page(40, 30), sampling), 8)
	}
	f.Fuzz(func(t *testing.T, data []byte, eighths int) {
		i, err := turbojpeg.Header(data)
		if err != nil || i.Width*i.Height > 1<<16 || eighths < 1 || eighths > 8 {
			return
		}
		img, flawed, ok := turbojpeg.DecodeSplit(data, eighths)
		if !ok || flawed {
			return
		}
		// A file that looks whole to the parts' decoder does to the other.
		want, flawed, err := turbojpeg.Decode(data, eighths, 1<<16)
		if err != nil || flawed {
			return
		}
		if m, ok := want.(*image.RGBA); ok && !bytes.Equal(m.Pix, img.Pix) {
			t.Error("the parts make another picture")
		}
	})
}
