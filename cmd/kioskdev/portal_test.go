package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser/xtest"
)

const portalHost, mailHost = testportal.HostPortal, testportal.HostMail

// tap puts a finger on a key of the kiosk's keyboard, as fast as people type.
func (s *screen) tap(key string) {
	s.t.Helper()
	selector := fmt.Sprintf(`#keyboard [data-key=%q]`, key)
	type place struct{ X, Y, W, H float64 }
	var at *place
	eventually(s.t, "the key "+key, func() bool {
		at = eval[*place](s, fmt.Sprintf(point, selector, 0))
		return at != nil
	})
	s.finger(at.X, at.Y)
}

// write types on the kiosk's keyboard; the page's cursor is in a field.
func (s *screen) write(text string) {
	s.t.Helper()
	eventually(s.t, "the keyboard", func() bool {
		return eval[bool](s, `!document.querySelector('#keyboard').hidden`)
	})
	for _, c := range text {
		s.tap(string(c))
	}
}

// enter goes to a portal from the result screen, or back to it.
func (s *screen) enter() *page {
	s.t.Helper()
	s.touch(`#open-site`)
	s.shows("browse")
	return openPage(s, portalHost)
}

// sees waits until the bar names a host.
func (s *screen) sees(host string) {
	s.t.Helper()
	eventually(s.t, "the bar to name "+host, func() bool {
		return eval[string](s, `document.querySelector('[data-text="browse.host"]').textContent`) == host
	})
}

// A whole visit on a portal by touches alone: without a display, where the
// kiosk's screen and the portal are two pages; and with a display that has no
// window manager, where they are windows and the finger is the X server's.
func TestVisitOnAPortal(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int // of the display; 0 is none
	}{
		{"without a display", 0, 0},
		{"on a bare lying display", 1920, 1080},
	} {
		t.Run(c.name, func(t *testing.T) {
			display := ""
			if c.width > 0 {
				display = xtest.DisplayOf(t, c.width, c.height)
			}
			out := t.TempDir()
			kiosk := startOn(t, display, "kioskdev", "-json", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-browser", "-chromium", debugPort,
				"-out", out, "-pages", papers(t, out, marker), "-page-time", "100ms", "-side-time", "100ms")
			told := kiosk.told(t)
			s := openWindow(t, display, told.Screen, c.width, c.height)
			visitPortal(t, s, told.Spool, told.Out, panel{told.Panel})
		})
	}
}

func visitPortal(t *testing.T, s *screen, spool, out string, bench panel) {
	began := time.Now().Add(-time.Second)
	bench.post(t, "/key", "in", "true")
	prepare(s)
	p := s.enter()
	p.follow(portalHost, "/connexion")
	logIn(t, s, p)

	p.follow(portalHost, "/formulaires")
	for _, id := range []string{"shadow", "hidden", "delayed", "picker", "detached", "fsaccess", "plain", "photo", "multiple", "folder", "drop"} {
		give(t, s, p, id)
	}
	refuse(t, s, p)
	p.follow(portalHost, "/")
	p.follow(portalHost, "/cadres")
	for _, c := range []struct{ frame, form string }{
		{"cadre-meme-site", "hidden"}, {"cadre-autre-site", "shadow"}, {"cadre-autre-site", "plain"}, {"cadre-limite", "delayed"},
	} {
		p.frame = c.frame
		give(t, s, p, c.form)
		p.frame = ""
	}
	p.follow(portalHost, "/formulaires")
	last := give(t, s, p, "accept")

	// What the portal has is what the kiosk shows, byte for byte.
	s.touch(`#to-papers`)
	s.shows("result")
	s.touch(`[data-section="result"] [data-act="save"]`)
	eventually(t, "a file on the key", func() bool { return len(keyFiles(t, bench.state(t).KeyDir)) == 1 })
	checkPaper(t, filepath.Join(bench.state(t).KeyDir, keyFiles(t, bench.state(t).KeyDir)[0]))
	if saved := sum(t, filepath.Join(bench.state(t).KeyDir, keyFiles(t, bench.state(t).KeyDir)[0])); saved != last {
		t.Errorf("the portal has %s, the kiosk %s", last, saved)
	}
	s.touch(`.opened [data-screen="browse"]`)
	s.shows("browse")

	download(t, s, p, bench)
	left := append(fragments(t, spool), []byte(marker))
	s.leave()
	erased(t, spool, p.cell, out, left, began)
}

// prepare scans a paper and makes its file for the portal.
func prepare(s *screen) {
	s.t.Helper()
	s.scanPapers()
	s.makeFile("essai")
}

// logIn reads the code in the mailbox's tab; the form stays as it is.
func logIn(t *testing.T, s *screen, p *page) {
	t.Helper()
	keys := func() bool { return eval[bool](s, `!document.querySelector('#keyboard').hidden`) }
	p.touchUntil(portalHost, with("id", "adresse"), "the keyboard", keys)
	s.write(testportal.MailUser)
	p.touchUntil(portalHost, with("id", "recevoir-code"), "the code's field", p.has(portalHost, with("id", "code")))
	s.touch(`[data-section="browse"] [data-do="mailbox"]`)
	s.shows("ask-mailbox")
	s.touch(`[data-act="open-mailbox"][data-mailbox="essai"]`)
	s.shows("browse")
	s.sees(mailHost)
	p.touchUntil(mailHost, with("id", "adresse"), "the keyboard", keys)
	s.write(testportal.MailUser)
	p.touchUntil(mailHost, with("id", "mot-de-passe"), "the keyboard for a password", func() bool {
		return eval[bool](s, `document.querySelector('#keyboard').classList.contains('quiet')`)
	})
	s.write(testportal.MailPassword)
	p.touchUntil(mailHost, with("id", "ouvrir-boite"), "the mailbox", p.has(mailHost, having("data-message")))
	p.touchUntil(mailHost, having("data-message"), "the letter", p.has(mailHost, having("data-message-text")))
	letter := p.shows(mailHost, "the letter", having("data-message-text")).text()
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(letter)
	s.touch(`[data-act="browser"][data-command="portal"]`)
	s.sees(portalHost)
	p.touchUntil(portalHost, with("id", "code"), "the keyboard", keys)
	s.write(code)
	p.touchUntil(portalHost, with("id", "valider-code"), "the login", p.has(portalHost, having("data-logged-in")))
}

// give gives the visit's paper to one of the portal's forms, and returns what
// the portal says that it got: its SHA-256.
func give(t *testing.T, s *screen, p *page, id string) string {
	t.Helper()
	form := formOf(t, id)
	return giveAs(t, s, p, form, form.Formats[0]) // a PDF, where the portal takes one
}

func formOf(t *testing.T, id string) testportal.Form {
	t.Helper()
	forms := testportal.Forms()
	i := slices.IndexFunc(forms, func(f testportal.Form) bool { return f.ID == id })
	if i < 0 {
		t.Fatalf("no form %q", id)
	}
	return forms[i]
}

// refuse tells the kiosk that the portal did not want the paper, and gives it
// as pictures, one of each page.
func refuse(t *testing.T, s *screen, p *page) {
	t.Helper()
	form := formOf(t, "multiple")
	giveAs(t, s, p, form, "application/pdf")
	s.touch(`[data-section="browse"] [data-act="ask"][data-ask="refused"]`)
	s.shows("ask-refused")
	s.touch(`#as-image`)
	s.shows("browse")
	giveAs(t, s, p, form, "image/jpeg")
}

// giveAs is give to a form that gets a file of a media type.
func giveAs(t *testing.T, s *screen, p *page, form testportal.Form, want string) string {
	t.Helper()
	id := form.ID
	trigger := with("data-trigger", id)
	if id == "shadow" {
		trigger = inside(trigger, func(n *node) bool { return n.Name == "INPUT" })
	}
	p.touchUntil(portalHost, trigger, "a paper for "+id, func() bool { return s.where() == "ask-file" })
	s.keep("ask-" + id)
	s.touch(`#papers button`)
	s.shows("browse")
	answered := func(n *node) bool { return with("data-result", id)(n) && having("data-accepted")(n) }
	if form.Button {
		p.touchUntil(portalHost, with("data-send", id), "the portal's answer", p.has(portalHost, answered))
		// Its answer is a page; there is a way on from every page.
		defer func() { s.touch(`[data-act="browser"][data-command="back"]`) }()
	}
	answer := p.shows(portalHost, "the portal's answer to "+id, answered)
	if ok, _ := answer.attr("data-accepted"); ok != "yes" {
		t.Errorf("%s: %s", id, answer.text())
		return ""
	}
	bytes, _ := answer.attr("data-bytes")
	kind, _ := answer.attr("data-type")
	got, _ := answer.attr("data-sha256")
	for _, one := range strings.Fields(bytes) { // of each file
		if n, err := strconv.ParseInt(one, 10, 64); err != nil || n > form.Max || !strings.HasPrefix(kind, want) {
			t.Errorf("%s: the portal got %s bytes of %s, and takes %d of %s", id, bytes, kind, form.Max, want)
		}
	}
	return got
}

// download takes the portal's receipt and prints it.
func download(t *testing.T, s *screen, p *page, bench panel) {
	t.Helper()
	p.follow(portalHost, "/documents")
	p.touchUntil(portalHost, with("data-download", "attachment"), "the download", func() bool { return s.where() == "ask-taken" })
	s.touch(`[data-section="ask-taken"] [data-act="print"]`)
	eventually(t, "the receipt printed", func() bool { return bench.state(t).Prints == 1 })
	s.shows("ask-taken")
	s.touch(`[data-section="ask-taken"] .actions [data-act="ask"]`)
	s.shows("browse")
}

// processesOf counts the processes that name a folder.
func processesOf(t *testing.T, dir string) (n int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), dir+"/") {
			n++
		}
	}
	return n
}

func sum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// An agent that is killed while a portal waits for a file leaves no browser;
// the visitor has their paper again and is told that the portal is gone.
func TestVisitOnAPortalSurvivesAKilledAgent(t *testing.T) {
	began := time.Now().Add(-time.Second)
	dir := memory(t)
	out, spool := t.TempDir(), filepath.Join(dir, "spool")
	args := []string{"-json", "-listen", freePort(t), "-panel", "127.0.0.1:0", "-browser", "-chromium", debugPort,
		"-out", out, "-spool", spool, "-pages", papers(t, out, marker), "-page-time", "100ms", "-side-time", "100ms"}
	kiosk := start(t, "kioskdev", args...)
	told := kiosk.told(t)
	t.Cleanup(func() { removed(t, filepath.Dir(told.Control)) })
	s := openScreen(t, told.Screen, 1080, 1920)
	prepare(s)
	p := s.enter()
	p.follow(portalHost, "/formulaires")
	p.touchUntil(portalHost, with("data-trigger", "hidden"), "a paper", func() bool { return s.where() == "ask-file" })
	pieces := append(fragments(t, spool), []byte(marker))

	kiosk.kill(t)
	eventually(t, "no process of the browser", func() bool { return processesOf(t, p.cell) == 0 })
	start(t, "kioskdev", args...).told(t)
	s.shows("fault")
	if text := s.text(); !strings.Contains(text, "browser_broken") {
		t.Errorf("the visitor is told:\n%s", text)
	}
	if _, err := os.Stat(p.cell); !os.IsNotExist(err) {
		t.Errorf("the dead browser's folder is still there: %v", err)
	}
	s.touch(`[data-section="fault"] [data-act="retry"]`)
	s.shows("browse")
	again := openPage(s, portalHost)
	again.follow(portalHost, "/formulaires")
	give(t, s, again, "hidden")
	s.leave()
	erased(t, spool, again.cell, out, pieces, began)
}
