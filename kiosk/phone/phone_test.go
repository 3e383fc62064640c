package phone_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"strings"
	"testing"
	"unicode/utf8"

	"pointnum/kiosk/phone"
)

func aead(t testing.TB) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAFrameOpensInItsPlaceOnly(t *testing.T) {
	a := aead(t)
	data := phone.Data(3, bytes.Repeat([]byte("lettre "), 9000))
	frame := phone.Seal(a, 5, false, data)
	if got, last, err := phone.Open(a, 5, frame); err != nil || last || !bytes.Equal(got, data) {
		t.Fatalf("it does not open: last %t, %v", last, err)
	}
	if _, last, err := phone.Open(a, 6, phone.Seal(a, 6, true, data)); err != nil || !last {
		t.Errorf("a last piece: last %t, %v", last, err)
	}
	changed := bytes.Clone(frame)
	changed[len(changed)/2] ^= 1
	marked := bytes.Clone(frame)
	marked[0] = 1
	for name, c := range map[string]struct {
		n     uint64
		frame []byte
	}{
		"in another place":       {6, frame},
		"with a bit changed":     {5, changed},
		"marked as the last one": {5, marked},
		"cut short":              {5, frame[:len(frame)-1]},
		"empty":                  {5, nil},
		"a mark alone":           {5, frame[:1]},
		"far too long":           {5, append([]byte{0}, make([]byte, 2*phone.MaxBody)...)},
	} {
		if _, _, err := phone.Open(a, c.n, c.frame); err == nil {
			t.Errorf("a frame %s opens", name)
		}
	}
}

func TestAFramesLengthTellsLittle(t *testing.T) {
	a := aead(t)
	short, long := phone.Seal(a, 0, true, phone.Data(1, []byte("x"))), phone.Seal(a, 0, true, phone.Data(1, make([]byte, 16000)))
	if len(short) != len(long) {
		t.Errorf("1 byte takes %d, 16,000 take %d", len(short), len(long))
	}
}

func TestANameIsMadeSafe(t *testing.T) {
	for in, want := range map[string]string{
		"IMG_1.jpg": "IMG_1.jpg", "../../etc/passwd": "passwd", `C:\x\y.pdf`: "y.pdf",
		"a\u202egpj.exe": "agpj.exe", "عقد الإيجار.pdf": "عقد الإيجار.pdf", "a\x00\nb": "ab", "": "",
	} {
		got, _, _, ok := phone.Parse(phone.Message(1, in, 3))
		if !ok || got != want {
			t.Errorf("%q became %q, %t; want %q", in, got, ok, want)
		}
	}
}

// What a phone says is anything at all, until it is parsed.
func FuzzParse(f *testing.F) {
	f.Add(phone.Message(1, "photo.jpg", 5_000_000))
	f.Add(phone.Data(2, []byte("%PDF-1.7")))
	f.Add([]byte{})
	f.Add(make([]byte, 16<<10))
	f.Fuzz(func(t *testing.T, plain []byte) {
		name, size, again, ok := phone.Parse(plain)
		if again != nil && !bytes.Equal(again, plain) {
			t.Error("a body is not what it says")
		}
		if ok && (size < 0 || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\\x00\n\u202e")) {
			t.Errorf("%q of %d bytes was let through", name, size)
		}
	})
}

// What a relay hands over is anything at all, until it is opened.
func FuzzOpen(f *testing.F) {
	a := aead(f)
	f.Add(uint64(0), phone.Seal(a, 0, false, phone.Message(1, "a.pdf", 1)))
	f.Add(uint64(1), phone.Seal(a, 1, true, phone.Data(1, nil)))
	f.Add(uint64(9), []byte{1})
	f.Fuzz(func(t *testing.T, n uint64, frame []byte) {
		plain, last, err := phone.Open(a, n, frame)
		if err == nil && !bytes.Equal(phone.Seal(a, n, last, plain), frame) {
			t.Error("a frame opens that is not the sealed one")
		}
	})
}

func TestTheRelaysAddressIsChecked(t *testing.T) {
	for _, bad := range []string{"", "relay.example", "https://", "ftp://relay.example", "https://relay.example/path", "://"} {
		if _, err := phone.New(phone.Options{Address: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
