package upright_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/upright"
)

// ppm decodes the grey or coloured picture that a tool wrote.
func ppm(t testing.TB, data []byte) *image.Gray {
	t.Helper()
	var kind string
	var w, h, most int
	if _, err := fmt.Sscan(string(data[:min(len(data), 40)]), &kind, &w, &h, &most); err != nil || kind != "P5" || most != 255 {
		t.Fatalf("no picture: %v %q", err, kind)
	}
	return &image.Gray{Pix: data[len(data)-w*h:], Stride: w, Rect: image.Rect(0, 0, w, h)}
}

// corpus gives a picture of the collection in grey, at most 1,760 pixels long.
// ImageMagick reads it: the race detector makes Go's own decoder slow.
func corpus(t testing.TB, name string) *image.Gray {
	t.Helper()
	data, err := exec.Command(documenttest.Tool(t, "convert"), "-quiet", "-limit", "thread", "1", "-define", "jpeg:size=1760x1760",
		documenttest.Path(t, name), "-resize", "1760x1760>", "-colorspace", "gray", "-depth", "8", "pgm:-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return ppm(t, data)
}

// pdfPage draws a page of a PDF.
func pdfPage(t testing.TB, path string, page, dpi int) *image.Gray {
	t.Helper()
	n := fmt.Sprint(page)
	data, err := exec.Command(documenttest.Tool(t, "pdftoppm"), "-gray", "-r", fmt.Sprint(dpi), "-f", n, "-l", n, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return ppm(t, data)
}

// check turns a page each way and wants it turned back. It may be left alone
// when unsure, but for the ways that must be decided.
func check(t *testing.T, name string, page image.Image, decided bool) {
	t.Helper()
	ways := []int{0, 90, 180, 270}
	if !decided {
		ways = ways[1:3] // the others are the same to it
	}
	for _, on := range ways {
		turn, sure := upright.Turn(raster.Turn(page, on))
		if sure < 0 || sure > 1 {
			t.Errorf("%s turned by %d: sure %v", name, on, sure)
		}
		switch {
		case sure >= upright.Sure && (on+turn)%360 != 0:
			t.Errorf("%s turned by %d: sure (%.2f) to turn by %d, want %d", name, on, sure, turn, (360-on)%360)
		case sure < upright.Sure && decided:
			t.Errorf("%s turned by %d: not sure (%.2f, by %d)", name, on, sure, turn)
		}
	}
}

func TestTurnsPrintAndTypewritingUpright(t *testing.T) {
	for _, name := range []string{
		"fr-rapport-1984-p2.jpg", "fr-typescript-greybed-p2.jpg", "fr-lettre-pale.jpg",
		"sim-cerfa-15059-p1.jpg", "qr-bill.jpg", "receipt-highlighter.jpg",
	} {
		check(t, name, corpus(t, name), true)
	}
}

func TestTurnsPagesOfPDFsUpright(t *testing.T) {
	for page, want := range []int{0, 270, 180, 90} {
		img := pdfPage(t, documenttest.Path(t, "ocrmypdf-cardinal.pdf"), page+1, 200)
		if turn, sure := upright.Turn(img); turn != want || sure < upright.Sure {
			t.Errorf("cardinal, page %d: turn by %d (%.2f), want %d", page+1, turn, sure, want)
		}
	}
	for page, want := range []int{270, 180, 90, 0} {
		img := pdfPage(t, documenttest.Path(t, "paperless-rotated.pdf"), page+1, 200)
		if turn, sure := upright.Turn(img); turn != want || sure < upright.Sure {
			t.Errorf("rotated, page %d: turn by %d (%.2f), want %d", page+1, turn, sure, want)
		}
	}
	check(t, "cerfa-15059.pdf", pdfPage(t, documenttest.Path(t, "cerfa-15059.pdf"), 2, 150), true)
}

// Hands, cards, landscapes and drawings: right or unsure.
func TestIsUnsureRatherThanWrong(t *testing.T) {
	for _, name := range []string{
		"fr-lettre-manuscrite.jpg", "handwritten-notesA1.jpg", "handwritten-notesB1.jpg", "receipt-dark-bed.jpg",
		"newspaper-colour.png", "fr-rapport-1984-cover.jpg", "sim-cerfa-12100-p1.jpg", "photo-cni-specimen.jpg",
	} {
		check(t, name, corpus(t, name), false)
	}
	for _, name := range []string{"photo-exif-5-mirror.jpg", "photo-exif-6.jpg"} {
		if turn, sure := upright.Turn(corpus(t, name)); sure >= upright.Sure && turn != 0 {
			t.Errorf("%s: sure (%.2f) to turn a landscape by %d", name, sure, turn)
		}
	}
}

// scripts are beginnings of the Universal Declaration of Human Rights, and
// what else has no small letters with strokes up.
func scripts() map[string]string {
	return map[string]string{
		"arabic":   `<p dir=rtl style="font-family:'Noto Naskh Arabic'">يولد جميع الناس أحرارا متساوين في الكرامة والحقوق وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء لكل إنسان حق التمتع بكافة الحقوق والحريات الواردة في هذا الإعلان دون أي تمييز كالتمييز بسبب العنصر أو اللون أو الجنس أو اللغة أو الدين. `,
		"russian":  `<p style="font-family:'DejaVu Serif'">Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства. Каждый человек должен обладать всеми правами и всеми свободами, провозглашенными настоящей Декларацией. `,
		"greek":    `<p style="font-family:'DejaVu Sans'">Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης. `,
		"armenian": `<p style="font-family:'DejaVu Sans'">Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։ Նրանք ունեն բանականություն ու խիղճ և միմյանց պետք է եղբայրաբար վերաբերվեն։ `,
		"georgian": `<p style="font-family:'DejaVu Sans'">ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით. მათ მინიჭებული აქვთ გონება და სინდისი და ერთმანეთის მიმართ უნდა იქცეოდნენ ძმობის სულისკვეთებით. `,
		"hindi":    `<p style="font-family:'Noto Sans Devanagari'">सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए। `,
		"capitals": `<p style="font-family:'DejaVu Sans'">TOUS LES ETRES HUMAINS NAISSENT LIBRES ET EGAUX EN DIGNITE ET EN DROITS. ILS SONT DOUES DE RAISON ET DE CONSCIENCE. `,
		"digits":   `<p style="font-family:'DejaVu Sans Mono'">1234,56 7890,12 3456,78 9012,34 5678,90 6969,96 8080,08 1961,69 0,99 12,50 45,00 3,20 17,85 6,66 9,99 88,88 `,
	}
}

func TestNeverTurnsOtherScriptsOver(t *testing.T) {
	dir := t.TempDir()
	var html strings.Builder
	html.WriteString("<!doctype html><meta charset=utf-8><style>@page{size:A4;margin:22mm}body{font-size:11pt;line-height:1.5}div{break-after:page}</style>")
	var order []string
	for name, text := range scripts() {
		order = append(order, name)
		html.WriteString("<div>" + strings.Repeat(strings.Replace(text, ">", ">"+strings.Repeat(text[strings.Index(text, ">")+1:], 2), 1), 5) + "</div>")
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts.html"), []byte(html.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	pdf := filepath.Join(dir, "scripts.pdf")
	cmd := exec.Command(documenttest.Tool(t, "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--print-to-pdf="+pdf, "file://"+filepath.Join(dir, "scripts.html"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, said.Bytes())
	}
	for i, name := range order {
		for _, dpi := range []int{150, 90} { // the dots of Arabic are lost last
			page := pdfPage(t, pdf, i+1, dpi)
			for _, on := range []int{0, 90} {
				turn, sure := upright.Turn(raster.Turn(page, on))
				if sure >= upright.Sure && (on+turn)%360 != 0 {
					t.Errorf("%s at %d dpi turned by %d: sure (%.2f) to turn by %d", name, dpi, on, sure, turn)
				}
			}
		}
	}
}

func TestOddPages(t *testing.T) {
	for _, img := range []image.Image{
		image.NewGray(image.Rect(0, 0, 0, 0)), image.NewGray(image.Rect(0, 0, 1, 1)), image.NewRGBA(image.Rect(0, 0, 3, 5000)),
		image.NewGray(image.Rect(7, 7, 900, 700)), image.NewRGBA(image.Rect(-3, -3, 4000, 20)),
		image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420),
	} {
		if turn, sure := upright.Turn(img); turn != 0 || sure != 0 {
			t.Errorf("%T %v: turn by %d (%.2f), want nothing", img, img.Bounds(), turn, sure)
		}
	}
}

func TestColourCountsAsGrey(t *testing.T) {
	page := corpus(t, "qr-bill.jpg")
	turn, sure := upright.Turn(raster.ToRGBA(raster.Turn(page, 180)))
	if turn != 180 || sure < upright.Sure {
		t.Errorf("in colour: turn by %d (%.2f), want 180", turn, sure)
	}
}

func BenchmarkTurn(b *testing.B) {
	page := raster.ToRGBA(raster.Scale(corpus(b, "fr-rapport-1984-p2.jpg"), 2480, 3508))
	for b.Loop() {
		upright.Turn(page)
	}
}
