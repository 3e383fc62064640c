package reading_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"pointnum/cmd/internal/benchengine/legible"
	"pointnum/cmd/internal/benchengine/reading"
)

// words of a page that tesseract reads without doubt.
const words = "the quick brown fox jumps over the lazy dog while seven wizards quietly make toxic brew for the evil queen and jack"

// letter paints a page of words.
func letter(t *testing.T) *image.Gray {
	t.Helper()
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 44, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(image.Rect(0, 0, 1000, 600))
	draw.Draw(g, g.Rect, image.White, image.Point{}, draw.Src)
	d := font.Drawer{Dst: g, Src: image.NewUniform(color.Gray{20}), Face: face}
	x, y := 60, 90
	for w := range strings.FieldsSeq(words) {
		if wide := d.MeasureString(w + " ").Ceil(); x+wide > 960 {
			x, y = 60, y+66
		}
		d.Dot = fixed.P(x, y)
		d.DrawString(w + " ")
		x = d.Dot.X.Ceil()
	}
	return g
}

func TestAPageIsReadTheWayUpItReadsBest(t *testing.T) {
	r := &reading.Reader{Work: t.TempDir(), Env: append(os.Environ(), "OMP_THREAD_LIMIT=1")}
	page := letter(t)
	for _, turned := range []int{0, 180, 270} {
		text, turn, err := r.Upright(t.Context(), legible.Turn(page, turned), "eng", false, 0, 90, 270, 180)
		if err != nil {
			t.Fatal(err)
		}
		if want := (360 - turned) % 360; turn != want {
			t.Errorf("turned by %d: read at %d, want %d", turned, turn, want)
		}
		if found, _ := legible.Found(words, text.Lines); found < 0.9 || text.Sure() < 15 {
			t.Errorf("turned by %d: %.2f of the words, %d sure: %q", turned, found, text.Sure(), text.Lines)
		}
		for _, w := range text.Words {
			if !w.Box.In(page.Rect) && turned == 0 {
				t.Errorf("%q is at %v", w.Text, w.Box)
			}
		}
	}
}

func TestWhatWasReadIsKept(t *testing.T) {
	r := &reading.Reader{Work: t.TempDir(), Env: os.Environ()}
	page := letter(t)
	first, err := r.Read(t.Context(), page, "eng", false)
	if err != nil {
		t.Fatal(err)
	}
	r.Env = []string{"TESSDATA_PREFIX=/nowhere"} // it could not be read again
	second, err := r.Read(t.Context(), page, "eng", false)
	if err != nil || second.Lines != first.Lines || len(second.Words) != len(first.Words) {
		t.Errorf("got %v, %v", second, err)
	}
	if _, err := r.Read(t.Context(), legible.Turn(page, 90), "eng", false); err == nil {
		t.Error("another page was taken for it")
	}
}

func TestPagesAreDrawnAtThreeHundredDots(t *testing.T) {
	dir := t.TempDir()
	var pgm bytes.Buffer
	pgm.WriteString("P5\n100 200\n255\n")
	pgm.Write(bytes.Repeat([]byte{90}, 100*200))
	picture, pdf := filepath.Join(dir, "p.pgm"), filepath.Join(dir, "p.pdf")
	if err := os.WriteFile(picture, pgm.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("img2pdf", "--pagesize", "A4", "-o", pdf, picture).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	r := &reading.Reader{Work: dir}
	pages, err := r.Pages(t.Context(), pdf, 1, 3)
	if err != nil || len(pages) != 1 || pages[0].Rect.Dy() != reading.LongSide {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	colour, err := r.Colour(t.Context(), pdf, 1, 90)
	if err != nil || colour.Rect.Dx() != reading.LongSide {
		t.Fatalf("%v, %v", colour, err)
	}
	if got := colour.RGBAAt(colour.Rect.Dx()/2, colour.Rect.Dy()/2); got.R != 90 || got.A != 255 {
		t.Errorf("the middle is %v", got)
	}
}
