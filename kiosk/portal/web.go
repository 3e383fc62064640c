package portal

import (
	"net/netip"
	"slices"
	"strings"
)

// Service is a place on the web that portals send people to and that is none
// of theirs: an identity provider, a payment page, a captcha.
type Service struct {
	ID       string // "franceconnect"
	Official string // the name as its own pages write it
	Gloss    Text   // what it is, in plain words
	Hosts    []string
	// With are the services that come with it, such as FranceConnect's
	// identity providers. They stand before it in the file.
	With []string

	Source     string // where its hosts were read
	Checked    string // when, "2026-01-15" or "2026-01"; empty when nobody read them
	Confidence Confidence
}

// Mailbox is a webmail that visitors have. Portals send codes there.
type Mailbox struct {
	ID       string // "gmail"; stable
	Official string
	Picture  string   // name of a Phosphor icon
	Address  string   // its https start page
	Hosts    []string // those of its sign-in included

	Source     string // where address and hosts were read
	Checked    string // when; empty when nobody read them
	Confidence Confidence
}

// Service finds a service by its ID.
func (c *Catalogue) Service(id string) (*Service, bool) {
	i := slices.IndexFunc(c.Services, func(s Service) bool { return s.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Services[i], true
}

// Mailbox finds a mailbox by its ID.
func (c *Catalogue) Mailbox(id string) (*Mailbox, bool) {
	i := slices.IndexFunc(c.Mailboxes, func(m Mailbox) bool { return m.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Mailboxes[i], true
}

// PortalAt finds the portal that can be opened and whose site a host belongs
// to; the one with the narrowest name when several do.
func (c *Catalogue) PortalAt(host string) (*Portal, bool) {
	var found *Portal
	narrowest := 0
	for i := range c.Portals {
		p := &c.Portals[i]
		if p.Address == "" {
			continue
		}
		for _, name := range p.Hosts {
			if len(name) > narrowest && (Hosts{name}).Allow(host) {
				found, narrowest = p, len(name)
			}
		}
	}
	return found, found != nil
}

// Hosts returns every host that a visit to a portal may need: the portal's
// own, its services' and those of all mailboxes, each once. A portal that is
// not there has the mailboxes' only.
func (c *Catalogue) Hosts(portal string) Hosts {
	var out Hosts
	if p, ok := c.Portal(portal); ok {
		out = append(out, p.Hosts...)
		for _, id := range c.services(p.With) {
			s, _ := c.Service(id)
			out = append(out, s.Hosts...)
		}
	}
	for _, m := range c.Mailboxes {
		out = append(out, m.Hosts...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// services returns the ids of those that exist and of all that come with
// them, each once: a catalogue that was not loaded may hold a circle.
func (c *Catalogue) services(ids []string) []string {
	var out []string
	for todo := slices.Clone(ids); len(todo) > 0; todo = todo[1:] {
		s, ok := c.Service(todo[0])
		if !ok || slices.Contains(out, s.ID) {
			continue
		}
		out = append(out, s.ID)
		todo = append(todo, s.With...)
	}
	return out
}

// Hosts is a list of host names; nil allows nothing.
type Hosts []string

// Allow says whether a host is on the list: an entry stands for itself and
// its sub-domains, whatever the case and with or without the dot at the end.
//
// Everything that is not plainly such a name is refused: a port, a name that
// is not in ASCII (browsers ask for xn-- names, which are compared as they are
// written), and addresses in every way of writing them. An address and a name
// of a single label are allowed only when the list has exactly them, and then
// stand for nothing below them.
func (h Hosts) Allow(host string) bool {
	name := canonical(host)
	if name == "" {
		return false
	}
	for _, one := range h {
		entry := canonical(one)
		if entry == "" {
			continue
		}
		if name == entry || !alone(entry) && strings.HasSuffix(name, "."+entry) {
			return true
		}
	}
	return false
}

// canonical gives the one way of writing a host; "" for what is none.
func canonical(host string) string {
	if strings.Contains(host, ":") {
		return address(host)
	}
	host = strings.TrimSuffix(host, ".")
	if len(host) > 253 {
		return ""
	}
	lower := []byte(host)
	for i, c := range lower {
		switch {
		case 'A' <= c && c <= 'Z':
			lower[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return ""
		}
	}
	host = string(lower)
	for label := range strings.SplitSeq(host, ".") {
		if len(label) < 1 || len(label) > 63 {
			return ""
		}
	}
	if numeric(host) {
		return address(host)
	}
	return host
}

// numeric is true for what browsers read as an IPv4 address: the last label is
// a number, in decimal or in hexadecimal (URL Standard, "ends in a number").
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// address gives the one way of writing an IP address; "" for its other ways,
// such as 127.1, 0x7f000001 or fe80::1%eth0.
func address(host string) string {
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return ""
	}
	return a.String()
}

// alone is true for an entry that stands for nothing below it.
func alone(entry string) bool {
	return !strings.Contains(entry, ".") || numeric(entry)
}
