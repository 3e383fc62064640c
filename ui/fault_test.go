package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pointnum/kiosk/browser/devtools"
)

// A screen whose program is gone leaves for the page of the fault, which may
// lead back, and never leaves before a minute.
func TestScreenLeavesForTheFaultAfterAMinute(t *testing.T) {
	fault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>fault</title>") //nolint:errcheck // nobody is there to be told
	}))
	t.Cleanup(fault.Close)
	e := &engine{}
	e.state.Set(screens()[0].state)
	address, stop := serveWith(t, e, "127.0.0.1:0", fault.URL+"/lost")
	t.Cleanup(func() { stop() })
	b, err := devtools.Start(t.Context(), devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := b.OpenPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Navigate(t.Context(), "http://"+address+"/"); err != nil {
		t.Fatal(err)
	}
	is := func(script string) func() bool {
		return func() bool {
			var yes bool
			return p.Eval(t.Context(), script, &yes) == nil && yes
		}
	}
	until(t, "the first view", is("document.querySelector('[data-section=welcome]')?.hidden === false"))
	stop()
	until(t, "the page says that it waits", is("document.querySelector('.lost') !== null && !document.querySelector('.lost').hidden"))
	if is("document.title === 'fault'")() {
		t.Error("the page left at once")
	}
	// A minute later.
	if err := p.Eval(t.Context(), fmt.Sprintf("{ const was = performance.now.bind(performance); performance.now = () => was() + %d; }", time.Minute.Milliseconds()+1000), nil); err != nil {
		t.Fatal(err)
	}
	until(t, "the page of the fault", is("document.title === 'fault'"))

	_, again := serveWith(t, e, address, fault.URL+"/lost")
	t.Cleanup(again)
	if err := p.Eval(t.Context(), "location.replace('http://"+address+"/')", nil); err != nil {
		t.Fatal(err)
	}
	until(t, "the way back", is("document.querySelector('[data-section=welcome]')?.hidden === false"))
}
