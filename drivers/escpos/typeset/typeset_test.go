package typeset_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pointnum/drivers/escpos/typeset"
)

func setter(t testing.TB) *typeset.Typesetter {
	t.Helper()
	ts, err := typeset.New()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

var plain = typeset.Style{Size: 28}

// dots returns the picture of a text that fits one line.
func dots(t *testing.T, ts *typeset.Typesetter, text string, rtl bool) *typeset.Bitmap {
	t.Helper()
	lines := ts.Lines(text, plain, rtl, 2000)
	if len(lines) != 1 {
		t.Fatalf("%q takes %d lines", text, len(lines))
	}
	return lines[0]
}

// find returns where the ink of part is inside whole, -1 when it is not there.
// Parts of dots are rounded in another way at another place, so it is the best
// place that counts, if it is good.
func find(whole, part *typeset.Bitmap) int {
	part = trim(part)
	best, at := 0, -1
	for x := 0; x+part.Width <= whole.Width; x++ {
		same := 0
		for px := range part.Width {
			for y := range part.Height {
				if whole.At(x+px, y) == part.At(px, y) {
					same++
				}
			}
		}
		if same > best {
			best, at = same, x
		}
	}
	if best*100 < 95*part.Width*part.Height {
		return -1
	}
	return at
}

// trim cuts the white columns off.
func trim(b *typeset.Bitmap) *typeset.Bitmap {
	first, last := b.Width, -1
	for x := range b.Width {
		for y := range b.Height {
			if b.At(x, y) {
				first, last = min(first, x), max(last, x)
			}
		}
	}
	out := typeset.NewBitmap(max(last-first+1, 0), b.Height)
	out.Draw(b, -first, 0)
	return out
}

// A bracket that closes French words stays behind them in an Arabic line.
func TestBracketsOfLatinInArabic(t *testing.T) {
	ts := setter(t)
	for _, text := range []string{"demarche.fr (simple)", "AAH (MDPH) 2026"} {
		got, want := dots(t, ts, text, true), dots(t, ts, text, false)
		if got.Width != want.Width {
			t.Fatalf("%q is %d dots wide in an Arabic line, alone %d", text, got.Width, want.Width)
		}
		for x := range want.Width {
			for y := range want.Height {
				if got.At(x, y) != want.At(x, y) {
					t.Fatalf("%q looks different in an Arabic line", text)
				}
			}
		}
	}
	// One that belongs to the Arabic around does not come along.
	if got, want := dots(t, ts, "(CAF)", true), dots(t, ts, "(CAF)", false); got.Width != want.Width {
		t.Errorf("(CAF) is %d dots wide, want %d", got.Width, want.Width)
	}
}

// TestLatinInArabic looks for the pictures of numbers, set alone, in Arabic
// lines: they must be there, written from the left.
func TestLatinInArabic(t *testing.T) {
	ts := setter(t)
	for _, part := range []string{
		"01 23 45 67 89", "21-11-2026", "21/11/2026 14:05", "+33 1 23 45 67 89", "www.caf.fr/contact",
		"AB-1234-XY", "1234-AB", "612,50 €", "20 %", "Mon Compte CAF",
	} {
		line := dots(t, ts, "اتصلوا "+part+" شكرا", true)
		if find(line, dots(t, ts, part, false)) < 0 {
			t.Errorf("%q is not written from the left", part)
		}
	}
}

func TestArabicOrder(t *testing.T) {
	ts := setter(t)
	line := dots(t, ts, "شكرا 123", true)
	if first, second := find(line, dots(t, ts, "شكرا", true)), find(line, dots(t, ts, "123", false)); first <= second || second < 0 {
		t.Errorf("the word begins at %d, the number after it at %d: want the word at the right", first, second)
	}
	// Letters join: the word is not as wide as its letters alone.
	alone := 0
	for _, r := range "مستشفى" {
		alone += dots(t, ts, string(r), true).Width
	}
	if joined := dots(t, ts, "مستشفى", true).Width; joined >= alone*9/10 {
		t.Errorf("the word is %d dots wide, its letters alone %d: they do not join", joined, alone)
	}
}

func TestWrapping(t *testing.T) {
	ts := setter(t)
	for _, c := range []struct {
		name, text string
		rtl        bool
		lines      int // at least
	}{
		{"French", "Les papiers que vous avez déposés sont arrivés à la caisse", false, 2},
		{"Arabic", "وصلت الوثائق التي أودعتموها إلى صندوق الإعانات العائلية شكرا لكم", true, 2},
		{"a word wider than a line", strings.Repeat("م", 200), true, 3},
		{"lines of its own", "a\n\nb", false, 3},
		{"nothing", "", false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := ts.Lines(c.text, plain, c.rtl, 384)
			if len(lines) < c.lines {
				t.Errorf("%d lines", len(lines))
			}
			for i, l := range lines {
				if trim(l).Width > 384 || l.Height != lines[0].Height {
					t.Errorf("line %d is %d by %d", i, l.Width, l.Height)
				}
			}
		})
	}
}

func TestStyles(t *testing.T) {
	ts := setter(t)
	ink := func(s typeset.Style) (n int) {
		for _, b := range ts.Lines("Reçu", s, false, 500)[0].Bits {
			for ; b != 0; b &= b - 1 {
				n++
			}
		}
		return n
	}
	normal, bold, large := ink(plain), ink(typeset.Style{Size: 28, Bold: true}), ink(typeset.Style{Size: 56})
	if bold < normal*6/5 || large < normal*3 {
		t.Errorf("ink: normal %d, bold %d, large %d", normal, bold, large)
	}
}

func TestMissing(t *testing.T) {
	ts := setter(t)
	for text, want := range map[string]int{"Reçu à 12 €": 0, "شكرا": 0, "дякую": 0, "தமிழ்": 5, "\u2066a\u2069": 0} {
		if got := ts.Missing(text); got != want {
			t.Errorf("%q: %d missing, want %d", text, got, want)
		}
	}
}

func TestBitmapRows(t *testing.T) {
	b := typeset.NewBitmap(10, 4)
	b.Fill(1, 1, 20, 2)
	if want := []byte{0, 0, 0x7f, 0xc0, 0x7f, 0xc0, 0, 0}; !slices.Equal(b.Bits, want) {
		t.Errorf("dots are % x", b.Bits)
	}
	if rows := b.Rows(1, 2); rows.Height != 1 || !rows.At(1, 0) || rows.At(0, 0) || rows.At(1, 1) {
		t.Errorf("rows are %+v", rows)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("Reçu n° 12", false, uint16(384))
	f.Add("لقد أودعتم 3 وثائق 01 23 45 67 89 (caf.fr)", true, uint16(576))
	f.Add("Ế\u0301\u0301\u0301q\u0323\u202eabc\u2066", true, uint16(8))
	f.Add("0\x1d\u2029", true, uint16(675))
	f.Add("日本語 தமிழ் 🙂\u200d🙂", false, uint16(100))
	ts := setter(f)
	f.Fuzz(func(t *testing.T, text string, rtl bool, width uint16) {
		if len(text) > 500 || !utf8.ValidString(text) {
			return
		}
		for _, l := range ts.Lines(text, plain, rtl, int(width%1024)+64) {
			if len(l.Bits) != l.Stride*l.Height {
				t.Fatalf("%d bytes for %d rows of %d", len(l.Bits), l.Height, l.Stride)
			}
		}
	})
}

func BenchmarkArabicLine(b *testing.B) {
	ts := setter(b)
	for b.Loop() {
		ts.Lines("لقد أودعتم 3 وثائق في حسابكم يوم 21-11-2026", plain, true, 576)
	}
}
