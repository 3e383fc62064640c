package testportal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"pointnum/cmd/internal/testportal"
)

// pdfOf, jpegOf and pngOf make a file of exactly n bytes.
func pdfOf(t *testing.T, v *visitor, n int) []byte {
	t.Helper()
	data := []byte(v.get(portalURL + "/documents/attestation").body)
	// A comment at the end of the line of the trailer's mark is no part of it.
	at := bytes.LastIndex(data, []byte("startxref"))
	fill := n - len(data) - 2
	if fill < 0 {
		t.Fatalf("a PDF of %d bytes is too small", n)
	}
	return slicesInsert(data, at, []byte("%"+strings.Repeat("x", fill)+"\n"))
}

func slicesInsert(data []byte, at int, more []byte) []byte {
	return append(append(append([]byte(nil), data[:at]...), more...), data[at:]...)
}

func pictures(t *testing.T) (jpegData, pngData []byte) {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 40))
	img.Set(1, 1, color.White)
	var j, g bytes.Buffer
	if err := jpeg.Encode(&j, img, nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&g, img); err != nil {
		t.Fatal(err)
	}
	return j.Bytes(), g.Bytes()
}

func padded(data []byte, n int) []byte { return append(data, make([]byte, n-len(data))...) }

func TestEveryFormTakesItsLimitAndNoMore(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	v := newVisitor(t, p)
	picture, _ := pictures(t)
	for _, f := range append(testportal.Forms(), testportal.StrictForm()) {
		t.Run(f.ID, func(t *testing.T) {
			make := func(n int) file {
				if f.Formats[0] == "application/pdf" {
					return file{"papier.pdf", "application/pdf", pdfOf(t, v, n)}
				}
				return file{"photo.jpg", "image/jpeg", padded(picture, n)}
			}
			fits := make(int(f.Max))
			sum := sha256.Sum256(fits.data)
			wants(t, v.upload(portalURL+"/envoi/"+f.ID, fits), 200, "/envoi/"+f.ID, hex.EncodeToString(sum[:]))
			wants(t, v.upload(portalURL+"/envoi/"+f.ID, make(int(f.Max)+1)), 413, "/envoi/"+f.ID, "Le fichier est trop volumineux")
			wants(t, v.upload(portalURL+"/envoi/"+f.ID, file{"papier.pdf", "application/pdf", []byte("<html>not a PDF")}), 415, "/envoi/"+f.ID, "Format non accepté")
			p.Forget()
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	v := newVisitor(t, p)
	picture, drawing := pictures(t)
	good := pdfOf(t, v, 3000)
	for _, c := range []struct {
		name, form string
		files      []file
		status     int
		sentence   string
	}{
		{"no file", "plain", nil, 400, "Choisissez d’abord un fichier"},
		{"an empty file", "plain", []file{{"a.pdf", "application/pdf", nil}}, 400, "Le fichier est vide"},
		{"a picture where only PDF is taken", "accept", []file{{"a.jpg", "image/jpeg", picture}}, 415, "Format non accepté. Formats acceptés : PDF."},
		{"a PDF where only pictures are taken", "photo", []file{{"a.pdf", "application/pdf", good}}, 415, "Formats acceptés : JPG, PNG"},
		{"a picture that says it is a PDF", "accept", []file{{"a.pdf", "application/pdf", drawing}}, 415, "Format non accepté"},
		{"a PDF with a picture's name", "plain", []file{{"a.heic", "image/heic", good}}, 415, "Format non accepté"},
		{"a PDF cut short", "plain", []file{{"a.pdf", "application/pdf", good[:len(good)-20]}}, 422, "abîmé"},
		{"an accent in the name", "named", []file{{"été.pdf", "application/pdf", good}}, 422, "un espace ou un accent"},
		{"too many files", "multiple", []file{{"1.pdf", "application/pdf", good}, {"2.pdf", "application/pdf", good}, {"3.pdf", "application/pdf", good}, {"4.pdf", "application/pdf", good}}, 422, "3 au plus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wants(t, v.upload(portalURL+"/envoi/"+c.form, c.files...), c.status, "/envoi/"+c.form, c.sentence)
		})
	}
	t.Run("the hosts of frames take the same", func(t *testing.T) {
		for _, host := range []string{testportal.HostSameSite, testportal.HostOther} {
			wants(t, v.upload("https://"+host+"/envoi/plain", file{"a.pdf", "application/pdf", good}), 200, "/envoi/plain", "bien reçu")
		}
	})
	t.Run("the portal remembers what it got and why it refused", func(t *testing.T) {
		p.Forget()
		v.upload(portalURL+"/envoi/multiple", file{"1.pdf", "application/x-pdf", good}, file{"é 2.png", "image/png", drawing})
		v.upload("https://"+testportal.HostOther+"/envoi/accept", file{"3.png", "image/png", drawing})
		got := p.Received()
		if len(got) != 3 {
			t.Fatalf("got %d uploads, want 3", len(got))
		}
		if u := got[0]; u.Form != "multiple" || u.Host != testportal.HostPortal || u.Name != "1.pdf" || u.MediaType != "application/x-pdf" || u.Sniffed != "application/pdf" || !bytes.Equal(u.Data, good) || u.Refusal != "" {
			t.Errorf("first: got %+v", u)
		}
		if u := got[1]; u.Name != "é 2.png" || u.Sniffed != "image/png" || u.Refusal != "" {
			t.Errorf("second: got %+v", u)
		}
		if u := got[2]; u.Host != testportal.HostOther || !strings.HasPrefix(u.Refusal, "Format non accepté") {
			t.Errorf("third: got %+v", u)
		}
	})
	t.Run("forgetting overwrites the bytes", func(t *testing.T) {
		got := p.Received()
		p.Forget()
		if len(p.Received()) != 0 || bytes.ContainsFunc(got[0].Data, func(r rune) bool { return r != 0 }) {
			t.Error("something is left")
		}
	})
}

func TestStatedLimitsStandInThePages(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	v := newVisitor(t, p)
	all := v.get(portalURL + "/formulaires").body
	for _, f := range testportal.Forms() {
		one := v.get("https://" + testportal.HostOther + "/formulaires/" + f.ID).body
		for _, body := range []string{all, one} {
			for _, want := range []string{f.Limit, `data-trigger="` + f.ID + `"`, `data-result="` + f.ID + `"`} {
				if !strings.Contains(body, want) {
					t.Errorf("%s: no %q in the page", f.ID, want)
				}
			}
			if has := strings.Contains(body, `data-send="`+f.ID+`"`); has != f.Button {
				t.Errorf("%s: button to send: %v", f.ID, has)
			}
		}
	}
}
