package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk/portal"
	"pointnum/ui/console"
)

// handler is a console without a listener.
func handler(t testing.TB, f *fleet) http.Handler {
	t.Helper()
	s, err := console.New(console.Options{Fleet: f, Logins: newLogins(), Catalogue: portal.Default(), Hosts: []string{"example.com"}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Handler()
}

func ask(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL = &url.URL{Path: strings.SplitN(target, "?", 2)[0]}
	if _, query, ok := strings.Cut(target, "?"); ok {
		r.URL.RawQuery = query
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: "samia"})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// FuzzBack sends people who are logged in on to where the address says: that
// is always here.
func FuzzBack(f *testing.F) {
	for _, seed := range []string{"/", "/kiosks/h1", "//x", "/\\x", "https://x", "/%09/x", "javascript:x", "/..//x", "/a?b=//c#d", "\x00", "/\u2028"} {
		f.Add(seed)
	}
	h := handler(f, newFleet())
	here, err := url.Parse("https://example.com/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, back string) {
		to := ask(h, "GET", "/login?back="+url.QueryEscape(back), "").Header().Get("Location")
		u, err := url.Parse(to)
		if err != nil {
			t.Fatalf("%q leads to %q: %v", back, to, err)
		}
		if there := here.ResolveReference(u); there.Host != "example.com" || there.Scheme != "https" || !strings.HasPrefix(to, "/") || regexp.MustCompile(`^/[/\\]|[\x00-\x1f]`).MatchString(to) {
			t.Errorf("%q leads to %q", back, to)
		}
	})
}

// FuzzSettings sends any form of settings: what a kiosk could not take is
// refused, and nothing is an error of ours.
func FuzzSettings(f *testing.F) {
	for _, seed := range []string{"name=a&revision=4", "from-1-0=08:00&to-1-0=07:00", "portal=caf&order-caf=x", "contact-name=a&contact-phone=b&contact-what=c", "list-title=%00&list-items=a%0ab", "sides=-1", "look=1&name=%ff"} {
		f.Add(seed)
	}
	canned := newFleet()
	h := handler(f, canned)
	page, err := io.ReadAll(ask(h, "GET", "/s/tilleuls/settings", "").Body)
	if err != nil {
		f.Fatal(err)
	}
	token := tokenOf(f, string(page))
	f.Fuzz(func(t *testing.T, form string) {
		if code := ask(h, "POST", "/s/tilleuls/settings", "csrf="+token+"&"+form).Code; code >= 500 {
			t.Errorf("status %d", code)
		}
		if err := canned.settings.Check(); err != nil {
			t.Errorf("saved: %v", err)
		}
	})
}
