package main_test

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pointnum/kiosk/browser/devtools"
)

// handset is a visitor's phone: Chromium of a phone's size, which sees the
// kiosk's screen with its camera and takes files through the page's picker.
type handset struct {
	t    *testing.T
	page *devtools.Page
	kept string // folder of what it keeps
}

// scanCode looks at the kiosk's screen with the phone's camera and opens what
// the code says.
func (s *screen) scanCode() *handset {
	s.t.Helper()
	address := ""
	eventually(s.t, "a code that can be read", func() bool {
		shot, err := s.page.Screenshot(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			s.t.Fatal(err)
		}
		bits, err := gozxing.NewBinaryBitmapFromImage(picture)
		if err != nil {
			s.t.Fatal(err)
		}
		found, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
		if err == nil {
			address = found.GetText()
		}
		return err == nil
	})
	b, err := devtools.Start(s.t.Context(), devtools.Options{Headless: true})
	if err != nil {
		s.t.Fatal(err)
	}
	h := &handset{t: s.t, kept: s.t.TempDir()}
	s.t.Cleanup(func() {
		if s.t.Failed() && h.page != nil {
			s.t.Logf("the phone shows:\n%s", h.text())
			h.keep("failed")
		}
		if err := b.Close(); err != nil {
			s.t.Error(err)
		}
	})
	if h.page, err = b.OpenPage(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if err := h.page.Phone(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	if err := b.Call(s.t.Context(), "", "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": h.kept}, nil); err != nil {
		s.t.Fatal(err)
	}
	if err := h.page.Navigate(s.t.Context(), address); err != nil {
		s.t.Fatal(err)
	}
	return h
}

// ask runs an expression in the phone's page.
func (h *handset) ask(script string) (s string) {
	h.t.Helper()
	if err := h.page.Eval(context.WithoutCancel(h.t.Context()), script, &s); err != nil {
		h.t.Fatalf("%s: %v", script, err)
	}
	return s
}

func (h *handset) text() string { return h.ask(`document.body.innerText`) }

func (h *handset) says(text string) {
	h.t.Helper()
	eventually(h.t, "the phone to say "+text, func() bool { return strings.Contains(h.text(), text) })
}

func (h *handset) choose(field string, paths ...string) {
	h.t.Helper()
	if err := h.page.Choose(h.t.Context(), "#"+field, paths...); err != nil {
		h.t.Fatal(err)
	}
}

// keep saves a picture of the phone when SHOTS names a folder.
func (h *handset) keep(name string) { (&screen{t: h.t, page: h.page}).keep("phone-" + name) }

// A whole visit with a phone: its photos become pages, the document goes back
// to it, and at the end nothing of either is left.
func TestVisitWithAPhone(t *testing.T) {
	kiosk := start(t, "kioskdev", "-json", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-browser=false",
		"-out", t.TempDir(), "-page-time", "100ms", "-side-time", "100ms")
	told := kiosk.told(t)
	bench := panel{told.Panel}
	bench.post(t, "/key", "in", "true")
	s := openScreen(t, told.Screen, 1080, 1920)
	s.shows("welcome")
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.shows("scan")
	s.touch(`section[data-section="scan"] [data-act="open-phone"]`)
	s.shows("phone")
	h := s.scanCode()
	h.says("Regardez l’écran de la borne")
	s.shows("phone-code")
	digits := h.ask(`document.getElementById('digits').textContent`)
	if shown := eval[string](s, `document.querySelector('[data-text="phone.code"]').textContent`); shown != digits || len(digits) != 4 {
		t.Errorf("the kiosk shows %q, the phone %q", shown, digits)
	}
	s.touch(`#accept-phone`)
	s.shows("phone-ready")
	h.says("sont reliés")

	corpus, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "corpus"))
	if err != nil {
		t.Fatal(err)
	}
	h.choose("photo", filepath.Join(corpus, "photo-cni-specimen.jpg"))
	h.choose("files", filepath.Join(corpus, "paperless-simple.heic"), filepath.Join(corpus, "hostile-bomb.png"))
	s.shows("fault") // the bomb, after the two good ones
	if text := s.text(); !strings.Contains(text, "file_too_big") {
		t.Errorf("the kiosk says:\n%s", text)
	}
	h.says("trop lourd")
	if text := h.text(); strings.Count(text, "bien reçu") != 2 {
		t.Errorf("the phone says:\n%s", text)
	}
	h.keep("sent")
	s.touch(`[data-section="fault"] [data-act="dismiss"]`)
	s.shows("phone-ready")
	s.touch(`[data-section="phone-ready"] [data-screen="review"]`)
	s.shows("review")
	eventually(t, "two pages with pictures", func() bool { return s.pages() == 2 })
	s.touch(`section[data-section="review"] [data-screen="portal"]`)
	s.shows("portal")
	s.touch(`[data-section="portal"] [data-do="portal"]`)
	s.touch(`[data-kind="rent_certificate"]`)
	s.touch(`[data-do="choose"]`)
	s.shows("result")

	// To the phone that is there, at once; and on the key: the same bytes.
	s.touch(`[data-section="result"] [data-act="send-to-phone"]`)
	h.says("Ouvrir ou garder")
	s.shows("result")
	eventually(t, "the kiosk to say that it arrived", func() bool { return strings.Contains(s.text(), "Arrivé sur votre téléphone") })
	s.keep("result-phone")
	h.keep("document")
	s.touch(`[data-section="result"] [data-act="save"]`)
	eventually(t, "a file on the key", func() bool { return len(keyFiles(t, bench.state(t).KeyDir)) == 1 })
	name := keyFiles(t, bench.state(t).KeyDir)[0]
	want, err := os.ReadFile(filepath.Join(bench.state(t).KeyDir, name))
	if err != nil {
		t.Fatal(err)
	}
	h.ask(`document.querySelector('#docs a').click(), ''`)
	eventually(t, "the phone to have the key's bytes", func() bool {
		got, err := os.ReadFile(filepath.Join(h.kept, name))
		return err == nil && bytes.Equal(got, want)
	})

	s.shows("result")
	s.leave()
	h.says("C’est terminé")
	checkEmpty(t, told.Spool)
	if log := kiosk.log(); strings.Contains(log, "cni") || strings.Contains(log, "/d#") || strings.Contains(log, digits) {
		t.Errorf("the log says something of the visitor:\n%s", log)
	}
}
