package tool_test

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pointnum/kiosk"
	"pointnum/kiosk/document/tool"
)

func needWords(t testing.TB, x *tool.Tools) {
	t.Helper()
	if _, words := x.Available(); !words {
		t.Fatal("tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-fra")
	}
}

// letter is a picture of a letter at 150 dpi.
func letter(t *testing.T, x *tool.Tools, lines ...string) []byte {
	t.Helper()
	needOffice(t, x)
	pdf, err := x.PDF(t.Context(), strings.NewReader(rtf(lines...)), tool.RTF)
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.TempDir(), "letter")
	poppler(t, pdf, "pdftoppm", "-r", "150", "-jpeg", "-singlefile", "FILE", picture)
	return read(t, picture+".jpg")
}

func TestWordsAreReadWhereTheyStand(t *testing.T) {
	x := newTools(t, tool.Options{})
	needWords(t, x)
	picture := letter(t, x, "Madame, Monsieur,", "je vous prie de recevoir", "ma demande.")
	words, err := x.Words(t.Context(), picture, 150, []string{"fr-FR", "en", "tlh"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, w := range words {
		got = append(got, w.Text)
		if w.X0 < 100 || w.X1 <= w.X0 || w.X1 > 1241 || w.Y0 < 100 || w.Y1 <= w.Y0 || w.Y1 > 400 || w.Confidence < 30 || w.Confidence > 100 {
			t.Errorf("%+v", w)
		}
		if i > 0 && w.Line == words[i-1].Line && w.X0 < words[i-1].X1 {
			t.Errorf("%+v is left of %+v", w, words[i-1])
		}
	}
	if text := strings.Join(got, " "); text != "Madame, Monsieur, je vous prie de recevoir ma demande." {
		t.Errorf("got %q", text)
	}
	if n := words[len(words)-1].Line; n != 2 {
		t.Errorf("the last word is in line %d", n)
	}
}

func TestABlankPageHasNoWords(t *testing.T) {
	x := newTools(t, tool.Options{})
	needWords(t, x)
	white := image.NewGray(image.Rect(0, 0, 800, 1100))
	draw.Draw(white, white.Rect, image.White, image.Point{}, draw.Src)
	var picture bytes.Buffer
	if err := png.Encode(&picture, white); err != nil {
		t.Fatal(err)
	}
	words, err := x.Words(t.Context(), picture.Bytes(), 0, []string{"fr"})
	if err != nil || len(words) > 0 {
		t.Errorf("got %v, %v", words, err)
	}
}

func TestWordsOfWhatIsNoPicture(t *testing.T) {
	x := newTools(t, tool.Options{})
	needWords(t, x)
	_, err := x.Words(t.Context(), []byte("/etc/passwd\n"), 300, []string{"fr"}) // tesseract takes lists of files
	wantCode(t, err, kiosk.CodeFileBroken)
	_, err = x.Words(t.Context(), nil, 300, []string{"fr"})
	wantCode(t, err, kiosk.CodeFileEmpty)
	_, err = x.Words(t.Context(), onePixel, 300, []string{"tlh", "../x", "-l"})
	wantCode(t, err, kiosk.CodeFileUnsupported)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = x.Words(gone, onePixel, 300, []string{"fr"})
	wantCode(t, err, kiosk.CodeCanceled)
}

func TestLanguagesAreThoseInstalled(t *testing.T) {
	x := newTools(t, tool.Options{})
	needWords(t, x)
	got, err := x.Languages(t.Context())
	if err != nil || !slices.Contains(got, "fra") || slices.Contains(got, "osd") {
		t.Errorf("got %v, %v", got, err)
	}
}

const tsvHead = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"

func TestNoiseIsNoWord(t *testing.T) {
	words, err := tool.ParseWords([]byte(tsvHead +
		"1\t1\t0\t0\t0\t0\t0\t0\t3337\t4935\t-1\t\n" +
		"5\t1\t1\t1\t1\t1\t73\t2\t9\t611\t95.0\t \n" + // a rule taken for a blank
		"5\t1\t1\t1\t1\t2\t10\t20\t30\t40\t12.5\tlow\n" +
		"5\t1\t1\t1\t2\t1\t10\t20\t0\t40\t90\tflat\n" +
		"5\t1\t1\t1\t3\t1\t10\t20\t30\t40\t90.5\tgood\x01\n" +
		"5\t1\t1\t1\t4\t1\t1\t2\t3\t4\t30\tعربي\n"))
	want := []tool.Word{
		{Text: "good", X0: 10, Y0: 20, X1: 40, Y1: 60, Confidence: 90.5, Line: 0},
		{Text: "عربي", X0: 1, Y0: 2, X1: 4, Y1: 6, Confidence: 30, Line: 1},
	}
	if err != nil || !slices.Equal(words, want) {
		t.Errorf("got %+v, %v", words, err)
	}
}

func FuzzParseWords(f *testing.F) {
	f.Add([]byte(tsvHead + "5\t1\t1\t1\t1\t1\t602\t817\t47\t51\t96.505409\t1)\n"))
	f.Add([]byte(tsvHead + "5\t1\t1\t1\t1\t1\t-602\t99999999999999999999\t47\t51\tNaN\ta\tb\r\n"))
	f.Add([]byte("5\t\t\t\t\t\t1\t1\t1\t1\t1e999\t\xff\u202e"))
	f.Fuzz(func(t *testing.T, tsv []byte) {
		words, err := tool.ParseWords(tsv)
		line := 0
		for _, w := range words {
			if err != nil {
				t.Fatal("words and an error")
			}
			if w.Text == "" || !utf8.ValidString(w.Text) || strings.ContainsAny(w.Text, "\n\t\x00\u202e") || len(w.Text) > 400 {
				t.Errorf("text %q", w.Text)
			}
			if w.X0 < 0 || w.Y0 < 0 || w.X1 <= w.X0 || w.Y1 <= w.Y0 || w.X1 > 1<<18 || w.Y1 > 1<<18 || !(w.Confidence >= 30 && w.Confidence <= 100) || w.Line < line || w.Line > line+1 {
				t.Errorf("%+v", w)
			}
			line = w.Line
		}
	})
}
