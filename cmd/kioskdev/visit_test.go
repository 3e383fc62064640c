package main_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// marker is hidden in every page that the virtual scanner feeds; another one
// in each run.
var marker = "MARQUE-" + rand.Text()

// A whole visit by touches alone: a jam on sheet 2, the pages put in order, a
// file that fits on the key, on paper, a receipt, and nothing left.
func TestVisit(t *testing.T) {
	for _, c := range []struct {
		name, lang    string
		width, height int
		args          []string
	}{
		{"in French on a standing screen", "fr", 1080, 1920, nil},
		{"in Arabic on a lying screen", "ar", 1920, 1080, []string{"-tcp"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			kiosk := start(t, "kioskdev", append([]string{"-json", "-browser=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0",
				"-marker", marker, "-page-time", "300ms", "-side-time", "100ms"}, c.args...)...)
			told := kiosk.told(t)
			bench := panel{told.Panel}
			bench.post(t, "/key", "in", "true")
			bench.post(t, "/fault", "device", "scanner", "fault", "jam", "sheet", "2", "once", "true", "on", "true")

			s := openScreen(t, told.Screen, c.width, c.height)
			s.shows("welcome")
			s.touch(`[data-act="start"][data-lang="` + c.lang + `"]`)
			s.shows("scan")
			if got := eval[string](s, "document.documentElement.lang"); got != c.lang {
				t.Errorf("the page is in %q, want %q", got, c.lang)
			}
			s.touch(`[data-act="scan"]`)
			s.shows("fault")
			if text := s.text(); !strings.Contains(text, "2") || !strings.Contains(text, "paper_jam") {
				t.Errorf("a jam on sheet 2 is told as %q", text)
			}
			bench.post(t, "/load", "sheets", "2", "from", "2", "total", "3")
			s.touch(`[data-act="retry"]`)
			s.shows("review")
			eventually(t, "three pages with pictures", func() bool { return s.pages() == 3 })

			edit(t, s)
			s.makeFile("caf")
			if text := s.text(); !strings.Contains(text, "3") {
				t.Errorf("the result says %q", text)
			}
			s.touch(`[data-act="save"]`)
			eventually(t, "a file on the key", func() bool { return len(keyFiles(t, bench.state(t).KeyDir)) == 1 })
			s.touch(`[data-act="print"]`)
			eventually(t, "a printed document", func() bool { return bench.state(t).Prints == 1 })
			s.touch(`[data-act="receipt"]`)
			eventually(t, "a receipt", func() bool { return bench.state(t).Receipts == 1 })
			s.shows("result")

			s.leave()
			s.keep("erased")
			checkEmpty(t, told.Spool)
			checkPaper(t, filepath.Join(bench.state(t).KeyDir, keyFiles(t, bench.state(t).KeyDir)[0]))
			checkPaper(t, filepath.Join(told.Out, "printed", "1.pdf"))
			checkReceipt(t, filepath.Join(told.Out, "receipts", "1.png"), c.lang)
			s.shows("welcome")
		})
	}
}

// scanPapers begins a visit and scans three pages.
func (s *screen) scanPapers() {
	s.t.Helper()
	s.shows("welcome")
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.shows("scan")
	s.touch(`[data-act="scan"]`)
	s.shows("review")
	eventually(s.t, "three pages with pictures", func() bool { return s.pages() == 3 })
}

// makeFile goes on from the review to the result.
func (s *screen) makeFile(portal string) {
	s.t.Helper()
	s.touch(`section[data-section="review"] [data-screen="portal"]`)
	s.shows("portal")
	s.touch(`[data-section="portal"] [data-portal="` + portal + `"]`)
	s.touch(`[data-kind="rent_certificate"]`)
	s.touch(`[data-do="choose"]`)
	s.shows("result")
}

// leave ends the visit.
func (s *screen) leave() {
	s.t.Helper()
	s.touch(`[data-open="leave"]`)
	s.touch(`#leave [data-act="leave"]`)
	s.shows("goodbye")
	eventually(s.t, "everything erased", func() bool {
		return eval[bool](s, `document.querySelector('[data-section="goodbye"] [data-when="wiped"]').checkVisibility()`)
	})
}

// edit turns, moves and deletes pages and takes all of it back.
func edit(t *testing.T, s *screen) {
	t.Helper()
	order := func() string {
		return eval[string](s, `[...document.querySelectorAll('#pages img')].map((i) => i.getAttribute('src')).join()`)
	}
	before := order()
	s.touchNth(`#pages [data-do="delete"]`, 1)
	eventually(t, "two pages", func() bool { return s.pages() == 2 })
	s.touch(`[data-act="undo"]`)
	eventually(t, "three pages", func() bool { return s.pages() == 3 })
	s.touchNth(`#pages [data-do="later"]`, 0)
	eventually(t, "another order", func() bool { return order() != before })
	s.touch(`[data-act="undo"]`)
	eventually(t, "the first order", func() bool { return order() == before })
	s.touchNth(`#pages [data-do="turn"]`, 2)
	s.touch(`[data-act="undo"]`)
	s.touch(`[data-act="redo"]`)
	s.touch(`[data-act="undo"]`)
	eventually(t, "the first order", func() bool { return order() == before && s.pages() == 3 })
}

func keyFiles(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".pdf" {
			names = append(names, e.Name())
		}
	}
	return names
}

// checkPaper wants the three pages, in order, legible, under the limit.
func checkPaper(t *testing.T, path string) {
	t.Helper()
	run(t, "qpdf", "--check", path)
	if info := run(t, "pdfinfo", path); !strings.Contains(info, "Pages:           3\n") {
		t.Errorf("%s:\n%s", filepath.Base(path), info)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= 2_000_000 {
		t.Errorf("%s has %d bytes", filepath.Base(path), info.Size())
	}
	for n := 1; n <= 3; n++ {
		picture := filepath.Join(t.TempDir(), "page")
		run(t, "pdftoppm", "-r", "150", "-png", "-singlefile", "-f", strconv.Itoa(n), "-l", strconv.Itoa(n), path, picture)
		text := run(t, "tesseract", picture+".png", "-", "-l", "fra")
		if want := fmt.Sprintf("PAGE %d/3", n); !strings.Contains(text, want) {
			t.Errorf("page %d of %s does not say %q:\n%s", n, filepath.Base(path), want, text)
		}
	}
}

// checkReceipt wants a QR code, and French accents in print.
func checkReceipt(t *testing.T, path, lang string) {
	t.Helper()
	if code := strings.TrimSpace(run(t, "zbarimg", "-q", "--raw", path)); code == "" {
		t.Error("the receipt's QR code is empty")
	}
	text := run(t, "tesseract", path, "-", "-l", "fra", "--psm", "6")
	for _, want := range []string{"social des Tilleuls", "CAF"} {
		if !strings.Contains(text, want) {
			t.Errorf("the receipt does not say %q:\n%s", want, text)
		}
	}
	if lang == "fr" && !strings.ContainsAny(text, "éèàê") {
		t.Errorf("the receipt has no accents:\n%s", text)
	}
}
