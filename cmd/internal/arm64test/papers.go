package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"
)

// attestation is a PDF of one line.
const attestation = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 56>>stream
BT /F 28 Tf 72 700 Td (ATTESTATION DE PAIEMENT) Tj ET   
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
`

// paper is a file to convert.
type paper struct {
	path string
	text string // that is in it as text, and stays
}

// papers converts the run's own files, and some of the collection.
func (t *trial) papers(ctx context.Context) error {
	own := filepath.Join(t.tree, "tmp", "attestation.pdf")
	if err := os.WriteFile(own, []byte(attestation), 0o600); err != nil {
		return err
	}
	scan := filepath.Join(t.tree, "tmp", "scan")
	if _, err := on(ctx, "pdftoppm", "-q", "-jpeg", "-r", "150", "-singlefile", own, scan); err != nil {
		return err
	}
	all := []paper{{own, "ATTESTATION DE PAIEMENT"}, {scan + ".jpg", ""}}
	for _, name := range []string{"fr-rapport-1984-p1.jpg", "handwritten-notesA1.jpg"} {
		path := filepath.Join(t.corpus, name)
		if _, err := os.Stat(path); err != nil {
			t.say("left out, not there: %s", path)
			continue
		}
		small := filepath.Join(t.tree, "tmp", name)
		if err := shrink(path, small); err != nil {
			return err
		}
		all = append(all, paper{small, ""})
	}
	for i, p := range all {
		if err := t.paper(ctx, i, p); err != nil {
			return err
		}
	}
	return nil
}

// mostPixels is the long side of a picture that is tried: 120 dpi of A4. The
// emulator is several times as slow as any kiosk, and the engine gives a page
// up after seconds.
const mostPixels = 1403

// shrink writes a JPEG no larger than that.
func shrink(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	size := img.Bounds().Size()
	if long := max(size.X, size.Y); long > mostPixels {
		small := image.NewRGBA(image.Rect(0, 0, size.X*mostPixels/long, size.Y*mostPixels/long))
		draw.BiLinear.Scale(small, small.Rect, img, img.Bounds(), draw.Src, nil)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 90}); err != nil {
			return err
		}
		data = b.Bytes()
	}
	return os.WriteFile(to, data, 0o600)
}

// answer is what kioskctl convert --json says.
type answer struct {
	Files   []struct{ Bytes, Pages int }
	Seconds float64
}

// paper converts a file twice, by both programs, and compares.
func (t *trial) paper(ctx context.Context, i int, p paper) error {
	data, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	name := filepath.Base(p.path)
	in := fmt.Sprintf("/tmp/%d-%s", i, name)
	out := in + ".out.pdf"
	if err := os.WriteFile(t.tree+in, data, 0o600); err != nil {
		return err
	}
	convert := func(run func(context.Context, ...string) (string, error), program, root, out string) (a answer, err error) {
		said, err := run(ctx, program, "convert", "--json", "--portal", "caf", "-o", root+out, root+in)
		if err == nil {
			err = json.Unmarshal([]byte(said), &a)
		}
		return a, err
	}
	got, err := convert(t.in, "/usr/bin/kioskctl", "", out)
	if err != nil {
		t.check(name+" is converted", false, err.Error())
		return nil // and on with the next
	}
	want, err := convert(on, t.native, t.tree, in+".native.pdf")
	if err != nil {
		return err
	}
	return t.compare(ctx, p, t.tree+out, t.tree+in+".native.pdf", fmt.Sprintf("%s: %d bytes of %d, %.1f s emulated, %.1f s here",
		name, got.Files[0].Bytes, len(data), got.Seconds, want.Seconds))
}

// sameGray is how much two pictures of a page may differ, in levels of gray of
// 255 on average: computers round differently.
const sameGray = 1.0

// compare looks at both files with poppler.
func (t *trial) compare(ctx context.Context, p paper, path, native, figures string) error {
	a, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(native)
	if err != nil {
		return err
	}
	info, err := on(ctx, "pdfinfo", path)
	wanted, errNative := on(ctx, "pdfinfo", native)
	pages := field([]byte(info), "Pages:")
	t.check(figures+", "+pages+" page(s)", err == nil && errNative == nil && pages != "" && pages == field([]byte(wanted), "Pages:"), detail(info, err))
	if p.text != "" {
		text, err := on(ctx, "pdftotext", path, "-")
		t.check("its text is text: "+p.text, err == nil && strings.Contains(text, p.text), detail(text, err))
	}
	if bytes.Equal(a, b) {
		t.say("     the same bytes as here")
	}
	mine, err := drawn(ctx, path)
	if err != nil {
		t.check("poppler draws it", false, err.Error())
		return nil
	}
	theirs, err := drawn(ctx, native)
	if err != nil {
		return err
	}
	apart, ink := difference(mine, theirs), blackness(mine)
	t.check(fmt.Sprintf("it shows what it shows here: %.2f levels apart, %.1f %% ink", apart, 100*ink),
		apart <= sameGray && ink > 0.001, "")
	return nil
}

// drawn is a PDF's first page, as poppler draws it.
func drawn(ctx context.Context, path string) (*image.Gray, error) {
	if _, err := on(ctx, "pdftoppm", "-q", "-png", "-r", "72", "-singlefile", path, path); err != nil {
		return nil, err
	}
	f, err := os.Open(path + ".png")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		return nil, err
	}
	gray := image.NewGray(img.Bounds())
	draw.Draw(gray, gray.Rect, img, gray.Rect.Min, draw.Src)
	return gray, nil
}

// difference is how far apart two pictures are on average; those of different
// size are as far as can be.
func difference(a, b *image.Gray) float64 {
	if a.Rect != b.Rect || len(a.Pix) == 0 {
		return 255
	}
	sum := 0
	for i, p := range a.Pix {
		sum += max(int(p), int(b.Pix[i])) - min(int(p), int(b.Pix[i]))
	}
	return float64(sum) / float64(len(a.Pix))
}

// blackness is which part of a picture is dark.
func blackness(img *image.Gray) float64 {
	dark := 0
	for _, p := range img.Pix {
		if p < 128 {
			dark++
		}
	}
	return float64(dark) / float64(max(1, len(img.Pix)))
}
