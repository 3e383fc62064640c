package portal

import (
	"net/url"
	"slices"
	"strings"

	"pointnum/kiosk/yamlfile"
)

// tooWide are endings under which strangers have their own sites: a list that
// had one of them would be no list.
var tooWide = []string{"gouv.fr", "asso.fr", "com.fr", "free.fr", "co.uk"}

func (l *loader) service(v yamlfile.Value) Service {
	m := v.Map("id", "official", "gloss", "hosts", "with", "source", "checked", "confidence")
	s := Service{
		Official: m.Need("official").Text(),
		Gloss:    text(m.Need("gloss")),
		Hosts:    hosts(m.Need("hosts")),
		// Before its own id: a service can't come with itself.
		With: l.with(m.Opt("with")),
		ID:   id(m.Need("id"), l.services),
	}
	s.Source, s.Checked, s.Confidence = fact(m)
	return s
}

func (l *loader) mailbox(v yamlfile.Value, ids map[string]bool) Mailbox {
	m := v.Map("id", "official", "picture", "address", "hosts", "source", "checked", "confidence")
	b := Mailbox{
		ID:       id(m.Need("id"), ids),
		Official: m.Need("official").Text(),
		Picture:  picture(m.Need("picture")),
		Hosts:    hosts(m.Need("hosts")),
	}
	b.Address = startPage(m.Need("address"), b.Hosts)
	b.Source, b.Checked, b.Confidence = fact(m)
	return b
}

// web reads what the browser needs of a portal. The source is about all of
// it; without an address it may be left out.
func (l *loader) web(p *Portal, m yamlfile.Map) {
	p.Hosts = hosts(m.Opt("hosts"))
	p.Address = startPage(m.Opt("address"), p.Hosts)
	p.With = l.with(m.Opt("with"))
	if m.Opt("address").IsSet() || m.Opt("confidence").IsSet() || m.Opt("source").IsSet() {
		p.Source, p.Checked, p.Confidence = fact(m)
	}
}

func (l *loader) with(v yamlfile.Value) []string {
	ids := v.Texts()
	for _, one := range ids {
		if !l.services[one] {
			v.Fail("le service « %s » n’existe pas plus haut : ajoutez-le sous « services: » ou enlevez-le d’ici", one)
		}
	}
	return ids
}

func hosts(v yamlfile.Value) []string {
	list := v.Texts()
	for _, h := range list {
		switch {
		case !hostWord.MatchString(h):
			v.Fail("« %s » n’est pas un nom de domaine : écrivez par exemple caf.fr, sans https:// ni barre", h)
		case slices.Contains(tooWide, h):
			v.Fail("« %s » est trop large, d’autres sites finissent ainsi : écrivez le nom du site, par exemple impots.gouv.fr", h)
		}
	}
	return list
}

// startPage reads the address of a page on one of the hosts.
func startPage(v yamlfile.Value, hosts Hosts) string {
	s := v.Text()
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.Port() != "" || u.Fragment != "" ||
		strings.ContainsAny(s, " \t") || !hostWord.MatchString(u.Host):
		v.Fail("« %s » n’est pas une adresse : écrivez https:// puis le site, par exemple https://www.caf.fr/", s)
	case !hosts.Allow(u.Host):
		v.Fail("« %s » n’est pas un des noms de « hosts: » : ajoutez-le là, ou corrigez l’adresse", u.Host)
	}
	return s
}

// fact reads where something on the web was read.
func fact(m yamlfile.Map) (source, checked string, c Confidence) {
	source, checked = m.Need("source").Text(), date(m.Opt("checked"))
	c = Confidence(m.Need("confidence").OneOf("V", "S", "D", "U"))
	switch {
	case c == Unknown:
		m.Need("confidence").Fail("une adresse de confiance U ne peut pas être ouverte : enlevez l’adresse, ou écrivez D si c’est votre choix")
	case c == Verified && checked == "":
		m.Need("confidence").Fail("un fait vérifié (V) a une date : ajoutez « checked: 2026-11-21 » (le jour où vous l’avez lu)")
	}
	return source, checked, c
}
