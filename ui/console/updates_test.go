package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pointnum/ui/console"
)

// said is the words of a page, without its tags.
func said(body string) string {
	text := html.UnescapeString(regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(body, " "))
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\u00a0", " ")), " ")
}

func TestUpdatesAreSaidInWords(t *testing.T) {
	f := newFleet()
	address := serve(t, f, newLogins())
	ada := visit(t, address, "fleet")
	holds := func(name, path string, wants ...string) {
		t.Helper()
		_, body := ada.get(path)
		whole(t, name, body)
		for _, want := range wants {
			if !strings.Contains(said(body), want) {
				t.Errorf("%s: does not say %q in\n%s", name, want, said(body))
			}
		}
	}
	holds("running", "/updates", "La version 2.0.0 arrive : 8 bornes sur 120 sont à jour.", "10 % des bornes", "7 à jour sur 11. 2 en échec. 1 éteinte.", "S’arrête seul dès 6 échecs (2 jusqu’ici).",
		"Hall d’accueil Centre social des Tilleuls Revenue à la version d’avant La borne n’allait pas bien avec elle.", "1.4.0 103 bornes", "2 bornes ne se mettent pas à jour d’ici", "117 bornes mises à jour", "Commencé par Ada")
	f.rollout(func(r *console.Rollout) { r.State, r.Bad = console.RolloutHeld, 6 })
	holds("stopped by itself", "/updates", "Le déploiement de 2.0.0 s’est arrêté : 6 bornes ont échoué.", "Rien ne commence plus.")
	f.rollout(func(r *console.Rollout) { r.State = console.RolloutPaused })
	holds("paused", "/updates", "Déploiement de 2.0.0 en pause : 8 bornes sur 120 sont à jour.")
	f.rollout(func(r *console.Rollout) { r.NotBefore = now.AddDate(0, 0, 3) })
	holds("later", "/updates", "La version 2.0.0 arrivera le 26 novembre 2026 à 10 h 41.")
	f.rollout(func(r *console.Rollout) { r.Next = now.AddDate(0, 0, -1) })
	holds("waiting", "/updates", "Étape suivante : hier à 10 h 41.")
	f.rollout(nil)
	holds("none", "/updates", "Nouveau déploiement", "Version 2.0.0 120 bornes – ajoutée le 21 novembre 2026", "La numérisation recto verso est plus rapide.")
	holds("plan", "/updates/new?version=2.0.0&pace=careful&stop=5&day=2026-12-01", "Déployer la version 2.0.0", "La première 1 borne Puis 1 jour sans échec avant la suite", "10 % des bornes 11 bornes de plus", "50 % des bornes 48 bornes de plus", "Toutes 60 bornes de plus", "Commence le 1er décembre 2026.", "S’arrête seul : dès 5 % de bornes en échec.")
	f.board.Releases = nil
	holds("no release", "/updates", "Le serveur n’a encore aucune version.")
	_, body := visit(t, address, "samia").get("/s/tilleuls")
	for _, want := range []string{"version 1.4.0", "La version 2.0.0 est prête : elle s’installera la nuit.", "Revenue de la version 2.0.0 : la borne n’allait pas bien avec elle."} {
		if !strings.Contains(said(body), want) {
			t.Errorf("the structure does not read %q", want)
		}
	}
}

func TestARolloutIsLookedAtThenBegun(t *testing.T) {
	f := newFleet()
	l := newLogins()
	address := serve(t, f, l)
	v := visit(t, address, "fleet")
	plan := "/updates/new?version=2.0.0&pace=careful&stop=5&day="
	if r, _ := v.get(plan); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/updates?note=invalid" {
		t.Errorf("a plan while one is open: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	form := url.Values{"version": {"2.0.0"}, "pace": {"careful"}, "stop": {"5"}, "day": {""}}
	to := func(path, page string, form url.Values) string {
		t.Helper()
		r, _ := v.post(page, path, form)
		if r.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
		return r.Header.Get("Location")
	}
	if got := to("/updates", "/updates", form); got != "/updates?note=changed" {
		t.Errorf("a second one goes to %s", got)
	}
	for path, want := range map[string]string{"/updates/r1/pause": "rollout_paused", "/updates/r1/resume": "rollout_resumed", "/updates/r1/stop": "rollout_stopped", "/updates/old/stop": "changed"} {
		if got := to(path, "/updates", nil); got != "/updates?note="+want {
			t.Errorf("%s goes to %s", path, got)
		}
	}
	f.rollout(nil)
	f.stale = true
	with := url.Values{"page": {plan}}
	for k, x := range form {
		with[k] = x
	}
	if got := to("/updates", plan, with); got != "/prove?back="+url.QueryEscape(plan) {
		t.Errorf("without a fresh proof it goes to %s", got)
	}
	f.stale = false
	if got := to("/updates", plan, with); got != "/updates?note=started" {
		t.Errorf("begun, it goes to %s", got)
	}
	for _, bad := range []url.Values{{}, {"version": {"2.0.0"}, "pace": {"all"}, "stop": {"5"}}, {"version": {"2.0.0"}, "pace": {"quick"}, "stop": {"0"}}, {"version": {"2.0.0"}, "pace": {"quick"}, "stop": {"one"}, "day": {"demain"}}} {
		if got := to("/updates", "/updates", bad); got != "/updates?note=invalid" {
			t.Errorf("%v goes to %s", bad, got)
		}
	}
	done := f.doings()
	slices.Sort(done)
	if got := strings.Join(done, "; "); got != "pause r1; resume r1; rollout 2.0.0 4 stages stop 0 5% 0001-01-01; stop r1" {
		t.Errorf("the fleet was told %q", got)
	}
}

func TestUpdatesAreForThoseWhoRunTheServer(t *testing.T) {
	f := newFleet()
	address := serve(t, f, newLogins())
	for _, token := range []string{"samia", "paul"} {
		v := visit(t, address, token)
		for _, path := range []string{"/updates", "/updates/new?version=2.0.0&pace=careful&stop=5", "/updates/r1/ask/stop"} {
			if r, body := v.get(path); r.StatusCode != http.StatusForbidden || strings.Contains(body, "bornes sur") {
				t.Errorf("%s reads %s: status %d", token, path, r.StatusCode)
			}
		}
		for _, path := range []string{"/updates", "/updates/r1/pause", "/updates/r1/stop"} {
			if r, _ := v.post("/s/tilleuls", path, url.Values{"version": {"2.0.0"}, "pace": {"careful"}, "stop": {"5"}}); r.StatusCode != http.StatusForbidden {
				t.Errorf("%s asks for %s: status %d", token, path, r.StatusCode)
			}
		}
		if _, body := v.get("/s/tilleuls"); strings.Contains(body, `href="/updates"`) {
			t.Errorf("%s is offered the page", token)
		}
	}
	if r, _ := visit(t, address, "paul").post("/kiosks/h1", "/kiosks/h1/pilot", nil); r.StatusCode != http.StatusForbidden {
		t.Errorf("a pilot at the desk: status %d", r.StatusCode)
	}
	if got := f.doings(); len(got) != 0 {
		t.Errorf("the fleet was told %q", got)
	}
}
