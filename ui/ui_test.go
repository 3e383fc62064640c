package ui_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/ui"
)

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

func TestPageIsInTheLanguageOfTheState(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	for lang, want := range map[string]string{"fr": "Bonjour", "en": "Welcome", "ar": "مرحبًا", "xx": "Bonjour"} {
		e.state.Set(session.State{Lang: lang})
		r, body := get(t, "http://"+address+"/")
		if r.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, no %q", lang, r.StatusCode, want)
		}
		if r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the page may be kept", lang)
		}
		for _, bad := range []string{"<no value>", "style=", "onclick", "<script>", "ZgotmplZ", "{n}", "http://", "https://"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: the page holds %q", lang, bad)
			}
		}
		if ids := regexp.MustCompile(`>[a-z]+_[a-z_]+<`).FindAllString(body, -1); ids != nil {
			t.Errorf("%s: names instead of texts: %v", lang, ids)
		}
	}
}

func TestEveryActionReachesTheVisit(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	want := []session.Action{}
	for _, c := range []struct {
		name, body string
		want       session.Action
	}{
		{"start", `{"lang":"ar"}`, session.Start{Lang: "ar"}},
		{"language", `{"lang":"en"}`, session.SetLanguage{Lang: "en"}},
		{"go", `{"screen":"review"}`, session.Go{Screen: session.ScreenReview}},
		{"scan", `{}`, session.Scan{}},
		{"list-key", `{}`, session.ListKey{}},
		{"close-key", `{}`, session.CloseKey{}},
		{"import", `{"file":"f"}`, session.Import{File: "f"}},
		{"cancel", `{}`, session.Cancel{}},
		{"retry", `{}`, session.Retry{}},
		{"dismiss", `{}`, session.Dismiss{}},
		{"turn", `{"page":"p1"}`, session.Turn{Page: "p1"}},
		{"move", `{"page":"p1","to":2}`, session.Move{Page: "p1", To: 2}},
		{"as-is", `{"page":"p1","on":true}`, session.AsIs{Page: "p1", On: true}},
		{"delete", `{"page":"p1"}`, session.Delete{Page: "p1"}},
		{"undo", `{}`, session.Undo{}},
		{"redo", `{}`, session.Redo{}},
		{"choose", `{"portal":"caf","kind":"rib"}`, session.Choose{Portal: "caf", Kind: "rib"}},
		{"add-document", `{}`, session.AddDocument{}},
		{"save", `{}`, session.SaveToKey{}},
		{"print", `{}`, session.Print{}},
		{"receipt", `{}`, session.PrintReceipt{}},
		{"call-help", `{}`, session.CallHelp{}},
		{"end-help", `{}`, session.EndHelp{}},
		{"still-here", `{}`, session.StillHere{}},
		{"open-portal", `{"portal":"caf"}`, session.OpenPortal{Portal: "caf"}},
		{"close-portal", `{}`, session.ClosePortal{}},
		{"attach", `{"document":"d1"}`, session.AttachDocument{Document: "d1"}},
		{"refuse-choice", `{}`, session.RefuseChoice{}},
		{"add-for-choice", `{}`, session.AddForChoice{}},
		{"ask", `{"ask":"print"}`, session.AskFor{Ask: session.AskPrint}},
		{"ask", `{}`, session.AskFor{}},
		{"lighter", `{"format":"jpeg"}`, session.Lighter{Format: kiosk.FormatJPEG}},
		{"lighter", `{}`, session.Lighter{}},
		{"browser", `{"command":"back"}`, session.BrowserDo{Command: kiosk.BrowserBack}},
		{"open-mailbox", `{"mailbox":"gmail"}`, session.OpenMailbox{Mailbox: "gmail"}},
		{"type", `{"text":"é'ع"}`, session.TypeText{Text: "é'ع"}},
		{"press", `{"key":"Backspace"}`, session.PressKey{Key: "Backspace"}},
		{"print-page", `{}`, session.PrintPage{}},
		{"place", `{"rect":{"x0":0,"y0":200,"x1":1080,"y1":1920}}`, session.PlaceBrowser{Rect: image.Rect(0, 200, 1080, 1920)}},
		{"place", `{}`, session.PlaceBrowser{}},
		{"wait-for-code", `{"on":true}`, session.WaitForCode{On: true}},
		{"leave", `{}`, session.Leave{}},
	} {
		if got := post(t, address, c.name, c.body); got != http.StatusNoContent {
			t.Errorf("%s: got %d", c.name, got)
		}
		want = append(want, c.want)
	}
	if got := e.actions(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v\nwant %#v", got, want)
	}
}

func post(t *testing.T, address, name, body string) int {
	t.Helper()
	r, err := http.Post("http://"+address+"/act/"+name, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

func TestBadRequestsReachNobody(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	for _, c := range []struct {
		name, act, contentType, body string
		want                         int
	}{
		{"an action nobody knows", "erase-disk", "application/json", `{}`, 404},
		{"a form", "leave", "application/x-www-form-urlencoded", `a=b`, 415},
		{"plain text, which another origin may send", "leave", "text/plain", `{}`, 415},
		{"no body", "leave", "application/json", ``, 400},
		{"not JSON", "leave", "application/json", `{`, 400},
		{"a field nobody knows", "leave", "application/json", `{"path":"/etc"}`, 400},
		{"a language without a page", "start", "application/json", `{"lang":"tlh"}`, 400},
		{"a question that is not for visitors to ask", "ask", "application/json", `{"ask":"file"}`, 400},
		{"a format the kiosk does not make", "lighter", "application/json", `{"format":"exe"}`, 400},
		{"a command nobody knows", "browser", "application/json", `{"command":"devtools"}`, 400},
		{"no command", "browser", "application/json", `{}`, 400},
		{"a key that leads out", "press", "application/json", `{"key":"F12"}`, 400},
		{"no text", "type", "application/json", `{}`, 400},
		{"control characters", "type", "application/json", `{"text":"a\u001bb"}`, 400},
		{"half a letter", "type", "application/json", `{"text":"\ud800"}`, 400},
		{"a text longer than anybody types", "type", "application/json", `{"text":"` + strings.Repeat("é", 257) + `"}`, 400},
		{"a place beyond any screen", "place", "application/json", `{"rect":{"x0":0,"y0":0,"x1":10001,"y1":10}}`, 400},
		{"a place left of the screen", "place", "application/json", `{"rect":{"x0":-1,"y0":0,"x1":100,"y1":10}}`, 400},
		{"a place upside down", "place", "application/json", `{"rect":{"x0":0,"y0":20,"x1":100,"y1":10}}`, 400},
		{"a place with a field nobody knows", "place", "application/json", `{"rect":{"z":1}}`, 400},
		{"a body that is too large", "leave", "application/json", `{"page":"` + strings.Repeat("x", 100_000) + `"}`, 413},
	} {
		r, err := http.Post("http://"+address+"/act/"+c.act, c.contentType, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", c.name, r.StatusCode, c.want)
		}
	}
	if got := e.actions(); len(got) != 0 {
		t.Errorf("the visit got %v", got)
	}
}

func TestRefusalsAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"taken":                            {nil, 204},
		"the screen was out of date":       {&kiosk.Error{Code: kiosk.CodeBadRequest}, 409},
		"a fault that the state shows":     {&kiosk.Error{Code: kiosk.CodePaperJam}, 204},
		"our own fault":                    {errors.New("boom"), 500},
		"a fault of ours that has a cause": {fmt.Errorf("x: %w", &kiosk.Error{Code: kiosk.CodeInternal}), 500},
	} {
		e := &engine{err: c.err}
		if got := post(t, serve(t, e), "scan", `{}`); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestPicturesAreOnlyPictures(t *testing.T) {
	address := serve(t, &engine{})
	r, body := get(t, "http://"+address+"/picture/p1")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "image/jpeg" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d, %v", r.StatusCode, r.Header)
	}
	if large, all := get(t, "http://"+address+"/picture/p1?large"); large.StatusCode != 200 || len(all) <= len(body) {
		t.Error("the large picture is no larger")
	}
	if r, _ := get(t, "http://"+address+"/picture/none"); r.StatusCode != 404 {
		t.Errorf("no such page: got %d", r.StatusCode)
	}
}

func TestStaticFilesStayOnlyUnderTheirSum(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	_, page := get(t, "http://"+address+"/")
	url := regexp.MustCompile(`/static/app\.css\?v=[0-9a-f]+`).FindString(page)
	r, _ := get(t, "http://"+address+url)
	if !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("under its sum: %q", r.Header.Get("Cache-Control"))
	}
	r, _ = get(t, "http://"+address+"/static/app.css?v=old")
	if got := r.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("under another sum: %q", got)
	}
	for _, path := range []string{"/static/none.css", "/static/..%2fui.go", "/static/", "/static/templates/page.html", "/nothing"} {
		if r, _ := get(t, "http://"+address+path); r.StatusCode == 200 {
			t.Errorf("%s is served", path)
		}
	}
}

func TestLimitIsShownOnlyWhenItIsKnown(t *testing.T) {
	e := &engine{}
	c := own(t, serve(t, e))
	next(t, c)
	for _, known := range []bool{true, false} {
		e.state.Set(visit(session.ScreenResult, func(st *session.State) { st.Documents[0] = finished(known) }))
		v := next(t, c)
		if v.Result == nil || !strings.Contains(v.Result.Summary, "3 pages, 0,8") {
			t.Fatalf("got %+v", v.Result)
		}
		if strings.Contains(v.Result.Fits, "5") != known {
			t.Errorf("known %t: %q", known, v.Result.Fits)
		}
	}
}

// Whatever may come up is told in words, in each language, by no name of ours.
func TestEveryStateHasItsWords(t *testing.T) {
	e := &engine{}
	address := serve(t, e)
	name := regexp.MustCompile(`"(?:title|do|what|device|fits|summary|lead|text|how|why|leave|hint|label|here|change|swap)":"(?:|[a-z]+_[a-z_.]+)"`)
	for _, lang := range []string{"fr", "ar", "en"} {
		for _, s := range screens() {
			st := s.state
			st.Lang = lang
			e.state.Set(st)
			// A new socket gets its first view at once.
			c, _, err := dial(address, "http://"+address)
			if err != nil {
				t.Fatal(err)
			}
			var raw json.RawMessage
			if err := errors.Join(c.SetReadDeadline(time.Now().Add(10*time.Second)), c.ReadJSON(&raw), c.Close()); err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllString(string(raw), -1) {
				if !slices.Contains([]string{`"hint":""`, `"why":""`, `"change":""`, `"swap":""`}, m) {
					t.Errorf("%s %s: %s", lang, s.name, m)
				}
			}
			if bytes.Contains(raw, []byte(`"v"`)) {
				t.Errorf("%s %s: the visit's id is sent", lang, s.name)
			}
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := ui.Options{Engine: &engine{}, Catalogue: portal.Default(), Hosts: []string{"127.0.0.1:1"}}
	for name, change := range map[string]func(*ui.Options){
		"no engine":            func(o *ui.Options) { o.Engine = nil },
		"no catalogue":         func(o *ui.Options) { o.Catalogue = nil },
		"no hosts":             func(o *ui.Options) { o.Hosts = nil },
		"a language we do not": func(o *ui.Options) { o.Languages = []string{"fr", "tlh"} },
	} {
		o := good
		change(&o)
		if _, err := ui.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	s, err := ui.New(good)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
}
