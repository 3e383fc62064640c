package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/leftover"
	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/sample"
)

// owned is the variable by which the processes of a kiosk are known: all that
// it starts inherit it.
const owned = "POINTNUM_TRIAL"

// wiped is a kiosk whose visits are looked for afterwards: the agent in a
// process of its own, the virtual hardware and the portal outside of it. Those
// two are not the kiosk: they keep what they got.
type wiped struct {
	t       *testing.T
	id      string // of the kiosk's processes
	word    string // what the visitor types; also in papers and their names
	secret  string // what they type as a password
	began   time.Time
	out     string
	spool   string
	config  string
	address string
	bench   panel
	tools   *program
	agent   *program
	portal  *testportal.Portal
	pieces  [][]byte // of what the spool held
}

func newWiped(t *testing.T) *wiped {
	t.Helper()
	lower := func(n int) string { return strings.ToLower(rand.Text()[:n]) }
	w := &wiped{t: t, id: rand.Text(), word: "marque" + lower(12), secret: "secret" + lower(8), began: time.Now().Add(-time.Second), out: t.TempDir()}
	t.Setenv(owned, w.id)
	if out, err := exec.Command("go", "build", "-o", bin, "../internal/trialagent").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-wipe-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w.portal, err = testportal.Start(testportal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.portal.Close(); err != nil {
			t.Error(err)
		}
	})
	w.config, w.spool = filepath.Join(dir, "kiosk.yaml"), filepath.Join(dir, "spool")
	listen := freePort(t)
	w.tools = start(t, "kioskdev", "-hardware", "-json", "-browser", "-write-config", w.config, "-out", w.out, "-spool", w.spool,
		"-listen", listen, "-panel", "127.0.0.1:0", "-pages", w.papers(), "-page-time", "50ms", "-side-time", "50ms")
	w.bench = panel{w.tools.told(t).Panel}
	w.address = "http://" + listen + "/"
	w.restart()
	return w
}

// papers are three pages of this visit alone, which hide its word.
func (w *wiped) papers() string {
	w.t.Helper()
	dir := filepath.Join(w.out, "papers") // outside of the kiosk, as what comes out
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	var dpi [1]byte
	rand.Read(dpi[:]) // never fails
	for n := 1; n <= 3; n++ {
		jpeg, err := sample.JPEG(n, sample.Options{Total: 3, DPI: 150 + int(dpi[0])/4, Marker: w.word})
		if err != nil {
			w.t.Fatal(err)
		}
		comment := binary.BigEndian.AppendUint16([]byte{0xFF, 0xFE}, uint16(2+len(w.word)))
		jpeg = slices.Concat(jpeg[:2], comment, []byte(w.word), jpeg[2:])
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.jpg", n)), jpeg, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return dir
}

// restart starts an agent where none runs.
func (w *wiped) restart() {
	w.t.Helper()
	w.agent = start(w.t, "trialagent", "-config", w.config, "-portal", w.portal.Addr(), "-spki", w.portal.SPKI(), "-chromium", debugPort)
	eventually(w.t, "the screen's address", func() bool { return answers(w.address) })
}

// arrive scans papers, brings a file of the key and opens the portal.
func (w *wiped) arrive(s *screen) *page {
	t := w.t
	t.Helper()
	s.shows("welcome")
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.shows("scan")
	s.touch(`[data-act="scan"]`)
	s.shows("review")
	eventually(t, "three pages with pictures", func() bool { return s.pages() == 3 })
	path := filepath.Join(w.bench.state(t).KeyDir, w.word+".pdf")
	if err := os.WriteFile(path, bytes.ReplaceAll(markedPDF(), []byte(marker), []byte((w.word + strings.Repeat(" ", len(marker)))[:len(marker)])), 0o644); err != nil {
		t.Fatal(err)
	}
	s.touch(`section[data-section="review"] [data-screen="scan"]`)
	s.shows("scan")
	s.touch(`[data-act="list-key"]`)
	s.shows("key")
	s.touch(`#files .row`)
	eventually(t, "the list, or the review", func() bool { at := s.where(); return at == "key" || at == "review" })
	if s.where() == "key" {
		s.touch(`section[data-section="key"] [data-screen="review"]`)
	}
	s.shows("review")
	eventually(t, "the page of the key", func() bool { return s.pages() == 4 })
	s.touch(`section[data-section="review"] [data-screen="portal"]`)
	s.shows("portal")
	s.touch(`[data-section="portal"] [data-portal="essai"]`)
	s.touch(`[data-kind="rent_certificate"]`)
	s.touch(`[data-do="choose"]`)
	s.shows("result")
	return s.enter()
}

// keep has the portal's page keep what is typed in every store, gives the
// visitor a download, prints the page, and begins an upload.
func (w *wiped) keep(s *screen, p *page) {
	t := w.t
	p.touch(portalHost, with("href", "/traces"))
	p.touch(portalHost, with("id", "texte"))
	s.write(w.word)
	p.touch(portalHost, with("id", "secret"))
	eventually(t, "the keyboard for a password", func() bool {
		return eval[bool](s, `document.querySelector('#keyboard').classList.contains('quiet')`)
	})
	s.write(w.secret)
	p.touch(portalHost, with("data-traces", "garder"))
	var refused []string
	eventually(t, "every store", func() bool {
		refused = nil
		all := p.find(portalHost, with("id", "compte"))
		if all == nil {
			return false
		}
		_ = all.find(func(*node) bool { return false })
		n, _ := all.attr("data-kept")
		return n != "0"
	})
	p.find(portalHost, func(n *node) bool {
		if store, ok := n.attr("data-store"); ok {
			if kept, _ := n.attr("data-kept"); kept != "yes" {
				refused = append(refused, store+" ("+n.text()+")")
			}
		}
		return false
	})
	if len(refused) > 0 {
		t.Errorf("the page could not keep anything in %v", refused)
	}
	p.touch(portalHost, with("data-traces", "imprimer"))
	s.shows("ask-print")
	s.touch(`[data-section="ask-print"] [data-act="print-page"]`)
	eventually(t, "the page on paper", func() bool { return w.bench.state(t).Prints >= 1 })
	s.shows("browse")
	p.touch(portalHost, with("data-traces", "papier"))
	s.shows("ask-taken")
	s.touch(`[data-section="ask-taken"] .actions [data-act="ask"]`)
	s.shows("browse")
	p.touch(portalHost, with("data-traces", "envoyer"))
	p.shows(portalHost, "what was sent", func(n *node) bool { return n.Name == "P" && strings.Contains(n.text(), w.word) })
	p.touch(portalHost, with("href", "/"))
	p.touch(portalHost, with("href", "/lent"))
	p.touch(portalHost, with("data-trigger", "lent"))
	s.shows("ask-file")
	s.touch(`#papers button`)
	s.shows("browse")
	p.touch(portalHost, with("data-send", "lent"))
	eventually(t, "an upload under way", func() bool { return w.portal.SlowUploads() == 1 })
	w.pieces = append(telling(fragments(t, w.spool)), []byte(w.word), []byte(w.secret))
}

// telling are the pieces that can only be of one file: white paper is the same
// everywhere.
func telling(pieces [][]byte) [][]byte {
	return slices.DeleteFunc(pieces, func(p []byte) bool {
		different := map[byte]bool{}
		for _, b := range p {
			different[b] = true
		}
		return len(different) < 24
	})
}

// leave ends the visit.
func (w *wiped) leave(s *screen) {
	w.t.Helper()
	s.touch(`[data-section="` + s.where() + `"] [data-open="leave"]`)
	s.touch(`#leave [data-act="leave"]`)
	s.shows("goodbye")
	eventually(w.t, "everything erased", func() bool {
		return eval[bool](s, `document.querySelector('[data-section="goodbye"] [data-when="wiped"]').checkVisibility()`)
	})
}

// remembered looks into the memory of all that is left of the kiosk.
func (w *wiped) remembered(when string) (found []leftover.Found) {
	w.t.Helper()
	var pieces []leftover.Piece
	for i, p := range w.pieces {
		pieces = append(pieces, leftover.Piece{Name: fmt.Sprintf("piece %d of a paper", i+1), Data: p})
	}
	pieces = append(append(pieces, leftover.Text("the word", w.word)...), leftover.Text("the password", w.secret)...)
	pids, err := leftover.Processes(owned, w.id, w.tools.cmd.Process.Pid)
	if err != nil {
		w.t.Fatal(err)
	}
	begin := time.Now()
	for _, pid := range pids {
		f, err := leftover.InMemory(context.WithoutCancel(w.t.Context()), pid, pieces)
		if err != nil {
			w.t.Error(err)
		}
		found = append(found, f...)
	}
	w.t.Logf("%s: %d finds in %d processes, %d pieces, %v", when, len(found), len(pids), len(pieces), time.Since(begin))
	return found
}

func TestNothingOfAVisitIsLeft(t *testing.T) {
	w := newWiped(t)
	s := openScreen(t, w.address, 1080, 1920)
	p := w.arrive(s)
	w.keep(s, p)
	for _, f := range w.remembered("in the visit") {
		t.Log(f.Piece, f.Program, f.Mapping, f.Times)
	}
	w.leave(s)
	for _, f := range w.remembered("at the goodbye") {
		t.Error(f)
	}
	s.shows("welcome")
	for _, f := range w.remembered("at the welcome") {
		t.Error(f)
	}
	erased(t, w.spool, p.cell, w.out, w.pieces, w.began)
}
