package decode_test

import (
	"bytes"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escpos/decode"
	"pointnum/drivers/escpos/typeset"
)

// fonts reads the fonts once for all tests.
var fonts = sync.OnceValues(typeset.NewCells)

func setter(t testing.TB) *typeset.Cells {
	t.Helper()
	ts, err := fonts()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// receiptline has a program that is not ours encode a receipt.
func receiptline(t *testing.T, markup, encoding, command string) []byte {
	t.Helper()
	module, err := filepath.Abs("../../../node_modules/receiptline")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(module); err != nil {
		t.Fatal("receiptline is not installed: run 'make deps' first")
	}
	const program = `const r = require(process.argv[1]);
process.stdout.write(Buffer.from(r.transform(process.argv[2], {cpl: 42, encoding: process.argv[3], command: process.argv[4]}), 'binary'));`
	cmd := exec.CommandContext(t.Context(), drivertest.Tool(t, "node"), "-e", program, module, markup, encoding, command)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("receiptline: %v\n%s", err, errs.String())
	}
	return out
}

const markup = `^^^Reçu n° 12

Déposé à la CAF – « Évry »|12,50€
-
"Œil gras" et maïs
{code:https://www.caf.fr/abc; option:qrcode,6,M}
=
Second reçu
`

// TestForeignEncoder reads what an encoder that is not ours sends.
func TestForeignEncoder(t *testing.T) {
	for _, c := range []struct{ name, encoding, command string }{
		{"an Epson printer with page CP858", "cp858", "epson"},
		{"an Epson printer with page CP1252", "cp1252", "epson"},
		{"a printer without columns of its own", "cp858", "generic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := decode.Receipts(receiptline(t, markup, c.encoding, c.command), 576, setter(t))
			if len(out) != 2 || !out[0].Cut || !out[1].Cut {
				t.Fatalf("%d receipts", len(out))
			}
			text := out[0].Text()
			for _, want := range []string{"Reçu n° 12", "Évry »", "12,50€", "gras et maïs"} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if !strings.Contains(out[1].Text(), "Second reçu") {
				t.Errorf("second receipt is\n%s", out[1].Text())
			}
			checkCode(t, out[0], "https://www.caf.fr/abc")
		})
	}
}

func checkCode(t *testing.T, r decode.Receipt, want string) {
	t.Helper()
	b, err := r.PNG()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "receipt.png")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), drivertest.Tool(t, "zbarimg"), "-q", "--raw", name).Output()
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("the code says %q (%v), want %q", got, err, want)
	}
}

func TestPaper(t *testing.T) {
	ts := setter(t)
	for _, c := range []struct {
		name string
		in   string
		want []decode.Line
	}{
		{"text is printed by its line feed", "a\nb", []decode.Line{
			{Text: "a", Height: 30}, {Text: "b", Top: 30, Height: 30}}},
		{"a line too long goes on below", strings.Repeat("x", 49) + "\n", []decode.Line{
			{Text: strings.Repeat("x", 48), Height: 30}, {Text: "x", Top: 30, Height: 30}}},
		{"double size is twice as high", "\x1d!\x11A\n", []decode.Line{{Text: "A", Large: true, Height: 48}}},
		{"bold and centred", "\x1ba\x01\x1bE\x01A\n", []decode.Line{{Text: "A", Bold: true, Align: 1, Height: 30}}},
		{"the page of characters is the one selected", "\x1bt\x13\xd5\x1bt\x10\x80\n", []decode.Line{{Text: "€€", Height: 30}}},
		{"initialising drops the line not printed", "garbage\x1b@A\n", []decode.Line{{Text: "A", Height: 30}}},
		{"commands not known are skipped", "\x1bQ\x1d\x7f\x1c(A\x02\x00\x01\x02A\n", []decode.Line{{Text: "A", Height: 30}}},
		{"a picture is as high as its rows", "\x1dv0\x00\x01\x00\x02\x00\xff\x81", []decode.Line{{Picture: true, Height: 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := decode.Receipts([]byte(c.in), 576, ts)
			if len(out) != 1 || !slices.Equal(out[0].Lines, c.want) {
				t.Errorf("got %+v, want %+v", out, c.want)
			}
		})
	}
}

func TestPictureDots(t *testing.T) {
	out := decode.Receipts([]byte("\x1ba\x02\x1dv0\x00\x01\x00\x01\x00\x81\x1dV\x00"), 16, setter(t))
	if len(out) != 1 || !out[0].Cut {
		t.Fatalf("got %+v", out)
	}
	if want := []byte{0x00, 0x81}; !bytes.Equal(out[0].Paper.Bits, want) {
		t.Errorf("dots are % x, want % x", out[0].Paper.Bits, want)
	}
	b, err := out[0].PNG()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
}

// TestPieces feeds a stream byte by byte: the commands must be the same.
func TestPieces(t *testing.T) {
	in := receiptline(t, markup, "cp858", "epson")
	var whole, pieces decode.Decoder
	want := texts(whole.Feed(in))
	var ops []decode.Op
	for i := range in {
		ops = append(ops, pieces.Feed(in[i:i+1])...)
	}
	if got := texts(ops); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func texts(ops []decode.Op) string {
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.Text)
		if op.Bitmap != nil {
			b.Write(op.Bitmap.Bits)
		}
	}
	return b.String()
}

// TestEndlessPicture sends the head of a picture of 4 GB: nothing of it may be
// kept.
func TestEndlessPicture(t *testing.T) {
	var d decode.Decoder
	d.Feed([]byte("\x1dv0\x00\xff\xff\xff\xff"))
	for range 64 {
		if ops := d.Feed(make([]byte, 1<<16)); len(ops) != 0 || d.Pending() > 0 {
			t.Fatalf("kept %d bytes, %d commands", d.Pending(), len(ops))
		}
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add([]byte("\x1dc0\x1d:\x1b"), uint16(4))
	f.Add([]byte("\x1b@\x1bt\x13Re\x87u\n\x1dV\x42\x03"), uint16(576))
	f.Add([]byte("\x1dv0\x00\x02\x00\x03\x00\x01\x02\x03\x04\x05\x06\x1d(k\x04\x00\x31\x41\x32\x00"), uint16(384))
	f.Add([]byte("\x1d(k\x05\x00\x31\x50\x30ab\x1d(k\x03\x00\x31\x51\x30\x1d8L\x0b\x00\x00\x00\x30\x70\x30\x01\x01\x31\x08\x00\x01\x00\xff\x1d(L\x02\x00\x30\x32"), uint16(8))
	f.Add([]byte("\x1dL\xff\xff\x1dW\x01\x00\x1b\\\xff\xff\x1b$\xff\xffA\x1bd\xff\x1bJ\xff"), uint16(64))
	f.Add([]byte("\x10\x04\x01\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08\x1dk\x04abc\x00\x1dkI\x02ab\x1bD\x01\x02\x00"), uint16(64))
	ts := setter(f)
	f.Fuzz(func(t *testing.T, b []byte, dots uint16) {
		if len(b) > 1<<10 {
			return
		}
		for _, r := range decode.Receipts(b, int(dots%1024)+1, ts) {
			if r.Paper.Height > 32000 {
				t.Fatalf("paper of %d dots", r.Paper.Height)
			}
		}
	})
}

func BenchmarkReceipts(b *testing.B) {
	ts := setter(b)
	in := []byte("\x1b@\x1bt\x13" + strings.Repeat("Justificatif de loyer re\x87u\n", 40) + "\x1dV\x42\x03")
	for b.Loop() {
		decode.Receipts(in, 576, ts)
	}
}
