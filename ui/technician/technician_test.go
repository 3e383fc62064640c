package technician_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/technician"
)

// browser is one that keeps its cookies and follows no redirect.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// post sends a form, and says where it leads.
func (r *rig) post(t *testing.T, c *http.Client, path, origin string, form url.Values) (status int, to string) {
	t.Helper()
	q, err := http.NewRequest(http.MethodPost, r.url+technician.Base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Origin", origin)
	res, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header.Get("Location")
}

func (r *rig) get(t *testing.T, c *http.Client, path string) (status int, body string, to string) {
	t.Helper()
	res, err := c.Get(r.url + technician.Base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header.Get("Location")
}

// open types the code in a browser of its own.
func (r *rig) open(t *testing.T) *http.Client {
	t.Helper()
	c := browser(t)
	if status, to := r.post(t, c, "/code", r.url, url.Values{"code": {code}}); status != http.StatusSeeOther || to != technician.Base {
		t.Fatalf("%d to %s", status, to)
	}
	return c
}

func TestOnlyTheCodeOpensTheMenu(t *testing.T) {
	r := serve(t)
	c := browser(t)
	for _, wrong := range []string{"", "00000000", "4821735", "482173500", "' or 1=1", strings.Repeat("4", 4000)} {
		if _, to := r.post(t, c, "/code", r.url, url.Values{"code": {wrong}}); to != technician.Base || r.menu.Open() {
			t.Errorf("%.20q: to %s, open %v", wrong, to, r.menu.Open())
		}
	}
	if _, body, _ := r.get(t, c, ""); !strings.Contains(body, `data-step="code"`) || !strings.Contains(body, "essais") || strings.Contains(body, "0000") {
		t.Errorf("after a wrong code: %s", body)
	}
	if status, _ := r.post(t, c, "/code", r.url, url.Values{"code": {strings.Repeat("4", 5000)}}); status != http.StatusBadRequest {
		t.Errorf("a long form: %d", status)
	}
	in := r.open(t)
	if _, body, _ := r.get(t, in, ""); !strings.Contains(body, `data-step="menu"`) {
		t.Errorf("the menu: %s", body)
	}
	u, err := url.Parse(r.url + technician.Base)
	if err != nil {
		t.Fatal(err)
	}
	if list := in.Jar.Cookies(u); len(list) != 1 || len(list[0].Value) < 40 {
		t.Errorf("cookies: %v", list)
	}
}

func TestActionsNeedTheMenusOwnBrowser(t *testing.T) {
	r := serve(t)
	in := r.open(t)
	other := browser(t)
	for _, name := range []string{"update", "now", "setup", "reboot", "off", "erase"} {
		if _, to := r.post(t, other, "/act/"+name, r.url, url.Values{"text": {technician.Word}}); to != technician.Base {
			t.Errorf("%s without the token: to %s", name, to)
		}
		if status, _ := r.post(t, in, "/act/"+name, "https://portail.exemple.fr", nil); status != http.StatusForbidden {
			t.Errorf("%s of a portal: %d", name, status)
		}
	}
	if _, to := r.post(t, other, "/leave", r.url, nil); to != "/fresh" || !r.menu.Open() {
		t.Error("another browser closed the menu")
	}
	if r.set(func(d *desk) {
		if len(d.done) > 0 {
			t.Errorf("done: %v", d.done)
		}
	}); !r.menu.Open() {
		t.Error("closed")
	}
	for _, c := range []struct {
		path string
		form url.Values
		want technician.Action
		to   string
	}{
		{"update", url.Values{"text": {"/x"}, "on": {"1"}}, technician.Action{Name: technician.ActUpdate, Text: "/x", On: true}, "/update"},
		{"now", nil, technician.Action{Name: technician.ActNow}, "/update"},
		{"reboot", nil, technician.Action{Name: technician.ActReboot}, ""},
		{"erase", url.Values{"text": {"EFFACER"}}, technician.Action{Name: technician.ActErase, Text: "EFFACER"}, ""},
	} {
		_, to := r.post(t, in, "/act/"+c.path, r.url, c.form)
		r.set(func(d *desk) {
			if to != technician.Base+c.to || d.done[len(d.done)-1] != c.want {
				t.Errorf("%s: %+v, to %s", c.path, d.done, to)
			}
		})
	}
	r.set(func(d *desk) { d.err = &kiosk.Error{Code: kiosk.CodeBadRequest} })
	if _, to := r.post(t, in, "/act/erase", r.url, url.Values{"text": {"EFACER"}}); to != technician.Base+"/erase?bad" {
		t.Errorf("a wrong word: to %s", to)
	}
}

func TestTheMenuClosesByItself(t *testing.T) {
	r := serve(t)
	in := r.open(t)
	r.wait(4 * time.Minute)
	if _, body, _ := r.get(t, in, "/power"); !strings.Contains(body, `data-ask="power"`) {
		t.Error("closed after four minutes")
	}
	r.wait(4 * time.Minute)
	if !r.menu.Open() {
		t.Error("closed four minutes after a touch")
	}
	r.set(func(d *desk) { d.state.Update.Phase = technician.PhaseFetching })
	if r.wait(4 * time.Minute); !r.menu.Open() {
		t.Error("closed beside an update")
	}
	r.set(func(d *desk) { d.state.Update.Phase = technician.PhaseNone })
	if r.menu.Open() {
		t.Error("still open")
	}
	if _, body, to := r.get(t, in, "/power"); to != technician.Base {
		t.Errorf("to %q: %s", to, body)
	}
	in = r.open(t)
	r.menu.End()
	if _, _, to := r.get(t, in, "/power"); to != technician.Base || r.menu.Open() {
		t.Errorf("open after its end: to %q", to)
	}
	in = r.open(t)
	r.set(func(d *desk) { d.state.Task = technician.TaskErase })
	r.menu.End()
	r.post(t, in, "/leave", r.url, nil)
	if r.wait(time.Hour); !r.menu.Open() {
		t.Error("a kiosk that is being erased serves visitors again")
	}
}

func TestAVisitKeepsTheMenuAway(t *testing.T) {
	r := serve(t)
	r.set(func(d *desk) { d.state.Free = false })
	c := browser(t)
	if _, _, to := r.get(t, c, ""); to != "/" {
		t.Errorf("to %q", to)
	}
	if _, to := r.post(t, c, "/code", r.url, url.Values{"code": {code}}); to != "/" || r.menu.Open() {
		t.Errorf("to %q", to)
	}
}

func TestAPageHearsWhatChanges(t *testing.T) {
	r := serve(t)
	in := r.open(t)
	seen := func(ctx context.Context, query string) (status int, body string) {
		t.Helper()
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+technician.Base+"/seen?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := in.Do(q)
		if err != nil {
			return 0, ""
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	for _, bad := range []string{"", "seq=0", "seq=x&at=/technique", "seq=0&at=/", "seq=0&at=/techniques", "seq=0&at=%25zz"} {
		if status, _ := seen(t.Context(), bad); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
	_, first := seen(t.Context(), "seq=0&at=/technique")
	var seq uint64
	if _, err := fmt.Sscanf(first, `{"seq":%d,`, &seq); err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	var page sync.WaitGroup
	var then string
	page.Go(func() { _, then = seen(t.Context(), fmt.Sprintf("seq=%d&at=/technique&touched", seq)) })
	for deadline := time.Now().Add(40 * time.Second); r.menu.Pages() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no page counted")
		}
	}
	r.set(func(d *desk) { d.state.Task = technician.TaskReboot })
	if page.Wait(); then == first || strings.Contains(then, `"ended":true`) || r.menu.Pages() != 0 {
		t.Errorf("%s, then %s", first, then)
	}
	r.set(func(d *desk) { d.state.Task = "" })
	page.Go(func() {
		_, then = seen(t.Context(), "seq=0&at=/technique")
		_, _ = fmt.Sscanf(then, `{"seq":%d,`, &seq)
		_, then = seen(t.Context(), fmt.Sprintf("seq=%d&at=/technique", seq))
	})
	r.menu.End()
	if page.Wait(); !strings.Contains(then, `"key":`) {
		t.Errorf("after the end: %s", then)
	}
}

// What was found or refused never becomes markup.
func TestNothingFoundBecomesMarkup(t *testing.T) {
	r := serve(t)
	in := r.open(t)
	const evil = `"><script>x</script>`
	r.set(func(d *desk) {
		d.sticks = []technician.Stick{{Folder: evil, Version: evil}}
		d.state.Fault = &technician.Fault{Text: evil, Detail: evil}
		d.state.Problems = []technician.Problem{{Name: evil, Detail: evil}}
		d.state.Proof = evil
	})
	for _, path := range []string{"", "/update", "/stick?folder=" + url.QueryEscape(evil)} {
		if status, body, _ := r.get(t, in, path); status != http.StatusOK || strings.Contains(body, "<script>x") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
