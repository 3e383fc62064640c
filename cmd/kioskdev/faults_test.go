package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every fault of a device is a screen with a picture, a plain sentence and
// what to do; the pages stay, and the same touch works once it is mended.
func TestFaultsAreScreens(t *testing.T) {
	kiosk := start(t, "kioskdev", "-json", "-browser=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-sheets", "1",
		"-page-time", "100ms", "-side-time", "50ms")
	told := kiosk.told(t)
	bench := panel{told.Panel}
	fault := func(device, name, on string) {
		t.Helper()
		bench.post(t, "/fault", "device", device, "fault", name, "on", on)
	}
	s := openScreen(t, told.Screen, 1080, 1920)
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.shows("scan")

	told1 := func(code string) {
		t.Helper()
		s.shows("fault")
		s.keep(code)
		if text := s.text(); !strings.Contains(text, code) {
			t.Errorf("want a screen about %s, got:\n%s", code, text)
		}
		if !eval[bool](s, `!!document.querySelector('[data-section="fault"] .picture use')?.getAttribute('href')`) {
			t.Errorf("%s has no picture", code)
		}
	}
	dismiss := func() { t.Helper(); s.touch(`[data-section="fault"] [data-act="dismiss"]`) }

	// The scanner.
	for _, f := range []struct{ fault, code string }{
		{"cover_open", "cover_open"}, {"cut_page", "bad_page"}, {"double_feed", "double_feed"},
	} {
		bench.post(t, "/load", "sheets", "1")
		fault("scanner", f.fault, "true")
		s.post(t, "scan")
		told1(f.code)
		fault("scanner", f.fault, "false")
		dismiss()
		s.shows("scan")
	}
	fault("scanner", "unplugged", "true")
	s.post(t, "scan")
	told1("unplugged")
	fault("scanner", "unplugged", "false")
	bench.post(t, "/load", "sheets", "1")
	eventually(t, "the scanner again", func() bool {
		if s.where() == "fault" {
			s.post(t, "retry")
		}
		return s.where() == "review"
	})
	eventually(t, "one page", func() bool { return s.pages() == 1 })

	// Files that visitors bring: a good page stays whatever comes after it.
	files := map[string][]byte{
		"vide.pdf":   nil,
		"faux.jpg":   []byte("<html><body>bonjour</body></html>"),
		"casse.pdf":  []byte("%PDF-1.4\nthis is no PDF"),
		"dessin.jpg": []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`),
	}
	codes := map[string]string{
		"vide.pdf": "file_empty", "faux.jpg": "file_unknown", "casse.pdf": "file_broken",
		"secret.pdf": "file_password", "bombe.png": "file_too_big", "mensonge.jpg": "file_too_big", "dessin.jpg": "file_unsupported",
	}
	corpus := filepath.Join("..", "..", "..", "shared", "corpus")
	for name, from := range map[string]string{"secret.pdf": "hostile-user-password.pdf", "bombe.png": "hostile-bomb.png", "mensonge.jpg": "hostile-lie.jpg"} {
		if data, err := os.ReadFile(filepath.Join(corpus, from)); err == nil {
			files[name] = data
		}
	}
	dir := bench.state(t).KeyDir
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bench.post(t, "/key", "in", "true")
	s.touch(`section[data-section="review"] [data-screen="scan"]`)
	s.shows("scan")
	for name := range files {
		eventually(t, "the list of the key", func() bool {
			if s.where() == "scan" {
				s.post(t, "list-key")
			}
			return s.where() == "key"
		})
		n := eval[int](s, `[...document.querySelectorAll('#files .row')].findIndex((r) => r.querySelector('.name').textContent === '`+name+`')`)
		if n < 0 {
			t.Fatalf("%s is not in the list:\n%s", name, s.text())
		}
		s.touchNth(`#files .row`, n)
		told1(codes[name])
		dismiss()
	}
	eventually(t, "the list put away", func() bool {
		if s.where() == "key" {
			s.post(t, "close-key")
		}
		return s.where() == "scan" || s.where() == "review"
	})
	if s.where() == "scan" {
		s.touch(`section[data-section="scan"] [data-screen="review"]`)
	}
	s.shows("review")
	eventually(t, "the good page still there", func() bool { return s.pages() == 1 })

	// What takes the result away.
	s.touch(`section[data-section="review"] [data-screen="portal"]`)
	s.touch(`[data-portal="caf"]`)
	s.touch(`[data-kind="other"]`)
	eventually(t, "the result", func() bool {
		if eval[bool](s, `!!document.querySelector('[data-do="choose"]')?.checkVisibility()`) {
			s.touch(`[data-do="choose"]`)
		}
		return s.where() == "result"
	})
	for _, f := range []struct{ device, fault, code, act string }{
		{"key", "full", "key_full", "save"},
		{"key", "read-only", "key_read_only", "save"},
		{"receipt", "paper-out", "paper_empty", "receipt"},
		{"receipt", "cover-open", "cover_open", "receipt"},
		{"printer", "reject", "job_rejected", "print"},
		{"printer", "offline", "unplugged", "print"},
	} {
		fault(f.device, f.fault, "true")
		s.post(t, f.act)
		told1(f.code)
		fault(f.device, f.fault, "false")
		dismiss()
		s.shows("result")
	}
	bench.post(t, "/key", "after", "1000")
	s.post(t, "save")
	told1("key_removed")
	bench.post(t, "/key", "in", "true")
	dismiss()

	// Everything is mended: it works after all.
	eventually(t, "the key again", func() bool { s.post(t, "save"); return len(keyFiles(t, dir)) >= 1+2 })
	fault("printer", "media-empty", "true")
	s.post(t, "print")
	eventually(t, "a printer that waits for paper", func() bool {
		return strings.Contains(s.text(), "papier") && (s.where() == "task" || s.where() == "fault")
	})
	fault("printer", "media-empty", "false")
	if s.where() == "fault" {
		s.touch(`[data-act="retry"]`)
	}
	eventually(t, "the printed document", func() bool { return bench.state(t).Prints == 1 })
	s.shows("result")
	s.post(t, "leave")
	s.shows("goodbye")
	checkEmpty(t, told.Spool)
}

// post sends an action as the screen's own script does: for faults that can
// only be tried while the screen does not offer the touch yet.
func (s *screen) post(t *testing.T, act string) {
	t.Helper()
	status := eval[int](s, `fetch('/act/`+act+`', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}).then((r) => r.status)`)
	if status != 204 && status != 409 {
		t.Errorf("%s answered %d", act, status)
	}
}
