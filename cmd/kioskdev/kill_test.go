package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An agent that is killed in mid-visit finds it again with every finished
// page; after the visit no storage that the agent can write holds its pages.
func TestVisitSurvivesAKilledAgent(t *testing.T) {
	began := time.Now().Add(-time.Second)
	dir := memory(t)
	out := t.TempDir() // the visitor's paper and key
	config, spool := filepath.Join(dir, "kiosk.yaml"), filepath.Join(dir, "spool")
	listen := freePort(t)
	tools := start(t, "kioskdev", "-hardware", "-json", "-browser=false", "-write-config", config, "-out", out, "-spool", spool,
		"-listen", listen, "-panel", "127.0.0.1:0", "-pages", papers(t, out, marker), "-page-time", "100ms", "-side-time", "2s")
	bench := panel{tools.told(t).Panel}
	agent := start(t, "kioskd", "-config", config)
	address := "http://" + listen + "/"
	eventually(t, "the screen's address", func() bool { return answers(address) })
	s := openScreen(t, address, 1080, 1920)
	restart := func() {
		t.Helper()
		agent.kill(t)
		agent = start(t, "kioskd", "-config", config)
		eventually(t, "the screen's address again", func() bool { return answers(address) })
	}

	s.shows("welcome")
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.shows("scan")
	bench.post(t, "/fault", "device", "scanner", "fault", "hang", "sheet", "3", "once", "true", "on", "true")
	s.touch(`[data-act="scan"]`)
	eventually(t, "two pages while the third is scanned", func() bool {
		return eval[int](s, `document.querySelectorAll('#thumbs li').length`) >= 2
	})
	restart()        // in mid-scan
	s.shows("fault") // the scan was interrupted
	s.touch(`[data-section="fault"] [data-act="dismiss"]`)
	s.shows("scan")
	s.touch(`section[data-section="scan"] [data-screen="review"]`)
	s.shows("review")
	eventually(t, "the finished pages again", func() bool { return s.pages() >= 2 })
	kept := s.pages()
	bring(t, s, bench.state(t).KeyDir)
	kept++
	eventually(t, "the page of the key", func() bool { return s.pages() == kept })
	marks := append(fragments(t, spool), []byte(marker))
	if !holds(t, []string{spool}, marks[len(marks)-1:], began) {
		t.Fatal("the spool does not hold the marker: the search below proves nothing")
	}

	restart()                          // in review
	s.touch(`#pages [data-do="turn"]`) // the new agent has to answer
	s.touch(`section[data-section="review"] [data-act="undo"]`)
	eventually(t, "the pages again", func() bool { return s.where() == "review" && s.pages() == kept })

	s.touch(`section[data-section="review"] [data-screen="portal"]`)
	s.touch(`[data-portal="caf"]`)
	s.touch(`[data-kind="rent_certificate"]`)
	s.touch(`[data-do="choose"]`)
	eventually(t, "the conversion", func() bool { w := s.where(); return w == "task" || w == "result" })
	restart() // while it converts
	eventually(t, "the interrupted conversion, or its result", func() bool { w := s.where(); return w == "fault" || w == "result" })
	if s.where() == "fault" {
		s.touch(`[data-section="fault"] [data-act="retry"]`)
	}
	s.shows("result")

	s.touch(`[data-act="print"]`)
	s.shows("task")
	restart() // while it prints: nobody can say whether it came out
	s.shows("fault")
	if text := s.text(); !strings.Contains(text, "job_unknown") {
		t.Errorf("an interrupted print is told as:\n%s", text)
	}
	s.touch(`[data-section="fault"] [data-act="dismiss"]`)
	s.shows("result")
	s.touch(`[data-act="save"]`)
	eventually(t, "a file on the key", func() bool { return len(keyFiles(t, bench.state(t).KeyDir)) == 1 })
	if n := bench.state(t).Prints; n > 1 {
		t.Errorf("%d documents were printed: one was printed again by itself", n)
	}

	s.touch(`header [data-open="leave"]`)
	s.touch(`#leave [data-act="leave"]`)
	s.shows("goodbye")
	s.shows("welcome")
	checkEmpty(t, spool)
	where := []string{dir, os.TempDir(), "/dev/shm", "/run", "/var/tmp", "/var/log", "/var/spool"}
	if home, err := os.UserHomeDir(); err == nil {
		where = append(where, home)
	}
	if holds(t, where, marks, began, out) {
		t.Error("something of the visit is left")
	}
}

// bring adds a file of the key to the document: a PDF whose text is the
// marker.
func bring(t *testing.T, s *screen, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "lettre.pdf"), markedPDF(), 0o644); err != nil {
		t.Fatal(err)
	}
	s.bringFirst()
	if err := os.Remove(filepath.Join(dir, "lettre.pdf")); err != nil {
		t.Fatal(err)
	}
}

// bringFirst adds the first file of the key to the document in the review.
func (s *screen) bringFirst() {
	s.t.Helper()
	s.touch(`section[data-section="review"] [data-screen="scan"]`)
	s.shows("scan")
	s.touch(`[data-act="list-key"]`)
	s.shows("key")
	s.touch(`#files .row`)
	eventually(s.t, "the file brought in", func() bool {
		return s.where() == "key" && eval[bool](s, `!!document.querySelector("#files .row.marked")`)
	})
	s.touch(`section[data-section="key"] [data-screen="review"]`)
	s.shows("review")
}

// markedPDF is one page that says the marker.
func markedPDF() []byte {
	text := "BT /F1 24 Tf 72 720 Td (" + marker + ") Tj ET"
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.4\n")
	for i, o := range []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(text), text), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj%s endobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

// answers is true when a web server is there.
func answers(address string) bool {
	client := http.Client{Timeout: time.Second}
	r, err := client.Get(address)
	if err != nil {
		return false
	}
	return r.Body.Close() == nil && r.StatusCode == http.StatusOK
}
