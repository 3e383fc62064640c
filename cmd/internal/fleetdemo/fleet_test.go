package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/cmd/internal/clitest"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk/browser/devtools"
)

var bin string

func TestMain(m *testing.M) {
	os.Exit(clitest.Main(m, &bin, ".", "../../fleetd", "../../kioskdev"))
}

// told is what fleetdemo says at its start.
type told struct {
	Console, Setup string
	Kiosks         []struct {
		Screen, Panel string
		PID           int
	}
}

// The whole supervision, as a receptionist meets it: they come in with a
// passkey, a jam shows on a card, a call for help rings and is taken, a message
// reaches the kiosk's screen, and the visit is counted.
func TestADayAtTheDesk(t *testing.T) {
	d := startDemo(t)
	desk := open(t, "desk", d.Setup, true)
	desk.click("#passkey")
	desk.until("the recovery codes", `document.querySelectorAll('.recovery li').length === 8`)
	desk.keep("joined")
	desk.goTo(d.Console + "/s/centre-social-des-tilleuls")
	desk.says("Vos 2 bornes fonctionnent", "two kiosks that work")
	desk.keep("home")

	hall := open(t, "hall", d.Kiosks[0].Screen, false)
	hall.visible(`section[data-section="welcome"]`)

	// A jam of the printer.
	post(t, d.Kiosks[0].Panel, "/fault", "device", "printer", "fault", "media-jam", "on", "true")
	desk.says("Hall d’accueil", "a jam on the card") // the sentence names the place
	desk.until("the jam on the card", `/bourrage|papier coincé|coincée?/i.test(document.querySelector('#cards').innerText)`)
	desk.keep("jam")
	post(t, d.Kiosks[0].Panel, "/fault", "device", "printer", "fault", "media-jam", "on", "false")
	desk.says("Vos 2 bornes fonctionnent", "the jam is gone")

	// A call for help.
	hall.click(`.begin [data-act="start"][data-lang="fr"]`)
	hall.visible(`section[data-section="scan"]`)
	hall.click(`.tools [data-open="help"]`)
	hall.click(`[data-act="call-help"]`)
	desk.until("a call that rings", `document.querySelector('[data-ringing]') !== null`)
	desk.keep("call")
	desk.click(`[id^="take-"]`)
	hall.until("that somebody comes", `document.querySelector('#help').innerText.includes('Quelqu’un arrive')`)
	hall.keep("coming")
	desk.click(`[id^="end-"]`)
	hall.until("that the call is put away", `!document.querySelector('.tools .help').innerText.includes('arrive')`)
	hall.click(`#help [data-close]`)

	// A message.
	desk.click(`#cards [id^="open-"]`)
	desk.until("the kiosk's page", `document.querySelector('#own') !== null`)
	desk.run(`document.querySelector('#own').value = 'L’accueil ferme à 16 h.'; document.querySelector('#until').value = '23:59'`)
	desk.click(`form[action$="/message"] button.first`)
	hall.until("the message", `document.querySelector('.host')?.innerText.includes('ferme à 16 h')`)
	hall.keep("message")

	// The visit ends, and is counted.
	hall.click(`.tools [data-open="leave"]`)
	hall.click(`#leave [data-act="leave"]`)
	hall.until("the wipe", `['goodbye', 'welcome'].includes(document.documentElement.dataset.section)`)
	if err := syscall.Kill(d.Kiosks[0].PID, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	drivertest.Eventually(t, "a visit on the usage sheet", func() bool {
		desk.goTo(d.Console + "/s/centre-social-des-tilleuls/usage")
		return desk.is(`[...document.querySelectorAll('.numbers li')].some((li) => /1\s*visite/i.test(li.innerText.replace(/\s+/g, ' ')))`)
	})
	desk.keep("usage")
}

// startDemo starts the demonstration as make fleet does.
func startDemo(t *testing.T) (d told) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "fleetdemo"), "-json", "-bin", bin, "-listen", "localhost:0")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("fleetdemo: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("fleetdemo says nothing: %v", err)
	}
	if err := json.Unmarshal(line, &d); err != nil || len(d.Kiosks) != 2 {
		t.Fatalf("%s: %v", line, err)
	}
	return d
}

// window is somebody in front of a page.
type window struct {
	t    *testing.T
	name string
	page *devtools.Page
}

// open opens a page, with a passkey in the pocket for people of the desk.
func open(t *testing.T, name, address string, pocket bool) *window {
	t.Helper()
	drivertest.Tool(t, "chromium")
	b, err := devtools.Start(t.Context(), devtools.Options{Headless: true, Args: []string{"--ignore-certificate-errors", "--lang=fr", "--accept-lang=fr"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	page, err := b.OpenPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &window{t: t, name: name, page: page}
	t.Cleanup(func() {
		if t.Failed() {
			w.keep("failed")
		}
	})
	width, height := 1080, 1920
	if pocket {
		width, height = 1280, 900
		w.call("WebAuthn.enable", map[string]any{})
		w.call("WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
			"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
			"isUserVerified": true, "automaticPresenceSimulation": true,
		}})
	}
	if err := page.Screen(t.Context(), width, height); err != nil {
		t.Fatal(err)
	}
	w.goTo(address)
	return w
}

func (w *window) call(method string, params any) {
	w.t.Helper()
	if err := w.page.Call(w.t.Context(), method, params, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *window) goTo(address string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 40*time.Second)
	defer cancel()
	if err := w.page.Navigate(ctx, address); err != nil {
		w.t.Fatalf("%s: %s: %v", w.name, address, err)
	}
}

// is asks the page; one that is just being loaded says no.
func (w *window) is(script string) (yes bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), 10*time.Second)
	defer cancel()
	return w.page.Eval(ctx, "Boolean("+script+")", &yes) == nil && yes
}

func (w *window) run(script string) {
	w.t.Helper()
	var ignored any
	if err := w.page.Eval(w.t.Context(), "(() => {"+script+"; return 0})()", &ignored); err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
}

func (w *window) until(what, script string) {
	w.t.Helper()
	drivertest.Eventually(w.t, w.name+": "+what, func() bool { return w.is(script) })
}

func (w *window) says(text, what string) {
	w.t.Helper()
	w.until(what, fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

func (w *window) visible(selector string) {
	w.t.Helper()
	w.until(selector, fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector))
}

// click presses what can be pressed, once it can.
func (w *window) click(selector string) {
	w.t.Helper()
	w.until("something to press: "+selector, fmt.Sprintf(`(() => {
		if ('deaf' in document.documentElement.dataset || document.querySelector('button.pressed')) return false;
		const e = [...document.querySelectorAll(%q)].find((e) => e.checkVisibility() && !e.disabled && e.getAttribute('aria-disabled') !== 'true');
		if (!e) return false;
		e.click();
		return true;
	})()`, selector))
}

// keep saves a picture where POINTNUM_SHOTS says so.
func (w *window) keep(name string) {
	dir := os.Getenv("POINTNUM_SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), 20*time.Second)
	defer cancel()
	png, err := w.page.Screenshot(ctx)
	if err != nil {
		w.t.Logf("no picture: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "fleet-"+w.name+"-"+name+".png"), png, 0o644); err != nil {
		w.t.Error(err)
	}
}

// post does something at a kiosk's panel of virtual hardware.
func post(t *testing.T, panel, path string, values ...string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.PostForm(strings.TrimSuffix(panel, "/")+path, form)
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s: %s", path, r.Status)
	}
}
