package ui_test

import (
	"context"
	"image"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/session"
)

// onPortal is a page of the kiosk in Chromium, on a portal.
func onPortal(t *testing.T, st session.State) (*engine, *finger) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	b, err := devtools.Start(ctx, devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Screen(ctx, 1080, 1920); err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	e.state.Set(st)
	if err := page.Navigate(ctx, "http://"+serve(t, e)+"/"); err != nil {
		t.Fatal(err)
	}
	f := &finger{ctx: ctx, page: page}
	f.sees(t, `#hole`)
	return e, f
}

// window waits until the portal's window was placed where a rectangle of the
// page is, and forgets the posts about it.
func (f *finger) window(t *testing.T, e *engine, want image.Rectangle) {
	t.Helper()
	var last session.Action
	until(t, want.String(), func() bool {
		last = nil
		for _, a := range e.actions() {
			if p, ok := a.(session.PlaceBrowser); ok {
				last = p
			}
		}
		return last == session.PlaceBrowser{Rect: want}
	})
	if t.Failed() {
		t.Logf("it is at %v", last)
	}
	e.forget()
}

// hole is where the page leaves room for the portal's window.
func (f *finger) hole(t *testing.T) image.Rectangle {
	t.Helper()
	var r struct{ X0, Y0, X1, Y1 float64 }
	if err := f.page.Eval(f.ctx, `(() => { const r = document.querySelector('#hole').getBoundingClientRect();
		const d = devicePixelRatio; return {X0: Math.ceil(r.left * d), Y0: Math.ceil(r.top * d), X1: Math.floor(r.right * d), Y1: Math.floor(r.bottom * d)} })()`, &r); err != nil {
		t.Fatal(err)
	}
	return image.Rect(int(r.X0), int(r.Y0), int(r.X1), int(r.Y1))
}

// The window lies over the hole, and over nothing else, whatever comes up.
func TestWindowFollowsTheHole(t *testing.T) {
	e, f := onPortal(t, browsing(nil))
	whole := f.hole(t)
	if whole.Dx() != 1080 || whole.Dy() < 1300 {
		t.Errorf("the hole is %v", whole)
	}
	f.window(t, e, whole)

	// What is said above the page does not move it.
	for name, change := range map[string]func(*session.State){
		"a paper given": func(st *session.State) { st.Documents[0].Attached = attached() },
		"another site":  elsewhere,
		"no answer":     func(st *session.State) { st.Browse.Stopped = kiosk.StopNetwork },
	} {
		e.state.Set(browsing(change))
		f.sees(t, `.strip:not([hidden])`)
		if now := f.hole(t); now != whole {
			t.Errorf("%s: the hole is %v, was %v", name, now, whole)
		}
	}
	e.state.Set(browsing(nil))

	f.touch(t, `.command.help`)
	f.sees(t, `#help[open]`)
	f.window(t, e, image.Rectangle{})
	f.touch(t, `#help [data-close]`)
	f.window(t, e, whole)

	e.state.Set(typing(kiosk.FieldText))
	f.sees(t, `#keyboard [data-key="a"]`)
	above := f.hole(t)
	if above.Min != whole.Min || above.Max.Y > whole.Max.Y-400 {
		t.Errorf("with the keyboard the hole is %v, without %v", above, whole)
	}
	f.window(t, e, above)

	for name, st := range map[string]session.State{
		"a question":     asking(session.AskPrint, nil),
		"a task":         browsing(func(st *session.State) { st.Task = &session.Task{Kind: session.TaskPrint} }),
		"a fault":        browsing(func(st *session.State) { st.Fault = &session.Fault{Code: kiosk.CodePaperJam} }),
		"another screen": browsing(func(st *session.State) { st.Screen = session.ScreenReview }),
		"the warning":    browsing(func(st *session.State) { st.IdleWarning = time.Now().Add(time.Minute) }),
	} {
		e.state.Set(st)
		t.Log(name)
		f.window(t, e, image.Rectangle{})
		e.state.Set(browsing(nil))
		f.window(t, e, whole)
	}

	if err := f.page.Navigate(f.ctx, "about:blank"); err != nil {
		t.Fatal(err)
	}
	f.window(t, e, image.Rectangle{})
}

// text waits for what was typed, however it was cut into posts.
func (e *engine) text(t *testing.T, want string) {
	t.Helper()
	var got strings.Builder
	until(t, want, func() bool {
		got.Reset()
		for _, a := range e.actions() {
			switch a := a.(type) {
			case session.TypeText:
				got.WriteString(a.Text)
			case session.PressKey:
				got.WriteString("<" + a.Key + ">")
			}
		}
		return got.String() == want
	})
	if got.String() != want {
		t.Errorf("typed %q, want %q", got.String(), want)
	}
	e.forget()
}

func (f *finger) keys(t *testing.T, keys ...string) {
	t.Helper()
	for _, k := range keys {
		f.tap(t, `#keyboard [data-key="`+k+`"]`)
	}
}

func TestKeyboardTypes(t *testing.T) {
	e, f := onPortal(t, typing(kiosk.FieldText))
	f.sees(t, `#keyboard[data-layout="fr"]`)
	f.keys(t, "shift", "a", "z", "é", "space", "1", "erase", "left", "enter", "next")
	e.text(t, "Azé 1<Backspace><ArrowLeft><Enter><Tab>")

	f.keys(t, "shift", "shift", "w", "x", "shift", "c", "signs", "@", "letters", "q")
	e.text(t, "WXc@q")

	e.state.Set(typing(kiosk.FieldEmail))
	f.sees(t, `#keyboard [data-key=".fr"]`)
	f.keys(t, "a", "@", "b", ".fr")
	e.text(t, "a@b.fr")

	e.state.Set(typing(kiosk.FieldPhone))
	f.sees(t, `#keyboard[data-layout="phone"]`)
	f.keys(t, "0", "6", "letters", "a")
	e.text(t, "06a")

	// Whoever has no finger on the screen clicks without one.
	if err := f.page.Eval(f.ctx, `document.querySelector('#keyboard [data-key="z"]').click()`, nil); err != nil {
		t.Fatal(err)
	}
	e.text(t, "z")

	st := typing(kiosk.FieldText)
	st.Lang = "ar"
	e.state.Set(st)
	f.sees(t, `html[lang="ar"] #keyboard[data-layout="ar"]`)
	f.keys(t, "س", "ل", "latin", "a", "arabic", "م")
	e.text(t, "سلaم")

	st = typing(kiosk.FieldText)
	st.Lang = "en"
	e.state.Set(st)
	f.sees(t, `html[lang="en"] #keyboard[data-layout="en"]`)
	e.state.Set(func() session.State { st := browsing(nil); st.Lang = "en"; return st }())
	f.sees(t, `#keyboard[hidden]`)
	f.touch(t, `#toggle-keys`)
	f.keys(t, "q", "w")
	e.text(t, "qw")
}

// What is typed is in no text, value or attribute of the page, nor is a key of
// a password seen to go down.
func TestKeyboardKeepsNothing(t *testing.T) {
	e, f := onPortal(t, typing(kiosk.FieldPassword))
	f.sees(t, `#keyboard.quiet`)
	if err := f.page.Eval(f.ctx, `(() => {
		window.seen = [];
		new MutationObserver((list) => { for (const m of list) window.seen.push(m.type + ' ' + m.attributeName + ' ' + m.target.className); })
			.observe(document.querySelector('#keyboard'), {subtree: true, attributes: true, childList: true, characterData: true});
	})()`, nil); err != nil {
		t.Fatal(err)
	}
	f.keys(t, "m", "o", "t", "1", "2")
	e.text(t, "mot12")
	var seen []string
	if err := f.page.Eval(f.ctx, `window.seen`, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 0 {
		t.Errorf("the keys of a password change the screen: %v", seen)
	}
	var html string
	if err := f.page.Eval(f.ctx, `document.documentElement.outerHTML`, &html); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(html, "mot12") {
		t.Error("what was typed is in the page")
	}

	// A field that is gone takes with it what was meant for it.
	e.refuse(&kiosk.Error{Code: kiosk.CodeBadRequest})
	f.keys(t, "a")
	e.text(t, "a")
	e.refuse(nil)
	until(t, "a field that takes letters again", func() bool {
		f.keys(t, "b")
		return len(e.visitors()) > 0
	})
}

func TestBarAndQuestions(t *testing.T) {
	e, f := onPortal(t, browsing(nil))
	press := func(selector string) {
		t.Helper()
		f.sees(t, selector)
		f.touch(t, selector)
	}
	wants := func(want ...session.Action) {
		t.Helper()
		until(t, "the actions", func() bool { return len(e.visitors()) >= len(want) })
		got := e.visitors()
		if len(got) != len(want) {
			t.Errorf("got %#v, want %#v", got, want)
		}
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("got %#v, want %#v", got[i], want[i])
			}
		}
		e.forget()
	}
	for selector, want := range map[string]session.Action{
		`[data-command="back"]`:    session.BrowserDo{Command: kiosk.BrowserBack},
		`[data-command="larger"]`:  session.BrowserDo{Command: kiosk.BrowserLarger},
		`[data-command="smaller"]`: session.BrowserDo{Command: kiosk.BrowserSmaller},
		`#to-papers`:               session.Go{Screen: session.ScreenResult},
		`[data-do="mailbox"]`:      session.AskFor{Ask: session.AskMailbox},
		`.bar [data-ask="print"]`:  session.AskFor{Ask: session.AskPrint},
		`[data-do="code"]`:         session.WaitForCode{On: true},
	} {
		press(selector)
		wants(want)
	}
	f.sees(t, `#told [data-told="code"]`)
	press(`#told [data-do="understood"]`)
	f.sees(t, `#told[hidden]`)

	e.state.Set(asking(session.AskMailbox, nil))
	press(`[data-mailbox="laposte"]`)
	wants(session.OpenMailbox{Mailbox: "laposte"})
	e.state.Set(browsing(func(st *session.State) { st.Browse.Tabs = 2 }))
	press(`[data-do="mailbox"]`)
	wants(session.BrowserDo{Command: kiosk.BrowserMailbox})

	e.state.Set(asking(session.AskFile, tray))
	press(`#papers [data-document="d2"]`)
	wants(session.AttachDocument{Document: "d2"})
	press(`[data-act="refuse-choice"]`)
	wants(session.RefuseChoice{})
	press(`[data-do="key-for-choice"]`)
	wants(session.AddForChoice{}, session.ListKey{})

	// What was attached is said once the page is back, and what refused can be mended.
	e.state.Set(browsing(func(st *session.State) {
		st.Documents[0].Attached, st.Browse.Lighter = append(attached(), attached()...), true
	}))
	f.sees(t, `#told [data-told="attached"]`)
	press(`.bar [data-ask="refused"]`)
	wants(session.AskFor{Ask: session.AskRefused})
	e.state.Set(asking(session.AskRefused, func(st *session.State) {
		st.Documents[0].Attached, st.Browse.Lighter = append(attached(), attached()...), true
		st.Browse.Others = []kiosk.Format{kiosk.FormatPNG}
	}))
	f.sees(t, `li[data-when="browse.pdf"][hidden]`)
	press(`#as-image`)
	wants(session.Lighter{Format: kiosk.FormatPNG})
	e.state.Set(browsing(func(st *session.State) { st.Documents[0].Attached = append(attached(), attached()...) }))
	f.sees(t, `#told [data-told="again"]`)

	e.state.Set(browsing(elsewhere))
	press(`#go-there`)
	wants(session.OpenPortal{Portal: "france-travail"})
	press(`#stopped [data-when="browse.elsewhere"][data-do="understood"]`)
	f.sees(t, `#stopped[hidden]`)

	press(`.bar [data-open="language"]`)
	press(`#language [data-close]:not([data-act])`)
	press(`.command.leave`)
	press(`#leave [data-act="close-portal"]`)
	wants(session.ClosePortal{})
	e.state.Set(visit(session.ScreenResult, func(st *session.State) { st.Documents[0], st.Browser = finished(true), true }))
	press(`#open-site`)
	wants(session.OpenPortal{Portal: "caf"})
}

// visitors are the actions that a visitor asked for, without those that the
// page sends by itself.
func (e *engine) visitors() []session.Action {
	var got []session.Action
	for _, a := range e.actions() {
		switch a.(type) {
		case session.StillHere, session.PlaceBrowser:
		default:
			got = append(got, a)
		}
	}
	return got
}
