package openid_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning/fleet/people/openid"
)

// Logins themselves are tested in package people, whose stand-in for a
// provider answers and lies.

func TestAProviderIsSpokenToOverTLSOnly(t *testing.T) {
	good := openid.Provider{Issuer: "https://auth.example.fr/api/v2", ClientID: "bornes", Redirect: "https://bornes.example/back"}
	if c, err := openid.New(good, time.Now); err != nil || c.Issuer() != good.Issuer {
		t.Error(err)
	}
	for name, change := range map[string]func(*openid.Provider){
		"no TLS":            func(p *openid.Provider) { p.Issuer = "http://auth.example.fr" },
		"a name like ours":  func(p *openid.Provider) { p.Issuer = "http://localhost.example.fr" },
		"no TLS back":       func(p *openid.Provider) { p.Redirect = "http://bornes.example/back" },
		"no address":        func(p *openid.Provider) { p.Redirect = "" },
		"nobody in special": func(p *openid.Provider) { p.ClientID = "" },
	} {
		bad := good
		change(&bad)
		if _, err := openid.New(bad, time.Now); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for address, want := range map[string]bool{
		"http://localhost:8080": true, "http://127.0.0.1": true, "http://[::1]:1": true, "http://a.localhost": true,
		"https://localhost": false, "http://127.0.0.1.example": false, "http://192.0.2.1": false,
	} {
		u, err := url.Parse(address)
		if err != nil || openid.Loopback(u) != want {
			t.Errorf("%s: want %v", address, want)
		}
	}
}

func FuzzSIRET(f *testing.F) {
	f.Add("217 500 016 00019")
	f.Add("21750001600019")
	f.Add("2175000160001９")
	f.Fuzz(func(t *testing.T, s string) {
		got := openid.SIRET(s)
		if got != "" && (len(got) != 14 || strings.Trim(got, "0123456789") != "" || got != strings.ReplaceAll(s, " ", "")) {
			t.Errorf("%q is read as %q", s, got)
		}
	})
}
