package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
)

const ceremonyPage = `<!doctype html><meta charset="utf-8"><title>passkeys</title><script>
async function ask(path, body) {
  const r = await fetch(path, {method: "POST", body: JSON.stringify(body)})
  return r.json()
}
async function create(path) {
  const c = await ask("/begin/" + path)
  const made = await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(c.Options.publicKey)})
  return ask("/end/" + path, {Token: c.Token, Answer: made.toJSON()})
}
async function get(path) {
  const c = await ask("/begin/" + path)
  const got = await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(c.Options.publicKey)})
  return ask("/end/" + path, {Token: c.Token, Answer: got.toJSON()})
}
const safely = f => f.then(v => JSON.stringify(v), e => JSON.stringify({Error: e.name}))
</script>`

// ceremonies is the least page that Chromium needs.
type ceremonies struct {
	t    *testing.T
	h    *house
	link string
	who  people.Who
}

func (c *ceremonies) begin(ctx context.Context, what string) (people.Challenge, error) {
	switch what {
	case "join":
		return c.h.BeginJoin(ctx, c.h.token(c.link), people.Newcomer{})
	case "passkey":
		return c.h.BeginPasskey(ctx, c.who)
	case "proof":
		return c.h.BeginProof(ctx, c.who)
	}
	return c.h.BeginLogin(ctx)
}

func (c *ceremonies) end(ctx context.Context, what, token string, answer []byte) (l people.Login, err error) {
	switch what {
	case "join":
		l, _, err = c.h.Join(ctx, token, answer, "Ordinateur", home)
	case "passkey":
		return c.h.AddPasskey(ctx, c.who, token, answer, "Clé")
	case "proof":
		l, err = c.h.Prove(ctx, c.who, token, answer)
	default:
		l, err = c.h.Login(ctx, token, answer, home)
	}
	if err == nil {
		c.who = l.Who
	}
	return l, err
}

func (c *ceremonies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var out any
	var err error
	switch step {
	case "begin":
		out, err = c.begin(r.Context(), what)
	case "end":
		var in struct {
			Token  string
			Answer json.RawMessage
		}
		if err = json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&in); err == nil {
			var l people.Login
			l, err = c.end(r.Context(), what, in.Token, in.Answer)
			out = map[string]string{"Name": l.Person.Name}
		}
	default:
		_, _ = io.WriteString(w, ceremonyPage)
		return
	}
	if err != nil {
		out = map[string]string{"Error": err.Error()}
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		c.t.Error(err)
	}
}

// chromium is a page in a browser with a virtual authenticator that verifies
// its user.
func chromium(ctx context.Context, t *testing.T, address string) (page *devtools.Page, authenticator string) {
	t.Helper()
	b, err := devtools.Start(ctx, devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if page, err = b.OpenPage(ctx); err != nil {
		t.Fatal(err)
	}
	if err := page.Call(ctx, "WebAuthn.enable", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	var made struct{ AuthenticatorID string }
	if err := page.Call(ctx, "WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
	}}, &made); err != nil {
		t.Fatal(err)
	}
	if err := page.Navigate(ctx, address); err != nil {
		t.Fatal(err)
	}
	return page, made.AuthenticatorID
}

func TestPasskeysInARealBrowser(t *testing.T) {
	c := &ceremonies{t: t}
	srv := httptest.NewServer(c)
	defer srv.Close()
	address := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	h := newHouse(t, func(o *people.Options) {
		o.Origins, o.Now = []string{address}, nil
		o.Link = func(token string) string { return origin + "/join/" + token }
	})
	c.h = h
	var err error
	if c.link, err = h.Setup(h.ctx, "Ana Roux", "ana@bornes.example"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	page, id := chromium(ctx, t, address)
	do := func(script string) (name, failed string) {
		t.Helper()
		var s string
		if err := page.Eval(ctx, "safely("+script+")", &s); err != nil {
			t.Fatal(script, err)
		}
		var out struct{ Name, Error string }
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			t.Fatal(err)
		}
		return out.Name, out.Error
	}
	for _, script := range []string{`create("join")`, `get("login")`, `get("proof")`} {
		if name, failed := do(script); name != "Ana Roux" {
			t.Fatalf("%s: %q", script, failed)
		}
	}
	if !h.Fresh(c.who) || c.who.Session.Method != fleet.ByPasskey {
		t.Errorf("%+v", c.who.Session)
	}
	// The authenticator knows that it has one already.
	if _, failed := do(`create("passkey")`); failed != "InvalidStateError" {
		t.Errorf("a second passkey in the same place: %q", failed)
	}
	// It holds a handle that says nothing, and no address of the person's is
	// needed to log in.
	var creds struct {
		Credentials []struct {
			UserHandle, RpID     string
			IsResidentCredential bool
		}
	}
	if err := page.Call(ctx, "WebAuthn.getCredentials", map[string]any{"authenticatorId": id}, &creds); err != nil {
		t.Fatal(err)
	}
	if len(creds.Credentials) != 1 || !creds.Credentials[0].IsResidentCredential || creds.Credentials[0].RpID != "localhost" {
		t.Errorf("%+v", creds)
	}
	if err := page.Call(ctx, "WebAuthn.setUserVerified", map[string]any{"authenticatorId": id, "isUserVerified": false}, nil); err != nil {
		t.Fatal(err)
	}
	if name, failed := do(`get("login")`); name != "" || failed == "" {
		t.Errorf("nobody was verified: %q was let in", name)
	}
	if _, err := h.Session(h.ctx, "", home, false); !errors.Is(err, people.ErrSession) {
		t.Error(err)
	}
}
