package main_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/drivers/drivertest"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/health"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
)

// canaries are what nobody may find in a diagnostic: by what they stand for.
var canaries = map[string]string{
	"a document's name":    "certificat-de-JEANNE.pdf",
	"a typed word":         "mot tapé rossignol",
	"a login":              "jeanne.martin1954",
	"an address":           "oncologie-exemple.fr/rendez-vous",
	"a Wi-Fi password":     "rossignol-wifi-2026",
	"a one-time code":      "QRTV-6YYE-63PX",
	"a proxy's password":   "rossignol-proxy",
	"a device's password":  "rossignol-scanner",
	"a key's label":        "CLE DE JEANNE",
	"a variable's value":   "rossignol-env",
	"what a page says":     "allocataire 1234567",
	"the identity's token": "rossignol-token",
}

// everything is all canaries in one text.
func everything() string {
	var all []string
	for _, c := range canaries {
		all = append(all, c)
	}
	return strings.Join(all, " / ")
}

// place is a kiosk whose every corner a visit went through holds canaries.
type place struct {
	dir, config, socket, path string
	key                       string // the identity's secret key
}

func makePlace(t *testing.T) place {
	t.Helper()
	dir := t.TempDir()
	p := place{dir: dir, config: filepath.Join(dir, "kiosk.yaml"), socket: filepath.Join(dir, "c.sock"), path: filepath.Join(dir, "bin")}
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	all := everything()
	write("kiosk.yaml", `place:
  name: Centre social
spool: `+dir+`/spool
control: `+p.socket+`
fleet:
  server: https://bornes.exemple.fr
  proxy: http://borne:rossignol-proxy@proxy.exemple.fr:3128
  dir: `+dir+`/lib
devices:
  - id: scanner
    driver: escl
    uri: http://admin:rossignol-scanner@192.0.2.5/eSCL?mot=rossignol-scanner
    options:
      password: rossignol-scanner
`, 0o600)
	write("spool/visit.json", all, 0o600)
	write("spool/"+canaries["a document's name"], all, 0o600)
	write("lib/outbox.db", all, 0o600)
	write("lib/host.json", all, 0o600)
	write("borne.txt", all, 0o644)
	write("network.json", all, 0o600)
	key, err := enrol.New()
	if err != nil {
		t.Fatal(err)
	}
	p.key = string(key)
	id := enrol.Identity{Server: "https://bornes.exemple.fr", Present: enrol.Pair{Key: key, Credential: provisioning.Credential{
		Structure: "s1", Kiosk: "k1", Label: "Accueil", Token: canaries["the identity's token"], Keys: []string{"x"}}}}
	if err := id.Save(filepath.Join(dir, "lib/identity.json")); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"systemctl", "timedatectl", "dpkg-query", "dmesg", "journalctl"} {
		write("bin/"+program, "#!/bin/sh\ncat '"+dir+"/said/"+program+"'\n", 0o755)
		write("said/"+program, all+"\n", 0o644)
	}
	var journal strings.Builder
	for _, text := range []string{`level=INFO msg="visit starts"`, all, `level=INFO msg="` + all + `"`, `panic: ` + all} {
		for _, e := range []map[string]string{{"_SYSTEMD_UNIT": "kioskd.service"}, {"_SYSTEMD_UNIT": "pointnum-screen.service"},
			{"_PID": "1", "UNIT": "kioskd.service"}, {"_TRANSPORT": "kernel"}, {"_SYSTEMD_UNIT": "cups.service"}} {
			e["MESSAGE"], e["__REALTIME_TIMESTAMP"] = text, "1795374458000000"
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			journal.Write(append(b, '\n'))
		}
	}
	for _, c := range canaries {
		e := map[string]string{"_SYSTEMD_UNIT": "kioskd.service", "__REALTIME_TIMESTAMP": "1795374458000000",
			"MESSAGE": `level=WARN msg="task failed" code="` + c + `" err="open: ` + c + `: permission denied" "` + c + `"=1 device="` + c + `"`}
		f := map[string]string{"_SYSTEMD_UNIT": "kioskd.service", "__REALTIME_TIMESTAMP": "1795374458000000",
			"MESSAGE": `level=WARN msg="task failed" code="` + c + `" err="open: ` + c + `: permission denied" files="` + c + `" device="` + c + `"`}
		for _, one := range []any{e, f} {
			b, err := json.Marshal(one)
			if err != nil {
				t.Fatal(err)
			}
			journal.Write(append(b, '\n'))
		}
	}
	write("said/journalctl", journal.String(), 0o644)
	write("said/dmesg", "[    0.1] Linux version 6.12 (x)\n[ 1.2] usb 1-1: Product: "+canaries["a key's label"]+"\n"+all+"\n", 0o644)
	return p
}

// serveAgent answers as an agent whose every text is a canary, until the test
// ends.
func (p place) serveAgent(t *testing.T) {
	t.Helper()
	all := everything()
	status := control.Status{Version: "2.0.1", Screen: canaries["a typed word"], Refused: []string{canaries["an address"]},
		Health: []health.Condition{{Name: "device/scanner", Code: kiosk.CodePaperJam, Detail: all}, {Name: canaries["a login"], Code: kiosk.Code(canaries["a typed word"])}},
		Wiped:  &control.Wipe{OK: true, At: time.Now()},
		Update: &control.Update{Version: "2.0.1", Wanted: "2.1.0", Phase: "waiting", Percent: 100, Code: kiosk.Code(all), Detail: all, Returned: all},
		Devices: []control.Device{
			{ID: "scanner", Kind: kiosk.KindScanner, Driver: "escl", Model: "ScanJet 1", Ready: true, Conditions: []kiosk.Code{kiosk.CodePaperJam}, Detail: all},
			{ID: "cle", Kind: kiosk.KindKey, Driver: "usbkey", Model: canaries["a key's label"], Detail: all, Supplies: []kiosk.Level{{Name: all}}}},
		Fleet: &control.Fleet{Link: "down", Fault: "no_network", Detail: all, Waiting: 3}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, p.socket, agent{status}) }()
	t.Cleanup(func() { stop(); <-ended })
	client := control.Client{Path: p.socket}
	drivertest.Eventually(t, "the agent", func() bool { _, err := client.Status(t.Context()); return err == nil })
}

// diag runs the command there and returns what is in the file.
func (p place) diag(t *testing.T, args ...string) (files map[string]string, packed []byte) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "d.zip")
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "kioskctl"), append([]string{"diag", "-config", p.config, "-o", out}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+p.path+":"+os.Getenv("PATH"), "LANG=fr_FR.UTF-8", "JEANNE=rossignol-env")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	packed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return unzip(t, packed), packed
}

func unzip(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// What a technician sends tells how the kiosk is, and nothing of anybody.
func TestDiagHoldsNothingOfAVisitor(t *testing.T) {
	p := makePlace(t)
	p.serveAgent(t)
	files, _ := p.diag(t)
	for name, wants := range map[string][]string{
		"borne.txt":         {"version de l’agent : 2.0.1", "appareil scanner : scanner, escl, ScanJet 1", "paper_jam", "no_network", "dernier effacement prouvé : true", "mise à jour : waiting", "version demandée : 2.1.0"},
		"configuration.txt": {"http://proxy.exemple.fr:3128", "http://192.0.2.5/eSCL", "lieu : Centre social"},
		"inscription.txt":   {"borne : k1", "nom : Accueil"},
		"journal.txt":       {"kioskd INFO visit starts", `err="open: …: permission denied"`, "PANIC …"},
		"noyau.txt":         {"Linux version 6.12"},
		"LISEZMOI.html":     {"Diagnostic de la borne"},
	} {
		for _, want := range wants {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s does not say %q:\n%s", name, want, files[name])
			}
		}
	}
	for file, text := range files {
		for what, c := range canaries {
			if strings.Contains(strings.ToLower(text), strings.ToLower(c)) {
				t.Errorf("%s is in %s:\n%s", what, file, text)
			}
		}
		if strings.Contains(text, p.key) || strings.Contains(file, "JEANNE") {
			t.Errorf("the kiosk's key is in %s", file)
		}
		if strings.Contains(strings.ToLower(text), "jeanne") || strings.Contains(text, "rossignol") {
			t.Errorf("a part of a canary is in %s:\n%s", file, text)
		}
	}
}

// It is made on a kiosk that does not run, whose configuration is wrong, and
// whose programs do not answer.
func TestDiagIsMadeOfABrokenKiosk(t *testing.T) {
	p := makePlace(t)
	if err := os.WriteFile(p.config, []byte("place: {name: x}\nphone:\n  rossignol: rossignol-wifi-2026\nlisten: rossignol\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.path, "systemctl"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	files, packed := p.diag(t, "-control", p.socket)
	for name, want := range map[string]string{"borne.txt": "l’agent répond : false", "configuration.txt": "fautes aux lignes (« kioskd -check » les dit) : 3 4",
		"unites.txt": "pas entier : le programme de la machine a fini avec le code 3", "journal.txt": "visit starts"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not say %q:\n%s", name, want, files[name])
		}
	}
	for file, text := range files {
		if strings.Contains(text, "rossignol") {
			t.Errorf("a secret that stands in the wrong place is in %s:\n%s", file, text)
		}
	}
	if len(packed) > 5<<20 {
		t.Errorf("%d bytes", len(packed))
	}
}

// A disk that is full is no reason to have no file.
func TestDiagWithoutRoomGoesToMemory(t *testing.T) {
	p := makePlace(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "kioskctl"), "diag", "-config", p.config, "-o", "/dev/full")
	cmd.Env = append(os.Environ(), "PATH="+p.path+":"+os.Getenv("PATH"), "LANG=fr_FR.UTF-8")
	said, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != cli.ExitFailed || !strings.Contains(string(said), "le disque est plein") {
		t.Errorf("%v: %s", err, said)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Error(err) // a file that is not ours stays
	}
}
