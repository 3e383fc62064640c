package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
)

// supervision is a real server on the loopback address, and a folder as the
// KIOSK-CONF partition with its certificate.
type supervision struct {
	url, conf, dir string
}

func startSupervision(t *testing.T) *supervision {
	t.Helper()
	s := &supervision{dir: t.TempDir(), conf: t.TempDir()}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.url = "https://localhost:" + port
	s.certificate(t)
	o := fleetserver.Options{URL: s.url, Dir: s.dir, Listener: ln, AdminName: "Claire Martin", AdminEmail: "claire@exemple.fr", Beat: time.Second}
	if o.TLS, err = fleetserver.Certificate(filepath.Join(s.conf, "lieu.pem"), filepath.Join(s.dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	o.Ready = func(string) { close(ready) }
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		if err := fleetserver.Run(ctx, o); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	select {
	case <-ready:
	case <-ended:
		t.FailNow()
	case <-time.After(40 * time.Second):
		t.Fatal("the supervision does not answer")
	}
	return s
}

func (s *supervision) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lieu"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{filepath.Join(s.conf, "lieu.pem"): {Type: "CERTIFICATE", Bytes: der}, filepath.Join(s.dir, "key.pem"): {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// code makes a one-time code, as fleetd's operator does.
func (s *supervision) code(t *testing.T) string {
	t.Helper()
	db, err := store.Open(t.Context(), fleetserver.Database(s.dir, ""), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ring, err := keys.Open(filepath.Join(s.dir, fleetserver.RingFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := fleetserver.AddStructure(t.Context(), db, "tilleuls", "Centre social des Tilleuls", ""); err != nil {
		t.Fatal(err)
	}
	code, err := fleetserver.NewCode(t.Context(), db, ring, "tilleuls", "Hall d’accueil")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// step waits for a step's page, with nothing under way.
func (s *screen) step(name string) {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the screen shows:\n%s", eval[string](s, `document.body.innerText`))
		}
	}()
	eventually(s.t, "step "+name, func() bool {
		return eval[bool](s, fmt.Sprintf(`(() => { const m = document.querySelector('main'); return document.readyState === 'complete' && m?.dataset.step === %q && m.dataset.task === '' && m.dataset.ask === ''; })()`, name))
	})
	s.keep(name)
}

// writes types on the screen's own keyboard, as fast as fingers do.
func (s *screen) writes(text string) {
	s.t.Helper()
	key := func(name string) {
		s.t.Helper()
		p := eval[*struct{ X, Y float64 }](s, fmt.Sprintf(`(() => { const k = document.querySelector('#keyboard [data-key=%q]'); if (!k) return null; const r = k.getBoundingClientRect(); return {x: r.left + r.width / 2, y: r.top + r.height / 2}; })()`, name))
		if p == nil {
			s.t.Fatalf("no key %q", name)
		}
		s.finger(p.X, p.Y)
	}
	for _, r := range text {
		key(string(r))
	}
}

// A technician takes a new kiosk from its first start to its welcome screen,
// with fingers only, against a real supervision.
func TestSetupByTouch(t *testing.T) {
	fleet := startSupervision(t)
	code := strings.ToLower(fleet.code(t))
	kiosk := start(t, "kioskdev", "-json", "-setup", "-conf", fleet.conf, "-fleet", fleet.url, "-browser=false", "-phone=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-side-time", "50ms")
	told := kiosk.told(t)
	s := openScreen(t, told.Screen, 1080, 1920)
	begun := time.Now()
	s.step("language")
	s.touch(`.lang[lang="fr"]`)
	s.step("network")
	if text := eval[string](s, `document.querySelector('.waiting').innerText`); !strings.Contains(text, "certificat") {
		t.Errorf("an unknown certificate is told as %q", text)
	}
	s.touch(`a[href="/ca"]`)
	s.touch(`.row[value="lieu.pem"]`)
	eventually(t, "the supervision is reached", func() bool { return eval[bool](s, `!!document.querySelector('form[action="/act/next"] .first')`) })
	s.touch(`form[action="/act/next"] button`)
	s.step("host")
	s.writes(code)
	if got := eval[string](s, `document.querySelector('[name="secret"]').value`); got != code {
		t.Errorf("typed %q, is %q", code, got)
	}
	s.touch(`button[form="form"]`)
	s.step("devices")
	s.touch(`a[href="/rename?id=imprimante"]`)
	s.touch(`input[name="text"]`)
	s.writes("-hall")
	s.touch(`button[form="form"]`)
	s.step("devices")
	s.touch(`form[action="/act/next"] button`)
	s.step("test")
	s.touch(`a[href="/touch"]`)
	for n := range 5 {
		s.touchNth(".target", n)
	}
	s.step("test")
	s.touch(`form[action="/act/print"] button`)
	eventually(t, "the sheet", func() bool { return eval[bool](s, `!!document.querySelector('p.good')`) })
	s.keep("printed")
	s.touch(`form[action="/act/next"] button`)
	s.step("done")
	s.touch(`form[action="/act/finish"] button`)
	s.shows("welcome")
	t.Logf("from the first screen to the welcome screen, by touch: %.1f s", time.Since(begun).Seconds())
	served(t, told.Control, "Hall d’accueil", "imprimante-hall")
	if list, err := os.ReadDir(filepath.Join(told.Out, "receipts")); err != nil || len(list) != 1 {
		t.Errorf("receipts: %v, %v", list, err)
	}
	if list, err := os.ReadDir(filepath.Join(told.Out, "printed")); err != nil || len(list) != 1 {
		t.Errorf("sheets: %v, %v", list, err)
	}
}

// A file on the KIOSK-CONF partition does the same without a touch, and its
// code is gone afterwards.
func TestSetupByFile(t *testing.T) {
	fleet := startSupervision(t)
	code := fleet.code(t)
	path := filepath.Join(fleet.conf, "borne.txt")
	text := "language: fr\r\nnetwork:\r\n  wifi:\r\n    name: CCAS Bureaux\r\n    password: motdepasse\r\n  ca: lieu.pem\r\nfleet:\r\n  server: " + fleet.url + "\r\n  code: " + code + "\r\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	kiosk := start(t, "kioskdev", "-json", "-setup", "-conf", fleet.conf, "-browser=false", "-phone=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-side-time", "50ms")
	told := kiosk.told(t)
	s := openScreen(t, told.Screen, 1920, 1080)
	s.step("done")
	s.shows("welcome")
	t.Logf("from power to the welcome screen, by borne.txt: %.1f s", time.Since(begun).Seconds())
	served(t, told.Control, "Hall d’accueil", "imprimante")
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), code) || strings.Contains(string(raw), "motdepasse") || !strings.Contains(string(raw), "CCAS Bureaux\r\n") {
		t.Errorf("left in borne.txt: %q, %v", raw, err)
	}
}

// served wants a kiosk that is enrolled and has its devices.
func served(t *testing.T, socket string, words ...string) {
	t.Helper()
	eventually(t, "status with "+strings.Join(words, ", "), func() bool {
		out := run(t, filepath.Join(bin, "kioskctl"), "status", "--control", socket)
		for _, w := range append(words, "tickets", "scanner") {
			if !strings.Contains(out, w) {
				return false
			}
		}
		return strings.Contains(out, "supervision : ") && !strings.Contains(out, "ne répond pas")
	})
}

// A kiosk in service is set up again when its technician says so, and left as
// it was when they think better of it: the same program all the time.
func TestSetupAgain(t *testing.T) {
	dir, memory := t.TempDir(), memoryFolder(t)
	listen, socket, path := freePort(t), filepath.Join(memory, "c.sock"), filepath.Join(dir, "kiosk.yaml")
	text := fmt.Sprintf("place:\n  name: Mairie\nlisten: %s\nspool: %s\ncontrol: %s\nbrowser:\n  enabled: non\nfleet:\n  dir: %s\n", listen, filepath.Join(memory, "spool"), socket, dir)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "kioskd", "-config", path)
	ctl := filepath.Join(bin, "kioskctl")
	shows := func(screen string) {
		t.Helper()
		eventually(t, "screen "+screen, func() bool {
			out, err := exec.Command(ctl, "status", "--control", socket).CombinedOutput()
			return err == nil && strings.Contains(string(out), "écran « "+screen+" »")
		})
	}
	shows("welcome")
	cmd := exec.Command(ctl, "setup", "--again", "--control", socket)
	cmd.Stdin = strings.NewReader("non\n")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("not agreed to, and done: %s", out)
	}
	run(t, ctl, "setup", "--again", "--yes", "--control", socket)
	shows("setup")
	s := openScreen(t, "http://"+listen+"/", 1080, 1920)
	s.step("language")
	s.touch(`form[action="/act/leave"] button`)
	s.shows("welcome")
	shows("welcome")
	if after, err := os.ReadFile(path); err != nil || string(after) != text {
		t.Errorf("the configuration is another one: %v\n%s", err, after)
	}
}

// memoryFolder is a folder in memory that the test's end removes.
func memoryFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "setup-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
