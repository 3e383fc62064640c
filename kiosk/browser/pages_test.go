package browser_test

import (
	"image"
	"io"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
)

// TestPages tries what pages do.
func TestPages(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `<h1>portal</h1>`)
	o := s.options()
	foreign := make(chan string, 64)
	o.Foreign = func(host string) { foreign <- host }
	inOneVisit(t, s, o, image.Rect(0, 200, 1000, 1100), []behaviour{
		{"pages are asked for in the visitor's language", languageIsAsked},
		{"a choice says what the field says", choiceSaysWhatTheFieldSays},
		{"fields of every kind get files", fieldsOfEveryKind},
		{"a field in a frame of another site gets a file", fieldInAFrame},
		{"a refused choice reaches the page", refusedChoice},
		{"a zone to drop files on gets them", dropZone},
		{"files that a zone does not take are told", refusingZone},
		{"an answer that is too late is refused", lateAnswer},
		{"pages beyond the portal are not shown", beyondThePortal},
		{"popups lie over their page and go with Back", popups},
		{"questions of pages do not stop the kiosk", dialogs},
		{"downloads are taken once", downloads},
		{"printing is the kiosk's", printing},
		{"the keyboard types in every frame", typing},
		{"the keyboard stays while a finger is down", fingerDown},
		{"the mailbox has a tab of its own", mailbox},
		{"pages are made larger for the visit", zooming},
	})
	for len(foreign) > 0 {
		if h := <-foreign; h != "evil.test" {
			t.Errorf("a host was reported that is none: %q", h)
		}
	}
}

func languageIsAsked(t *testing.T, s *site, v *opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(s.lang, "ar,fr") {
		t.Errorf("asked for %q", s.lang)
	}
	if got := v.eval(t, "navigator.language+navigator.webdriver"); got != "arfalse" {
		t.Errorf("the page sees %q", got)
	}
}

func beyondThePortal(t *testing.T, s *site, v *opened) {
	s.page("evil.test/", `evil`)
	v.goTo(t, s, "/out", `<input id=i><a id=a>a</a>`)
	v.eval(t, "i.value='typed'")
	for _, c := range []struct {
		address string
		want    kiosk.BrowserStop
	}{
		{s.at("evil.test", "/"), kiosk.StopForeign},
		{"mailto:a@b.test", kiosk.StopScheme},
		{"tel:123", kiosk.StopScheme},
		{"https://service.test:1/", kiosk.StopNetwork},
		{"https://evil.test:1/", kiosk.StopForeign},
	} {
		v.eval(t, "a.href='"+c.address+"'")
		v.touch(t, "#a")
		v.until(t, c.address+" is stopped", func(b kiosk.BrowserState) bool { return b.Stopped == c.want && b.Host == "portal.test" })
		if got := v.eval(t, "location.pathname+window.i?.value"); got != "/outtyped" {
			t.Errorf("%s: the page before has %q", c.address, got)
		}
	}
	v.goTo(t, s, "/next", `next`)
	v.until(t, "the reason is forgotten", func(b kiosk.BrowserState) bool { return b.Stopped == "" && b.CanBack })
	if err := v.Do(t.Context(), kiosk.BrowserBack); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the page before", func() bool { return v.eval(t, "location.pathname") == "/out" })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts["evil.test"] != 0 {
		t.Error("a foreign host was reached")
	}
}

func popups(t *testing.T, s *site, v *opened) {
	s.page("service.test/pop", `<title>pop</title>popup`)
	v.goTo(t, s, "/pops", `<style>a{display:block;height:40px}</style>
<a id=win href="javascript:void open('https://service.test:{port}/pop','_blank','width=300,height=200')">a</a>
<a id=blank target=_blank rel="noopener noreferrer" href="https://service.test:{port}/pop">b</a>
<a id=evil target=_blank href="https://evil.test:{port}/">c</a>`)
	for _, id := range []string{"#win", "#blank"} {
		v.touch(t, id)
		v.until(t, "the popup of "+id, func(b kiosk.BrowserState) bool { return b.Host == "service.test" && b.CanBack })
		if err := v.Do(t.Context(), kiosk.BrowserBack); err != nil {
			t.Fatal(err)
		}
		v.until(t, "the page under it", func(b kiosk.BrowserState) bool { return b.Host == "portal.test" })
	}
	v.touch(t, "#evil")
	v.until(t, "a foreign popup is stopped", func(b kiosk.BrowserState) bool { return b.Stopped == kiosk.StopForeign && b.Host == "portal.test" })
	if got := v.eval(t, "document.title"); got != "t" {
		t.Errorf("in front is %q", got)
	}
}

func dialogs(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/ask", `<button id=b onclick="alert('x');window.out=String(confirm('y'))+prompt('z')">b</button>
<script>addEventListener('beforeunload',e=>{e.preventDefault();e.returnValue='x'})</script>`)
	v.touch(t, "#b")
	waitFor(t, "the answers", func() bool { return v.eval(t, "window.out") == "truenull" })
	v.goTo(t, s, "/asked", `left`)
}

func downloads(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/files", `<style>a{display:block;height:40px}</style><a id=attached href="/attached.pdf">a</a><a id=inline href="/inline.pdf">b</a>
<a id=named href="/inline.pdf" download="mon fichier.pdf">c</a><a id=window target=_blank href="/inline.pdf">d</a>
<a id=blob>e</a><script>blob.href=URL.createObjectURL(new Blob(['%PDF-1.4 blob'],{type:'application/pdf'}));blob.download='b.pdf'</script>`)
	for id, want := range map[string]string{"attached": pdf, "inline": pdf, "named": pdf, "window": pdf, "blob": "%PDF-1.4 blob"} {
		v.touch(t, "#"+id)
		b := v.until(t, "the download "+id, func(b kiosk.BrowserState) bool { return len(b.Downloads) == 1 && b.Downloads[0].Done })
		d := b.Downloads[0]
		if d.Size != int64(len(want)) || !strings.HasSuffix(d.Name, ".pdf") {
			t.Errorf("%s: got %+v", id, d)
		}
		r, err := v.Take(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil || string(raw) != want {
			t.Errorf("%s: read %q, %v", id, raw, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := v.Take(t.Context(), d.ID); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%s: taken twice: %v", id, err)
		}
		v.until(t, "the page under it", func(b kiosk.BrowserState) bool { return len(b.Downloads) == 0 && b.Host == "portal.test" })
		if got := v.eval(t, "location.pathname"); got != "/files" {
			t.Errorf("%s: in front is %q", id, got)
		}
	}
}

func printing(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/print", `<h1>Print me</h1><button id=b onclick="print();document.execCommand('print')">b</button>`)
	before := v.now().Print
	v.touch(t, "#b")
	v.until(t, "two prints", func(b kiosk.BrowserState) bool { return b.Print == before+2 })
	raw, err := v.Print(t.Context())
	if err != nil || !strings.HasPrefix(string(raw), "%PDF-") {
		t.Errorf("got %.20q, %v", raw, err)
	}
}

func typing(t *testing.T, s *site, v *opened) {
	s.page("service.test/type", `<input id=far type=password style="height:40px">`)
	v.goTo(t, s, "/type", `<style>*{margin:0;padding:0}input,textarea,iframe,div{display:block;height:40px}</style>
<input id=text><input id=tel type=tel><input id=code inputmode=numeric><input id=mail type=email><div id=host></div>
<input id=box type=checkbox><iframe id=frame src="https://service.test:{port}/type"></iframe>
<script>const r=host.attachShadow({mode:'closed'});r.innerHTML='<input id=in>';window.inner=r.firstChild</script>`)
	for _, c := range []struct {
		id   string
		want kiosk.FieldKind
	}{{"text", kiosk.FieldText}, {"tel", kiosk.FieldPhone}, {"code", kiosk.FieldNumber}, {"mail", kiosk.FieldEmail}, {"host", kiosk.FieldText}, {"frame", kiosk.FieldPassword}, {"box", ""}} {
		v.touch(t, "#"+c.id)
		v.until(t, "the kind of "+c.id, func(b kiosk.BrowserState) bool { return b.Typing == c.want })
	}
	v.touch(t, "#text")
	v.until(t, "the cursor", func(b kiosk.BrowserState) bool { return b.Typing == kiosk.FieldText })
	if err := v.Type(t.Context(), "é مرحبا 你好!"); err != nil {
		t.Fatal(err)
	}
	if err := v.Press(t.Context(), "Backspace"); err != nil {
		t.Fatal(err)
	}
	if got := v.eval(t, "text.value"); got != "é مرحبا 你好" {
		t.Errorf("typed %q", got)
	}
	for _, key := range []string{"F12", "a", "Control", "Escape", ""} {
		if err := v.Press(t.Context(), key); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%q was pressed: %v", key, err)
		}
	}
	v.eval(t, "text.blur()")
	v.until(t, "no cursor", func(b kiosk.BrowserState) bool { return b.Typing == "" })
}

// fingerDown: a keyboard that goes makes room for the page, which moves then;
// the finger would come up beside what it was put on.
func fingerDown(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/finger", `<style>*{margin:0}input,button{display:block;height:50px;width:90px}</style>
<input id=text><input id=tel type=tel><button id=b onclick="window.out='clicked'">b</button>`)
	in, err := browser.Look(v.Browsing)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		on   string
		y    int
		want kiosk.FieldKind
	}{{"a field", 25, kiosk.FieldText}, {"another field", 75, kiosk.FieldPhone}, {"a button", 125, ""}} {
		before := v.now().Typing
		finger := func(kind string) {
			t.Helper()
			err := in.Devtools.Call(t.Context(), in.Session, "Input.dispatchMouseEvent", map[string]any{
				"type": kind, "x": 20, "y": c.y, "button": "left", "clickCount": 1}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
		finger("mousePressed")
		v.eval(t, painted)
		if now := v.now().Typing; now != before {
			t.Errorf("down on %s: typing %q after %q", c.on, now, before)
		}
		finger("mouseReleased")
		v.until(t, "the finger off "+c.on, func(b kiosk.BrowserState) bool { return b.Typing == c.want })
	}
	if got := v.eval(t, "window.out"); got != "clicked" {
		t.Errorf("the button says %q", got)
	}
}

func mailbox(t *testing.T, s *site, v *opened) {
	s.page("mail.test/", `mailbox`)
	v.goTo(t, s, "/form", `<input id=i>`)
	v.eval(t, "i.value='half a form'")
	if err := v.OpenMailbox(t.Context(), s.at("evil.test", "/")); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("a foreign mailbox: %v", err)
	}
	if err := v.OpenMailbox(t.Context(), s.at("mail.test", "/")); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the mailbox", func(b kiosk.BrowserState) bool { return b.Mailbox && b.Tabs == 2 && b.Host == "mail.test" })
	if err := v.Do(t.Context(), kiosk.BrowserPortal); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the portal", func(b kiosk.BrowserState) bool { return !b.Mailbox && b.Host == "portal.test" })
	if got := v.eval(t, "i.value"); got != "half a form" {
		t.Errorf("the form has %q", got)
	}
	if err := v.Do(t.Context(), kiosk.BrowserMailbox); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the mailbox again", func(b kiosk.BrowserState) bool { return b.Mailbox })
	if err := v.Do(t.Context(), kiosk.BrowserHome); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the portal's first page", func(b kiosk.BrowserState) bool { return !b.Mailbox })
	waitFor(t, "home", func() bool { return v.eval(t, "location.pathname") == "/" })
}

func zooming(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/zoom", `<div id=d style="width:100px">x</div>`)
	for range 4 {
		if err := v.Do(t.Context(), kiosk.BrowserLarger); err != nil {
			t.Fatal(err)
		}
	}
	v.until(t, "200 %", func(b kiosk.BrowserState) bool { return b.Zoom == 200 })
	v.goTo(t, s, "/zoom2", `<div id=d style="width:100px">x</div>`)
	waitFor(t, "the next page is as large", func() bool { return v.eval(t, "d.getBoundingClientRect().width") == "200" })
	for range 20 {
		if err := v.Do(t.Context(), kiosk.BrowserSmaller); err != nil {
			t.Fatal(err)
		}
	}
	v.until(t, "100 %", func(b kiosk.BrowserState) bool { return b.Zoom == 100 })
}
