package setup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pointnum/kiosk/config"
)

// ConfigText writes a configuration as the file that kioskd reads, with a word
// on each key for whoever opens it: reading it gives the same configuration.
func ConfigText(c *config.Config) []byte {
	t := &text{}
	t.note("La configuration de cette borne, écrite par sa mise en service. Elle peut être changée ici :",
		"redémarrez kioskd ensuite. « kioskd -example » explique chaque clé.")
	t.place(c.Place)
	t.line("listen: %s", q(c.Listen))
	t.line("spool: %s", q(c.Spool))
	t.line("control: %s", q(c.Control))
	t.note("La fin de la visite quand personne ne touche l’écran.")
	t.line("idle:\n  warn: %s\n  leave: %s", c.Idle.Warn, c.Idle.Leave)
	t.note("Les langues des boutons. La première est celle de l’accueil.")
	t.line("languages: %s", list(c.Languages))
	t.note("Les portails à montrer. Une liste vide les montre tous.")
	t.line("portals: %s", list(c.Portals))
	t.line("catalogue: %s", q(c.Catalogue))
	t.line("words: %s", list(c.Words))
	t.line("voice: %s", yes(c.Voice))
	t.browser(c.Browser)
	t.note("Le relais pour les téléphones des visiteurs. Vide : sans téléphone.")
	t.line("phone:\n  relay: %s", q(c.Phone.Relay))
	t.note("La supervision. Vide : la borne marche seule.")
	t.line("fleet:\n  server: %s\n  proxy: %s\n  ca: %s\n  dir: %s", q(c.Fleet.Server), q(c.Fleet.Proxy), q(c.Fleet.CA), q(c.Fleet.Dir))
	t.devices(c)
	return []byte(t.String())
}

type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(t, format+"\n", args...)
}

func (t *text) note(lines ...string) {
	if t.Len() > 0 {
		t.line("")
	}
	for _, l := range lines {
		t.line("# %s", l)
	}
}

func (t *text) place(p config.Place) {
	t.note("Le lieu, montré à l’écran et sur les reçus.")
	t.line("place:\n  name: %s\n  address: %s\n  phone: %s\n  hours: %s", q(p.Name), list(p.Address), q(p.Phone), list(p.Hours))
	t.line("")
}

func (t *text) browser(b config.Browser) {
	t.note("Les sites dans la borne.")
	t.line("browser:\n  enabled: %s\n  path: %s\n  user: %s\n  headless: %s\n  hosts: %s\n  proxy: %s",
		yes(b.On), q(b.Path), q(b.User), yes(b.Headless), list(b.Hosts), yes(b.Proxy))
}

func (t *text) devices(c *config.Config) {
	t.note("Les appareils. Le premier de chaque sorte est celui des visites.")
	if len(c.Devices) == 0 {
		t.line("devices: []")
		return
	}
	t.line("devices:")
	for _, d := range c.Devices {
		t.line("  - id: %s\n    driver: %s\n    uri: %s", q(string(d.ID)), q(d.Driver), q(d.URI))
		if len(d.Options) == 0 {
			continue
		}
		t.line("    options:")
		for _, key := range slices.Sorted(maps.Keys(d.Options)) {
			t.line("      %s: %s", q(key), q(d.Options[key]))
		}
	}
}

// q is a text as YAML takes it: Go's escapes are YAML's (YAML 1.2, 5.7).
// Nothing at all is how the file says "none".
func q(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func yes(b bool) string {
	if b {
		return "oui"
	}
	return "non"
}
