package browser_test

import (
	"fmt"
	"strings"
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
	t.Run("a page is read as it is seen", func(t *testing.T) { textOfAPage(t, s, v) })
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

func textOfAPage(t *testing.T, s *site, v *opened) {
	s.page("service.test/inner", `<p>Dans le cadre</p><p style="display:none">caché</p>`)
	s.page("portal.test/near", `<p>Cadre voisin</p>`)
	v.goTo(t, s, "/read", `<script>document.documentElement.lang='fr-FR'</script>
<h1>Votre <b>dossier</b></h1><p>Il manque<br>un papier.</p><p hidden>secret</p><script>var x='code'</script>
<label>Nom <input value="Durand"></label><input type=password value="motdepasse"><textarea>message</textarea>
<select><option>choix</select><img alt="Logo CAF" width=50 height=20 src="data:,"><input type=submit value="Envoyer">
<div id=host></div><script>host.attachShadow({mode:'open'}).innerHTML='<p>Ombre <slot></slot></p>'</script>
<iframe src="/near" height=60></iframe><iframe src="https://service.test:{port}/inner" height=60></iframe>
<p style="position:absolute;top:9000px">tout en bas</p>`)
	waitFor(t, "the frames", func() bool {
		text, _, err := v.Text(t.Context())
		return err == nil && strings.Contains(text, "Dans le cadre") && strings.Contains(text, "Cadre voisin")
	})
	text, lang, err := v.Text(t.Context())
	if err != nil || lang != "fr-FR" {
		t.Errorf("language %q, %v", lang, err)
	}
	if !strings.HasPrefix(text, "Votre dossier\nIl manque\nun papier.\nNom") {
		t.Errorf("got %q", text)
	}
	for _, word := range []string{"Logo CAF", "\nEnvoyer\n", "Ombre"} {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not read: %q", word, text)
		}
	}
	for _, word := range []string{"secret", "code", "Durand", "motdepasse", "message", "choix", "caché", "tout en bas"} {
		if strings.Contains(text, word) {
			t.Errorf("%q is read", word)
		}
	}
	v.eval(t, `getSelection().selectAllChildren(document.querySelector('h1'))`)
	if text, _, err := v.Text(t.Context()); err != nil || text != "Votre dossier" {
		t.Errorf("selected: %q, %v", text, err)
	}
	v.goTo(t, s, "/huge", `<p id=p style="font-size:8px"></p><script>p.textContent='mot '.repeat(1e6)</script>`)
	if text, _, err := v.Text(t.Context()); err != nil || len(text) > 16_000 || len(text) < 1000 {
		t.Errorf("huge: %d bytes, %v", len(text), err)
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
