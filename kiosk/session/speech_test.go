package session_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// voice reads until it is told to end, or as long as took.
type voice struct {
	took time.Duration

	mu    sync.Mutex
	said  []string
	quiet int // readings that ended
}

func (v *voice) Speaks(lang string) bool { return lang != "ar" }

func (v *voice) Say(ctx context.Context, text, lang string) error {
	v.mu.Lock()
	v.said = append(v.said, lang+": "+text)
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.quiet++
		v.mu.Unlock()
	}()
	over := make(<-chan time.Time)
	if v.took > 0 {
		over = time.After(v.took)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-over:
		return nil
	}
}

func (v *voice) heard() (string, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.Join(v.said, "; "), v.quiet
}

func aloud(v *voice) func(*session.Config) {
	return func(c *session.Config) { c.Voice = v }
}

func (r *rig) reads(t *testing.T, want bool) {
	t.Helper()
	r.wait("reading", func(s session.State) bool { return s.Reading == want })
}

func TestAPageIsReadUntilSomethingElseComes(t *testing.T) {
	for name, end := range map[string]func(*rig, *browser){
		"a second touch": func(r *rig, _ *browser) { r.do(session.ReadAloud{}) },
		"the way back":   func(r *rig, _ *browser) { r.do(session.BrowserDo{Command: kiosk.BrowserBack}) },
		"another screen": func(r *rig, _ *browser) { r.do(session.Go{Screen: session.ScreenScan}) },
		"another page":   func(_ *rig, b *browser) { b.tell(func(s *kiosk.BrowserState) { s.Loading = true }) },
		"a question":     func(_ *rig, b *browser) { b.choose(kiosk.FileChoice{ID: "1"}) },
		"a download":     func(_ *rig, b *browser) { b.gives("d1", "%PDF-x") },
		"the portal's end": func(r *rig, b *browser) {
			r.do(session.ClosePortal{})
			eventually(t, "the browser closed", func() bool { return b.closed() == 1 })
		},
		"the visit's end": func(r *rig, _ *browser) { r.do(session.Leave{}); r.screen(session.ScreenGoodbye) },
		"a shutdown":      func(r *rig, _ *browser) { r.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			b, v := &browser{}, &voice{}
			r := browsing(t, b, aloud(v))
			r.do(session.ReadAloud{})
			eventually(t, "the page read", func() bool { said, _ := v.heard(); return said == "fr-FR: Votre dossier" })
			r.do(session.TypeText{Text: "x"}, session.BrowserDo{Command: kiosk.BrowserLarger})
			if s := r.now(); !s.Voice || !s.Speaks || !s.Reading {
				t.Errorf("voice %v, speaks %v, reading %v", s.Voice, s.Speaks, s.Reading)
			}
			end(r, b)
			eventually(t, "silence", func() bool { _, quiet := v.heard(); return quiet == 1 })
			if name != "a shutdown" {
				r.reads(t, false)
			}
			for _, f := range r.files() {
				if content, err := os.ReadFile(f); err == nil && strings.Contains(string(content), "Votre dossier") {
					t.Error("what was read is in a file")
				}
			}
		})
	}
}

func TestTheKioskReadsItsOwnScreens(t *testing.T) {
	v := &voice{took: time.Millisecond}
	r := start(t, aloud(v))
	r.do(session.ReadAloud{Text: "Choisissez votre langue"}) // before there is a visit
	eventually(t, "it read", func() bool { said, _ := v.heard(); return said == "fr: Choisissez votre langue" })
	r.reads(t, false)
	r.refused(session.ReadAloud{}, session.ReadAloud{Text: strings.Repeat("x", 20_000)})
	r.do(session.Start{Lang: "ar"})
	r.refused(session.ReadAloud{Text: "x"})
	if s := r.now(); !s.Voice || s.Speaks {
		t.Errorf("voice %v, speaks %v", s.Voice, s.Speaks)
	}
	start(t).refused(session.ReadAloud{Text: "x"})
}

func TestNobodyIsAskedWhileTheyListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in its time: the minutes below pass at once
		b, v := &browser{}, &voice{took: 4 * time.Minute}
		r := browsing(t, b, aloud(v))
		r.do(session.ReadAloud{})
		time.Sleep(4*time.Minute + time.Second)
		synctest.Wait()
		if s := r.now(); s.Reading || !s.IdleWarning.IsZero() {
			t.Errorf("reading %v, warning %v", s.Reading, s.IdleWarning)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if r.now().IdleWarning.IsZero() {
			t.Error("not asked afterwards")
		}
		r.stop()
	})
}
