package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/yamlfile"
)

func TestTheExampleLoadsAndShowsTheDefaults(t *testing.T) {
	got, err := config.Load(strings.NewReader(config.Example()), "example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	if got.Listen != want.Listen || got.Spool != want.Spool || got.Control != want.Control || got.Idle != want.Idle ||
		!reflect.DeepEqual(got.Languages, want.Languages) || !reflect.DeepEqual(got.Browser, want.Browser) || len(got.Portals) != 0 || got.Catalogue != "" {
		t.Errorf("the example shows other values than the defaults:\n got %+v\nwant %+v", got, want)
	}
	if len(got.Devices) != 4 || got.Devices[2].Options["dots"] != "576" {
		t.Errorf("got devices %+v", got.Devices)
	}
}

func TestEveryKeyIsInTheExample(t *testing.T) {
	for _, key := range []string{"place", "name", "address", "phone", "hours", "listen", "spool", "control", "idle", "warn", "leave", "languages", "portals", "catalogue", "words", "browser", "enabled", "path", "user", "headless", "hosts", "proxy", "relay", "fleet", "server", "ca", "dir", "devices", "id", "driver", "uri", "options"} {
		if !strings.Contains(config.Example(), key+":") {
			t.Errorf("%q is not explained in example.yaml", key)
		}
	}
}

func TestLoad(t *testing.T) {
	got, err := config.Load(strings.NewReader(`place:
  name: Mairie
  hours: ["lundi : 9 h"]
listen: "[::1]:0"
idle: {warn: 90s, leave: 20s}
languages: [fr, pt]
portals: [ameli, caf]
browser: {user: web, headless: oui, hosts: [fichiers.caf.fr], proxy: non}
phone: {relay: https://telephone.example}
fleet: {server: https://bornes.example, proxy: "http://a:b@proxy.example:3128", ca: /etc/ssl/place.pem, dir: /srv/kiosk}
devices:
  - id: scanner
    driver: escl
    uri: http://192.0.2.1/eSCL
    options: {source: glass}
`), "kiosk.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got.Place.Name != "Mairie" || got.Listen != "[::1]:0" || got.Idle != (config.Idle{Warn: 90 * time.Second, Leave: 20 * time.Second}) {
		t.Errorf("got %+v", got)
	}
	if want := "https://telephone.example"; got.Phone.Relay != want {
		t.Errorf("got relay %q, want %q", got.Phone.Relay, want)
	}
	if want := (config.Browser{On: true, User: "web", Headless: true, Hosts: []string{"fichiers.caf.fr"}}); !reflect.DeepEqual(got.Browser, want) {
		t.Errorf("got browser %+v, want %+v", got.Browser, want)
	}
	if want := (config.Fleet{Server: "https://bornes.example", Proxy: "http://a:b@proxy.example:3128", CA: "/etc/ssl/place.pem", Dir: "/srv/kiosk"}); got.Fleet != want {
		t.Errorf("got fleet %+v, want %+v", got.Fleet, want)
	}
	want := []kiosk.Spec{{ID: "scanner", Driver: "escl", URI: "http://192.0.2.1/eSCL", Options: map[string]string{"source": "glass"}}}
	if !reflect.DeepEqual(got.Devices, want) {
		t.Errorf("got devices %+v, want %+v", got.Devices, want)
	}
	for key, where := range map[string]string{"portals.caf": "kiosk.yaml:7", "devices.scanner": "kiosk.yaml:12", "listen": "kiosk.yaml:4", "spool": ""} {
		if got := got.Where(key); got != where {
			t.Errorf("Where(%q): got %q, want %q", key, got, where)
		}
	}
}

func TestMistakesSayTheLineAndWhatToDo(t *testing.T) {
	const place = "place: {name: Mairie}\n"
	for _, c := range []struct{ name, text, want string }{
		{"no place", "listen: 127.0.0.1:1\n", "kiosk.yaml:1: il manque « place: » : ajoutez-le"},
		{"a place without a name", "place: {phone: \"1\"}\n", "kiosk.yaml:1: il manque « name: » : ajoutez-le"},
		{"a browser that is neither on nor off", place + "browser: {enabled: peut-être}\n", "kiosk.yaml:2: « peut-être »"},
		{"a browser's program without its folder", place + "browser:\n  path: chromium\n", "kiosk.yaml:3: « chromium » n’est pas un chemin complet"},
		{"a host with its scheme", place + "browser:\n  hosts:\n    - https://caf.fr/\n", "kiosk.yaml:4: « https://caf.fr/ » n’est pas un nom de domaine : écrivez par exemple fichiers.caf.fr"},
		{"a relay without TLS", place + "phone:\n  relay: http://telephone.example\n", "kiosk.yaml:3: « http://telephone.example » n’est pas l’adresse d’un relais"},
		{"a supervision without TLS", place + "fleet:\n  server: http://bornes.example\n", "kiosk.yaml:3: « http://bornes.example » n’est pas l’adresse d’une supervision"},
		{"a proxy without a port", place + "fleet: {proxy: http://proxy.example}\n", "n’est pas l’adresse d’un proxy"},
		{"a relay with a path", place + "phone: {relay: https://telephone.example/d}\n", "n’est pas l’adresse d’un relais"},
		{"a user with a space", place + "browser:\n  user: le web\n", "kiosk.yaml:3: « le web » n’est pas un compte de la borne"},
		{"an unknown key", place + "lisen: x\n", "kiosk.yaml:2: « lisen » n’est pas une clé connue ici : les clés possibles sont place, listen, spool"},
		{"an unknown key of a device", place + "devices:\n  - id: a\n    driver: escl\n    url: x\n", "kiosk.yaml:5: « url » n’est pas une clé connue ici : les clés possibles sont id, driver, uri, options"},
		{"an address that the network sees", place + "listen: 0.0.0.0:8088\n", "kiosk.yaml:2: « 0.0.0.0:8088 » serait visible depuis le réseau : écrivez 127.0.0.1:8088"},
		{"all addresses", place + "listen: :8088\n", "kiosk.yaml:2: « :8088 » serait visible depuis le réseau"},
		{"a name instead of an address", place + "listen: localhost:80\n", "kiosk.yaml:2: « localhost:80 » serait visible"},
		{"an address without a port", place + "listen: 127.0.0.1\n", "kiosk.yaml:2: « 127.0.0.1 » n’est pas une adresse"},
		{"a port that is too large", place + "listen: 127.0.0.1:70000\n", "kiosk.yaml:2: « 70000 » n’est pas un numéro de port"},
		{"a path that is not complete", place + "spool: spool\n", "kiosk.yaml:2: « spool » n’est pas un chemin complet"},
		{"a warning too short to be read", place + "idle: {leave: 5s}\n", "kiosk.yaml:2: « 5s » n’est pas une durée possible ici"},
		{"no language", place + "languages: []\n", "kiosk.yaml:2: il faut au moins une langue"},
		{"a language in words", place + "languages: [français]\n", "kiosk.yaml:2: « français » n’est pas une langue"},
		{"a portal twice", place + "portals:\n  - caf\n  - caf\n", "kiosk.yaml:4: « caf » est déjà dans la liste"},
		{"a device without a driver", place + "devices:\n  - id: scanner\n", "kiosk.yaml:3: il manque « driver: »"},
		{"two devices of one name", place + "devices:\n  - {id: a, driver: escl}\n  - {id: a, driver: ipp}\n", "kiosk.yaml:4: le nom « a » est déjà celui d’un autre appareil (kiosk.yaml:3)"},
		{"a socket's path that is too long", place + "control: /" + strings.Repeat("x", 90) + "\n", "kiosk.yaml:2: le chemin est trop long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Load(strings.NewReader(c.text), "kiosk.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kiosk.yaml")
	if _, err := config.LoadFile(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: got %v", err)
	}
	if err := os.WriteFile(path, []byte(config.Example()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.LoadFile(path); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(config.Example())
	f.Add("place: {name: x}\ndevices: [{id: a, driver: b, options: {x: [1]}}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Load(strings.NewReader(text), "f.yaml")
		if err != nil {
			if _, ok := errors.AsType[yamlfile.Problems](err); !ok {
				t.Fatalf("got a %T", err)
			}
			return
		}
		if c.Place.Name == "" || len(c.Languages) == 0 || c.Idle.Leave < 20*time.Second {
			t.Errorf("accepted %+v", c)
		}
	})
}
