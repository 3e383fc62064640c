package policy_test

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/browser/xtest"
	"pointnum/kiosk/portal"
)

// chromium starts a Chromium that finds these policies installed and no
// others. The folder exists in a mount namespace of that process only.
func chromium(t *testing.T, p policy.Policies, args ...string) (*devtools.Browser, context.Context) {
	t.Helper()
	return start(t, p, devtools.Options{Headless: true, Args: args})
}

func start(t *testing.T, p policy.Policies, o devtools.Options) (*devtools.Browser, context.Context) {
	t.Helper()
	for _, tool := range []string{"chromium", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed: run 'make deps' first", tool)
		}
	}
	dir := t.TempDir()
	file, start := filepath.Join(dir, "policy.json"), filepath.Join(dir, "start")
	script := `#!/bin/sh
[ "$inside" ] || inside=1 exec unshare --mount ` + asRoot() + ` "$0" "$@"
mount -t tmpfs tmpfs /etc/chromium && mkdir -p /etc/chromium/policies/managed && cp ` + file + ` ` + policy.Path + ` || exit 1
exec chromium "$@"
`
	if err := os.WriteFile(file, p.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(start, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	o.Path, o.Args, o.Env = start, append(o.Args, "--no-sandbox"), append(o.Env, "LANGUAGE=en")
	b, err := devtools.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b, ctx
}

// asRoot lets an ordinary user have a mount namespace too.
func asRoot() string {
	if os.Getuid() == 0 {
		return ""
	}
	return "--map-root-user"
}

// rows reads the rows of chrome://policy, which lie in nested shadow roots.
const rows = `new Promise(ok => {
  const all = (n) => n.tagName === 'POLICY-ROW' ? [n] :
    [...(n.shadowRoot ? n.shadowRoot.children : []), ...n.children].flatMap(all);
  const cell = (r, css) => (r.shadowRoot.querySelector(css)?.textContent || '').trim();
  const look = () => {
    const got = all(document.body).map(r => ({
      name: cell(r, '#name'), status: cell(r, '.policy.row .messages'),
      error: cell(r, '.errors.row .value') + cell(r, '.warnings.row .value'),
    })).filter(r => r.status && r.status !== 'Not set.');
    got.length > 20 ? ok(got) : setTimeout(look, 50);
  };
  look();
})`

// deprecated are policies that Chromium says it will drop; it applies them
// still.
var deprecated = map[string]bool{"AutofillAddressEnabled": true, "AutofillCreditCardEnabled": true}

// row is what Chromium says of a policy.
type row struct{ Name, Status, Error string }

func (r row) taken() bool {
	return r.Error == "" && (r.Status == "OK" || r.Status == "Deprecated" && deprecated[r.Name])
}

// installed asks Chromium about its policies. The page that says it is blocked
// like all of chrome://, so they have to allow it.
func installed(ctx context.Context, t *testing.T, b *devtools.Browser) []row {
	t.Helper()
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Navigate(ctx, "chrome://policy"); err != nil {
		t.Fatal(err)
	}
	var got []row
	if err := page.Eval(ctx, rows, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestChromiumTakesEveryPolicy(t *testing.T) {
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<!doctype html><title>agent</title>") //nolint:errcheck // the page tells
	}))
	t.Cleanup(agent.Close)
	want := policy.Make(portal.Default(), []string{"chrome://policy", agent.URL})
	b, ctx := chromium(t, want)
	seen := map[string]bool{}
	for _, r := range installed(ctx, t, b) {
		seen[r.Name] = true
		if _, ours := want[r.Name]; !ours || !r.taken() {
			t.Errorf("%s: %s %s", r.Name, r.Status, r.Error)
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("%s is not there", name)
		}
	}
	// The agent's own screens have no TLS and work under them.
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Navigate(ctx, agent.URL); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := page.Eval(ctx, `fetch('/').then(r => r.text())`, &got); err != nil || !strings.Contains(got, "agent") {
		t.Errorf("got %q, %v", got, err)
	}
}

// What the test above looks for is there to be seen.
func TestChromiumSaysWhatItDoesNotTake(t *testing.T) {
	p := policy.Make(portal.Default(), []string{"chrome://policy"})
	wrong := policy.Policies{"PrintingAllowed": false, "LensOverlaySettings": 1, "DownloadRestrictions": "all"}
	maps.Copy(p, wrong)
	found := 0
	b, ctx := chromium(t, p)
	for _, r := range installed(ctx, t, b) {
		if _, ok := wrong[r.Name]; ok && !r.taken() {
			found++
		}
	}
	if found != len(wrong) {
		t.Errorf("Chromium told %d of %d mistakes", found, len(wrong))
	}
}

func TestChromiumOpensTheListOnly(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><title>"+r.Host+"</title>") //nolint:errcheck // the page tells
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of tunnels that end in mid-handshake
	srv.StartTLS()
	t.Cleanup(srv.Close)
	// This proxy lets everything out: only the policies are tried.
	proxy, err := egress.Listen(egress.Options{
		Allow: func(string) bool { return true },
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &portal.Catalogue{
		Portals:   []portal.Portal{{ID: "p", Hosts: []string{"portal.test"}, With: []string{"s"}}},
		Services:  []portal.Service{{ID: "s", Hosts: []string{"login.test"}}, {ID: "o", Hosts: []string{"other.test"}}},
		Mailboxes: []portal.Mailbox{{ID: "m", Hosts: []string{"mail.test"}}},
	}
	b, ctx := chromium(t, policy.Make(c, []string{"https://.exact.test"}), append(proxy.Flags(), "--ignore-certificate-errors")...)
	p, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ url, want string }{
		{"https://portal.test/", "https://portal.test/"},
		{"https://a.b.portal.test/x?y=z", "https://a.b.portal.test/x?y=z"},
		{"https://login.test/", "https://login.test/"},
		{"https://mail.test/", "https://mail.test/"},
		{"https://exact.test/", "https://exact.test/"},
		{"http://portal.test/old", "https://portal.test/old"}, // nothing is sent without TLS
		{"https://sub.exact.test/", ""},
		{"https://foreign.test/", ""},
		{"https://other.test/", ""}, // no portal needs it
		{"http://foreign.test/", ""},
		{"https://portal.test.evil/", ""},
	} {
		err := p.Navigate(ctx, c.url)
		var got string
		if err == nil {
			if err := p.Eval(ctx, "location.href", &got); err != nil {
				t.Fatal(err)
			}
		}
		if errors.Is(err, devtools.ErrClosed) || got != c.want {
			t.Errorf("%s: at %q, %v; want %q", c.url, got, err, c.want)
		}
	}
	// These in tabs of their own: leaving a page for one that is chrome://,
	// over DevTools, ends this Chromium although the page is blocked.
	for _, url := range []string{"chrome://version/", "chrome://policy/", "chrome://net-export/", "devtools://devtools/bundled/inspector.html",
		"view-source:https://portal.test/", "file:///etc/hostname", "ftp://portal.test/", "data:text/html,x"} {
		blockedInATab(ctx, t, b, url)
	}
}

// blockedInATab waits until a new tab shows that its address can't be opened.
func blockedInATab(ctx context.Context, t *testing.T, b *devtools.Browser, url string) {
	t.Helper()
	var tab struct{ TargetID string }
	if err := b.Call(ctx, "", "Target.createTarget", map[string]any{"url": url}, &tab); err != nil {
		t.Errorf("%s: %v", url, err)
		return
	}
	var session struct{ SessionID string }
	if err := b.Call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": tab.TargetID, "flatten": true}, &session); err != nil {
		t.Errorf("%s: %v", url, err)
		return
	}
	for {
		var tree struct {
			FrameTree struct {
				Frame struct{ URL, UnreachableURL string }
			}
		}
		if err := b.Call(ctx, session.SessionID, "Page.getFrameTree", nil, &tree); err != nil {
			t.Errorf("%s: %v", url, err)
			return
		}
		switch f := tree.FrameTree.Frame; {
		case f.UnreachableURL != "":
			return
		case f.URL != "" && f.URL != "about:blank" && f.URL != ":":
			t.Errorf("%s: opened %s", url, f.URL)
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", url, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A policy against full screen would also end the kiosk mode of the window:
// the visitor would have tabs, an address and a menu.
func TestAWindowIsThePageOnly(t *testing.T) {
	b, ctx := start(t, policy.Make(portal.Default(), nil), devtools.Options{
		Args: []string{"--kiosk", "--window-position=0,0", "--window-size=700,800", "about:blank"},
		Env:  []string{"DISPLAY=" + xtest.Display(t)},
	})
	pg, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var bars int
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // pacing
		if err := pg.Eval(ctx, "document.readyState==='complete' ? outerHeight-innerHeight : -1", &bars); err == nil && bars == 0 {
			return
		}
	}
	t.Errorf("%d pixels of the window are no page", bars)
}

func TestCheckSaysEachDifference(t *testing.T) {
	want := policy.Make(portal.Default(), []string{"http://127.0.0.1:8088"})
	if got := policy.Check(want.JSON(), want); got != nil {
		t.Errorf("the same file: %q", got)
	}
	text := string(want.JSON())
	for _, c := range []struct{ name, installed, want string }{
		{"nothing", "", "Le fichier n’est pas du JSON : aucune règle n’est appliquée. Installez-le de nouveau."},
		{"half a file", text[:len(text)/2], "Le fichier n’est pas du JSON : aucune règle n’est appliquée. Installez-le de nouveau."},
		{"null", "null", "Le fichier n’est pas du JSON : aucune règle n’est appliquée. Installez-le de nouveau."},
		{"a value", strings.Replace(text, `"PrintingEnabled": false`, `"PrintingEnabled": true`, 1), "La règle « PrintingEnabled » vaut true au lieu de false."},
		{"a type", strings.Replace(text, `"IncognitoModeAvailability": 1`, `"IncognitoModeAvailability": "1"`, 1), `La règle « IncognitoModeAvailability » vaut "1" au lieu de 1.`},
		{"a rule that cuts the agent's pipe", strings.Replace(text, "{", `{"RemoteDebuggingAllowed": false,`, 1), "La règle « RemoteDebuggingAllowed » est en trop : enlevez-la."},
		{"a rule left out", strings.Replace(text, `"QuicAllowed": false,`, "", 1), "La règle « QuicAllowed » manque."},
		{"an address left out", strings.Replace(text, `"http://127.0.0.1:8088",`, "", 1), `Dans la règle « URLAllowlist », il manque "http://127.0.0.1:8088".`},
		{"an address too many", strings.Replace(text, `"http://127.0.0.1:8088",`, `"http://127.0.0.1:8088","https://evil.test",`, 1), `Dans la règle « URLAllowlist », "https://evil.test" est en trop.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(policy.Check([]byte(c.installed), want), "\n"); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
	reordered := strings.Replace(text, `"http://127.0.0.1:8088",`, "", 1)
	reordered = strings.Replace(reordered, `"URLAllowlist": [`, `"URLAllowlist": ["http://127.0.0.1:8088",`, 1)
	if got := policy.Check([]byte(reordered), want); got != nil {
		t.Errorf("another order: %q", got)
	}
}

func TestCheckFolderSaysWhatElseChromiumReads(t *testing.T) {
	want := policy.Make(portal.Default(), nil)
	dir := filepath.Join(t.TempDir(), "managed")
	check := func(lines ...string) {
		t.Helper()
		if got, err := policy.CheckFolder(dir, want); err != nil || !slices.Equal(got, lines) {
			t.Errorf("got %q, %v; want %q", got, err, lines)
		}
	}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const missing = "Le fichier « pointnum.json » manque : aucune règle n’est appliquée. Installez-le."
	check(missing)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	check(missing)
	write("pointnum.json", want.JSON())
	check()
	write("zz.json", []byte(`{"URLAllowlist": ["*"]}`))
	check("Le fichier « zz.json » est en trop : Chromium lit tous ceux de ce dossier. Enlevez-le.")
}

// The traps of the field, kept from coming back: the agent's own pipe stays
// open, and Chromium's own pages are named, as "*" does not cover them.
func TestTheTraps(t *testing.T) {
	p := policy.Make(portal.Default(), nil)
	if p["DeveloperToolsAvailability"] != 0.0 || p["RemoteDebuggingAllowed"] != nil {
		t.Error("no DevTools session can attach")
	}
	block := string(policy.Policies{"": p["URLBlocklist"]}.JSON())
	for _, one := range []string{`"*"`, `"chrome://*"`, `"chrome-untrusted://*"`, `"devtools://*"`, `"view-source:*"`, `"file:*"`} {
		if !strings.Contains(block, one) {
			t.Errorf("%s is not blocked", one)
		}
	}
	// Without it no process of the locked browser gets ready.
	if allow := string(policy.Policies{"": p["URLAllowlist"]}.JSON()); !strings.Contains(allow, `"https://.`+policy.CanaryHost+`"`) {
		t.Error("the canary's page is blocked")
	}
	if string(p.JSON()) != string(policy.Make(portal.Default(), nil).JSON()) {
		t.Error("two files of the same policies differ")
	}
}

func FuzzCheck(f *testing.F) {
	want := policy.Make(portal.Default(), nil)
	for _, seed := range []string{string(want.JSON()), "{}", "null", `{"URLAllowlist":[[{}],null]}`, `{"URLAllowlist":{}}`, "[", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, installed string) {
		for _, line := range policy.Check([]byte(installed), want) {
			if line == "" || strings.Contains(line, "\n") {
				t.Errorf("got %q", line)
			}
		}
	})
}
