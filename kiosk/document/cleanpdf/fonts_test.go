package cleanpdf_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pointnum/kiosk/document/cleanpdf"
)

// letters is PostScript that writes some words in a font, those that are not
// in ASCII by their names.
const letters = `/Font findfont dup length dict begin {1 index /FID ne {def} {pop pop} ifelse} forall
/Encoding ISOLatin1Encoding def currentdict end /Ours exch definefont pop
/Ours 28 selectfont 40 700 moveto (D\351l\351gation g\351n\351rale, n\260 1234567890) show
/Ours 12 selectfont 40 650 moveto (Fa\347ade \(ABC\) & co. \253qui, o\371?\273 fi fl ffi) show showpage
`

// printed makes a PDF with a whole font in it by Ghostscript.
func printed(t *testing.T, font string, options ...string) []byte {
	t.Helper()
	args := append([]string{"-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-dEmbedAllFonts=true", "-dSubsetFonts=false",
		"-o", "out.pdf"}, options...)
	args = append(args, "-c", "<</NeverEmbed []>> setdistillerparams", "-f", "in.ps")
	folder, _ := run(t, map[string][]byte{"in.ps": []byte("%!\n" + strings.ReplaceAll(letters, "/Font findfont", font))}, "gs", args...)
	return result(t, folder)
}

func result(t *testing.T, folder string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "out.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const page8 = `<meta charset=utf-8><p style="font:30px DejaVu Sans">Délégation générale, n° 1234567890, fi ffl
<p style="font:20px DejaVu Serif"><b>Łódź</b> Ελλάδα Україна <i>où ça ?</i>`

func TestFontsLoseNoLetter(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T) []byte
		part bool // the font becomes a part of itself
	}{
		"Type 1": {func(t *testing.T) []byte { return printed(t, "/Helvetica findfont", "-dCompatibilityLevel=1.1") }, false},
		"CFF":    {func(t *testing.T) []byte { return printed(t, "/Times-Roman findfont") }, true},
		"TrueType": {func(t *testing.T) []byte {
			return printed(t, "/DejaVuSans findfont", "-sFONTPATH=/usr/share/fonts/truetype/dejavu")
		}, true},
		"TrueType by number": {func(t *testing.T) []byte {
			folder, _ := run(t, map[string][]byte{"in.html": []byte(page8)}, "chromium", "--headless", "--no-sandbox", "--disable-gpu",
				"--user-data-dir=profile", "--no-pdf-header-footer", "--print-to-pdf=out.pdf", "in.html")
			return result(t, folder)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := c.make(t)
			out := assembled(t, all(opened(t, in)), cleanpdf.Quality{})
			sameLooks(t, in, out)
			tagged := regexp.MustCompile(`/FontName /[A-Z]{6}\+`).MatchString(plainly(t, out))
			if tagged != c.part {
				t.Errorf("the font is marked as a part: %v", tagged)
			}
			if len(out) > len(in) {
				t.Errorf("%d bytes became %d", len(in), len(out))
			}
		})
	}
}
