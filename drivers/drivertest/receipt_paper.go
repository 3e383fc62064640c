package drivertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/drivers/escpos/decode"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// receiptQR is the content of the codes on the suite's receipts.
const receiptQR = "https://www.caf.fr/allocataires/mon-compte?demarche=logement"

// FrenchReceipt is a receipt with everything a receipt can have.
func FrenchReceipt() kiosk.Receipt {
	return kiosk.Receipt{Lang: "fr", Items: []kiosk.ReceiptItem{
		{Text: "Point numérique", Bold: true, Large: true, Align: kiosk.AlignCenter},
		{Text: "Espace de vie sociale « Les Lilas »", Align: kiosk.AlignCenter},
		{Rule: true},
		{Pair: [2]string{"Date", "21/11/2026 à 14:05"}},
		{Pair: [2]string{"Où", "Mon Compte CAF, rubrique Aide au logement, déclaration trimestrielle de ressources"}},
		{Text: "Vous avez déposé 3 papiers :", Bold: true},
		{Text: "Justificatif de loyer – 612,50 €, reçu de l’école, attestation d'hébergement signée par votre sœur aînée à Évry."},
		{},
		{Text: "Anticonstitutionnellementetbienplusquecelacarunmotsanslargeurestcoupé"},
		{QR: receiptQR, Align: kiosk.AlignCenter},
		{Text: "Rien ne reste sur la borne.", Align: kiosk.AlignCenter},
	}}
}

// ArabicReceipt is the same kind of receipt from right to left.
func ArabicReceipt() kiosk.Receipt {
	return kiosk.Receipt{Lang: "ar", RTL: true, Items: []kiosk.ReceiptItem{
		{Text: "نقطة رقمية", Bold: true, Large: true, Align: kiosk.AlignCenter},
		{Rule: true},
		{Pair: [2]string{"التاريخ", "21/11/2026 14:05"}},
		{Text: "لقد أودعتم 3 وثائق في حسابكم على موقع www.caf.fr يوم 21-11-2026 على الساعة 14:05."},
		{Text: "للمساعدة اتصلوا بالرقم 01 23 45 67 89 أو اسألوا في مكتب الاستقبال", Bold: true},
		{Pair: [2]string{"عدد الصفحات", "7"}},
		{QR: receiptQR, Align: kiosk.AlignCenter},
		{Text: "لا يبقى أي شيء على هذا الجهاز", Align: kiosk.AlignCenter},
	}}
}

// LongReceipt takes a while to print: its lines are sent as pictures.
func LongReceipt() kiosk.Receipt {
	r := kiosk.Receipt{Lang: "ar", RTL: true}
	for range 6 {
		r.Items = append(r.Items, ArabicReceipt().Items...)
	}
	return r
}

func receiptFrench(t *testing.T, b *receiptBench) {
	checkFrench(t, b.print(t, b.start(t), FrenchReceipt()))
}

// checkFrench checks FrenchReceipt on 80 mm paper, character by character.
func checkFrench(t *testing.T, out virtual.PrintedReceipt) {
	t.Helper()
	const want = `Point numérique
Espace de vie sociale « Les Lilas »
────────────────────────────────────────────────
Date                          21/11/2026 à 14:05
Où
Mon Compte CAF, rubrique Aide au logement,
déclaration trimestrielle de ressources
Vous avez déposé 3 papiers :
Justificatif de loyer - 612,50 €, reçu de
l'école, attestation d'hébergement signée par
votre sœur aînée à Évry.

Anticonstitutionnellementetbienplusquecelacarunm
otsanslargeurestcoupé

Rien ne reste sur la borne.
`
	// The code stands between two empty lines; pictures have no text.
	got := strings.ReplaceAll(out.Text(), "\n\n\n", "\n\n")
	got = strings.ReplaceAll(got, "\n\n\n", "\n\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !out.Cut {
		t.Error("not cut")
	}
	if title := out.Lines[0]; !title.Bold || !title.Large || title.Align != 1 {
		t.Errorf("title is %+v", title)
	}
	if bold := receiptLine(t, out.Receipt, "Vous avez"); !bold.Bold || bold.Large || bold.Align != 0 {
		t.Errorf("bold line is %+v", bold)
	}
	if value := receiptLine(t, out.Receipt, "Mon Compte CAF,"); value.Align != 2 {
		t.Errorf("the value too long for its line is %+v", value)
	}
	checkCode(t, out)
}

func receiptLine(t *testing.T, r decode.Receipt, prefix string) decode.Line {
	t.Helper()
	for _, l := range r.Lines {
		if strings.HasPrefix(l.Text, prefix) {
			return l
		}
	}
	t.Fatalf("no line begins with %q", prefix)
	return decode.Line{}
}

// checkCode reads the code on the picture with a program that is not ours.
func checkCode(t *testing.T, out virtual.PrintedReceipt) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "receipt.png")
	if err := os.WriteFile(name, out.PNG, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), Tool(t, "zbarimg"), "-q", "--raw", name).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	if strings.TrimSpace(string(got)) != receiptQR {
		t.Errorf("the code says %q", got)
	}
}

func receiptNarrow(t *testing.T, b *receiptBench) {
	out := b.print(t, b.start(t, "dots", "384"), FrenchReceipt())
	for _, l := range out.Lines {
		if n := len([]rune(l.Text)); n > 32 {
			t.Errorf("a line of %d characters: %q", n, l.Text)
		}
	}
	words := strings.Fields(out.Text())
	for _, word := range []string{"Justificatif", "d'hébergement", "612,50", "trimestrielle"} {
		found := false
		for _, w := range words {
			found = found || strings.Trim(w, ",") == word
		}
		if !found {
			t.Errorf("%q was cut", word)
		}
	}
	checkCode(t, out)
}

// ink returns the first and last column and the number of black dots of a
// line.
func ink(out virtual.PrintedReceipt, l decode.Line) (first, last, count int) {
	first, last = out.Paper.Width, -1
	for y := l.Top; y < l.Top+l.Height; y++ {
		for x := range out.Paper.Width {
			if out.Paper.At(x, y) {
				first, last, count = min(first, x), max(last, x), count+1
			}
		}
	}
	return first, last, count
}

func receiptArabic(t *testing.T, b *receiptBench) {
	out := b.print(t, b.start(t), ArabicReceipt())
	checkArabic(t, out)
}

func receiptArabicNarrow(t *testing.T, b *receiptBench) {
	out := b.print(t, b.start(t, "dots", "384"), ArabicReceipt())
	checkArabic(t, out)
}

// checkArabic checks what can be told of the picture of ArabicReceipt without
// reading Arabic: what is a picture, where its ink is, and that no more than a
// word's width stays empty on a line that is followed by its rest.
func checkArabic(t *testing.T, out virtual.PrintedReceipt) {
	t.Helper()
	width := out.Paper.Width
	for _, r := range out.Text() {
		if r > 0xff && r != '─' {
			t.Fatalf("Arabic was sent as characters: %q", out.Text())
		}
	}
	var fromRight, centred, across int
	for _, l := range out.Lines {
		if !l.Picture {
			continue
		}
		first, last, count := ink(out, l)
		if count == 0 {
			t.Errorf("no ink on the picture at %d", l.Top)
			continue
		}
		switch {
		case l.Height > 100: // the code
		case last > width-8 && first < 8:
			across++ // a pair
		case last > width-8:
			fromRight++
		case max(first-(width-last), (width-last)-first) < 16:
			centred++
		default:
			t.Errorf("the picture at %d has ink from %d to %d of %d", l.Top, first, last, width)
		}
	}
	if fromRight < 3 || centred < 2 || across < 2 {
		t.Errorf("%d lines from the right, %d centred, %d across", fromRight, centred, across)
	}
	if !out.Cut {
		t.Error("not cut")
	}
	checkCode(t, out)
}
