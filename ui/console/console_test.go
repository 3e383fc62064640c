package console_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pointnum/ui/console"
)

// visitor is a browser without scripts: it keeps cookies and sends forms.
type visitor struct {
	t       testing.TB
	address string
	cookies map[string]string
	headers map[string]string
}

// visit begins a browser; token is that of its session, "" for none.
func visit(t testing.TB, address, token string) *visitor {
	v := &visitor{t: t, address: address, cookies: map[string]string{}, headers: map[string]string{"Accept-Language": "fr"}}
	if token != "" {
		v.cookies["__Host-session"] = token
	}
	return v
}

func (v *visitor) do(method, path string, form url.Values) (*http.Response, string) {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, "http://"+v.address+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.headers {
		r.Header.Set(name, value)
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
	return a, string(text)
}

func (v *visitor) get(path string) (*http.Response, string) {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil)
}

// post sends a form with the token of the page it is on.
func (v *visitor) post(page, path string, form url.Values) (*http.Response, string) {
	v.t.Helper()
	_, body := v.get(page)
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf", tokenOf(v.t, body))
	form.Set("page", page)
	return v.do(http.MethodPost, path, form)
}

func tokenOf(t testing.TB, body string) string {
	t.Helper()
	m := regexp.MustCompile(`data-csrf="([0-9a-f]{64})"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no form token in %.300s", body)
	}
	return m[1]
}

// pages are all that somebody who may do everything can open.
var pages = []string{
	"/s/tilleuls", "/kiosks/h1", "/kiosks/h2", "/kiosks/h5", "/kiosks/h6", "/kiosks/h1/ask/reboot", "/kiosks/h3/ask/restart", "/kiosks/h2/ask/revoke",
	"/kiosks/h2/ask/self_test", "/s/tilleuls/usage", "/s/tilleuls/usage?by=kiosk&kiosk=h1", "/s/tilleuls/usage?from=2020-01-01&to=2020-01-31",
	"/s/tilleuls/settings", "/s/tilleuls/people", "/s/tilleuls/people/p2/disable", "/s/tilleuls/codes", "/s/tilleuls/alerts", "/s/tilleuls/audit", "/account", "/prove?back=/account",
}

func TestEveryPageIsWhole(t *testing.T) {
	address := serve(t, newFleet(), newLogins())
	for _, lang := range []string{"fr", "en"} {
		for token, list := range map[string][]string{"samia": pages, "fleet": {"/", "/?find=rien", "/s/tilleuls/usage?by=structure", "/updates", "/updates/r1/ask/stop", "/updates/r1/ask/resume"}, "only": {"/account"}, "": {"/login", "/join/JETON"}} {
			for _, path := range list {
				v := visit(t, address, token)
				v.headers["Accept-Language"] = lang
				r, body := v.get(path)
				if r.StatusCode != http.StatusOK {
					t.Errorf("%s %s: status %d", lang, path, r.StatusCode)
				}
				if !strings.Contains(body, `<html lang="`+lang+`"`) || r.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s %s: wrong language, or may be kept", lang, path)
				}
				whole(t, lang+" "+path, body)
			}
		}
	}
}

// whole finds names where texts should be, and what the policy refuses.
func whole(t *testing.T, name, body string) {
	t.Helper()
	for _, bad := range []string{"<no value>", "style=", "onclick", "<script>", "ZgotmplZ", "{n}", "{label}", "{name}", "{device}", "{when}"} {
		// The script fills in the place of a call itself.
		if strings.Contains(strings.ReplaceAll(body, `data-new="Aide demandée : {label}"`, ""), bad) && !(bad == "{label}" && strings.Contains(body, "data-new=")) {
			t.Errorf("%s: holds %q", name, bad)
		}
	}
	if ids := regexp.MustCompile(`>[a-z]+_[a-z_.]+<`).FindAllString(body, -1); ids != nil {
		t.Errorf("%s: names instead of texts: %v", name, ids)
	}
}

func TestOneSentenceSaysHowKiosksAre(t *testing.T) {
	all := cards()
	for name, c := range map[string]struct {
		cards []console.Card
		want  string
	}{
		"nothing is wrong with two":     {[]console.Card{all[6], all[6]}, "Vos 2 bornes fonctionnent."},
		"nothing is wrong with one":     {[]console.Card{all[6]}, "Votre borne fonctionne."},
		"paper is missing":              {[]console.Card{all[1], all[6]}, "Premier étage : plus de papier."},
		"somebody calls":                {all, "Hall d’accueil : quelqu’un demande de l’aide."},
		"one is off since this morning": {[]console.Card{all[2], all[6]}, "Médiathèque : éteinte depuis 9 h 12."},
		"two have a problem":            {[]console.Card{all[1], all[5]}, "2 bornes ont un problème : Premier étage, Mairie."},
		"there is none":                 {nil, "Vous n’avez pas encore de borne."},
	} {
		f := newFleet()
		f.cards = c.cards
		_, body := visit(t, serve(t, f, newLogins()), "samia").get("/s/tilleuls")
		got := regexp.MustCompile(`(?s)<h1[^>]*>.*?<span>(.*?)</span></h1>`).FindStringSubmatch(body)
		if got == nil || strings.ReplaceAll(html.UnescapeString(got[1]), "\u00a0", " ") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestUnusedAndOffAreSaidInWords(t *testing.T) {
	_, body := visit(t, serve(t, newFleet(), newLogins()), "paul").get("/s/tilleuls")
	for _, want := range []string{"Inutilisée depuis mercredi", "depuis 9\u00a0h\u00a012", "Remettre du papier A4\u00a0: tiroir du bas.", "C’est fait", "J’arrive", "La borne vérifie"} {
		if !strings.Contains(html.UnescapeString(body), want) {
			t.Errorf("the first page does not say %q", want)
		}
	}
	for _, bad := range []string{"/usage", "/settings", "/people", "/audit", "/codes", "/alerts"} {
		if strings.Contains(body, `href="/s/tilleuls`+bad) {
			t.Errorf("somebody at the desk is offered %s", bad)
		}
	}
}

func TestEveryActionReachesTheFleet(t *testing.T) {
	f := newFleet()
	address := serve(t, f, newLogins())
	v := visit(t, address, "samia")
	var want []string
	for _, c := range []struct {
		page, path string
		form       url.Values
		to, want   string
	}{
		{"/s/tilleuls", "/kiosks/h1/take", url.Values{"call": {"c1"}}, "/s/tilleuls?note=coming", "take h1 c1"},
		{"/s/tilleuls", "/kiosks/h1/end", url.Values{"call": {"c1"}}, "/s/tilleuls?note=ended", "end h1 c1"},
		{"/s/tilleuls", "/kiosks/h2/fixed", nil, "/s/tilleuls?note=checking", "order h2 fixed"},
		{"/kiosks/h2", "/kiosks/h2/message", url.Values{"own": {" Nous fermons à midi. "}, "until": {"12:00"}}, "/kiosks/h2?note=message_sent", "order h2 message Nous fermons à midi. until 2026-11-23T11:00:00Z"},
		{"/kiosks/h2", "/kiosks/h2/message", url.Values{"text": {"Bonjour"}, "until": {"09:00"}}, "/kiosks/h2?note=message_sent", "order h2 message Bonjour until 2026-11-24T08:00:00Z"},
		{"/kiosks/h2", "/kiosks/h2/clear", nil, "/kiosks/h2?note=message_gone", "order h2 message"},
		{"/kiosks/h2", "/kiosks/h2/pause", url.Values{"text": {"En réparation."}}, "/kiosks/h2?note=paused", "order h2 pause En réparation."},
		{"/kiosks/h2", "/kiosks/h2/resume", nil, "/kiosks/h2?note=resumed", "order h2 resume"},
		{"/kiosks/h2/ask/restart", "/kiosks/h2/restart", nil, "/kiosks/h2?note=restarting", "order h2 restart"},
		{"/kiosks/h2/ask/reboot", "/kiosks/h2/reboot", nil, "/kiosks/h2?note=rebooting", "order h2 reboot"},
		{"/kiosks/h2/ask/self_test", "/kiosks/h2/self_test", nil, "/kiosks/h2?note=testing", "order h2 self_test"},
		{"/kiosks/h2", "/kiosks/h2/rename", url.Values{"label": {"Étage"}}, "/kiosks/h2?note=renamed", "rename h2 Étage"},
		{"/kiosks/h2", "/kiosks/h2/pilot", nil, "/kiosks/h2?note=pilot", "pilot h2 true"},
		{"/kiosks/h2", "/kiosks/h2/pilot_gone", nil, "/kiosks/h2?note=pilot_gone", "pilot h2 false"},
		{"/kiosks/h2/ask/revoke", "/kiosks/h2/revoke", nil, "/?note=revoked", "revoke h2"},
		{"/s/tilleuls/people", "/s/tilleuls/people/p2/role", url.Values{"role": {"referent"}}, "/s/tilleuls/people?note=role", "role referent p2"},
		{"/s/tilleuls/people", "/s/tilleuls/people/p2/disable", nil, "/s/tilleuls/people?note=disabled", "disable true p2"},
		{"/s/tilleuls/people", "/s/tilleuls/people/p3/enable", nil, "/s/tilleuls/people?note=enabled", "disable false p3"},
		{"/s/tilleuls/people", "/s/tilleuls/people/p4/confirm", nil, "/s/tilleuls/people?note=confirmed", "confirm p4"},
		{"/s/tilleuls/people", "/s/tilleuls/people/i1/withdraw", nil, "/s/tilleuls/people?note=withdrawn", "withdraw i1"},
		{"/s/tilleuls/alerts", "/s/tilleuls/alerts/try", nil, "/s/tilleuls/alerts?note=tried", "try"},
	} {
		r, body := v.post(c.page, c.path, c.form)
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != c.to {
			t.Errorf("%s: status %d to %q, want %q (%.200s)", c.path, r.StatusCode, r.Header.Get("Location"), c.to, body)
		}
		if c.to != "/?note=revoked" {
			if r, body := v.get(r.Header.Get("Location")); r.StatusCode != http.StatusOK || !strings.Contains(body, `role="status"><svg`) && !strings.Contains(body, "note good") {
				t.Errorf("%s: the page after it says nothing", c.path)
			}
		}
		want = append(want, c.want)
	}
	if got := f.doings(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestACallIsTakenByOnePersonOnly(t *testing.T) {
	f := newFleet()
	address := serve(t, f, newLogins())
	samia, paul := visit(t, address, "samia"), visit(t, address, "paul")
	samia.post("/s/tilleuls", "/kiosks/h1/take", url.Values{"call": {"c1"}})
	r, _ := paul.post("/s/tilleuls", "/kiosks/h1/take", url.Values{"call": {"c1"}})
	if to := r.Header.Get("Location"); to != "/s/tilleuls?note=taken" {
		t.Errorf("the second one is sent to %q", to)
	}
	if _, body := paul.get("/s/tilleuls"); !strings.Contains(body, "Samia Benali y va") || strings.Contains(body, "J’arrive") || strings.Contains(body, "data-ringing") {
		t.Error("the second one does not read who comes, or may still go, or hears it ring")
	}
	if got := f.doings(); !slices.Equal(got, []string{"take h1 c1"}) {
		t.Errorf("got %q", got)
	}
}

func TestWrongSentencesDoNotLeave(t *testing.T) {
	f := newFleet()
	v := visit(t, serve(t, f, newLogins()), "samia")
	for name, form := range map[string]url.Values{
		"nothing":              {"until": {"12:00"}},
		"too long":             {"own": {strings.Repeat("é", 201)}, "until": {"12:00"}},
		"two lines":            {"own": {"a\nb"}, "until": {"12:00"}},
		"no time":              {"own": {"a"}, "until": {"midi"}},
		"text that turns over": {"own": {"a\u202eb"}, "until": {"12:00"}},
	} {
		if r, _ := v.post("/kiosks/h2", "/kiosks/h2/message", form); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
	}
	if r, body := v.post("/kiosks/h2", "/kiosks/h2/message", url.Values{"own": {"Regarde-moi"}, "until": {"12:00"}, "look": {"1"}}); r.StatusCode != 200 || strings.Count(body, "Regarde-moi") < 2 {
		t.Errorf("no preview without a script: status %d", r.StatusCode)
	}
	if got := f.doings(); len(got) != 0 {
		t.Errorf("the kiosk was told %q", got)
	}
}

func TestPeopleAreInvitedAndRefused(t *testing.T) {
	f := newFleet()
	v := visit(t, serve(t, f, newLogins()), "samia")
	r, body := v.post("/s/tilleuls/people", "/s/tilleuls/people", url.Values{"name": {"Zoé"}, "email": {"ZOE@exemple.fr"}, "role": {"desk"}, "password": {"1"}})
	if r.StatusCode != 200 || !strings.Contains(body, "https://bornes.exemple.fr/join/JETON") {
		t.Errorf("no link: status %d", r.StatusCode)
	}
	whole(t, "invited", body)
	for name, form := range map[string]url.Values{
		"an address with a header in it": {"name": {"Z"}, "email": {"a@b.fr\r\nBcc: all@b.fr"}, "role": {"desk"}},
		"an address with a name":         {"name": {"Z"}, "email": {"Z <a@b.fr>"}, "role": {"desk"}},
		"no name":                        {"name": {" "}, "email": {"a@b.fr"}, "role": {"desk"}},
	} {
		if r, _ := v.post("/s/tilleuls/people", "/s/tilleuls/people", form); r.Header.Get("Location") != "/s/tilleuls/people?note=invalid" {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
	}
	if r, _ := v.post("/s/tilleuls/people", "/s/tilleuls/people", url.Values{"name": {"P"}, "email": {"paul@exemple.fr"}, "role": {"desk"}}); r.Header.Get("Location") != "/s/tilleuls/people?note=conflict" {
		t.Error("somebody who is there already is invited")
	}
	if r, _ := v.post("/s/tilleuls/people", "/s/tilleuls/people/p1/disable", nil); r.Header.Get("Location") != "/s/tilleuls/people?note=last" {
		t.Error("the last administrator is not told why they stay")
	}
	if got := f.doings(); !slices.Equal(got, []string{"invite Zoé zoe@exemple.fr desk true"}) {
		t.Errorf("got %q", got)
	}
}

func TestACodeIsShownOnce(t *testing.T) {
	f := newFleet()
	v := visit(t, serve(t, f, newLogins()), "samia")
	r, body := v.post("/s/tilleuls/codes", "/s/tilleuls/codes", url.Values{"label": {"Hall"}, "replaces": {"h2"}})
	if r.StatusCode != 200 || !strings.Contains(body, "QRTV-6YYE-63PX") || !strings.Contains(body, `class="qr"`) {
		t.Errorf("no code: status %d", r.StatusCode)
	}
	whole(t, "code", body)
	if _, body := v.get("/s/tilleuls/codes"); strings.Contains(body, "QRTV") {
		t.Error("the code is shown again")
	}
	if got := f.doings(); !slices.Equal(got, []string{"code Hall h2"}) {
		t.Errorf("got %q", got)
	}
}

func TestAProofIsAskedForAndThenTheActionIsDone(t *testing.T) {
	f := newFleet()
	f.stale = true
	v := visit(t, serve(t, f, newLogins()), "pass")
	r, _ := v.post("/kiosks/h2/ask/reboot", "/kiosks/h2/reboot", nil)
	if to := r.Header.Get("Location"); to != "/prove?back=%2Fkiosks%2Fh2%2Fask%2Freboot" {
		t.Fatalf("sent to %q", to)
	}
	at := r.Header.Get("Location")
	if r, _ := v.post(at, "/prove", url.Values{"back": {"/kiosks/h2/ask/reboot"}, "password": {"faux"}, "code": {"123456"}}); r.StatusCode != http.StatusForbidden {
		t.Errorf("a wrong password: status %d", r.StatusCode)
	}
	r, _ = v.post(at, "/prove", url.Values{"back": {"/kiosks/h2/ask/reboot"}, "password": {"quatre mots sans lien"}, "code": {"123 456"}})
	if to := r.Header.Get("Location"); to != "/kiosks/h2/ask/reboot?note=proved" {
		t.Fatalf("after the proof: status %d, %q", r.StatusCode, to)
	}
	if v.cookies["__Host-session"] == "pass" {
		t.Error("the session kept its token")
	}
	if r, _ := v.post("/kiosks/h2/ask/reboot", "/kiosks/h2/reboot", nil); r.Header.Get("Location") != "/kiosks/h2?note=rebooting" {
		t.Errorf("still refused: status %d", r.StatusCode)
	}
}

func TestTheLogIsReadInPages(t *testing.T) {
	v := visit(t, serve(t, newFleet(), newLogins()), "samia")
	_, body := v.get("/s/tilleuls/audit")
	if strings.Count(body, "<tr") != 51 || !strings.Contains(body, `href="/s/tilleuls/audit?before=571"`) {
		t.Errorf("%d lines, or no way to older ones", strings.Count(body, "<tr")-1)
	}
	if _, body := v.get("/s/tilleuls/audit?before=21"); strings.Count(body, "<tr") != 21 || strings.Contains(body, `href="/s/tilleuls/audit?before=`) {
		t.Error("the last page is not the last")
	}
	r, file := v.get("/s/tilleuls/audit.csv")
	if lines := strings.Count(file, "\r\n"); lines != 621 || r.Header.Get("Content-Disposition") != `attachment; filename="audit-2026-11-23.csv"` {
		t.Errorf("the file has %d lines, %q", lines, r.Header.Get("Content-Disposition"))
	}
}
