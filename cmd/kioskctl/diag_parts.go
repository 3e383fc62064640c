package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/kiosk"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/diag"
	"pointnum/kiosk/health"
	"pointnum/kiosk/yamlfile"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
)

// told is what the kiosk's own programs know of it.
type told struct {
	config *config.Config // the default when it is broken
	broken error          // why; nil
	agent  control.Client
	words  diag.Words
}

// word is one of the programs' own words, or a name of the configuration.
func (t told) word(s string) string {
	if s == "" || t.words[s] || t.driver(strings.TrimPrefix(s, health.Device(""))) != "" {
		return s
	}
	return "?"
}

// driver is that of a device of the configuration; "" for no such device.
func (t told) driver(id string) string {
	for _, d := range t.config.Devices {
		if string(d.ID) == id {
			return d.Driver
		}
	}
	return ""
}

func (t told) parts() []diag.Part {
	return []diag.Part{
		{Name: "borne", Title: "La borne qui marche : écran, appareils, effacement", Fill: t.fillAgent},
		{Name: "configuration", Title: "Configuration, sans ses secrets", Fill: t.fillConfig},
		{Name: "inscription", Title: "Inscription à la supervision, sans sa clé", Fill: t.fillIdentity},
		{Name: "regles", Title: "Règles du navigateur", Fill: t.fillPolicies},
	}
}

// fillAgent tells what the agent says. A device's own words are left out: a
// printer's may be the name of what it prints, a USB key's is its owner's.
func (t told) fillAgent(ctx context.Context, s *diag.Sheet) error {
	s.Say("program", "version de kioskctl", agent.Version)
	st, err := t.agent.Status(ctx)
	s.Say("running", "l’agent répond", err == nil)
	if err != nil {
		if errors.Is(err, control.ErrNotRunning) {
			return nil // that is an answer
		}
		return err
	}
	s.Say("version", "version de l’agent", st.Version)
	s.Say("uptime_seconds", "en marche depuis (s)", st.UptimeSeconds)
	for _, c := range st.Health {
		s.Line("ne va pas : %s (%s) depuis %s", t.word(c.Name), t.word(string(c.Code)), c.Since.Format(time.DateTime))
	}
	s.Say("conditions", "ce qui ne va pas", len(st.Health))
	if st.Wiped == nil {
		s.Say("wiped", "dernier effacement", "aucun depuis le démarrage")
	} else {
		s.Say("wiped", "dernier effacement prouvé", st.Wiped.OK)
		s.Say("wiped_at", "dernier effacement", st.Wiped.At.Format(time.DateTime))
	}
	s.Say("refused_hosts", "domaines refusés (leurs noms : kioskctl status)", len(st.Refused))
	for _, d := range st.Devices {
		t.device(s, d)
	}
	s.Say("pages", "écrans qui montrent la borne", st.Pages)
	t.update(s, st.Update)
	if f := st.Fleet; f != nil {
		link := "down"
		if f.Link == "websocket" || f.Link == "sync" {
			link = f.Link
		}
		s.Say("link", "supervision", link)
		s.Say("link_since", "depuis", f.Since.Format(time.DateTime))
		s.Say("link_waiting", "messages qui attendent", f.Waiting)
		s.Say("link_fault", "pourquoi", t.word(string(f.Fault)))
	}
	return nil
}

// update tells where the system's update is.
func (t told) update(s *diag.Sheet, u *control.Update) {
	if u == nil {
		return
	}
	s.Say("update_phase", "mise à jour", t.word(u.Phase))
	s.Say("update_image", "image de la borne", u.Image)
	for _, v := range []struct{ key, label, version string }{{"update_version", "version du système", u.Version},
		{"update_wanted", "version demandée", u.Wanted}, {"update_returned", "version quittée", u.Returned}, {"update_confirmed", "plus haute version qui a marché", u.Confirmed}} {
		if provisioning.ValidVersion(v.version) {
			s.Say(v.key, v.label, v.version)
		}
	}
	s.Say("update_percent", "reçu (%)", u.Percent)
	s.Say("update_code", "pourquoi", t.word(string(u.Code)))
}

func (t told) device(s *diag.Sheet, d control.Device) {
	model := ""
	if d.Kind != kiosk.KindKey {
		model = diag.Plain(d.Model)
	}
	var wrong []string
	for _, c := range d.Conditions {
		wrong = append(wrong, t.word(string(c)))
	}
	s.Line("appareil %s : %s, %s, %s, prêt %t, prêté %t, %s", t.word(string(d.ID)), t.word(string(d.Kind)), t.driver(string(d.ID)), model, d.Ready, d.Busy, strings.Join(wrong, " "))
	s.Keep("device "+t.word(string(d.ID)), map[string]any{"kind": t.word(string(d.Kind)), "driver": t.driver(string(d.ID)), "model": model, "ready": d.Ready, "conditions": wrong})
	for _, u := range d.Supplies {
		if d.Kind != kiosk.KindKey {
			s.Line("  %s : %d %%", diag.Plain(u.Name), u.Percent)
		}
	}
}

// fillConfig tells the configuration key by key. Of a mistake only the line
// is told: its text may quote a secret that stands in the wrong place.
func (t told) fillConfig(_ context.Context, s *diag.Sheet) error {
	if problems, ok := errors.AsType[yamlfile.Problems](t.broken); ok {
		var lines []string
		for _, p := range problems {
			lines = append(lines, strconv.Itoa(p.Line))
		}
		s.Say("mistakes", "fautes aux lignes (« kioskd -check » les dit)", strings.Join(lines, " "))
		return nil
	}
	if t.broken != nil {
		s.Line("ce qui suit est ce que le programme prend sans fichier")
	}
	c := t.config
	s.Say("place", "lieu", c.Place.Name)
	s.Say("listen", "listen", c.Listen)
	s.Say("spool", "spool", c.Spool)
	s.Say("control", "control", c.Control)
	s.Say("idle_warn", "idle.warn", c.Idle.Warn.String())
	s.Say("idle_leave", "idle.leave", c.Idle.Leave.String())
	s.Say("languages", "languages", strings.Join(c.Languages, " "))
	s.Say("portals", "portals", strings.Join(c.Portals, " "))
	s.Say("catalogue", "catalogue", c.Catalogue)
	s.Say("words", "words", strings.Join(c.Words, " "))
	s.Say("voice", "voice", c.Voice)
	s.Say("browser", "browser.enabled", c.Browser.On)
	s.Say("browser_path", "browser.path", c.Browser.Path)
	s.Say("browser_user", "browser.user", c.Browser.User)
	s.Say("browser_headless", "browser.headless", c.Browser.Headless)
	s.Say("browser_proxy", "browser.proxy", c.Browser.Proxy)
	s.Say("browser_hosts", "browser.hosts", len(c.Browser.Hosts))
	s.Say("phone_relay", "phone.relay", bareAddress(c.Phone.Relay))
	s.Say("fleet_server", "fleet.server", bareAddress(c.Fleet.Server))
	s.Say("fleet_proxy", "fleet.proxy (sans compte)", bareAddress(c.Fleet.Proxy))
	s.Say("fleet_ca", "fleet.ca", c.Fleet.CA)
	s.Say("fleet_dir", "fleet.dir", c.Fleet.Dir)
	for _, d := range c.Devices {
		options := slices.Sorted(func(yield func(string) bool) {
			for key := range d.Options {
				if !yield(diag.Plain(key)) {
					return
				}
			}
		})
		s.Line("appareil %s : %s %s, options %s", d.ID, d.Driver, bareAddress(d.URI), strings.Join(options, " "))
	}
	return t.broken
}

// bareAddress is an address without account, password and what follows "?".
func bareAddress(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "?"
	case u.Opaque != "": // "usb:/dev/usb/lp0" is not; a SANE name is
		return u.Scheme + ":…"
	}
	return diag.Plain((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// fillIdentity tells who the kiosk is, never its key.
func (t told) fillIdentity(_ context.Context, s *diag.Sheet) error {
	id, err := enrol.Load(filepath.Join(t.config.Fleet.Dir, "identity.json"))
	s.Say("enrolled", "inscrite", err == nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	c := id.Present.Credential
	s.Say("server", "supervision", bareAddress(id.Server))
	s.Say("structure", "structure", diag.Plain(c.Structure))
	s.Say("kiosk", "borne", diag.Plain(c.Kiosk))
	s.Say("label", "nom", c.Label)
	s.Say("expires", "valable jusqu’au", time.Unix(c.Expires, 0).Format(time.DateTime))
	return nil
}

// fillPolicies counts how the installed policies differ from those of the
// catalogue; the catalogue and the policies are public.
func (t told) fillPolicies(_ context.Context, s *diag.Sheet) error {
	want, err := policies(t.config)
	if err != nil {
		return err
	}
	found, err := differences(filepath.Dir(policy.Path), want)
	if err != nil {
		return err
	}
	s.Say("differences", "différences (« kioskctl policies --check » les dit)", len(found))
	return nil
}
