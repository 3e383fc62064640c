package console_test

import (
	"encoding/base64"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pointnum/ui/console"
)

func TestFormsOfOthersAreRefused(t *testing.T) {
	f := newFleet()
	address := serve(t, f, newLogins())
	samia, paul := visit(t, address, "samia"), visit(t, address, "paul")
	_, own := samia.get("/s/tilleuls")
	_, others := paul.get("/s/tilleuls")
	if tokenOf(t, own) == tokenOf(t, others) {
		t.Fatal("two sessions have the same form token")
	}
	if strings.Contains(own, "samia\"") && strings.Contains(own, "value=\"samia\"") {
		t.Error("the page holds the session's cookie")
	}
	good := url.Values{"csrf": {tokenOf(t, own)}, "call": {"c1"}}
	for name, c := range map[string]struct {
		form    url.Values
		headers map[string]string
		method  string
		want    int
	}{
		"no token":                         {url.Values{"call": {"c1"}}, nil, "POST", 403},
		"an empty token":                   {url.Values{"csrf": {""}}, nil, "POST", 403},
		"the token of another session":     {url.Values{"csrf": {tokenOf(t, others)}}, nil, "POST", 403},
		"two tokens, the wrong one first":  {url.Values{"csrf": {"x", tokenOf(t, own)}}, nil, "POST", 403},
		"a foreign origin":                 {good, map[string]string{"Origin": "https://mechant.example"}, "POST", 403},
		"an opaque origin":                 {good, map[string]string{"Origin": "null"}, "POST", 403},
		"another site says the browser":    {good, map[string]string{"Sec-Fetch-Site": "cross-site"}, "POST", 403},
		"another site navigates with POST": {good, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, "POST", 403},
		"another host of the same domain":  {good, map[string]string{"Sec-Fetch-Site": "same-site"}, "POST", 403},
		"GET changes nothing":              {nil, nil, "GET", 404},
		"a picture on another site":        {nil, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, "GET", 403},
		"a frame on another site":          {nil, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, "GET", 403},
	} {
		v := visit(t, address, "samia")
		for k, x := range c.headers {
			v.headers[k] = x
		}
		if r, _ := v.do(c.method, "/kiosks/h1/take", c.form); r.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, r.StatusCode, c.want)
		}
	}
	if got := f.doings(); len(got) != 0 {
		t.Errorf("the fleet was told %q", got)
	}
	v := visit(t, address, "samia")
	v.headers["Sec-Fetch-Site"], v.headers["Sec-Fetch-Mode"], v.headers["Sec-Fetch-Dest"] = "cross-site", "navigate", "document"
	if r, _ := v.get("/s/tilleuls"); r.StatusCode != 200 {
		t.Errorf("the link of an e-mail does not open: status %d", r.StatusCode)
	}
	if r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/login", nil); err == nil {
		r.Host = "mechant.example"
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("a foreign host: status %d", a.StatusCode)
		}
	}
}

func TestEveryFormWantsItsToken(t *testing.T) {
	f := newFleet()
	address := serve(t, f, newLogins())
	for _, path := range []string{
		"/kiosks/h1/take", "/kiosks/h1/end", "/kiosks/h1/fixed", "/kiosks/h1/message", "/kiosks/h1/clear", "/kiosks/h1/pause", "/kiosks/h1/resume",
		"/kiosks/h1/restart", "/kiosks/h1/reboot", "/kiosks/h1/self_test", "/kiosks/h1/rename", "/kiosks/h1/revoke", "/structures", "/s/tilleuls/settings",
		"/s/tilleuls/alerts", "/s/tilleuls/alerts/try", "/s/tilleuls/people", "/s/tilleuls/people/p2/role", "/s/tilleuls/people/p2/disable",
		"/s/tilleuls/people/p2/reinvite", "/s/tilleuls/codes", "/account/key/begin", "/account/key", "/account/key/remove", "/account/recovery",
		"/prove", "/prove/begin", "/prove/provider", "/logout", "/lang", "/login/passkey/begin", "/login/passkey", "/login/password", "/login/recovery",
		"/login/provider", "/updates", "/updates/r1/pause", "/updates/r1/resume", "/updates/r1/stop", "/kiosks/h1/pilot", "/kiosks/h1/pilot_gone",
		"/join/JETON", "/join/JETON/begin", "/join/JETON/password", "/join/JETON/password/done",
	} {
		v := visit(t, address, "samia")
		if r, _ := v.do("POST", path, url.Values{"name": {"x"}, "label": {"x"}, "text": {"x"}, "until": {"12:00"}, "email": {"a@b.fr"}, "role": {"desk"}}); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s without a token: status %d", path, r.StatusCode)
		}
		v = visit(t, address, "")
		if r, _ := v.do("POST", path, url.Values{}); r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s by nobody: status %d", path, r.StatusCode)
		}
	}
	if got := f.doings(); len(got) != 0 {
		t.Errorf("the fleet was told %q", got)
	}
}

func TestASessionCannotBeFixed(t *testing.T) {
	l := newLogins()
	v := visit(t, serve(t, newFleet(), l), "")
	v.cookies["__Host-session"] = "chosen-by-somebody"
	_, body := v.get("/login")
	if v.cookies["__Host-session"] != "" {
		t.Error("a session that nobody knows stays in the browser")
	}
	before := tokenOf(t, body)
	login := url.Values{"email": {"samia@exemple.fr"}, "password": {"quatre mots sans lien"}, "code": {"123456"}, "back": {"/s/tilleuls"}}
	r, _ := v.post("/login", "/login/password", login)
	first := v.cookies["__Host-session"]
	if r.StatusCode != http.StatusSeeOther || first == "" || first == "chosen-by-somebody" {
		t.Fatalf("no new session: status %d, %q", r.StatusCode, first)
	}
	for _, c := range r.Header.Values("Set-Cookie") {
		if strings.HasPrefix(c, "__Host-session=") && (!strings.Contains(c, "HttpOnly") || !strings.Contains(c, "Secure") || !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "Path=/") || strings.Contains(c, "Domain")) {
			t.Errorf("the session's cookie is %q", c)
		}
	}
	_, body = v.get("/s/tilleuls")
	if tokenOf(t, body) == before {
		t.Error("the form token is still that of nobody")
	}
	// Somebody logs in over another's session: that one ends.
	v = visit(t, v.address, "only")
	v.post("/login", "/login/password", login)
	if !slices.Contains(l.ended, "only") {
		t.Error("the former session goes on")
	}
	_, body = v.get("/s/tilleuls")
	v.do("POST", "/logout", url.Values{"csrf": {tokenOf(t, body)}})
	if v.cookies["__Host-session"] != "" {
		t.Error("the cookie outlives the logout")
	}
}

func TestWhatIsOthersIsNotThere(t *testing.T) {
	f := newFleet()
	f.cards = append(f.cards, console.Card{ID: "x1", Structure: "mairie", Label: "Secret"})
	address := serve(t, f, newLogins())
	v := visit(t, address, "samia")
	for _, path := range []string{
		"/s/mairie", "/kiosks/x1", "/kiosks/none", "/kiosks/x1/ask/reboot", "/s/mairie/usage", "/s/mairie/usage.csv", "/s/mairie/settings", "/s/mairie/people",
		"/s/mairie/codes", "/s/mairie/alerts", "/s/mairie/audit", "/s/mairie/audit.csv", "/s/tilleuls/people/p77/disable", "/kiosks/h1/ask/shell", "/join/AUTRE", "/nowhere",
	} {
		if r, body := v.get(path); r.StatusCode != http.StatusNotFound || strings.Contains(body, "Secret") {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{
		"/kiosks/x1/take", "/kiosks/x1/end", "/kiosks/x1/fixed", "/kiosks/x1/message", "/kiosks/x1/clear", "/kiosks/x1/pause", "/kiosks/x1/resume", "/kiosks/x1/reboot",
		"/kiosks/x1/rename", "/kiosks/x1/revoke", "/kiosks/h1/shell", "/s/mairie/settings", "/s/mairie/people", "/s/mairie/codes", "/s/mairie/alerts", "/s/mairie/alerts/try", "/s/tilleuls/people/p77/disable",
	} {
		form := url.Values{"text": {"x"}, "until": {"12:00"}, "label": {"x"}, "name": {"x"}, "email": {"a@b.fr"}, "role": {"desk"}, "call": {"c1"}}
		if r, _ := v.post("/s/tilleuls", path, form); r.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: status %d", path, r.StatusCode)
		}
	}
	desk := visit(t, address, "paul")
	for _, path := range []string{"/s/tilleuls/usage", "/s/tilleuls/usage.csv", "/s/tilleuls/settings", "/s/tilleuls/people", "/s/tilleuls/codes", "/s/tilleuls/alerts", "/s/tilleuls/audit"} {
		if r, _ := desk.get(path); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s for the desk: status %d", path, r.StatusCode)
		}
	}
	if r, _ := v.get("/s/tilleuls/usage?by=structure"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("all structures for one of them: status %d", r.StatusCode)
	}
	if got := f.doings(); len(got) != 0 {
		t.Errorf("the fleet was told %q", got)
	}
}

func TestNobodyReadsWithoutALogin(t *testing.T) {
	address := serve(t, newFleet(), newLogins())
	for _, path := range append(slices.Clone(pages), "/", "/live", "/s/tilleuls/usage.csv", "/s/tilleuls/audit.csv") {
		r, body := visit(t, address, "").get(path)
		if path == "/live" {
			if r.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: status %d", path, r.StatusCode)
			}
		} else if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), "/login?back=%2F") || strings.Contains(body, "Tilleuls") {
			t.Errorf("%s: status %d to %q", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
	only := visit(t, address, "only")
	if r, _ := only.get("/s/tilleuls"); r.Header.Get("Location") != "/account" {
		t.Errorf("somebody with a recovery code sees kiosks: status %d", r.StatusCode)
	}
	if r, _ := visit(t, address, "broken").get("/s/tilleuls"); r.StatusCode != http.StatusInternalServerError {
		t.Errorf("a broken database: status %d", r.StatusCode)
	}
}

func TestNamesAreNeverMarkup(t *testing.T) {
	f := newFleet()
	f.label = nasty
	f.settings.Place.Name, f.settings.Contacts[0].Name, f.settings.Checklists[0].Title = nasty, nasty, nasty
	f.settings.Checklists[0].Items[0] = "</textarea>" + nasty
	f.alerts.Webhook, f.alerts.Emails = nasty, []string{nasty}
	for i := range f.cards {
		f.cards[i].Label, f.cards[i].Number, f.cards[i].Message, f.cards[i].Paused = nasty, nasty, nasty, nasty
		f.cards[i].Troubles = append(f.cards[i].Troubles, console.Trouble{Name: nasty, Kind: "printer", Code: nasty})
		f.cards[i].Supplies = []console.Supply{{Kind: nasty, Name: nasty, Percent: 10}}
	}
	f.cards[0].Call = &console.Call{ID: nasty, Since: now, Taken: nasty}
	l := newLogins()
	l.joining.Name, l.joining.Structure = nasty, nasty
	for token, who := range l.sessions {
		who.Name = nasty
		l.sessions[token] = who
	}
	address := serve(t, f, l)
	for token, list := range map[string][]string{"samia": pages, "fleet": {"/", "/?find=" + url.QueryEscape(nasty)}, "": {"/join/JETON", "/login?back=" + url.QueryEscape(nasty)}} {
		for _, path := range list {
			r, body := visit(t, address, token).get(path)
			if strings.Contains(body, "<script>window") || strings.Contains(body, "<img src=x") || strings.Contains(body, `"><script`) {
				t.Errorf("%s: markup of a name is in the page", path)
			}
			if r.StatusCode >= 500 {
				t.Errorf("%s: status %d", path, r.StatusCode)
			}
		}
	}
	v := visit(t, address, "samia")
	for path, form := range map[string]url.Values{
		"/s/tilleuls/settings": {"name": {nasty}, "address": {"</textarea>" + nasty}, "list-title": {nasty}, "list-items": {nasty}, "contact-name": {nasty}, "contact-phone": {nasty}, "contact-what": {nasty}, "look": {"1"}, "revision": {"4"}},
		"/kiosks/h2/message":   {"own": {nasty}, "until": {"12:00"}, "look": {"1"}},
		"/s/tilleuls/alerts":   {"emails": {nasty}, "webhook": {nasty}, "version": {nasty}},
		"/s/tilleuls/codes":    {"label": {nasty}},
	} {
		if _, body := v.post("/s/tilleuls/settings", path, form); strings.Contains(body, "<script>window") || strings.Contains(body, "<img src=x") {
			t.Errorf("POST %s: what was typed is markup", path)
		}
	}
}

func TestFilesHoldNoFormulas(t *testing.T) {
	f := newFleet()
	f.label = `"; =HYPERLINK("https://mechant.example")` + "\r\nX-Evil: 1"
	v := visit(t, serve(t, f, newLogins()), "samia")
	r, body := v.get("/s/tilleuls/usage.csv?by=kiosk&from=2026-11-01&to=2026-11-30")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/csv; charset=utf-8" || r.Header.Get("Content-Disposition") != `attachment; filename="usage-2026-11-01-2026-11-30.csv"` || r.Header.Get("X-Evil") != "" {
		t.Errorf("status %d, %v", r.StatusCode, r.Header)
	}
	body, ok := strings.CutPrefix(body, "\ufeff")
	if !ok {
		t.Error("no mark of UTF-8")
	}
	c := csv.NewReader(strings.NewReader(body))
	c.Comma = ';'
	lines, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	few, total := false, false
	for _, line := range lines {
		for _, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a formula: %q", cell)
			}
		}
		few = few || line[3] == "moins de 5"
		total = total || line[0] == "Total" && line[2] == "Visites" && line[3] == "1312"
	}
	if len(lines[0]) != 4 || lines[0][0] != "Borne" || !few || !total {
		t.Errorf("first line %q, few %t, total %t", lines[0], few, total)
	}
	if got := f.doings(); !slices.Equal(got, []string{"usage tilleuls  2026-11-01 2026-11-30 kiosk true"}) {
		t.Errorf("the fleet was asked %q", got)
	}
	for _, bad := range []string{"from=2026-13-01", "from=2026-11-30&to=2026-11-01", "from=2016-01-01", "by=person", "from=2026-11-01%0d%0aX-Evil:1"} {
		if r, _ := v.get("/s/tilleuls/usage.csv?" + bad); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, r.StatusCode)
		}
	}
}

func TestNobodyIsSentElsewhere(t *testing.T) {
	l := newLogins()
	address := serve(t, newFleet(), l)
	for _, bad := range []string{
		"https://mechant.example/", "//mechant.example", "/\\mechant.example", "\\\\mechant.example", "http:mechant.example", "javascript:alert(1)", "/\t/mechant.example",
		"https:/mechant.example", "///mechant.example", "/login?back=/x", "mechant.example", "/%2f/..//\r\nX: 1", "/a\nb", " //mechant.example",
	} {
		v := visit(t, address, "")
		login := url.Values{"email": {"samia@exemple.fr"}, "password": {"quatre mots sans lien"}, "code": {"123456"}, "back": {bad}}
		if r, _ := v.post("/login", "/login/password", login); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" {
			t.Errorf("back %q: status %d to %q", bad, r.StatusCode, r.Header.Get("Location"))
		}
		if r, _ := visit(t, address, "samia").get("/login?back=" + url.QueryEscape(bad)); r.Header.Get("Location") != "/" {
			t.Errorf("GET back %q: to %q", bad, r.Header.Get("Location"))
		}
		v = visit(t, address, "samia")
		_, body := v.get("/s/tilleuls")
		form := url.Values{"csrf": {tokenOf(t, body)}, "page": {bad}, "lang": {"en"}}
		if r, _ := v.do("POST", "/lang", form); strings.Contains(r.Header.Get("Location"), "mechant") {
			t.Errorf("page %q: to %q", bad, r.Header.Get("Location"))
		}
		if r, _ := v.do("POST", "/kiosks/h2/fixed", form); strings.Contains(r.Header.Get("Location"), "mechant") {
			t.Errorf("page %q: to %q", bad, r.Header.Get("Location"))
		}
	}
	if _, body := visit(t, address, "samia").get("/s/tilleuls?note=%3Cscript%3E"); strings.Contains(body, "note good") {
		t.Error("an address may say anything on the page")
	}
}

func TestAProviderLogsIn(t *testing.T) {
	l := newLogins()
	v := visit(t, serve(t, newFleet(), l), "")
	r, body := v.post("/login", "/login/provider", url.Values{"back": {"/kiosks/h2"}})
	if r.StatusCode != 200 || r.Header.Get("Refresh") != "0; url=https://fca.exemple.fr/authorize?state=S&nonce=N" || !strings.Contains(body, `href="https://fca.exemple.fr/authorize?state=S&amp;nonce=N"`) {
		t.Fatalf("status %d, %q", r.StatusCode, r.Header.Get("Refresh"))
	}
	v.headers["Sec-Fetch-Site"], v.headers["Sec-Fetch-Mode"], v.headers["Sec-Fetch-Dest"] = "cross-site", "navigate", "document"
	if r, _ := v.get(console.ProviderPath + "?code=C&state=S"); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/kiosks/h2" || v.cookies["__Host-session"] == "" {
		t.Errorf("status %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	// Once more with the same address: the state is used up.
	v.cookies = map[string]string{}
	if r, _ := v.get(console.ProviderPath + "?code=C&state=S"); r.StatusCode != http.StatusForbidden || v.cookies["__Host-session"] != "" {
		t.Errorf("without its state: status %d", r.StatusCode)
	}
	v.cookies["__Host-ceremony"] = base64.RawURLEncoding.EncodeToString([]byte("état"))
	if r, body := v.get(console.ProviderPath + "?code=inconnu"); r.StatusCode != http.StatusForbidden || !strings.Contains(body, "Un administrateur doit vous laisser entrer") {
		t.Errorf("somebody new: status %d", r.StatusCode)
	}
}

func TestWrongLoginsSayNothingMore(t *testing.T) {
	address := serve(t, newFleet(), newLogins())
	answers := map[string]bool{}
	for _, c := range [][3]string{{"samia@exemple.fr", "faux", "123456"}, {"samia@exemple.fr", "quatre mots sans lien", "000000"}, {"inconnu@exemple.fr", "quatre mots sans lien", "123456"}} {
		v := visit(t, address, "")
		r, body := v.post("/login", "/login/password", url.Values{"email": {c[0]}, "password": {c[1]}, "code": {c[2]}})
		if r.StatusCode != http.StatusForbidden || v.cookies["__Host-session"] != "" || strings.Contains(body, c[1]) {
			t.Errorf("%v: status %d", c, r.StatusCode)
		}
		answers[body[strings.Index(body, `role="alert"`):strings.Index(body, "<form method=\"post\" action=\"/login/passkey\"")]] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers", len(answers))
	}
	r, body := visit(t, address, "").post("/login", "/login/password", url.Values{"email": {"a@b.fr"}, "password": {"encore et encore"}, "code": {"1"}})
	if r.StatusCode != http.StatusTooManyRequests || !strings.Contains(body, "Attendez 15 minutes") {
		t.Errorf("too many: status %d", r.StatusCode)
	}
}

func TestAPasswordNeedsTheTelephone(t *testing.T) {
	v := visit(t, serve(t, newFleet(), newLogins()), "")
	_, body := v.post("/join/JETON", "/join/JETON/password", nil)
	if !strings.Contains(body, "JBSW Y3DP EHPK 3PXP") || !strings.Contains(body, `class="qr"`) {
		t.Fatal("no secret")
	}
	whole(t, "joinpassword", body)
	send := func(password, again, code string) (*http.Response, string) {
		return v.do("POST", "/join/JETON/password/done", url.Values{"csrf": {tokenOf(t, body)}, "uri": {"otpauth://totp/x"}, "key": {"JBSW"}, "password": {password}, "again": {again}, "code": {code}})
	}
	for name, c := range map[string][4]string{
		"too short": {"court", "court", "123456", "12 lettres"}, "not the same": {"quatre mots sans lien", "quatre mots", "123456", "pas les mêmes"},
		"known to all": {"motdepasse123", "motdepasse123", "123456", "trop connu"}, "a wrong code": {"quatre mots sans lien", "quatre mots sans lien", "1", "Attendez le suivant"},
	} {
		if r, body := send(c[0], c[1], c[2]); r.StatusCode < 400 || !strings.Contains(body, c[3]) || strings.Contains(body, `"`+c[0]+`"`) {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
	}
	r, page := send("quatre mots sans lien", "quatre mots sans lien", "123 456")
	if r.StatusCode != 200 || !strings.Contains(page, codes[7]) || v.cookies["__Host-session"] == "" {
		t.Errorf("status %d, no codes or no session", r.StatusCode)
	}
	whole(t, "recovery", page)
}
