package setup_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/provisioning/setup"
)

func TestExampleLoads(t *testing.T) {
	c, err := setup.ReadConf(strings.NewReader(setup.ConfExample()))
	if err != nil || c.Server != "https://bornes.exemple.fr" || c.Code == "" || c.Place.Phone == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMistakesHaveTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "borne.txt:1: le fichier est vide",
		"langue: fr\n":               "borne.txt:1: « langue » n’est pas une clé",
		"network:\n  proxy: abc\n":   "borne.txt:2: ce n’est pas l’adresse d’un proxy",
		"network:\n  ca: ../x.pem\n": "borne.txt:2: « ../x.pem » n’est pas le nom d’un fichier",
		"network:\n  wifi:\n    name: A\n    password: court\n":                           "borne.txt:4: le mot de passe",
		"network:\n  wifi:\n    hidden: oui\n":                                            "borne.txt:2: il manque « name: »",
		"network:\n  gateway: 192.168.1.1\n":                                              "borne.txt:2: « gateway » ne va pas sans",
		"network:\n  address: 192.168.1.20\n  gateway: 192.168.1.1\n":                     "borne.txt:2: « 192.168.1.20 » n’est pas",
		"network:\n  address: 192.168.1.20/24\n  gateway: 192.168.1.1\n  dns: [maison]\n": "borne.txt:4: « maison »",
		"fleet:\n  server: http://x.fr\n":                                                 "borne.txt:2: « http://x.fr »",
		"fleet:\n  code: QRTV-6YYE\n  alone: oui\n":                                       "borne.txt:3: « alone: oui » ne va pas",
	} {
		if _, err := setup.ReadConf(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestCertificateLiesBesideTheFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(setup.ConfName, "network:\n  ca: lieu.pem\n")
	if _, err := setup.LoadConf(dir); err == nil || !strings.Contains(err.Error(), "lieu.pem:1: ce certificat") {
		t.Errorf("got %v", err)
	}
	write("lieu.pem", "-----BEGIN CERTIFICATE-----\n")
	if c, err := setup.LoadConf(dir); err != nil || len(c.Network.CA) == 0 {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestBlankedFileIsWholeAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, setup.ConfName)
	if err := os.WriteFile(path, []byte(setup.ConfExample()), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := setup.BlankFile(dir, setup.Blank{Code: true, Password: true}); err != nil {
		t.Fatal(err)
	}
	c, err := setup.LoadConf(dir)
	if err != nil || c.Code != "" || c.Server == "" || c.Place.Name == "" {
		t.Errorf("got %+v, %v", c, err)
	}
	list, err := os.ReadDir(dir)
	if info, statErr := os.Stat(path); err != nil || statErr != nil || len(list) != 1 || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v, %v", list, err, info)
	}
	if err := setup.BlankFile(t.TempDir(), setup.Blank{Code: true}); err != nil {
		t.Errorf("no file: %v", err)
	}
}

func TestWrittenConfigurationReadsAsItWas(t *testing.T) {
	full := config.Default()
	full.Place = config.Place{Name: "L’accueil : \"# non", Address: []string{"12, rue\u00a0X", "- 93000"}, Phone: "01 00", Hours: []string{"oui"}}
	full.Idle = config.Idle{Warn: 90 * time.Second, Leave: 30 * time.Second}
	full.Languages, full.Portals, full.Words, full.Voice = []string{"ar", "fr"}, []string{"caf"}, []string{"fra"}, false
	full.Catalogue = "/etc/pointnum/catalogue.yaml"
	full.Browser = config.Browser{On: true, Path: "/usr/bin/chromium", User: "pointnum-web", Headless: true, Hosts: []string{"a.caf.fr"}}
	full.Phone.Relay = "https://telephone.exemple.fr"
	full.Fleet = config.Fleet{Server: "https://bornes.exemple.fr", Proxy: "http://a:b%23@p.exemple.fr:3128", CA: "/x.pem", Dir: "/var/lib/pointnum"}
	full.Devices = []kiosk.Spec{{ID: "scanner", Driver: "escl", URI: "http://127.0.0.1:1/eSCL", Options: map[string]string{}},
		{ID: "tickets", Driver: "escpos", URI: "usb:/dev/usb/lp0", Options: map[string]string{"dots": "576"}}}
	plain := config.Default()
	for name, c := range map[string]*config.Config{"full": full, "plain": plain} {
		text := setup.ConfigText(c)
		got, err := config.Load(bytes.NewReader(text), "kiosk.yaml")
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if again := setup.ConfigText(got); !bytes.Equal(again, text) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, again, text)
		}
		if !reflect.DeepEqual(got.Place, c.Place) && name == "full" || got.Browser.User != c.Browser.User || got.Fleet != c.Fleet || len(got.Devices) != len(c.Devices) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestTypedNamesAreMadeToFit(t *testing.T) {
	for typed, want := range map[string]string{"Scanner du hall": "scanner-du-hall", "  Éléphant  n°2 ": "elephant-n-2", "2e": "e", "عربي": "", strings.Repeat("long ", 20): "long-long-long-long-long-long-lo"} {
		if got := setup.DeviceName(typed); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}

// Whatever a stick holds: no panic, and what is taken can be blanked and read
// again, without its secrets.
func FuzzReadConf(f *testing.F) {
	f.Add([]byte(setup.ConfExample()))
	f.Add([]byte("\xef\xbb\xbflanguage: fr\r\nnetwork: {wifi: {name: A, password: 'motdepasse'}}\r\nfleet: {code: AAAA-BBBB}\r\n"))
	f.Add([]byte("network:\n  address: 192.168.1.20/24\n  gateway: 192.168.1.1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := setup.ReadConf(bytes.NewReader(raw))
		if err != nil {
			return
		}
		text, err := setup.BlankText(raw, setup.Blank{Code: true, Password: true})
		if err != nil {
			t.Fatalf("read, and not blanked: %v", err)
		}
		again, err := setup.ReadConf(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("blanked, and not read: %v\n%q", err, text)
		}
		if again.Code != "" || again.Network.WiFi != nil && again.Network.WiFi.Password != "" {
			t.Fatalf("not blanked: %q", text)
		}
		c.Code, again.Code = "", ""
		if c.Network.WiFi != nil {
			c.Network.WiFi.Password = ""
		}
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("got %+v, want %+v\n%q", again, c, text)
		}
	})
}
