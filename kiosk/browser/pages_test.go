package browser_test

import (
	"fmt"
	"image"
	"io"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
)

// TestPages tries what pages do in one visit: each start costs seconds.
func TestPages(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `<h1>portal</h1>`)
	o := s.options()
	foreign := make(chan string, 64)
	o.Foreign = func(host string) { foreign <- host }
	v := open(t, o)
	if err := v.Place(t.Context(), image.Rect(0, 200, 1000, 1100)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		test func(*testing.T, *site, *opened)
	}{
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
		{"the mailbox has a tab of its own", mailbox},
		{"pages are made larger for the visit", zooming},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, s, v) })
	}
	for len(foreign) > 0 {
		if h := <-foreign; h != "evil.test" {
			t.Errorf("a host was reported that is none: %q", h)
		}
	}
}

// goTo shows a page that is made of body.
func (v *opened) goTo(t *testing.T, s *site, path, body string) {
	t.Helper()
	s.page("portal.test"+path, body)
	if err := browser.Eval(t.Context(), v.Browsing, "location.href='"+s.at("portal.test", path)+"'", nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the page "+path, func() bool {
		var ready bool
		err := browser.Eval(t.Context(), v.Browsing, "location.pathname==='"+path+"'&&document.readyState==='complete'", &ready)
		return err == nil && ready
	})
	v.eval(t, painted)
}

func (v *opened) eval(t *testing.T, script string) string {
	t.Helper()
	var s any
	if err := browser.Eval(t.Context(), v.Browsing, script, &s); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(s)
}

// painted is true when a page can be touched: Chromium drops what comes before
// its first frame.
const painted = `new Promise(ok=>requestAnimationFrame(()=>requestAnimationFrame(()=>setTimeout(()=>ok(true),100))))`

// touch touches the middle of what a selector names in the front page.
func (v *opened) touch(t *testing.T, selector string) {
	t.Helper()
	var at [2]float64
	err := browser.Eval(t.Context(), v.Browsing, `(()=>{const r=document.querySelector('`+selector+`').getBoundingClientRect();return [r.x+Math.min(40,r.width/2),r.y+Math.min(20,r.height/2)]})()`, &at)
	if err != nil {
		t.Fatal(err)
	}
	v.touchAt(t, at[0], at[1])
}

func (v *opened) touchAt(t *testing.T, x, y float64) {
	t.Helper()
	if err := browser.Click(t.Context(), v.Browsing, x, y); err != nil {
		t.Fatal(err)
	}
}

func (v *opened) choice(t *testing.T) kiosk.FileChoice {
	t.Helper()
	return *v.until(t, "a choice", func(b kiosk.BrowserState) bool { return b.Choice != nil }).Choice
}

func (v *opened) attach(t *testing.T, files ...kiosk.Attachment) {
	t.Helper()
	if err := v.Attach(t.Context(), v.choice(t).ID, files); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the choice closed", func(b kiosk.BrowserState) bool { return b.Choice == nil })
}

// gets waits for an upload.
func (s *site) gets(t *testing.T, k, want string) {
	t.Helper()
	waitFor(t, "the upload "+k, func() bool { return len(s.sent(k)) > 0 })
	if got := s.sent(k); len(got) != 1 || got[0] != want {
		t.Errorf("%s: the portal got %q, want %q", k, got, want)
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

func choiceSaysWhatTheFieldSays(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/hint", upload+`<form><table><tr><td>RIB</td><td><input type=file id=other></td></tr>
<tr><td>Relevé <small>Formats acceptés : PDF, JPG. Taille maximale : 500 Ko</small></td>
<td><input type=file id=f accept=".pdf,image/jpeg" multiple></td></tr></table><p>3 fichiers maximum</p></form>`)
	v.touch(t, "#f")
	c := v.choice(t)
	if !c.Multiple || c.Folder || c.Drop || c.MaxBytes != 500_000 || fmt.Sprint(c.Formats) != "[pdf jpeg]" {
		t.Errorf("got %+v", c)
	}
	if err := v.Refuse(t.Context(), c.ID); err != nil {
		t.Error(err)
	}
}

func fieldsOfEveryKind(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/kinds", upload+`<style>body>*{display:block;height:40px;margin:4px}</style>
<input type=file id=plain onchange="up('plain',this.files)">
<input type=file id=multi multiple onchange="up('multi',this.files)">
<input type=file id=folder webkitdirectory onchange="up('folder',this.files)">
<label id=label>Parcourir<input type=file hidden onchange="up('label',this.files)"></label>
<div id=host></div>
<button id=made onclick="const i=document.createElement('input');i.type='file';i.onchange=()=>up('made',i.files);i.click()">x</button>
<button id=late onclick="setTimeout(()=>{const i=document.createElement('input');i.type='file';i.onchange=()=>up('late',i.files);i.click()},400)">x</button>
<input type=file id=pick hidden onchange="up('picker',this.files)"><button id=picker onclick="pick.showPicker()">x</button>
<input type=file id=emptied onchange="up('emptied',this.files);this.value=''">
<form action=/kinds2><input type=file id=sends onchange="up('sends',this.files)"></form>
<script>const r=host.attachShadow({mode:'closed'});r.innerHTML='<input type=file>';r.firstChild.onchange=e=>up('host',e.target.files)</script>
<button id=fsa onclick="window.out=typeof showOpenFilePicker+typeof showSaveFilePicker+typeof documentPictureInPicture+typeof document.body.requestFullscreen+typeof HTMLVideoElement.prototype.requestPictureInPicture">x</button>`)
	for _, id := range []string{"plain", "label", "host", "made", "late", "picker", "emptied", "sends"} {
		v.touch(t, "#"+id)
		if id == "made" { // longer than a field in no document lives
			v.choice(t)
			v.eval(t, "(()=>{let a=[];for(let i=0;i<200;i++)a.push(new ArrayBuffer(1e6));return a.length})()")
		}
		v.attach(t, attachment(id+".pdf", "%PDF-1.4 "+id))
		s.gets(t, id, fmt.Sprintf("%s.pdf:%d:%%PDF-1.4", id, 9+len(id)))
	}
	v.touch(t, "#multi")
	if c := v.choice(t); !c.Multiple {
		t.Errorf("got %+v", c)
	}
	v.attach(t, attachment("a.pdf", "%PDF-1.4"), attachment("b.jpg", "\xff\xd8\xff"))
	waitFor(t, "two files", func() bool { return len(s.sent("multi")) > 0 })
	if got := s.sent("multi")[0]; strings.Count(got, "|") != 1 {
		t.Errorf("the portal got %q", got)
	}
	v.touch(t, "#folder")
	if c := v.choice(t); !c.Folder {
		t.Errorf("got %+v", c)
	}
	v.attach(t, attachment("b.pdf", "%PDF-1.4 b"), attachment("a.pdf", "%PDF-1.4"))
	waitFor(t, "the files of a folder", func() bool { return len(s.sent("folder")) > 0 })
	if got := s.sent("folder")[0]; strings.Count(got, "|") != 1 || !strings.Contains(got, "b.pdf:10:") {
		t.Errorf("the portal got %q", got)
	}
	v.touch(t, "#fsa")
	if got := v.eval(t, "window.out"); got != strings.Repeat("undefined", 5) {
		t.Errorf("pickers of the file system, and what lies over the bar: %q", got)
	}
	v.touch(t, "#plain")
	two := []kiosk.Attachment{attachment("a.pdf", "x"), attachment("b.pdf", "y")}
	if err := v.Attach(t.Context(), v.choice(t).ID, two); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("two files for a field of one: %v", err)
	}
	wrong := attachment("a.pdf", "x")
	wrong.Size = 7
	if err := v.Attach(t.Context(), v.choice(t).ID, []kiosk.Attachment{wrong}); err == nil {
		t.Error("a file that is shorter than it says was attached")
	}
	for _, name := range []string{"../a.pdf", "a/b.pdf", "", ".."} {
		if err := v.Attach(t.Context(), v.choice(t).ID, []kiosk.Attachment{attachment(name, "x")}); err == nil {
			t.Errorf("a file named %q was attached", name)
		}
	}
}

func fieldInAFrame(t *testing.T, s *site, v *opened) {
	field := upload + `<input type=file style="height:40px" onchange="up('FRAME',this.files)">`
	s.page("service.test/frame", strings.ReplaceAll(field, "FRAME", "far"))
	s.page("portal.test/frame", strings.ReplaceAll(field, "FRAME", "near"))
	v.goTo(t, s, "/frames", `<style>iframe{display:block;height:120px}</style><iframe id=near src="/frame"></iframe>
<iframe id=far src="https://service.test:{port}/frame"></iframe><iframe id=evil src="https://evil.test:{port}/frame"></iframe>`)
	for _, id := range []string{"near", "far"} {
		v.touch(t, "#"+id)
		v.attach(t, attachment("x.pdf", "%PDF-1.4"))
		s.gets(t, id, "x.pdf:8:%PDF-1.4")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts["evil.test"] != 0 {
		t.Error("a frame of a foreign host was asked for")
	}
}

func refusedChoice(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/cancel", `<input type=file id=f oncancel="window.out='cancelled'">`)
	v.touch(t, "#f")
	id := v.choice(t).ID
	if err := v.Refuse(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := v.eval(t, "window.out"); got != "cancelled" {
		t.Errorf("the page saw %q", got)
	}
	if err := v.Refuse(t.Context(), id); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("again: %v", err)
	}
}

func dropZone(t *testing.T, s *site, v *opened) {
	zone := upload + `<div id=zone style="height:150px">Déposez</div><script>zone.ondragover=e=>e.preventDefault();
zone.ondrop=e=>{e.preventDefault();up('KIND',e.dataTransfer.files)}</script>`
	s.page("portal.test/dropin", strings.ReplaceAll(zone, "KIND", "nearzone"))
	s.page("service.test/dropin", strings.ReplaceAll(zone, "KIND", "farzone"))
	v.goTo(t, s, "/drops", `<p>Texte</p><iframe id=near src="/dropin"></iframe><p>x</p><iframe id=far src="https://service.test:{port}/dropin"></iframe>`)
	for _, id := range []string{"near", "far"} {
		v.touch(t, "#"+id)
		if c := v.choice(t); !c.Drop {
			t.Errorf("got %+v", c)
		}
		v.attach(t, attachment("z.pdf", "%PDF-1.4"))
		s.gets(t, id+"zone", "z.pdf:8:%PDF-1.4")
	}
	v.goTo(t, s, "/low", `<div style="height:700px">x</div><iframe id=far src="https://service.test:{port}/dropin" style="height:180px"></iframe>`)
	for range 2 {
		if err := v.Do(t.Context(), kiosk.BrowserLarger); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "a larger page", func() bool { return v.eval(t, "far.getBoundingClientRect().height>260") == "true" })
	v.eval(t, "far.scrollIntoView()")
	v.eval(t, painted)
	v.touch(t, "#far")
	v.choice(t)
	v.eval(t, "scrollTo(0,0)") // it is out of sight now
	v.attach(t, attachment("low.pdf", "%PDF-1.4"))
	waitFor(t, "a second drop in the frame", func() bool { return len(s.sent("farzone")) == 2 })
	for range 2 {
		if err := v.Do(t.Context(), kiosk.BrowserSmaller); err != nil {
			t.Fatal(err)
		}
	}
	v.goTo(t, s, "/drop", upload+`<p id=text>Du texte</p><div id=zone style="height:200px;border:3px dashed">Déposez vos fichiers ici (max 2 Mo)</div>
<script>addEventListener('dragover',e=>{});zone.addEventListener('dragover',e=>e.preventDefault());
zone.addEventListener('drop',e=>{e.preventDefault();up('zone',e.dataTransfer.files)})</script>`)
	v.touch(t, "#text")
	v.touch(t, "#zone")
	c := v.choice(t)
	if !c.Drop || c.MaxBytes != 2_000_000 {
		t.Errorf("got %+v", c)
	}
	v.attach(t, attachment("z.pdf", "%PDF-1.4"))
	s.gets(t, "zone", "z.pdf:8:%PDF-1.4")
}

// A zone that takes the touch and not the files.
func refusingZone(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/refuses", `<div id=space style="height:800px">x</div><div id=zone style="height:80px">Déposez</div><script>
zone.ondrop=e=>e.preventDefault();zone.ondragover=e=>{if(!e.isTrusted)e.preventDefault()}</script>`)
	v.eval(t, "zone.scrollIntoView()")
	v.touch(t, "#zone")
	c := v.choice(t)
	err := v.Attach(t.Context(), c.ID, []kiosk.Attachment{attachment("z.pdf", "%PDF-1.4")})
	if kiosk.CodeOf(err) != kiosk.CodeBrowserBroken {
		t.Errorf("files that no one took: %v", err)
	}
	v.eval(t, painted)
	if b := v.now(); v.eval(t, "location.pathname") != "/refuses" || len(b.Downloads) > 0 {
		t.Errorf("the file was opened: %+v", b)
	}
	if err := v.Refuse(t.Context(), c.ID); err != nil {
		t.Error(err)
	}
}

func lateAnswer(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/late", `<input type=file id=f>`)
	v.touch(t, "#f")
	c := v.choice(t)
	v.goTo(t, s, "/late2", `gone`)
	v.until(t, "no choice", func(b kiosk.BrowserState) bool { return b.Choice == nil })
	err := v.Attach(t.Context(), c.ID, []kiosk.Attachment{attachment("a.pdf", "x")})
	if kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("got %v", err)
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
