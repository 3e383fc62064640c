package ui_test

import (
	"strings"
	"testing"

	"pointnum/kiosk/session"
)

// read waits for a text to be read aloud and gives it.
func (e *engine) read(t *testing.T) string {
	t.Helper()
	text, found := "", false
	until(t, "something read aloud", func() bool {
		for _, a := range e.visitors() {
			if r, ok := a.(session.ReadAloud); ok {
				text, found = r.Text, true
			}
		}
		return found
	})
	e.forget()
	return text
}

// Who touches the loudspeaker hears what is on the screen, in its order, and
// nothing that is not seen.
func TestScreensAreReadAloud(t *testing.T) {
	e, f := onPortal(t, browsing(heard))
	f.touch(t, `.bar .read`)
	if text := e.read(t); text != "" {
		t.Errorf("the site's page is to be read, not %q", text)
	}

	e.state.Set(asking(session.AskFile, func(st *session.State) { tray(st); heard(st) }))
	f.sees(t, `[data-section="ask-file"]`)
	f.touch(t, `.top .read`)
	text := e.read(t)
	if !strings.HasPrefix(text, "Le site est ouvert") && !strings.HasPrefix(text, "Quel papier voulez-vous donner ?\nLe site demande un PDF") {
		t.Errorf("got %q", text)
	}
	for _, want := range []string{"La borne va le rendre plus léger.", "Scanner un nouveau papier"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not read: %q", want, text)
		}
	}
	for _, hidden := range []string{"Quelle est votre messagerie", "Besoin d’aide", "Vérifiez vos pages"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is read", hidden)
		}
	}
	e.state.Set(asking(session.AskFile, func(st *session.State) { tray(st); heard(st); st.Reading = true }))
	f.sees(t, `.top .read.marked`)
	f.touch(t, `.top .read`)
	if text := e.read(t); text != "" {
		t.Errorf("to end the reading %q is sent", text)
	}

	// A language that nobody would understand has no button, nor a kiosk
	// without sound.
	e.state.Set(asking(session.AskFile, func(st *session.State) { tray(st); st.Voice = true }))
	f.sees(t, `.top .read[hidden]`)
	e.state.Set(browsing(nil))
	f.sees(t, `.bar .read[hidden]`)
}
