package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/cmd/internal/leftover"
	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser/xtest"
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
	listen  string
	display string // "" is none
	bench   panel
	tools   *program // the hardware; nil when it is in the agent's process
	agent   *program
	portal  *testportal.Portal // nil, too
	pieces  [][]byte           // of what the spool held
}

// newWiped starts the hardware, the portal and an agent, each in a process of
// its own; kioskdev in place of all three when whole is true. With a display
// the portal has a window on it, and the X server is searched as well.
func newWiped(t *testing.T, whole, display bool) *wiped {
	t.Helper()
	lower := func(n int) string { return strings.ToLower(rand.Text()[:n]) }
	w := &wiped{t: t, id: rand.Text(), word: "marque" + lower(12), secret: "secret" + lower(8), began: time.Now().Add(-time.Second), out: t.TempDir()}
	t.Setenv(owned, w.id)
	if display {
		w.display = xtest.DisplayOf(t, 1080, 1920)
	}
	dir := memory(t)
	w.config, w.spool = filepath.Join(dir, "kiosk.yaml"), filepath.Join(dir, "spool")
	w.listen = freePort(t)
	args := []string{"-json", "-listen", w.listen, "-panel", "127.0.0.1:0", "-browser", "-out", w.out, "-spool", w.spool,
		"-pages", papers(t, w.out, w.word), "-page-time", "50ms", "-side-time", "50ms"}
	if whole {
		w.agent = startOn(t, w.display, "kioskdev", append(args, "-chromium", debugPort)...)
		told := w.agent.told(t)
		t.Cleanup(func() { removed(t, filepath.Dir(told.Control)) }) // it is killed
		w.bench = panel{told.Panel}
		w.bench.post(t, "/key", "in", "true")
		return w
	}
	if out, err := exec.Command("go", "build", "-o", bin, "../internal/trialagent").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var err error
	if w.portal, err = testportal.Start(testportal.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.portal.Close(); err != nil {
			t.Error(err)
		}
	})
	w.tools = startOn(t, w.display, "kioskdev", append(args, "-hardware", "-write-config", w.config)...)
	w.bench = panel{w.tools.told(t).Panel}
	w.restart()
	return w
}

// address is the screen's.
func (w *wiped) address() string { return "http://" + w.listen + "/" }

// restart starts an agent where none runs. kioskdev has no papers then: its
// scanner would hold those of the visit.
func (w *wiped) restart() {
	w.t.Helper()
	if w.tools == nil {
		w.agent = startOn(w.t, w.display, "kioskdev", "-json", "-listen", w.listen, "-panel", "127.0.0.1:0", "-browser", "-chromium", debugPort,
			"-out", w.out, "-spool", w.spool, "-sheets", "0")
	} else {
		w.agent = startOn(w.t, w.display, "trialagent", "-config", w.config, "-portal", w.portal.Addr(), "-spki", w.portal.SPKI(), "-chromium", debugPort)
	}
	eventually(w.t, "the screen's address", func() bool { return answers(w.address()) })
}

// arrive scans papers, brings a file of the key and opens the portal.
func (w *wiped) arrive(s *screen) *page {
	t := w.t
	t.Helper()
	s.scanPapers()
	path := filepath.Join(w.bench.state(t).KeyDir, w.word+".pdf")
	if err := os.WriteFile(path, bytes.ReplaceAll(markedPDF(), []byte(marker), []byte((w.word + strings.Repeat(" ", len(marker)))[:len(marker)])), 0o644); err != nil {
		t.Fatal(err)
	}
	s.bringFirst()
	eventually(t, "the page of the key", func() bool { return s.pages() == 4 })
	s.makeFile("essai")
	return s.enter()
}

// plant types on the portal's page and has it keep that in every store.
func (w *wiped) plant(s *screen, p *page) {
	t := w.t
	t.Helper()
	p.follow(portalHost, "/traces")
	p.touchUntil(portalHost, with("id", "texte"), "the keyboard", func() bool {
		return eval[bool](s, `!document.querySelector('#keyboard').hidden`)
	})
	s.write(w.word)
	p.touchUntil(portalHost, with("id", "secret"), "the keyboard for a password", func() bool {
		return eval[bool](s, `document.querySelector('#keyboard').classList.contains('quiet')`)
	})
	s.write(w.secret)
	p.touch(portalHost, with("data-traces", "garder"))
	var refused []string
	eventually(t, "every store", func() bool {
		all := p.find(portalHost, with("id", "compte"))
		if all == nil {
			return false
		}
		n, _ := all.attr("data-kept")
		return n != "0"
	})
	p.find(portalHost, func(n *node) bool { // every one
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
	w.pieces = append(fragments(t, w.spool), []byte(w.word), []byte(w.secret))
	w.held(p)
}

// take prints the portal's page, takes what it gives, and sends what was typed.
func (w *wiped) take(s *screen, p *page) {
	t := w.t
	t.Helper()
	p.touch(portalHost, with("data-traces", "imprimer")) // the keyboard is open: it must not move the page before the finger is off
	s.shows("ask-print")
	s.touch(`[data-section="ask-print"] [data-act="print-page"]`)
	eventually(t, "the page on paper", func() bool { return w.bench.state(t).Prints >= 1 })
	s.shows("browse")
	p.touchUntil(portalHost, with("data-traces", "papier"), "its paper", func() bool { return s.where() == "ask-taken" })
	s.touch(`[data-section="ask-taken"] .actions [data-act="ask"]`)
	s.shows("browse")
	sent := func(n *node) bool { return n.Name == "P" && strings.Contains(n.text(), w.word) }
	p.touchUntil(portalHost, with("data-traces", "envoyer"), "what was sent", p.has(portalHost, sent))
}

// upload begins to send the visit's paper, and does not come to the end.
func (w *wiped) upload(s *screen, p *page) {
	t := w.t
	t.Helper()
	before := w.portal.SlowUploads()
	p.follow(portalHost, "/")
	p.follow(portalHost, "/lent")
	p.touchUntil(portalHost, with("data-trigger", "lent"), "a paper", func() bool { return s.where() == "ask-file" })
	s.touch(`#papers button`)
	s.shows("browse")
	p.touchUntil(portalHost, with("data-send", "lent"), "an upload under way", func() bool { return w.portal.SlowUploads() > before })
	w.pieces = append(fragments(t, w.spool), []byte(w.word), []byte(w.secret))
}

// remembered looks into the memory of all that runs of the kiosk, and counts
// the processes by their names.
func (w *wiped) remembered() (found []leftover.Found, searched map[string]int) {
	w.t.Helper()
	var pieces []leftover.Piece
	for i, p := range w.pieces {
		pieces = append(pieces, leftover.Piece{Name: fmt.Sprintf("piece %d of a paper", i+1), Data: p})
	}
	pieces = append(append(pieces, leftover.Text("the word", w.word)...), leftover.Text("the password", w.secret)...)
	pieces = append(pieces, leftover.Text("a letter that was typed", `{"text":"`)...)
	var but []int
	if w.tools != nil { // the hardware is not the kiosk
		but = append(but, w.tools.cmd.Process.Pid)
	}
	pids, err := leftover.Processes(owned, w.id, but...)
	if err != nil {
		w.t.Fatal(err)
	}
	searched = map[string]int{}
	for _, pid := range pids {
		searched[filepath.Base(strings.Fields(leftover.Program(pid) + " gone")[0])]++
		f, err := leftover.InMemory(context.WithoutCancel(w.t.Context()), pid, pieces)
		if err != nil {
			w.t.Error(err)
		}
		found = append(found, f...)
	}
	return found, searched
}

// held wants the visit found while it is there: else the search after it
// proves nothing.
func (w *wiped) held(p *page) {
	w.t.Helper()
	in := map[string]bool{}
	found, searched := w.remembered()
	for _, f := range found {
		in[strings.Fields(f.Program)[0]] = true
	}
	w.t.Logf("searched in mid-visit: %v, found in: %v", searched, slices.Sorted(maps.Keys(in)))
	if w.display != "" && searched["Xvfb"] != 1 {
		w.t.Error("the X server is not searched")
	}
	for _, name := range []string{filepath.Base(w.agent.cmd.Path), "chromium"} {
		if !in[name] {
			w.t.Errorf("no process of %s holds anything in mid-visit: the search proves nothing", name)
		}
	}
	if !holds(w.t, []string{p.cell, w.spool}, w.pieces, w.began) {
		w.t.Error("no file holds anything in mid-visit: the search proves nothing")
	}
}

// gone wants nothing left of the visit: no piece in the memory of a process as
// soon as the welcome screen is back, and none in a file.
func (w *wiped) gone(s *screen, cells ...string) {
	w.t.Helper()
	ended := time.Now()
	var found []leftover.Found
	var searched map[string]int
	defer func() {
		if w.t.Failed() {
			for _, f := range found {
				w.t.Log(f)
			}
		}
	}()
	eventually(w.t, "nothing in any memory", func() bool {
		found, searched = w.remembered()
		return len(found) == 0 && s.where() == "welcome"
	})
	w.t.Logf("nothing is left in memory %.1f s after the goodbye: %v", time.Since(ended).Seconds(), searched)
	wide := leftover.Text("", w.word)[1].Data
	for _, cell := range cells {
		erased(w.t, w.spool, cell, w.out, append(w.pieces, wide), w.began)
	}
}

// Nothing of a visit is left in the memory of the agent, of the kiosk's own
// screen or of anything else that runs on, nor in a file: not what was typed,
// nor what a portal kept of it, nor the papers and their names.
func TestNothingIsLeftOfAVisit(t *testing.T) {
	w := newWiped(t, false, true)
	s := openWindow(t, w.display, w.address(), 1080, 1920)
	p := w.arrive(s)
	w.plant(s, p)
	w.take(s, p)
	w.upload(s, p)
	s.leave()
	w.gone(s, p.cell)
}

// The same when the browser is killed, and then the agent in mid-upload.
func TestNothingIsLeftOfAVisitWithKills(t *testing.T) {
	w := newWiped(t, false, false)
	s := openScreen(t, w.address(), 1080, 1920)
	p := w.arrive(s)
	w.plant(s, p)
	first := p.cell
	killBrowser(t, first)
	eventually(t, "no process of the first browser", func() bool { return processesOf(t, first) == 0 })
	p = openPage(s, portalHost)
	w.upload(s, p)
	w.kill(s, p.cell)
	s.leave()
	w.gone(s, first, p.cell)
}

// The same with kioskdev, whose hardware and portal end with it.
func TestNothingIsLeftOfAKilledKioskdev(t *testing.T) {
	w := newWiped(t, true, false)
	s := openScreen(t, w.address(), 1080, 1920)
	p := w.arrive(s)
	w.plant(s, p)
	w.kill(s, p.cell)
	s.leave()
	w.gone(s, p.cell)
}

// kill ends the agent as kill -9 does, and starts it again.
func (w *wiped) kill(s *screen, cell string) {
	w.t.Helper()
	w.agent.kill(w.t)
	eventually(w.t, "no process of the browser", func() bool { return processesOf(w.t, cell) == 0 })
	w.restart()
	s.shows("fault")
}

// killBrowser ends the browser of a cell as kill -9 does.
func killBrowser(t *testing.T, cell string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), "--user-data-dir="+cell+"/") || strings.Contains(string(line), "--type=") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("the browser is not there")
}
