package ui_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/ui"
)

const host = "127.0.0.1:1"

func handler(t testing.TB, e *engine, log *slog.Logger) http.Handler {
	t.Helper()
	s, err := ui.New(ui.Options{Engine: e, Catalogue: portal.Default(), Hosts: []string{host}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Handler()
}

func act(h http.Handler, name, body string) int {
	r := httptest.NewRequest(http.MethodPost, "http://"+host+"/act/x", strings.NewReader(body))
	r.URL.Path = "/act/" + name
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// Nothing of a request reaches the log, whatever goes wrong with it: not even
// when somebody's error quotes what was typed.
func TestWhatIsTypedIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	e := &engine{err: errors.New("can't type hunter2")}
	h := handler(t, e, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"type", `{"text":"hunter2"}`, 500},
		{"type", `{"text":"hunter2` + strings.Repeat("x", 300) + `"}`, 400},
		{"type", `{"text":"hunter2`, 400},
		{"type", `{"password":"hunter2"}`, 400},
		{"press", `{"key":"hunter2"}`, 400},
	} {
		if got := act(h, c.name, c.body); got != c.want {
			t.Errorf("%s %.20s: got %d, want %d", c.name, c.body, got, c.want)
		}
	}
	if !strings.Contains(log.String(), "action not taken") {
		t.Errorf("our own fault is not logged:\n%s", &log)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("what was typed is in the log:\n%s", &log)
	}
}

// Whatever is posted, the visit gets only what a screen may ask for.
func FuzzRequests(f *testing.F) {
	f.Add("type", `{"text":"a"}`)
	f.Add("place", `{"rect":{"x0":0,"y0":1,"x1":2,"y1":3}}`)
	f.Add("place", `{"rect":{"x0":9223372036854775807,"y0":-1,"x1":2,"y1":3}}`)
	f.Add("press", `{"key":"Enter"}`)
	f.Add("browser", `{"command":"back","command":"x"}`)
	f.Add("ask", `{"ask":"taken"}`)
	f.Add("lighter", `{"format":"pdf"}`)
	f.Add("go", `{"screen":"browse"}`)
	f.Add("start", `[]`)
	e := &engine{}
	h := handler(f, e, nil)
	f.Fuzz(func(t *testing.T, name, body string) {
		e.forget()
		code := act(h, name, body)
		done := e.actions()
		if (code == http.StatusNoContent) != (len(done) == 1) {
			t.Fatalf("%d, and the visit got %v", code, done)
		}
		for _, a := range done {
			if why := wrong(a); why != "" {
				t.Errorf("%s: %#v", why, a)
			}
		}
	})
}

// wrong says what no screen asks for.
func wrong(a session.Action) string {
	switch a := a.(type) {
	case session.TypeText:
		if n := utf8.RuneCountInString(a.Text); n == 0 || n > 256 || !utf8.ValidString(a.Text) || strings.ContainsAny(a.Text, "\x00\n\r\t\x1b\x7f") {
			return "no text"
		}
	case session.PressKey:
		if !strings.Contains(" Backspace Enter Tab ArrowLeft ArrowRight ArrowUp ArrowDown ", " "+a.Key+" ") {
			return "no key"
		}
	case session.PlaceBrowser:
		if a.Rect != (image.Rectangle{}) && (a.Rect.Empty() || !a.Rect.In(image.Rect(0, 0, 10_000, 10_000))) {
			return "no place"
		}
	case session.AskFor:
		if !strings.Contains(" print mailbox refused  ", fmt.Sprintf(" %s ", a.Ask)) {
			return "no question of a visitor's"
		}
	}
	return ""
}

func (e *engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = nil
}
