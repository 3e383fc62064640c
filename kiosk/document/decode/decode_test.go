package decode_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/decode"
)

func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif writes EXIF data with one tag of one SHORT.
func exif(order binary.AppendByteOrder, tag, value uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, tag)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, value)
	return append(b, 0, 0, 0, 0, 0, 0)
}

// segment puts a segment behind a JPEG's first marker.
func segment(jpg []byte, marker byte, payload string) []byte {
	out := append([]byte{}, jpg[:2]...)
	out = append(out, 0xff, marker)
	out = binary.BigEndian.AppendUint16(out, uint16(len(payload)+2))
	return append(append(out, payload...), jpg[2:]...)
}

func TestOrientationIsRead(t *testing.T) {
	for want := uint16(1); want <= 8; want++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			if got := decode.Orientation(exif(order, 274, want)); got != int(want) {
				t.Errorf("%v: got %d, want %d", order, got, want)
			}
		}
	}
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"another tag":     exif(binary.LittleEndian, 275, 6),
		"a value too big": exif(binary.LittleEndian, 274, 9),
		"cut short":       exif(binary.LittleEndian, 274, 6)[:15],
	} {
		if got := decode.Orientation(b); got != 1 {
			t.Errorf("%s: got %d, want 1", name, got)
		}
	}
}

func TestJPEGHeadersAreRead(t *testing.T) {
	jpg := jpegOf(t, 123, 45)
	h, ok := decode.ReadJPEGHeader(segment(jpg, 0xe1, "Exif\x00\x00"+string(exif(binary.BigEndian, 274, 6))))
	if !ok || h.Width != 123 || h.Height != 45 || h.Orientation != 6 || h.Components != 1 || h.Progressive {
		t.Errorf("got %+v, %v", h, ok)
	}
	h, ok = decode.ReadJPEGHeader(segment(jpg, 0xe0, "JFIF\x00\x01\x02\x01\x01\x2c\x01\x2c\x00\x00"))
	if !ok || h.DPI != 300 {
		t.Errorf("got %+v, %v; want 300 dpi", h, ok)
	}
	if _, ok := decode.ReadJPEGHeader(jpg[:20]); ok {
		t.Error("a JPEG without a frame has a size")
	}
}

func TestStrippingAJPEGKeepsItsPictureOnly(t *testing.T) {
	jpg := jpegOf(t, 60, 40)
	dirty := segment(segment(segment(jpg, 0xfe, "written by nobody"), 0xe1, "Exif\x00\x00GPS"), 0xed, "Photoshop")
	dirty = append(dirty, "a film hangs behind"...)
	got, ok := decode.StripJPEG(dirty)
	if !ok || !bytes.Equal(got, jpg) {
		t.Errorf("got %d bytes, %v; want the %d of the picture", len(got), ok, len(jpg))
	}
	if _, ok := decode.StripJPEG(segment(jpg, 0xe1, "Exif\x00\x00"+string(exif(binary.LittleEndian, 274, 3)))); ok {
		t.Error("a picture upside down was passed on")
	}
	if _, ok := decode.StripJPEG(jpg[:len(jpg)-2]); ok {
		t.Error("a picture without an end was passed on")
	}
}

func TestStrippingAPNGKeepsItsPictureOnly(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
		t.Fatal(err)
	}
	clean := b.Bytes()
	text := append([]byte{}, clean[:33]...)
	text = append(text, "\x00\x00\x00\x05tEXtA\x00me!crc."...)
	text = append(append(text, clean[33:]...), "behind"...)
	if got, ok := decode.StripPNG(text); !ok || !bytes.Equal(got, clean) {
		t.Errorf("got %d bytes, %v; want %d", len(got), ok, len(clean))
	}
}

func TestTIFFDirectoriesAreWalkedOnce(t *testing.T) {
	circle := exif(binary.LittleEndian, 256, 10)
	binary.LittleEndian.PutUint32(circle[len(circle)-4:], 8)
	if _, err := decode.Directories(circle, 100); kiosk.CodeOf(err) != kiosk.CodeFileBroken {
		t.Errorf("a circle gives %v", err)
	}
	one := exif(binary.LittleEndian, 256, 10)
	if got, err := decode.Directories(one, 100); err != nil || len(got) != 1 || got[0] != 8 {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 274, 6))
	f.Add(exif(binary.BigEndian, 274, 1))
	f.Add([]byte("MM\x00*\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := decode.Orientation(b); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
		decode.Directories(b, 50)
	})
}

func FuzzHeaders(f *testing.F) {
	jpg := jpegOf(f, 16, 16)
	f.Add(jpg)
	f.Add(segment(jpg, 0xe1, "Exif\x00\x00"+string(exif(binary.BigEndian, 274, 6))))
	f.Add([]byte("\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1heic\x00\x00\x00\x20meta\x00\x00\x00\x00"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00aaaa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		decode.Sniff(b)
		decode.HEIFSize(b)
		if h, ok := decode.ReadJPEGHeader(b); ok && (h.Width <= 0 || h.Height <= 0) {
			t.Errorf("%d by %d", h.Width, h.Height)
		}
		for _, strip := range []func([]byte) ([]byte, bool){decode.StripJPEG, decode.StripPNG} {
			if out, ok := strip(b); ok && len(out) > len(b) {
				t.Errorf("grew from %d to %d", len(b), len(out))
			}
		}
	})
}
