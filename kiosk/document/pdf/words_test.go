package pdf_test

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/pdf"
)

// line puts words side by side, from the left or, in some scripts, from the
// right.
func line(y int, words ...string) []pdf.Word {
	var out []pdf.Word
	fromRight := strings.ContainsAny(words[0], "سש")
	x := 100
	if fromRight {
		x = 1100
	}
	for _, w := range words {
		n := 20 * len([]rune(w))
		if fromRight {
			out = append(out, pdf.Word{Text: w, X0: x - n, Y0: y, X1: x, Y1: y + 40})
			x -= n + 16
		} else {
			out = append(out, pdf.Word{Text: w, X0: x, Y0: y + 10, X1: x + n, Y1: y + 40})
			x += n + 16
		}
	}
	return out
}

// text is what a program finds in a file, without marks of direction.
func text(t *testing.T, data []byte, name string, args ...string) []string {
	t.Helper()
	args = append(slices.Clone(args), documenttest.Save(t, "file.pdf", data))
	if name == "pdftotext" {
		args = append(args, "-")
	}
	out := documenttest.Run(t, name, args...)
	for _, mark := range []string{"\u202a", "\u202b", "\u202c"} {
		out = []byte(strings.ReplaceAll(string(out), mark, " "))
	}
	return strings.Fields(string(out))
}

var scripts = [][]string{
	{"Élève", "cœur", "à", "12,50", "€", "d’accord", "n°", "2026-11-22"},
	{"السلام", "عليكم", "رقم", "2024", "و", "شكرا"},
	{"Привет", "мир", "你好", "தமிழ்"},
	{"שלום", "עולם"},
}

func TestWordsOfAllScriptsAreFound(t *testing.T) {
	for _, words := range scripts {
		page := jpegPage(t, documenttest.GrayGradient(1240, 1754), 150)
		page.Words = line(300, words...)
		data := write(t, page)
		if got := text(t, data, "pdftotext"); !slices.Equal(got, words) {
			t.Errorf("Poppler finds %q in %q", got, words)
		}
		// Ghostscript leaves what is read from the right as it is set.
		if got := text(t, data, "gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=txtwrite", "-o", "-"); words[0] < "א" && !slices.Equal(got, words) {
			t.Errorf("Ghostscript finds %q in %q", got, words)
		}
	}
}

func TestLinesAreReadInOrder(t *testing.T) {
	page := jpegPage(t, documenttest.GrayGradient(1240, 1754), 150)
	var want []string
	for i := range 40 {
		words := []string{"ligne", fmt.Sprint(i), "du", "texte"}
		page.Words = append(page.Words, line(100+40*i, words...)...)
		want = append(want, words...)
	}
	if got := text(t, write(t, page), "pdftotext"); !slices.Equal(got, want) {
		t.Errorf("found %q", got)
	}
}

func TestWordsLieWhereTheyAreSeen(t *testing.T) {
	for turn, box := range map[int]image.Rectangle{
		0: image.Rect(200, 300, 400, 340), 90: image.Rect(200, 300, 240, 500),
		180: image.Rect(200, 300, 400, 340), 270: image.Rect(200, 300, 240, 500),
	} {
		page := jpegPage(t, documenttest.GrayGradient(595, 842), 72)
		page.Words = []pdf.Word{{Text: "dossier", X0: box.Min.X, Y0: box.Min.Y, X1: box.Max.X, Y1: box.Max.Y, Turn: turn}}
		for _, pageTurn := range []int{0, turn} {
			page.Turn = pageTurn
			path := documenttest.Save(t, "file.pdf", write(t, page))
			if got := run(t, "pdftotext", "-x", fmt.Sprint(box.Min.X-3), "-y", fmt.Sprint(box.Min.Y-3), "-W", fmt.Sprint(box.Dx()+6), "-H", fmt.Sprint(box.Dy()+6), path, "-"); pageTurn == 0 && strings.TrimSpace(got) != "dossier" {
				t.Errorf("turned by %d: %q lies in its place", turn, got)
			}
			if got := run(t, "pdftotext", "-layout", path, "-"); strings.TrimSpace(got) != "dossier" {
				t.Errorf("turned by %d on a page turned by %d: found %q", turn, pageTurn, got)
			}
		}
	}
}

func TestWordsAreNotSeen(t *testing.T) {
	page := jpegPage(t, documenttest.GrayGradient(595, 842), 72)
	bare := drawn(t, write(t, page))
	page.Words = line(300, "visible", "?")
	page.Words[1].X0, page.Words[1].X1 = 450, 500
	page.Words[0].X1 = 400
	with := drawn(t, write(t, page))
	for y := range 842 {
		for x := range 595 {
			if bare.At(x, y) != with.At(x, y) {
				t.Fatalf("something is seen at %d, %d", x, y)
			}
		}
	}
}

func TestAPageOfWordsTakesLittle(t *testing.T) {
	page := jpegPage(t, documenttest.GrayGradient(2480/4, 3508/4), 75)
	bare := len(write(t, page))
	for i := range 40 { // 400 words
		for j := range 10 {
			w := fmt.Sprintf("mot%x", i*7919*(j+3))
			page.Words = append(page.Words, pdf.Word{Text: w, X0: 20 + 58*j, X1: 20 + 58*j + 5*len(w), Y0: 20 + 20*i, Y1: 36 + 20*i})
		}
	}
	if n := len(write(t, page)) - bare; n > 9_000 {
		t.Errorf("400 words take %d bytes", n)
	}
}
