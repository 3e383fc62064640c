package console_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/console"
)

func TestACallRingsAndIsTaken(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	f, l := newFleet(), newLogins()
	f.cards[0].Call = nil
	b := start(ctx, t)
	address := serve(t, f, l)
	samia := open(ctx, t, b, address, "samia", "fr", 1280, 800)
	samia.open(ctx, "/s/tilleuls")
	samia.until(ctx, "the page listens", `Number(document.body.dataset.seen ?? 0) > 0`)
	samia.until(ctx, "no call yet", `document.querySelectorAll('[data-ringing]').length === 0 && document.getElementById('calls').hidden`)
	samia.until(ctx, "it says that it is silent", `!document.getElementById('ring').hidden`)
	samia.press(ctx, "Tab", 9) // a first touch: from now on the page may sound
	samia.until(ctx, "it may sound", `document.getElementById('ring').hidden`)

	f.mu.Lock()
	f.cards[0].Call = &console.Call{ID: "c9", Since: now}
	f.mu.Unlock()
	f.tell()
	samia.until(ctx, "the call shows", `document.querySelectorAll('#calls [data-ringing]').length === 1`)
	samia.until(ctx, "it rings", `Number(document.getElementById('ring').dataset.rung ?? 0) > 0`)
	samia.until(ctx, "it is read out", `document.getElementById('heard').textContent.includes('Hall d’accueil')`)
	samia.until(ctx, "the title says it", `document.title.includes('Hall d’accueil : quelqu’un demande de l’aide') || document.title.includes('demande de l’aide')`)

	samia.eval(ctx, `document.getElementById('take-h1').focus()`, nil)
	samia.press(ctx, "Enter", 13)
	samia.until(ctx, "it is taken", `location.search === '?note=coming' && document.querySelectorAll('[data-ringing]').length === 0 && document.body.innerText.includes('Vous y allez')`)
	if got := f.doings(); !slices.Equal(got, []string{"take h1 c9"}) {
		t.Errorf("the fleet was told %q", got)
	}
	// Who works on another page hears it, too, and sees it.
	f.mu.Lock()
	f.cards[1].Call = &console.Call{ID: "c10", Since: now}
	f.mu.Unlock()
	samia.open(ctx, "/s/tilleuls/settings")
	f.tell()
	samia.until(ctx, "the call shows on other pages", `document.querySelectorAll('#calls [data-ringing]').length === 1 && document.title.includes('Premier étage')`)
	samia.eval(ctx, `document.getElementById('take-h2').click()`, nil)
	samia.until(ctx, "one stays on the page", `location.pathname === '/s/tilleuls/settings' && location.search === '?note=coming'`)
}

func TestNewsKeepTheFocus(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	f := newFleet()
	v := open(ctx, t, start(ctx, t), serve(t, f, newLogins()), "samia", "fr", 390, 844)
	v.open(ctx, "/s/tilleuls")
	v.until(ctx, "the page listens", `Number(document.body.dataset.seen ?? 0) > 0`)
	v.eval(ctx, `document.getElementById('fixed-h2').focus()`, nil)
	f.mu.Lock()
	f.cards[1].Troubles[0].Code = kiosk.CodePaperJam
	f.mu.Unlock()
	f.tell()
	v.until(ctx, "the card has changed, the focus has not", `document.getElementById('card-h2').innerText.includes('Papier coincé dans l’imprimante') && document.activeElement.id === 'fixed-h2'`)
	f.mu.Lock()
	f.cards = append(f.cards[:2:2], f.cards[3:]...)
	f.mu.Unlock()
	f.tell()
	v.until(ctx, "a card is gone", `!document.getElementById('card-h3') && document.activeElement.id === 'fixed-h2'`)
	// What somebody is writing stays.
	v.open(ctx, "/kiosks/h4")
	v.until(ctx, "the page listens", `Number(document.body.dataset.seen ?? 0) > 0`)
	v.eval(ctx, `{ const e = document.getElementById('own'); e.value = 'Nous revenons'; e.dispatchEvent(new Event('input')); }`, nil)
	f.mu.Lock()
	f.cards[2].Use = console.UseBusy
	f.cards[2].Unused = time.Time{}
	f.mu.Unlock()
	f.tell()
	v.until(ctx, "it is in use, the text is there", `document.getElementById('now').innerText.includes('Occupée') && document.getElementById('own').value === 'Nous revenons' && document.getElementById('message-look').textContent === 'Nous revenons'`)
}

func TestTheKeyboardReachesEverything(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	v := open(ctx, t, start(ctx, t), serve(t, newFleet(), newLogins()), "samia", "fr", 1280, 800)
	for _, path := range []string{"/s/tilleuls", "/kiosks/h2", "/s/tilleuls/usage"} {
		v.open(ctx, path)
		v.until(ctx, "the page listens", `Number(document.body.dataset.seen ?? 0) > 0`)
		var stops int
		// Radios of one name are one stop; the first key turns the sound on.
		v.eval(ctx, `new Set([...document.querySelectorAll('a[href], button, input:not([type="hidden"]), select, textarea, summary, [tabindex="0"]')].filter(e => e.id !== 'sound' && e.checkVisibility() || e.closest('.skip')).map(e => e.type === 'radio' ? e.form.action + e.name : e)).size`, &stops)
		seen := map[string]bool{}
		for range stops * 4 {
			v.press(ctx, "Tab", 9)
			var at struct {
				ID   string `json:"id"`
				Seen bool   `json:"seen"`
				Body bool   `json:"body"`
			}
			v.eval(ctx, `(() => {
				const e = document.activeElement;
				if (e === document.body) return { id: '', seen: true, body: true };
				const all = [...document.querySelectorAll('*')];
				const r = e.getBoundingClientRect();
				const s = getComputedStyle(e);
				const on = document.elementFromPoint(r.left + r.width / 2, Math.min(innerHeight - 1, Math.max(0, r.top + r.height / 2)));
				return { id: e.type === 'radio' ? e.form.action + e.name : all.indexOf(e) + ' ' + e.outerHTML.slice(0, 120), body: false,
					seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.bottom > 0 && r.top < innerHeight && (e.contains(on) || on?.contains(e) || e.type === 'radio') };
			})()`, &at)
			if at.Body && len(seen) > 0 {
				break
			}
			if !at.Seen {
				t.Errorf("%s: the focus on %s is not seen", path, at.ID)
			}
			seen[at.ID] = true
		}
		if len(seen) < stops {
			t.Errorf("%s: %d stops of %d", path, len(seen), stops)
		}
	}
}

func TestPasskeysOfARealBrowser(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	l := newLogins()
	v := open(ctx, t, start(ctx, t), serve(t, newFleet(), l), "", "fr", 1280, 800)
	v.call(ctx, "WebAuthn.enable", map[string]any{})
	v.call(ctx, "WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
	}})
	// An address changes before its page is there.
	press := func() {
		t.Helper()
		v.until(ctx, "the button", `document.readyState === 'complete' && document.getElementById('passkey') !== null`)
		v.eval(ctx, `document.getElementById('passkey').click()`, nil)
	}
	v.open(ctx, "/join/JETON")
	press()
	v.until(ctx, "a passkey is made, the codes are shown", `document.querySelectorAll('.recovery li').length === 8`)
	if len(l.webauthn.keys) != 1 || l.webauthn.names[0] != "Ordinateur de l’accueil" {
		t.Fatalf("the server has %d passkeys, %q", len(l.webauthn.keys), l.webauthn.names)
	}
	v.open(ctx, "/s/tilleuls")
	v.eval(ctx, `document.querySelector('form[action="/logout"]').requestSubmit()`, nil)
	v.until(ctx, "one is out", `location.pathname === '/login'`)
	v.open(ctx, "/login?back=/kiosks/h2")
	press()
	v.until(ctx, "one is in", `location.pathname === '/kiosks/h2'`)
	// A second passkey wants a fresh proof.
	v.open(ctx, "/account")
	press()
	v.until(ctx, "a proof is asked for", `location.pathname === '/prove'`)
	press()
	v.until(ctx, "one is known again", `location.pathname === '/account' && location.search === '?note=proved' && document.readyState === 'complete'`)
	// Another authenticator, and a person who says no.
	v.call(ctx, "WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "transport": "usb", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
	}})
	v.eval(ctx, `document.getElementById('name').value = 'Clé USB'`, nil)
	press()
	v.until(ctx, "two passkeys", `location.search === '?note=key_added'`)
	if len(l.webauthn.keys) != 2 || l.webauthn.names[1] != "Clé USB" {
		t.Errorf("the server has %q", l.webauthn.names)
	}
	v.call(ctx, "WebAuthn.disable", map[string]any{})
}

func TestNewsEndWithTheSession(t *testing.T) {
	f, l := newFleet(), newLogins()
	address := serve(t, f, l)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	listen := func(token string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+"/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: token})
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Body.Close() })
		return a
	}
	a := listen("samia")
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %q", a.StatusCode, a.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(a.Body)
	next := func() string {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") {
				return lines.Text()
			}
		}
		return "ended"
	}
	if got := next(); got != "data: here" {
		t.Errorf("first %q", got)
	}
	f.tell()
	if got := next(); got != "data: changed" {
		t.Errorf("then %q", got)
	}
	for range 11 {
		listen("samia")
	}
	if got := listen("samia").StatusCode; got != http.StatusTooManyRequests {
		t.Errorf("a thirteenth stream: status %d", got)
	}
	if got := listen("paul").StatusCode; got != 200 {
		t.Errorf("somebody else: status %d", got)
	}
}

func TestTwoPeopleDoNotOverwriteEachOther(t *testing.T) {
	f := newFleet()
	v := visit(t, serve(t, f, newLogins()), "samia")
	form := func(revision, name string) url.Values {
		return url.Values{
			"revision": {revision}, "name": {name}, "address": {"1 rue A\r\n\r\n59000 Lille "}, "phone": {"03"}, "from-1-0": {"08:00"}, "to-1-0": {"12:00"}, "from-0-1": {"10:00"}, "to-0-1": {"23:59"},
			"contact-name": {"A", ""}, "contact-phone": {"1", ""}, "contact-what": {"", ""}, "list-title": {"RSA", ""}, "list-items": {"RIB\nCAF", ""}, "sides": {"10"},
			"portal": {"caf", "ameli", "nobody"}, "order-caf": {"2"}, "order-ameli": {"1"},
		}
	}
	if r, body := v.post("/s/tilleuls/settings", "/s/tilleuls/settings", form("4", "Un")); r.Header.Get("Location") != "/s/tilleuls/settings?note=saved" {
		t.Fatalf("status %d, %.300s", r.StatusCode, body)
	}
	want := kiosk.Settings{
		Revision: 5, Place: kiosk.Place{Name: "Un", Address: []string{"1 rue A", "59000 Lille"}, Phone: "03"},
		Opening:  []kiosk.Opening{{Day: time.Monday, From: 480, To: 720}, {Day: time.Sunday, From: 600, To: 1440}},
		Contacts: []kiosk.Contact{{Name: "A", Phone: "1"}}, Checklists: []kiosk.Checklist{{Title: "RSA", Items: []string{"RIB", "CAF"}}},
		Quota: kiosk.Quota{Sides: 10}, Portals: []string{"ameli", "caf"},
	}
	if got := f.settings; !equalSettings(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	r, body := v.post("/s/tilleuls/settings", "/s/tilleuls/settings", form("4", "Deux"))
	if r.StatusCode != http.StatusConflict || !strings.Contains(body, `value="Deux"`) || !strings.Contains(body, `name="revision" value="5"`) || !strings.Contains(body, "<li>Le lieu</li>") || strings.Contains(body, "<li>Sites proposés</li>") {
		t.Errorf("status %d, or the text is lost, or it does not say what differs", r.StatusCode)
	}
	if f.settings.Place.Name != "Un" {
		t.Error("the first one's settings are gone")
	}
	if r, _ := v.post("/s/tilleuls/settings", "/s/tilleuls/settings", form("5", "Deux")); r.Header.Get("Location") != "/s/tilleuls/settings?note=saved" || f.settings.Place.Name != "Deux" {
		t.Errorf("saving again: status %d", r.StatusCode)
	}
	wrong := form("6", "Trois")
	wrong["to-1-0"] = []string{"07:00"}
	wrong["sides"] = []string{"-3"}
	if r, body := v.post("/s/tilleuls/settings", "/s/tilleuls/settings", wrong); r.StatusCode != http.StatusBadRequest || !strings.Contains(body, "heures du lundi") || !strings.Contains(body, "entre 0 et") {
		t.Errorf("wrong hours: status %d", r.StatusCode)
	}
}

func equalSettings(a, b kiosk.Settings) bool {
	return a.Revision == b.Revision && a.Place.Name == b.Place.Name && slices.Equal(a.Place.Address, b.Place.Address) && slices.Equal(a.Opening, b.Opening) &&
		slices.Equal(a.Contacts, b.Contacts) && len(a.Checklists) == 1 && slices.Equal(a.Checklists[0].Items, b.Checklists[0].Items) && a.Quota == b.Quota && slices.Equal(a.Portals, b.Portals)
}

// press presses a key once.
func (v *tab) press(ctx context.Context, key string, code int) {
	v.t.Helper()
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		down["text"] = "\r"
	}
	v.call(ctx, "Input.dispatchKeyEvent", down)
	v.call(ctx, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code})
}
