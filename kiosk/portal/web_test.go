package portal_test

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pointnum/kiosk/portal"
)

func TestHostsAllow(t *testing.T) {
	list := portal.Hosts{"caf.fr", "Example.ORG.", "xn--impts-fta.example", "localhost", "192.0.2.7", "::1"}
	for host, want := range map[string]bool{
		"caf.fr":                             true,
		"connect.caf.fr":                     true,
		"a.b.c.caf.fr":                       true,
		"WWW.Caf.FR":                         true,
		"caf.fr.":                            true, // the root's dot
		"www.example.org":                    true,
		"sign_in.caf.fr":                     true,
		"www.xn--impts-fta.example":          true,
		"localhost":                          true, // listed exactly
		"192.0.2.7":                          true,
		"::1":                                true,
		"0:0::1":                             true, // another way of writing the same address
		"":                                   false,
		".":                                  false,
		".caf.fr":                            false,
		"a..caf.fr":                          false,
		"caf.fr..":                           false,
		"notcaf.fr":                          false,
		"caf.fr.example.com":                 false,
		"caf.fr:443":                         false, // a host has no port
		"caf.fr@example.com":                 false,
		"caf.fr/x":                           false,
		"caf.fr\x00.example.com":             false,
		"example.com#.caf.fr":                false,
		"evil.com\\.caf.fr":                  false,
		" caf.fr":                            false,
		"fr":                                 false,
		"intranet":                           false,
		"a.localhost":                        false, // a single label stands for itself only
		"1.192.0.2.7":                        false,
		"192.0.2.8":                          false,
		"192.0.2.07":                         false,
		"3221225991":                         false, // 192.0.2.7 as browsers read it
		"0xc0000207":                         false,
		"192.0.519":                          false,
		"127.0.0.1":                          false,
		"[::1]":                              false,
		"::1%lo":                             false,
		"::ffff:192.0.2.7":                   false,
		"cаf.fr":                             false, // the а is Cyrillic
		"caf。fr":                             false,
		"impôts.example":                     false, // browsers ask for the xn-- name
		"ſub.caf.fr":                         false,
		strings.Repeat("a", 64) + ".caf.fr":  false,
		strings.Repeat("a.", 130) + "caf.fr": false,
	} {
		if got := list.Allow(host); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
	if portal.Hosts(nil).Allow("caf.fr") {
		t.Error("no list allows a host")
	}
}

func FuzzHostsAllow(f *testing.F) {
	for _, seed := range [][2]string{{"caf.fr", "www.caf.fr"}, {"CAF.fr.", "x.caf.FR."}, {"localhost", "a.localhost"},
		{"192.0.2.7", "1.192.0.2.7"}, {"::1", "0::1"}, {"0x7f", "a.0x7f"}, {"", "."}, {"é.fr", "é.fr"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, entry, host string) {
		got := portal.Hosts{entry}.Allow(host)
		if !got {
			return
		}
		plain := func(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
		e, h := plain(entry), plain(host)
		a, err := netip.ParseAddr(h)
		if err == nil {
			if b, err := netip.ParseAddr(e); err != nil || a != b {
				t.Fatalf("%q allows the address %q", entry, host)
			}
			return
		}
		if h != e && (!strings.HasSuffix(h, "."+e) || !strings.Contains(e, ".")) {
			t.Fatalf("%q allows %q", entry, host)
		}
		// What is allowed is a host to the URL parser too, whole.
		u, err := url.Parse("https://" + host + "/")
		if err != nil || u.Hostname() != host || u.Port() != "" {
			t.Fatalf("%q allows %q, which is %v, %v", entry, host, u, err)
		}
		if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/\\@:#?%[]", r) }) {
			t.Fatalf("%q allows %q", entry, host)
		}
	})
}

func TestHostsOfAVisit(t *testing.T) {
	c, err := portal.LoadFile(filepath.Join("testdata", "small.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := portal.Hosts{"connexion.exemple.fr", "courriel.exemple.fr", "mairie.exemple.fr", "paiement.exemple.fr"}
	if got := c.Hosts("mairie"); !slices.Equal(got, want) {
		t.Errorf("got %v, want the portal's, its services', those that come with them and the mailboxes', each once", got)
	}
	if got := c.Hosts("nowhere"); !slices.Equal(got, portal.Hosts{"connexion.exemple.fr", "courriel.exemple.fr"}) {
		t.Errorf("a portal that is not there: got %v, want the mailboxes'", got)
	}
	if m, ok := c.Mailbox("courriel"); !ok || m.Address != "https://courriel.exemple.fr/lire?dossier=recus" || m.Confidence != portal.Deduced {
		t.Errorf("got %+v, %v", m, ok)
	}
	if _, ok := c.Mailbox("nobody"); ok {
		t.Error("a mailbox that is not there was found")
	}
	if p := c.Portals[0]; p.Address != "https://www.mairie.exemple.fr/" || p.Confidence != portal.Verified || p.Checked != "2026-11-20" {
		t.Errorf("got %+v", p)
	}
}

func TestACircleOfServicesEnds(t *testing.T) {
	c := &portal.Catalogue{
		Portals:  []portal.Portal{{ID: "p", With: []string{"a", "nobody"}}},
		Services: []portal.Service{{ID: "a", Hosts: []string{"a.example"}, With: []string{"b"}}, {ID: "b", Hosts: []string{"b.example"}, With: []string{"a"}}},
	}
	if got := c.Hosts("p"); !slices.Equal(got, portal.Hosts{"a.example", "b.example"}) {
		t.Errorf("got %v", got)
	}
}

// The portal that stands for all others has no address; every other one opens
// on its own hosts, and what nobody read does not pass for verified.
func TestEveryAddressOfTheCatalogueOpens(t *testing.T) {
	c := portal.Default()
	for _, p := range c.Portals {
		if p.Address == "" {
			if p.ID != "autre" {
				t.Errorf("%s has no address", p.ID)
			}
			continue
		}
		opens(t, p.ID, p.Address, p.Hosts)
		opens(t, p.ID, p.Address, c.Hosts(p.ID))
		if p.Source == "" || p.Confidence == portal.Verified && p.Checked == "" {
			t.Errorf("%s: nobody says where its address was read", p.ID)
		}
		if !c.Hosts(p.ID).Allow("app.franceconnect.gouv.fr") {
			t.Errorf("%s: FranceConnect does not open", p.ID)
		}
	}
	for _, id := range []string{"gmail", "outlook", "orange", "laposte", "free", "sfr", "yahoo", "icloud"} {
		m, ok := c.Mailbox(id)
		if !ok {
			t.Errorf("no mailbox %q", id)
			continue
		}
		opens(t, id, m.Address, m.Hosts)
		opens(t, id, m.Address, c.Hosts("caf"))
	}
	for _, host := range []string{"www.google.com", "www.youtube.com", "perso.free.fr", "ants.gouv.fr", "example.com", "127.0.0.1", "localhost"} {
		if c.Hosts("caf").Allow(host) {
			t.Errorf("a visit to caf.fr opens %s", host)
		}
	}
}

func opens(t *testing.T, id, address string, hosts portal.Hosts) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || !hosts.Allow(u.Host) {
		t.Errorf("%s: %s does not open", id, address)
	}
}

func TestAHostLeadsToItsPortal(t *testing.T) {
	c := &portal.Catalogue{Portals: []portal.Portal{
		{ID: "wide", Address: "https://gouv.example/", Hosts: []string{"gouv.example"}},
		{ID: "taxes", Address: "https://taxes.gouv.example/", Hosts: []string{"taxes.gouv.example"}},
		{ID: "closed", Hosts: []string{"closed.example"}},
	}}
	for host, want := range map[string]string{
		"www.gouv.example": "wide", "gouv.example": "wide", "www.taxes.gouv.example": "taxes",
		"closed.example": "", "nowhere.example": "", "": "", "127.0.0.1": "",
	} {
		got := ""
		if p, ok := c.PortalAt(host); ok {
			got = p.ID
		}
		if got != want {
			t.Errorf("%q leads to %q, want %q", host, got, want)
		}
	}
	if p, ok := portal.Default().PortalAt("candidat.francetravail.fr"); !ok || p.ID != "france-travail" {
		t.Errorf("got %+v", p)
	}
}
