package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"pointnum/kiosk"
)

// gets waits for an upload.
func (s *site) gets(t *testing.T, k, want string) {
	t.Helper()
	waitFor(t, "the upload "+k, func() bool { return len(s.sent(k)) > 0 })
	if got := s.sent(k); len(got) != 1 || got[0] != want {
		t.Errorf("%s: the portal got %q, want %q", k, got, want)
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
