package people_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/provisioning/fleet/people/openid"
)

type claims = map[string]any

// proconnect is a provider that answers like ProConnect: RS256, a userinfo
// that is a signed JWT, codes that work once, PKCE. Its fields can be turned
// to lie.
type proconnect struct {
	t     *testing.T
	srv   *httptest.Server
	key   *rsa.PrivateKey
	h     *house
	who   claims // of the userinfo
	codes map[string]url.Values

	id       func(c claims)        // changes the ID token
	info     func(c claims)        // changes the userinfo
	sign     func(c claims) string // of the ID token; nil is with the key
	plain    bool                  // userinfo as JSON
	broken   bool                  // answers 500
	logouts  bool                  // says where to log out
	lastAuth url.Values            // what it was asked
}

// providerKey is made once: the race detector makes it slow.
var providerKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newProConnect(t *testing.T) *proconnect {
	t.Helper()
	key, err := providerKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &proconnect{t: t, key: key, codes: map[string]url.Values{}, logouts: true, who: claims{
		"sub": "ac85aa5b", "uid": "4242", "email": "Zoe.Blanc@mairie.example", "given_name": "Zoé", "usual_name": "Blanc", "siret": "21750001600019",
	}}
	mux := http.NewServeMux()
	p.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.broken {
			http.Error(w, "out of order", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.srv.Close)
	mux.HandleFunc("GET /api/v2/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /api/v2/jwks", func(w http.ResponseWriter, _ *http.Request) {
		p.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /api/v2/token", p.token)
	mux.HandleFunc("GET /api/v2/userinfo", p.userinfo)
	return p
}

func (p *proconnect) issuer() string { return p.srv.URL + "/api/v2" }

func (p *proconnect) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func (p *proconnect) discovery(w http.ResponseWriter, _ *http.Request) {
	d := claims{
		"issuer": p.issuer(), "authorization_endpoint": p.issuer() + "/authorize", "token_endpoint": p.issuer() + "/token",
		"jwks_uri": p.issuer() + "/jwks", "userinfo_endpoint": p.issuer() + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256"},
	}
	if p.logouts {
		d["end_session_endpoint"] = p.issuer() + "/session/end"
	}
	p.json(w, d)
}

// signed is a JWT of a key.
func (p *proconnect) signed(key any, alg jose.SignatureAlgorithm, kid string, c claims) string {
	p.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		p.t.Fatal(err)
	}
	o, err := s.Sign(b)
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := o.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *proconnect) ours(c claims) string { return p.signed(p.key, jose.RS256, "1", c) }

func (p *proconnect) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	code := r.PostFormValue("code")
	asked, ok := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || id != "bornes" || secret != "s3cret" || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") ||
		asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		w.WriteHeader(http.StatusBadRequest)
		p.json(w, claims{"error": "invalid_grant"})
		return
	}
	now := p.h.clock
	c := claims{
		"iss": p.issuer(), "aud": "bornes", "sub": p.who["sub"], "nonce": asked.Get("nonce"), "acr": "eidas1",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "auth_time": now.Unix(),
	}
	if p.id != nil {
		p.id(c)
	}
	sign := p.ours
	if p.sign != nil {
		sign = p.sign
	}
	p.json(w, claims{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": sign(c)})
}

func (p *proconnect) userinfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer a" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c := maps.Clone(p.who)
	c["iss"], c["aud"], c["exp"] = p.issuer(), "bornes", p.h.clock.Add(time.Minute).Unix()
	if p.info != nil {
		p.info(c)
	}
	if p.plain {
		p.json(w, c)
		return
	}
	w.Header().Set("Content-Type", "application/jwt; charset=utf-8")
	_, _ = w.Write([]byte(p.ours(c)))
}

// withProvider is a house that knows the provider.
func withProvider(t *testing.T, change ...func(*openid.Provider)) (*house, *proconnect) {
	t.Helper()
	p := newProConnect(t)
	o := &openid.Provider{Issuer: p.issuer(), ClientID: "bornes", Secret: "s3cret", Redirect: origin + "/login/provider/back", AfterLogout: origin + "/", ACR: []string{"eidas1"}}
	for _, f := range change {
		f(o)
	}
	p.h = newHouse(t, func(h *people.Options) { h.Provider = o })
	return p.h, p
}

// visit is what a browser does at the provider: the query it comes back with.
func (p *proconnect) visit(address string) url.Values {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, p.issuer()+"/authorize?") {
		p.t.Fatalf("%q, %v", address, err)
	}
	q := u.Query()
	p.lastAuth = q
	code := "code" + q.Get("state")[:10]
	p.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer()}}
}

func (p *proconnect) login() (people.Login, error) {
	p.t.Helper()
	address, state, err := p.h.BeginProvider(p.h.ctx, "", people.Newcomer{})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.h.FinishProvider(p.h.ctx, state, p.visit(address), home)
}

func TestSomebodyOfAnInvitedStructureIsLetInByItsAdministrator(t *testing.T) {
	h, p := withProvider(t)
	boss, _ := h.founder()
	for range 2 {
		_, err := p.login()
		is(t, err, people.ErrUnconfirmed)
	}
	if q := p.lastAuth; q.Get("acr_values") != "eidas1" || q.Get("scope") != "openid uid given_name usual_name email siret" || q.Get("nonce") == "" || q.Get("response_type") != "code" {
		t.Errorf("asked %v", q)
	}
	admin, _, _ := h.member(boss, "mairie", "Rose", fleet.RoleAdmin)
	all, err := h.People.People(h.ctx, admin)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	zoe := all[1]
	if zoe.Name != "Zoé Blanc" || zoe.Email != "zoe.blanc@mairie.example" || zoe.Confirmed || zoe.Structure != "mairie" || zoe.Role != fleet.RoleDesk {
		t.Errorf("%+v", zoe)
	}
	if err := h.Confirm(h.ctx, admin, zoe.ID, fleet.RoleReferent); err != nil {
		t.Fatal(err)
	}
	l, err := p.login()
	if err != nil || l.Person.Role != fleet.RoleReferent || !h.Fresh(l.Who) {
		t.Fatal(l, err)
	}
	out, err := h.Logout(h.ctx, l.Who)
	u, _ := url.Parse(out)
	if err != nil || !strings.HasPrefix(out, p.issuer()+"/session/end?") || len(strings.Split(u.Query().Get("id_token_hint"), ".")) != 3 ||
		u.Query().Get("post_logout_redirect_uri") != origin+"/" || u.Query().Get("state") == "" {
		t.Errorf("logs out at %q, %v", out, err)
	}
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, people.ErrSession)
	if err := h.Disable(h.ctx, admin, zoe.ID); err != nil {
		t.Fatal(err)
	}
	_, err = p.login()
	is(t, err, people.ErrRefused)
}

func TestAProvidersAnswerThatIsNotRightIsRefused(t *testing.T) {
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	h, p := withProvider(t)
	boss, _ := h.founder()
	_, _ = p.login()
	all, _ := h.People.People(h.ctx, boss)
	if err := h.Confirm(h.ctx, boss, all[1].ID, fleet.RoleDesk); err != nil {
		t.Fatal(err)
	}
	set := func(key string, v any) func(claims) { return func(c claims) { c[key] = v } }
	raw := func(header string) func(c claims) string {
		return func(c claims) string {
			b, _ := json.Marshal(c)
			return b64([]byte(header)) + "." + b64(b) + "."
		}
	}
	for _, c := range []struct {
		name, want string
		lie        func()
	}{
		{"wrong nonce", "nonce", func() { p.id = set("nonce", "other") }},
		{"no nonce", "nonce", func() { p.id = func(c claims) { delete(c, "nonce") } }},
		{"foreign issuer", "id token", func() { p.id = set("iss", "https://evil.example") }},
		{"another audience", "id token", func() { p.id = set("aud", "others") }},
		{"for several without saying for whom", "audience", func() { p.id = set("aud", []string{"bornes", "others"}) }},
		{"for us, to another", "audience", func() { p.id = set("azp", "others") }},
		{"expired", "id token", func() { p.id = set("exp", h.clock.Add(-time.Second).Unix()) }},
		{"a lower level", "level", func() { p.id = set("acr", "self-asserted") }},
		{"another access token", "access token", func() { p.id = set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA") }},
		{"no signature", "id token", func() { p.sign = raw(`{"alg":"none"}`) }},
		{"no signature under another name", "id token", func() { p.sign = raw(`{"alg":"None","typ":"JWT"}`) }},
		{"the public key as a password", "id token", func() {
			p.sign = func(c claims) string { return p.signed(p.key.N.Bytes(), jose.HS256, "1", c) }
		}},
		{"a key that is not the provider's", "id token", func() {
			p.sign = func(c claims) string { return p.signed(foreign, jose.RS256, "1", c) }
		}},
		{"a key that nobody has", "id token", func() {
			p.sign = func(c claims) string { return p.signed(foreign, jose.RS256, "2", c) }
		}},
		{"no token", "id token", func() { p.sign = func(claims) string { return "" } }},
		{"userinfo of somebody else", "subject", func() { p.info = set("sub", "other") }},
		{"userinfo for another", "userinfo audience", func() { p.info = set("aud", []string{"others"}) }},
		{"userinfo of another", "userinfo audience", func() { p.info = set("iss", "https://evil.example") }},
		{"old userinfo", "userinfo expired", func() { p.info = set("exp", h.clock.Add(-time.Second).Unix()) }},
		{"come for another structure", "other structure", func() { p.info = set("siret", "21920023500014") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.lie()
			_, err := p.login()
			is(t, err, people.ErrRefused)
			if got := h.last(); got != "login oidc "+c.want+" refused" {
				t.Errorf("audit: %q", got)
			}
			p.id, p.info, p.sign = nil, nil, nil
			if _, err := p.login(); err != nil {
				t.Error("the truth is refused:", err)
			}
		})
	}
	p.plain = true
	if _, err := p.login(); err != nil {
		t.Error("userinfo as JSON:", err)
	}
}

func TestAnAnswerOfTheProviderIsForOneBrowserOnce(t *testing.T) {
	h, p := withProvider(t)
	begin := func() (string, url.Values) {
		address, state, err := h.BeginProvider(h.ctx, "", people.Newcomer{})
		if err != nil {
			t.Fatal(err)
		}
		if len(state) > 3800 {
			t.Errorf("a state of %d bytes is no cookie", len(state))
		}
		return state, p.visit(address)
	}
	refused := func(name, state string, q url.Values) {
		t.Helper()
		if _, err := h.FinishProvider(h.ctx, state, q, home); !errors.Is(err, people.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	state, q := begin()
	_, err := h.FinishProvider(h.ctx, state, q, home)
	is(t, err, people.ErrUnconfirmed)
	refused("the same again", state, q)
	_, mine := begin()
	theirs, _ := begin()
	refused("another browser's state", theirs, mine)
	state, q = begin()
	q.Set("state", "")
	refused("no state", state, q)
	state, q = begin()
	q.Set("iss", "https://evil.example")
	refused("an answer of another provider", state, q)
	state, _ = begin()
	refused("it said no", state, url.Values{"error": {"access_denied"}, "state": {"x"}})
	old, used := begin()
	fresh, q := begin()
	_, _ = h.FinishProvider(h.ctx, old, used, home)
	q.Set("code", used.Get("code"))
	refused("a code that was used", fresh, q)
	_, first := begin()
	state, q = begin()
	q.Set("code", first.Get("code"))
	refused("another login's code", state, q) // PKCE
	state, q = begin()
	h.pass(11 * time.Minute)
	refused("too late", state, q)
	state, q = begin()
	p.broken = true
	if _, err := h.FinishProvider(h.ctx, state, q, home); err == nil || errors.Is(err, people.ErrRefused) {
		t.Errorf("a provider out of order: %v", err)
	}
}

func TestWhoIsOfNoInvitedStructureNeedsAnInvitation(t *testing.T) {
	h, p := withProvider(t)
	boss, _ := h.founder()
	for name, lie := range map[string]func(c claims){
		"a structure that was not invited": func(c claims) { c["siret"] = "13002526500013" },
		"no structure":                     func(c claims) { delete(c, "siret") },
		"part of one":                      func(c claims) { c["siret"] = "2175000160001" },
		"an address that is taken":         func(c claims) { c["email"] = "ana@bornes.example" },
		"no address":                       func(c claims) { delete(c, "email") },
		"no name":                          func(c claims) { delete(c, "given_name"); delete(c, "usual_name") },
	} {
		p.info = lie
		if _, err := p.login(); !errors.Is(err, people.ErrInvite) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Two with one number: nobody can say of which.
	if err := h.store.AddStructure(h.ctx, fleet.Structure{ID: "annexe", Name: "Annexe", SIRET: "217 500 016 00019"}); err != nil {
		t.Fatal(err)
	}
	p.info = nil
	_, err := p.login()
	is(t, err, people.ErrInvite)
	if all, err := h.People.People(h.ctx, boss); err != nil || len(all) != 1 {
		t.Errorf("kept %v, %v", all, err)
	}
	// With an invitation they come in at once, under the address invited.
	link, err := h.Invite(h.ctx, boss, people.Guest{Structure: "annexe", Email: "zoe@example.org", Name: "Zoé", Role: fleet.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}
	address, state, err := h.BeginProvider(h.ctx, h.token(link), people.Newcomer{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.FinishProvider(h.ctx, state, p.visit(address), home)
	if err != nil || !l.Person.Confirmed || l.Person.Email != "zoe@example.org" || l.Person.Structure != "annexe" || h.Fresh(l.Who) {
		t.Fatal(l, err)
	}
	if _, err := p.login(); err != nil {
		t.Error(err)
	}
	_, _, err = h.BeginProvider(h.ctx, h.token(link), people.Newcomer{})
	is(t, err, fleet.ErrCode)
}

func TestTheProviderProvesOnlyALoginJustNow(t *testing.T) {
	h, p := withProvider(t)
	boss, _ := h.founder()
	_, _ = p.login()
	all, _ := h.People.People(h.ctx, boss)
	if err := h.Confirm(h.ctx, boss, all[1].ID, fleet.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	p.id = func(c claims) { c["auth_time"] = h.clock.Add(-4 * time.Hour).Unix() }
	l, err := p.login()
	if err != nil {
		t.Fatal(err)
	}
	is(t, h.May(l.Who, fleet.MayPeople), people.ErrProof)
	prove := func(w people.Who) (people.Login, error) {
		address, state, err := h.BeginProviderProof(h.ctx, w)
		if err != nil {
			t.Fatal(err)
		}
		q := p.visit(address)
		if p.lastAuth.Get("prompt") != "login" || p.lastAuth.Get("max_age") != "0" {
			t.Errorf("asked %v", p.lastAuth)
		}
		return h.FinishProvider(h.ctx, state, q, home)
	}
	_, err = prove(l.Who)
	is(t, err, people.ErrRefused) // it did not ask again
	p.id = func(c claims) { delete(c, "auth_time") }
	_, err = prove(l.Who)
	is(t, err, people.ErrRefused)
	p.id = nil
	_, err = prove(boss)
	is(t, err, people.ErrRefused) // somebody else's session
	now, err := prove(l.Who)
	if err != nil || now.Cookie == "" || now.Cookie == l.Cookie {
		t.Fatal(err)
	}
	is(t, h.May(now.Who, fleet.MayPeople), nil)
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, people.ErrSession)
	p.who["sub"] = "another"
	_, err = prove(now.Who)
	is(t, err, people.ErrRefused)
}

func TestAProviderThatIsDownKeepsNobodyElseOut(t *testing.T) {
	h, p := withProvider(t)
	p.broken = true
	_, a := h.founder()
	if _, err := h.login(a); err != nil {
		t.Error(err)
	}
	if _, _, err := h.BeginProvider(h.ctx, "", people.Newcomer{}); err == nil {
		t.Error("it began")
	}
	p.broken = false
	if _, _, err := h.BeginProvider(h.ctx, "", people.Newcomer{}); err == nil {
		t.Error("it was asked again at once")
	}
	h.pass(10 * time.Second)
	if _, err := p.login(); !errors.Is(err, people.ErrUnconfirmed) {
		t.Error(err)
	}
	none := newHouse(t)
	_, _, err := none.BeginProvider(h.ctx, "", people.Newcomer{})
	is(t, err, fleet.ErrNotFound)
	if none.HasProvider() || !h.HasProvider() {
		t.Error("HasProvider")
	}
}

func TestAnyOtherProviderWorksAlike(t *testing.T) {
	h, p := withProvider(t, func(o *openid.Provider) { o.ACR, o.Scopes, o.AfterLogout = nil, []string{"profile", "email"}, "" })
	p.plain, p.logouts = true, false
	p.id = func(c claims) { delete(c, "acr") }
	p.info = func(c claims) {
		clear(c)
		maps.Copy(c, claims{"sub": p.who["sub"], "email": "zoe@caf.example", "email_verified": true, "name": "Zoé Blanc"})
	}
	boss, _ := h.founder()
	link, err := h.Invite(h.ctx, boss, people.Guest{Structure: "centre", Email: "zoe@caf.example", Name: "Zoé", Role: fleet.RoleDesk})
	if err != nil {
		t.Fatal(err)
	}
	address, state, err := h.BeginProvider(h.ctx, h.token(link), people.Newcomer{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.FinishProvider(h.ctx, state, p.visit(address), home)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := h.Logout(h.ctx, l.Who); out != "" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}
