package main_test

import (
	"bytes"
	"io/fs"
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
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-kill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	out := t.TempDir() // the visitor's paper and key
	config, spool := filepath.Join(dir, "kiosk.yaml"), filepath.Join(dir, "spool")
	listen := freePort(t)
	tools := start(t, "kioskdev", "-hardware", "-json", "-write-config", config, "-out", out, "-spool", spool,
		"-listen", listen, "-panel", "127.0.0.1:0", "-marker", marker, "-page-time", "700ms", "-side-time", "2s")
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
	if !holdsMarker(t, []string{spool}, began) {
		t.Fatal("the pages in the spool do not hold the marker: the search below proves nothing")
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
	if holdsMarker(t, where, began, out) {
		t.Error("something of the visit is left")
	}
}

// holdsMarker looks for the marker in every file changed since a time, but in
// folders that are not the kiosk's: the visitor's paper, and the browser's
// profile, which is another program's and in memory.
func holdsMarker(t *testing.T, dirs []string, since time.Time, but ...string) bool {
	t.Helper()
	found := false
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil // gone meanwhile, or not ours to read
			}
			if e.IsDir() {
				for _, b := range but {
					if path == b {
						return filepath.SkipDir
					}
				}
				if strings.Contains(e.Name(), "go-build") || strings.HasPrefix(e.Name(), "pointnum-bin-") || e.Name() == "mod" || strings.Contains(e.Name(), "chromium") {
					return filepath.SkipDir
				}
				return nil
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(since) || info.Size() > 200<<20 {
				return nil
			}
			data, err := os.ReadFile(path)
			if err == nil && bytes.Contains(data, []byte(marker)) {
				t.Logf("found in %s", path)
				found = true
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	return found
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
