package browser_test

import (
	"fmt"
	"testing"

	"pointnum/kiosk"
)

// TestWhatTouchesTell tries what pages tell of touches in one visit.
func TestWhatTouchesTell(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `<h1>portal</h1>`)
	v := open(t, s.options())
	t.Run("who reads and scrolls is there", func(t *testing.T) { touched(t, s, v) })
	t.Run("a zone is read as it is seen", func(t *testing.T) { zoneWords(t, s, v) })
	t.Run("a refused link names its host", func(t *testing.T) { refusedHost(t, s, v) })
}

// zoneWords: what stands in and beside a zone is what it takes.
func zoneWords(t *testing.T, s *site, v *opened) {
	zone := `<div id=zone style="height:150px"><p>Glissez vos fichiers ici</p>%s</div><script>zone.ondragover=e=>e.preventDefault();zone.ondrop=e=>e.preventDefault()</script>`
	for path, c := range map[string]struct{ body, want string }{
		"/inside": {fmt.Sprintf(zone, `<p>PDF, JPG ou PNG, 4 Mo max</p>`), "[pdf jpeg png] 4000000"},
		"/beside": {`<section><h2>Vos papiers</h2>` + fmt.Sprintf(zone, "") + `<small>Format PDF, 2 Mo maximum</small></section>`, "[pdf] 2000000"},
		"/silent": {fmt.Sprintf(zone, ""), "[] 0"},
	} {
		v.goTo(t, s, path, c.body)
		v.touch(t, "#zone")
		choice := v.choice(t)
		if got := fmt.Sprint(choice.Formats, choice.MaxBytes); !choice.Drop || got != c.want {
			t.Errorf("%s: got %s, want %s", path, got, c.want)
		}
		if err := v.Refuse(t.Context(), choice.ID); err != nil {
			t.Fatal(err)
		}
		v.until(t, "no choice", func(b kiosk.BrowserState) bool { return b.Choice == nil })
	}
}

func refusedHost(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/away", `<a id=away href="https://www.other.test:{port}/page?token=1" style="display:block;height:60px">other</a>`)
	v.touch(t, "#away")
	state := v.until(t, "the page refused", func(b kiosk.BrowserState) bool { return b.Stopped != "" })
	if state.Stopped != kiosk.StopForeign || state.StoppedAt != "www.other.test" {
		t.Errorf("got %q at %q", state.Stopped, state.StoppedAt)
	}
	v.goTo(t, s, "/back", `<h1>back</h1>`)
	v.until(t, "nothing stopped", func(b kiosk.BrowserState) bool { return b.Stopped == "" && b.StoppedAt == "" })
}

// touched: who reads and scrolls is there, and a page that moves by itself is
// nobody.
func touched(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/read", `<div style="height:9000px">a long text</div>`)
	before := v.now().Touches
	v.eval(t, `new Promise(ok=>{addEventListener('scroll',()=>ok(true),{once:true});scrollTo(0,500);dispatchEvent(new PointerEvent('pointerdown'))})`)
	v.eval(t, painted)
	if v.now().Touches != before {
		t.Error("a page that scrolls by itself counts as a touch")
	}
	v.touchAt(t, 200, 200)
	v.until(t, "the touch counted", func(b kiosk.BrowserState) bool { return b.Touches > before })
	once := v.now().Touches
	for range 5 {
		v.touchAt(t, 200, 200)
	}
	v.eval(t, painted)
	if n := v.now().Touches - once; n > 1 {
		t.Errorf("%d touches told of five in a moment", n)
	}
}
