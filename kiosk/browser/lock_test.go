package browser_test

import (
	"context"
	"image"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser"
	"pointnum/kiosk/browser/xtest"
)

// slow is longer than pages may hang in TestLock.
const slow = 6 * time.Second

// TestLock tries what would keep a visitor from the portal.
func TestLock(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `<h1>portal</h1>`)
	o := s.options()
	o.Hang = 2 * time.Second
	inOneVisit(t, s, o, image.Rect(0, 200, 1000, 1100), []behaviour{
		{"a blank popup does not hide the portal", blankPopup},
		{"a popup that its page writes is shown", writtenPopup},
		{"a portal's page does not become a blank one", blankPage},
		{"keys do nothing in Chromium itself", keysOfChromium},
		{"a page that keeps its events drops no link", dragged},
		{"zones in frames of frames get files", nestedZones},
		{"nothing gets the full screen or lies above all", overAll},
		{"a portal that is slow to answer is waited for", slowAnswer},
		{"questions without end are ended", questionsWithoutEnd},
	})
}

func blankPopup(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/blank", `<style>button{display:block;height:40px}</style>
<button id=blank onclick="window.w=window.open()">a</button><button id=data onclick="window.w=window.open('data:text/html,x')">b</button>`)
	for _, id := range []string{"#blank", "#data"} {
		v.touch(t, id)
		waitFor(t, "the popup of "+id, func() bool { return v.eval(t, "!!window.w") == "true" })
		// The guard has looked at it when Chromium answers for it.
		waitFor(t, "the popup to be known", func() bool { return pages(t, v) > 1 })
		if got := v.eval(t, "location.pathname"); got != "/blank" {
			t.Errorf("after %s %q is in front", id, got)
		}
		v.eval(t, "window.w.close();delete window.w")
		waitFor(t, "the popup closed", func() bool { return pages(t, v) == 1 })
	}
}

func writtenPopup(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/write", `<button id=b onclick="window.w=window.open();setTimeout(()=>w.document.write('<title>receipt</title>written'),300)">b</button>`)
	v.touch(t, "#b")
	v.soon(t, "the popup", "document.title", "receipt")
	if err := v.Do(t.Context(), kiosk.BrowserBack); err != nil {
		t.Fatal(err)
	}
	v.soon(t, "the page under it", "location.pathname", "/write")
}

func blankPage(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/self", `<a id=a href="about:blank">a</a>`)
	v.touch(t, "#a")
	v.until(t, "the page is stopped", func(b kiosk.BrowserState) bool { return b.Stopped == kiosk.StopScheme })
	v.soon(t, "the page again", "location.pathname", "/self")
}

// keysOfChromium sends keys to the page, as Chromium does in a window of
// --kiosk before it does anything by itself.
func keysOfChromium(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/keys", `<input id=f style="height:40px"><script>window.got='';
const say=e=>{if(e.key.length===1||/^(F\d+|Escape|Home|Delete)$/.test(e.key))window.got+=(e.defaultPrevented?'-':'+')+e.key+' '};
Event.prototype.preventDefault=()=>{};addEventListener('keydown',e=>{e.stopImmediatePropagation();say(e)},true)</script>`)
	v.touch(t, "#f")
	in, err := browser.Look(v.Browsing)
	if err != nil {
		t.Fatal(err)
	}
	const alt, ctrl, shift = 1, 2, 8
	before := v.now().Print
	for _, k := range []struct {
		key  string
		held int
		want string
	}{
		{"a", 0, "+"}, {"A", shift, "+"}, {"Escape", 0, "+"}, {"c", ctrl, "+"}, {"v", ctrl, "+"}, {"b", alt, "+"}, {"Delete", 0, "+"},
		{"t", ctrl, "-"}, {"w", ctrl, "-"}, {"I", ctrl | shift, "-"}, {"C", ctrl | shift, "-"}, {"F1", 0, "-"}, {"F12", 0, "-"}, {"F4", alt, "-"},
		{"Home", alt, "-"}, {"1", alt, "-"}, {"Escape", shift, "-"}, {"Delete", ctrl | shift, "-"}, {"p", ctrl, "-"}, {"a", ctrl | alt, "-"},
	} {
		v.eval(t, "window.got=''")
		for _, kind := range []string{"rawKeyDown", "keyUp"} {
			err := in.Devtools.Call(t.Context(), in.Session, "Input.dispatchKeyEvent", map[string]any{
				"type": kind, "key": k.key, "code": "Key" + strings.ToUpper(k.key), "modifiers": k.held}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := v.eval(t, "window.got"); got != k.want+k.key+" " {
			t.Errorf("%s with %d: got %q, want %s", k.key, k.held, got, k.want)
		}
	}
	v.until(t, "the key to print is told", func(b kiosk.BrowserState) bool { return b.Print == before+1 })
}

func dragged(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/drag", `<style>*{margin:0}a,div{display:block;height:100px;user-select:none}</style><a href="/elsewhere">link</a><div>b</div>
<script>window.seen='';for(const k of ['dragstart','dragover','drop'])addEventListener(k,e=>{window.seen+=k;e.stopImmediatePropagation()},true)</script>`)
	in, err := browser.Look(v.Browsing)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		kind string
		y    int
	}{{"mousePressed", 50}, {"mouseMoved", 60}, {"mouseMoved", 100}, {"mouseMoved", 150}, {"mouseReleased", 150}} {
		err := in.Devtools.Call(t.Context(), in.Session, "Input.dispatchMouseEvent", map[string]any{
			"type": e.kind, "x": 10, "y": e.y, "button": "left", "buttons": 1, "clickCount": 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	v.eval(t, painted)
	if got := v.eval(t, "location.pathname+window.seen"); got != "/dragdragstart" {
		t.Errorf("got %q", got)
	}
}

// nestedZones drops files in a frame of another host in the page's own
// process, and in frames within a frame of another process.
func nestedZones(t *testing.T, s *site, v *opened) {
	zone := upload + `<style>*{margin:0}</style><div id=zone style="height:80px">Déposez</div><script>zone.ondragover=e=>e.preventDefault();
zone.ondrop=e=>{e.preventDefault();up(location.hash.slice(1),e.dataTransfer.files)}</script>`
	const frame = `<iframe src="https://HOST:{port}/zone#KEY" style="display:block;border:7px solid;height:90px;margin:11px"></iframe>`
	in := func(host, key string) string { return strings.NewReplacer("HOST", host, "KEY", key).Replace(frame) }
	for _, host := range []string{"portal.test", "sub.portal.test", "service.test"} {
		s.page(host+"/zone", zone)
	}
	s.page("service.test/nest", `<style>*{margin:0}</style><p>x</p>`+in("service.test", "deep")+in("portal.test", "back"))
	v.goTo(t, s, "/nest", in("sub.portal.test", "sub")+`<iframe id=nest src="https://service.test:{port}/nest" style="display:block;height:300px"></iframe>`)
	for _, c := range []struct {
		key  string
		x, y float64
	}{{"sub", 40, 60}, {"deep", 60, 190}, {"back", 60, 300}} {
		v.touchAt(t, c.x, c.y)
		v.attach(t, attachment("n.pdf", "%PDF-1.4"))
		s.gets(t, c.key, "n.pdf:8:%PDF-1.4")
	}
}

func overAll(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/over", `<iframe id=f></iframe><video id=v></video><button id=b style="height:40px" onclick="
const w=f.contentWindow,out=[];
for(const [n,g] of [['full',()=>w.Element.prototype.requestFullscreen.call(document.body)],['own',()=>document.body.requestFullscreen()],
['pip',()=>w.HTMLVideoElement.prototype.requestPictureInPicture.call(v)],['doc',()=>w.documentPictureInPicture.requestWindow()]])
  try{g();out.push(n)}catch{}
window.out=out.join()">b</button>`)
	v.touch(t, "#b")
	v.soon(t, "the tries", "window.out!==undefined", "true")
	if got := v.eval(t, "window.out"); got != "" {
		t.Errorf("a page may call %s", got)
	}
}

func slowAnswer(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/wait", `<a id=a href="/slow">a</a>`)
	before := v.now().Restarted
	s.page("portal.test/slow", "slow")
	v.touch(t, "#a")
	v.soon(t, "the slow page", "location.pathname", "/slow")
	if n := v.now().Restarted - before; n != 0 {
		t.Errorf("the page was ended %d times", n)
	}
	// And one that never answers keeps nobody.
	s.page("portal.test/", `<h1>portal</h1>`)
	if err := browser.Eval(t.Context(), v.Browsing, "location.href='/never'", nil); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the page loads", func(b kiosk.BrowserState) bool { return b.Loading })
	if err := v.Do(t.Context(), kiosk.BrowserHome); err != nil {
		t.Fatal(err)
	}
	v.soon(t, "the first page", "location.pathname", "/")
}

func questionsWithoutEnd(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/storm", `<button id=b style="height:40px" onclick="for(;;)alert('x')">b</button>`)
	before := v.now().Restarted
	start := time.Now()
	v.touch(t, "#b")
	v.until(t, "the page is shown again", func(b kiosk.BrowserState) bool { return b.Restarted == before+1 && !b.Loading })
	v.soon(t, "the page again", "location.pathname", "/storm")
	t.Logf("after %v", time.Since(start))
}

// TestLockInAWindow tries what is there with a window only.
func TestLockInAWindow(t *testing.T) {
	s := newSite(t)
	s.page("portal.test/", `<h1>portal</h1>`)
	o := s.options()
	o.Headless, o.Display = false, xtest.Display(t)
	t.Setenv("DISPLAY", o.Display)
	inOneVisit(t, s, o, image.Rect(40, 100, 740, 800), []behaviour{
		{"players stay in their page", players},
		{"the kiosk's buttons lead out of questions", outOfQuestions},
	})
}

// players: their own buttons do what the page's scripts can't any more. They
// are pressed here from another world, which still has those functions.
func players(t *testing.T, s *site, v *opened) {
	v.goTo(t, s, "/film", `<video id=v muted controls></video><canvas id=c></canvas><script>const x=c.getContext('2d');
setInterval(()=>x.fillRect(Math.random()*90,9,9,9),50);v.srcObject=c.captureStream(10);v.play();window.seen='';
for(const k of ['fullscreenchange','enterpictureinpicture'])addEventListener(k,()=>window.seen+=k[0],true)</script>`)
	const place = "[screenX,screenY,innerWidth,innerHeight].join()"
	v.soon(t, "the window in its place", place, "40,100,700,700")
	v.soon(t, "the film", "v.readyState", "4")
	in, err := browser.Look(v.Browsing)
	if err != nil {
		t.Fatal(err)
	}
	var world struct {
		ID int `json:"executionContextId"`
	}
	err = in.Devtools.Call(t.Context(), in.Session, "Page.createIsolatedWorld", map[string]any{"frameId": in.Targets[0]}, &world)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ press, seen, over string }{
		{"document.querySelector('video').requestFullscreen()", "f", "document.fullscreenElement"},
		{"document.querySelector('video').requestPictureInPicture()", "e", "document.pictureInPictureElement"},
	} {
		err := in.Devtools.Call(t.Context(), in.Session, "Runtime.evaluate", map[string]any{
			"expression": c.press, "contextId": world.ID, "userGesture": true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		v.soon(t, c.press, "window.seen.includes('"+c.seen+"')", "true")
		v.soon(t, "the end of it", c.over+"===null", "true")
	}
	v.soon(t, "the window in its place", place, "40,100,700,700")
}

func outOfQuestions(t *testing.T, s *site, v *opened) {
	for _, c := range []struct {
		body   string
		button kiosk.BrowserCommand
		path   string
	}{
		{`alert('x');document.title='on'`, kiosk.BrowserBack, "/q"},
		{`for(;;)alert('x')`, kiosk.BrowserReload, "/q"},
		{`for(;;)alert('x')`, kiosk.BrowserHome, "/"},
	} {
		v.goTo(t, s, "/q", `<button id=b style="height:40px" onclick="`+c.body+`">b</button>`)
		before := v.now().Restarted
		v.eval(t, "setTimeout(()=>b.click(),0)&&1")
		waitFor(t, "the question", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			return browser.Eval(ctx, v.Browsing, "1", nil) != nil
		})
		if err := v.Do(t.Context(), c.button); err != nil {
			t.Fatal(err)
		}
		v.soon(t, "the page "+c.path, "location.pathname", c.path)
		if c.button == kiosk.BrowserBack {
			v.soon(t, "the page goes on", "document.title", "on")
		}
		if n := v.now().Restarted; n != before {
			t.Errorf("%s counts as a fault", c.button)
		}
	}
}
