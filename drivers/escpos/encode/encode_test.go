package encode_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escpos/decode"
	"pointnum/drivers/escpos/encode"
	"pointnum/drivers/escpos/typeset"
	"pointnum/kiosk"
)

// paper80 is a printer with everything; paper58 is a simple one.
func paper80() encode.Paper {
	return encode.Paper{Columns: 48, Dots: 576, DPI: 203, Pages: encode.DefaultPages(), Cut: encode.CutPartial, QR: true}
}

func paper58() encode.Paper {
	return encode.Paper{Columns: 32, Dots: 384, DPI: 203, Pages: encode.DefaultPages(), Cut: encode.CutNone}
}

// The fonts are read once for all tests.
var (
	text  = sync.OnceValues(typeset.New)
	cells = sync.OnceValues(typeset.NewCells)
)

func setter(t testing.TB) *typeset.Typesetter {
	t.Helper()
	ts, err := text()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// comesOut returns what a printer makes of b.
func comesOut(t testing.TB, b []byte, p encode.Paper) []decode.Receipt {
	t.Helper()
	font, err := cells()
	if err != nil {
		t.Fatal(err)
	}
	return decode.Receipts(b, p.Dots, font)
}

func encoded(t testing.TB, r kiosk.Receipt, p encode.Paper) []byte {
	t.Helper()
	pieces, err := encode.Receipt(r, p, setter(t))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join(pieces, nil)
}

// printed returns what comes out of a printer.
func printed(t testing.TB, p encode.Paper, items ...kiosk.ReceiptItem) decode.Receipt {
	t.Helper()
	out := comesOut(t, encoded(t, kiosk.Receipt{Lang: "fr", Items: items}, p), p)
	if len(out) != 1 {
		t.Fatalf("%d receipts", len(out))
	}
	return out[0]
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name string
		item kiosk.ReceiptItem
		want string // lines of characters; pictures are empty lines
	}{
		{"accents and the sign of the euro", kiosk.ReceiptItem{Text: "Éàçûï « 5 € » n°"}, "Éàçûï « 5 € » n°\n"},
		{"a letter CP858 lacks is taken from CP1252", kiosk.ReceiptItem{Text: "Sœur"}, "Sœur\n"},
		{"letters composed of two characters", kiosk.ReceiptItem{Text: "e\u0301te\u0301"}, "été\n"},
		{"typographic signs", kiosk.ReceiptItem{Text: "l’été – 5\u202f€…"}, "l'été - 5 €...\n"},
		{"characters that would be commands are dropped", kiosk.ReceiptItem{Text: "a\x1b@b\x10\x04\x01c\x7f"}, "a@bc\n"},
		{"lines of its own", kiosk.ReceiptItem{Text: "a\n\nb"}, "a\n\nb\n"},
		{"nothing is an empty line", kiosk.ReceiptItem{}, "\n"},
		{"words stay whole", kiosk.ReceiptItem{Text: "Justificatif de domicile et quittance"}, "Justificatif de domicile et\nquittance\n"},
		{"no line ends at a no-break space", kiosk.ReceiptItem{Text: "Le loyer du mois est de 3612,50\u00a0€"}, "Le loyer du mois est de\n3612,50 €\n"},
		{"what French never parts stays together", kiosk.ReceiptItem{Text: "Le loyer du mois est de 3 612,50 € « net » : appelez le 01 23 45 67 89 !"},
			"Le loyer du mois est de\n3 612,50 € « net » : appelez le\n01 23 45 67 89 !\n"},
		{"a very long word is cut", kiosk.ReceiptItem{Text: strings.Repeat("a", 40)}, strings.Repeat("a", 32) + "\n" + strings.Repeat("a", 8) + "\n"},
		{"large text has half the columns", kiosk.ReceiptItem{Text: "Point numérique CAF", Large: true}, "Point numérique\nCAF\n"},
		{"a pair stands at both edges", kiosk.ReceiptItem{Pair: [2]string{"Date", "21/11/2026"}}, "Date                  21/11/2026\n"},
		{"a pair too long for a line takes two", kiosk.ReceiptItem{Pair: [2]string{"Déposé sur le site", "Mon Compte CAF"}}, "Déposé sur le site\nMon Compte CAF\n"},
		{"half a pair", kiosk.ReceiptItem{Pair: [2]string{"", "x"}}, strings.Repeat(" ", 31) + "x\n"},
		{"a rule goes across", kiosk.ReceiptItem{Rule: true}, strings.Repeat("─", 32) + "\n"},
		{"letters no page has are a picture", kiosk.ReceiptItem{Text: "Дякую"}, "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := paper58()
			p.Cut = encode.CutFull
			if got := printed(t, p, c.item).Text(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNoPages(t *testing.T) {
	p := paper80()
	p.Pages, p.QR = nil, false
	out := printed(t, p, drivertest.FrenchReceipt().Items...)
	if text := strings.TrimSpace(out.Text()); text != "" {
		t.Errorf("a printer without pages was sent characters: %q", text)
	}
}

func TestStyle(t *testing.T) {
	out := printed(t, paper80(),
		kiosk.ReceiptItem{Text: "bold", Bold: true},
		kiosk.ReceiptItem{Text: "large", Large: true, Align: kiosk.AlignCenter},
		kiosk.ReceiptItem{Text: "plain"})
	for i, want := range []decode.Line{{Bold: true}, {Large: true, Align: 1}, {}} {
		got := out.Lines[i]
		if got.Bold != want.Bold || got.Large != want.Large || got.Align != want.Align {
			t.Errorf("line %d is %+v, want %+v", i, got, want)
		}
	}
}

func TestQR(t *testing.T) {
	for name, p := range map[string]encode.Paper{"by the printer": paper80(), "as a picture": paper58()} {
		t.Run(name, func(t *testing.T) {
			for _, content := range []string{"1", "https://www.caf.fr", strings.Repeat("reçu-", 40)} {
				out := printed(t, p, kiosk.ReceiptItem{QR: content, Align: kiosk.AlignCenter})
				if p.QR != (len(out.QR) == 1) {
					t.Errorf("drawn by the printer: %q", out.QR)
				}
				// 3 cm are 240 dots.
				if width := inkWidth(out); width < 240 || width > p.Dots {
					t.Errorf("%d bytes: %d dots wide", len(content), width)
				}
			}
		})
	}
	_, err := encode.Receipt(kiosk.Receipt{Items: []kiosk.ReceiptItem{{QR: strings.Repeat("secret", 1000)}}}, paper80(), setter(t))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("content too long for a code: %v", err)
	}
}

func inkWidth(r decode.Receipt) int {
	first, last := r.Paper.Width, -1
	for y := range r.Paper.Height {
		for x := range r.Paper.Width {
			if r.Paper.At(x, y) {
				first, last = min(first, x), max(last, x)
			}
		}
	}
	return last - first + 1
}

// TestRealtimeBytes checks that no picture holds the bytes of a command that
// printers obey even inside a picture.
func TestRealtimeBytes(t *testing.T) {
	p := paper80()
	p.QR = false
	b := encoded(t, drivertest.LongReceipt(), p)
	for _, command := range []string{"\x10\x04", "\x10\x05", "\x10\x14"} {
		if bytes.Contains(b, []byte(command)) {
			t.Errorf("% x is in the picture", command)
		}
	}
}

func TestBands(t *testing.T) {
	pieces, err := encode.Receipt(drivertest.ArabicReceipt(), paper58(), setter(t))
	if err != nil {
		t.Fatal(err)
	}
	pictures := 0
	for _, piece := range pieces {
		at := bytes.Index(piece, []byte("\x1dv0"))
		if at < 0 {
			continue
		}
		pictures++
		width, height := int(piece[at+4])+int(piece[at+5])<<8, int(piece[at+6])+int(piece[at+7])<<8
		if width > 48 || height > 255 || len(piece) != at+8+width*height {
			t.Errorf("a picture of %d bytes by %d rows in %d bytes", width, height, len(piece)-at)
		}
	}
	if pictures < 8 {
		t.Errorf("%d pictures", pictures)
	}
}

func TestParsePage(t *testing.T) {
	for in, number := range map[string]int{"cp858": 19, "cp1252": 16, "CP858:7": 7, "cp437": 0, "cp850:2": 2, "cp999": -1, "cp858:x": -1, "": -1} {
		p, err := encode.ParsePage(in)
		if (err != nil) != (number < 0) || err == nil && int(p.Number) != number {
			t.Errorf("%q: page %d, error %v", in, p.Number, err)
		}
	}
}

// TestPictures leaves both receipts on both papers in $RECEIPTS to be looked
// at by a person; without it, it only makes them.
func TestPictures(t *testing.T) {
	for name, r := range map[string]kiosk.Receipt{"fr": drivertest.FrenchReceipt(), "ar": drivertest.ArabicReceipt()} {
		for width, p := range map[string]encode.Paper{"80": paper80(), "58": paper58()} {
			out := comesOut(t, encoded(t, r, p), p)
			png, err := out[0].PNG()
			if err != nil {
				t.Fatal(err)
			}
			if dir := os.Getenv("RECEIPTS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+"-"+width+".png"), png, 0o600); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func BenchmarkArabicReceipt(b *testing.B) {
	ts, p, n := setter(b), paper80(), 0
	for b.Loop() {
		pieces, err := encode.Receipt(drivertest.ArabicReceipt(), p, ts)
		if err != nil {
			b.Fatal(err)
		}
		n = len(bytes.Join(pieces, nil))
	}
	b.ReportMetric(float64(n), "bytes/receipt")
}
