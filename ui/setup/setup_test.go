package setup_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/safeweb"
	"pointnum/ui/setup"
)

// post sends a form as the screen's browser does, or as another site's page.
func post(t *testing.T, address, origin string, form url.Values) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	client := http.Client{Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res
}

func TestFormsAreHandedOver(t *testing.T) {
	f := &flow{done: make(chan setup.Action, 1)}
	base := serve(t, f)
	for _, c := range []struct {
		name string
		form url.Values
		want setup.Action
	}{
		{"language", url.Values{"text": {"ar"}}, setup.Action{Name: setup.ActLanguage, Text: "ar"}},
		{"wifi", url.Values{"text": {"Caché"}, "secret": {"motdepasse"}, "on": {"1"}}, setup.Action{Name: setup.ActWiFi, Text: "Caché", Secret: "motdepasse", On: true}},
		{"code", url.Values{"text": {"https://x.fr"}, "secret": {"QRTV"}}, setup.Action{Name: setup.ActCode, Text: "https://x.fr", Secret: "QRTV"}},
		{"keep", url.Values{"id": {"tickets"}}, setup.Action{Name: setup.ActKeep, ID: "tickets"}},
		{"next", nil, setup.Action{Name: setup.ActNext}},
	} {
		res := post(t, base+"/act/"+c.name, base, c.form)
		if got := <-f.done; got != c.want || res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/" {
			t.Errorf("%s: got %+v, %s to %s", c.name, got, res.Status, res.Header.Get("Location"))
		}
	}
	f.done = nil
	f.err = &kiosk.Error{Code: kiosk.CodeBadRequest}
	res := post(t, base+"/act/wifi", base, url.Values{"text": {"CCAS & Co"}, "secret": {"x"}})
	if got := res.Header.Get("Location"); got != "/wifi/join?bad&ssid=CCAS+%26+Co" {
		t.Errorf("refused: to %s", got)
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	f := &flow{done: make(chan setup.Action, 1)}
	base := serve(t, f)
	if res := post(t, base+"/act/next", "https://portail.exemple.fr", nil); res.StatusCode != http.StatusForbidden || len(f.done) != 0 {
		t.Errorf("another site's form: %s", res.Status)
	}
	r, err := http.NewRequest(http.MethodGet, base+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "portail.exemple.fr"
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another host: %s", res.Status)
	}
}

// What was typed or found never becomes markup, and no secret comes back.
func TestNothingFoundBecomesMarkup(t *testing.T) {
	f := &flow{}
	f.state.Set(setup.State{Step: setup.StepNetwork, Lang: "fr", Percent: -1, Network: setup.Network{Looked: true, Radio: true,
		Points: []setup.Point{{SSID: `"><script>x</script>&open`, Signal: 50, Secured: true}}}})
	base := serve(t, f)
	res, err := http.Get(base + "/wifi")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || strings.Contains(string(text), "<script>x") || !strings.Contains(string(text), "ssid=%22%3e%3cscript%3e") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestQuestionsOfAnotherStepLeadBack(t *testing.T) {
	f := &flow{}
	f.state.Set(setup.State{Step: setup.StepDevices, Lang: "fr", Percent: -1})
	base := serve(t, f)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]int{"/": 200, "/wifi": 303, "/touch": 303, "/rename?id=x": 200, "/nothing": 404, "/static/setup.js": 200, "/seen?seq=0&at=%2F": 200, "/seen": 400, "/fresh": 303} {
		res, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: got %s", path, res.Status)
		}
	}
}

func TestSheetSaysWhatDoesNotWork(t *testing.T) {
	r, err := setup.Sheet(setup.State{Lang: "fr", Code: "4821 7350", Host: setup.Host{Enrolled: true, Structure: "tilleuls", Label: "Hall"}, Lines: []setup.Line{
		{About: setup.AboutMemory, State: setup.LineOK},
		{About: setup.AboutPrinter, Name: "imprimante", State: setup.LineBad, Code: kiosk.CodePaperEmpty, Detail: "media-empty"},
	}}, "1.2.3", time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range r.Items {
		all = append(all, i.Text+i.Pair[0]+" "+i.Pair[1])
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"1.2.3", "Hall", "Imprimante (imprimante) Ne marche pas", "media-empty", "papier", "Code technique 4821 7350"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the sheet:\n%s", want, text)
		}
	}
}

func TestShownSaysWhetherAPageWaits(t *testing.T) {
	base := serve(t, &flow{})
	ask := func() int {
		res, err := http.Get(base + safeweb.ShownPath)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		return res.StatusCode
	}
	if got := ask(); got != http.StatusServiceUnavailable {
		t.Errorf("no page: %d", got)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var page sync.WaitGroup
	page.Go(func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/seen?seq=0&at=/", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
		}
	})
	for _, want := range []int{http.StatusNoContent, http.StatusServiceUnavailable} {
		for deadline := time.Now().Add(40 * time.Second); ask() != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("want %d", want)
			}
		}
		leave()
	}
	page.Wait()
}
