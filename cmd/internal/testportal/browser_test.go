package testportal_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser/devtools"
)

// browse starts a browser that finds every host at the portal.
func browse(t *testing.T, p *testportal.Portal) (*devtools.Browser, context.Context) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run 'make deps' first")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: []string{
		"--host-resolver-rules=MAP * " + p.Addr() + ",EXCLUDE 127.0.0.1",
		"--ignore-certificate-errors-spki-list=" + p.SPKI(),
		"--site-per-process", "--window-size=1080,1920",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b, ctx
}

// tab is a page whose complaints are collected.
type tab struct {
	*devtools.Page
	t        *testing.T
	ctx      context.Context
	b        *devtools.Browser
	attached *devtools.Events
	troubles *devtools.Events
}

func openTab(ctx context.Context, t *testing.T, b *devtools.Browser) *tab {
	t.Helper()
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tb := &tab{
		Page: page, t: t, ctx: ctx, b: b,
		attached: page.Subscribe("Target.attachedToTarget"),
		troubles: b.Subscribe("Runtime.exceptionThrown", "Log.entryAdded"),
	}
	t.Cleanup(tb.attached.Close)
	t.Cleanup(tb.troubles.Close)
	tb.call("Log.enable", nil)
	tb.call("Page.setInterceptFileChooserDialog", map[string]any{"enabled": true})
	tb.call("Target.setAutoAttach", map[string]any{"autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true})
	return tb
}

func (tb *tab) call(method string, params any) {
	tb.t.Helper()
	if err := tb.Call(tb.ctx, method, params, nil); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) eval(script string, result any) {
	tb.t.Helper()
	if err := tb.Eval(tb.ctx, script, result); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) open(at string) {
	tb.t.Helper()
	tb.eval("window.before = true", nil)
	if err := tb.Navigate(tb.ctx, at); err != nil {
		tb.t.Fatalf("%s: %v", at, err)
	}
	// The load may have been that of the page before, which came late.
	tb.waitFor("new page", `!window.before && document.readyState === "complete"`)
}

// queued returns the events that came already.
func queued(e *devtools.Events) []devtools.Event {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	var out []devtools.Event
	for {
		ev, err := e.Next(now)
		if err != nil {
			return out
		}
		out = append(out, ev)
	}
}

// frames returns the sessions of the frames in processes of their own since
// the last call. The errors of their scripts are told from now on, those
// before as well.
func (tb *tab) frames() []string {
	tb.t.Helper()
	var out []string
	for _, ev := range queued(tb.attached) {
		var a struct {
			SessionID  string `json:"sessionId"`
			TargetInfo struct{ Type string }
		}
		if err := ev.Decode(&a); err != nil {
			tb.t.Fatal(err)
		}
		if a.TargetInfo.Type != "iframe" {
			continue
		}
		if err := tb.b.Call(tb.ctx, a.SessionID, "Runtime.enable", nil, nil); err != nil {
			tb.t.Fatal(err)
		}
		out = append(out, a.SessionID)
	}
	return out
}

// complaints are what the browser found wrong in the pages since the last
// call.
func (tb *tab) complaints() []string {
	tb.t.Helper()
	tb.frames()
	tb.eval("1", nil) // events before the answer have come
	var out []string
	for _, ev := range queued(tb.troubles) {
		var e struct {
			Entry struct{ Level, Text, URL string }
		}
		if err := ev.Decode(&e); err != nil {
			tb.t.Fatal(err)
		}
		if ev.Method == "Runtime.exceptionThrown" || e.Entry.Level == "error" {
			out = append(out, string(ev.Params))
		}
	}
	return out
}

// waitFor evaluates a condition until it holds. Errors are those of a page
// that is just being left.
func (tb *tab) waitFor(what, condition string) {
	tb.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		var ok bool
		if err := tb.Eval(tb.ctx, "!!("+condition+")", &ok); err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			var text string
			_ = tb.Eval(tb.ctx, "document.body.innerText", &text)
			tb.t.Fatalf("no %s; the page says:\n%s", what, text)
		}
		time.Sleep(10 * time.Millisecond) // pacing
	}
}

// middle scrolls an element into view and returns its middle.
func (tb *tab) middle(selector string) (x, y float64) {
	tb.t.Helper()
	var at [2]float64
	tb.eval(fmt.Sprintf(`(e => { e.scrollIntoView({ block: "center", behavior: "instant" }); const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2]; })(document.querySelector(%q))`, selector), &at)
	return at[0], at[1]
}

func (tb *tab) touch(selector string) {
	tb.t.Helper()
	x, y := tb.middle(selector)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		tb.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})
	}
}

// attach answers the page's demand for files.
func (tb *tab) attach(selector string, files ...string) {
	tb.t.Helper()
	opened := tb.Subscribe("Page.fileChooserOpened")
	defer opened.Close()
	tb.touch(selector)
	short, cancel := context.WithTimeout(tb.ctx, 10*time.Second)
	defer cancel()
	ev, err := opened.Next(short)
	if err != nil {
		tb.t.Fatalf("no demand for a file: %v", err)
	}
	var c struct {
		Node int `json:"backendNodeId"`
	}
	if err := ev.Decode(&c); err != nil {
		tb.t.Fatal(err)
	}
	// A strong reference: nobody else keeps a detached input.
	tb.call("DOM.resolveNode", map[string]any{"backendNodeId": c.Node})
	tb.call("DOM.setFileInputFiles", map[string]any{"backendNodeId": c.Node, "files": files})
}

func (tb *tab) drop(selector string, files ...string) {
	tb.t.Helper()
	x, y := tb.middle(selector)
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		tb.call("Input.dispatchDragEvent", map[string]any{"type": kind, "x": x, "y": y,
			"data": map[string]any{"items": []any{}, "files": files, "dragOperationsMask": 1}})
	}
}

// TestInABrowser runs everything in one browser: each start costs seconds.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	b, ctx := browse(t, p)
	t.Run("pages have no error", func(t *testing.T) { pagesHaveNoError(ctx, t, p, b) })
	t.Run("forms take files", func(t *testing.T) { formsTakeFiles(ctx, t, p, b) })
	t.Run("escapes work where nothing holds", func(t *testing.T) { escapesWork(ctx, t, p, b) })
}

func pagesHaveNoError(ctx context.Context, t *testing.T, p *testportal.Portal, b *devtools.Browser) {
	tb := openTab(ctx, t, b)
	check := func(t *testing.T, at string) {
		t.Helper()
		for _, c := range tb.complaints() {
			t.Errorf("%s: %s", at, c)
		}
	}
	addresses := []string{p.MailAddress()}
	for _, path := range []string{"", "connexion", "connexion/code", "formulaires", "cadres", "strict", "documents", "fenetres",
		"fenetres/choix", "imprimer/feuille", "evasions"} {
		addresses = append(addresses, p.Address()+path)
	}
	for _, form := range []string{"shadow", "checked", "drop"} {
		addresses = append(addresses, p.Address()+"formulaires/"+form)
	}
	for _, at := range addresses {
		tb.open(at)
		check(t, at)
	}
	t.Run("logging in, the case in steps, the webmail", func(t *testing.T) {
		tb.t = t
		tb.open(p.Address() + "connexion")
		tb.eval(fmt.Sprintf(`document.getElementById("adresse").value = %q; document.getElementById("recevoir-code").click()`, testportal.MailUser), nil)
		tb.waitFor("field for the code", `document.getElementById("code")`)
		tb.eval(fmt.Sprintf(`document.getElementById("code").value = %q; document.getElementById("valider-code").click()`, p.Code()), nil)
		tb.waitFor("space", `document.querySelector("[data-logged-in]")`)
		tb.open(p.Address() + "dossier")
		tb.waitFor("first step", `location.pathname === "/dossier/1"`)
		tb.open(p.MailAddress())
		tb.eval(fmt.Sprintf(`document.getElementById("adresse").value = %q; document.getElementById("mot-de-passe").value = %q;
			document.getElementById("ouvrir-boite").click()`, testportal.MailUser, testportal.MailPassword), nil)
		tb.waitFor("letter", `document.querySelector("[data-message]")`)
		tb.eval(`document.querySelector("[data-message]").click()`, nil)
		tb.waitFor("code in the letter", fmt.Sprintf(`document.querySelector("[data-message-text]")?.textContent.includes(%q)`, p.Code()))
		check(t, "logged in")
	})
	t.Run("frames of the other site run in processes of their own", func(t *testing.T) {
		tb.t = t
		tb.frames()
		tb.open(p.Address() + "cadres")
		sessions := tb.frames()
		if len(sessions) != 2 {
			t.Fatalf("got %d frames with a process, want 2", len(sessions))
		}
		for _, s := range sessions {
			var r struct{ Result struct{ Value int } }
			err := b.Call(ctx, s, "Runtime.evaluate", map[string]any{"expression": `document.querySelectorAll("[data-trigger]").length`}, &r)
			if want := len(testportal.Forms()); err != nil || r.Result.Value != want {
				t.Errorf("got %d forms, %v; want %d", r.Result.Value, err, want)
			}
		}
	})
	if got := p.Foreign(); len(got) != 0 {
		t.Errorf("pages that try nothing reached the foreign host: %v", got)
	}
}

func formsTakeFiles(ctx context.Context, t *testing.T, p *testportal.Portal, b *devtools.Browser) {
	tb := openTab(ctx, t, b)
	// A browser that answers for the visitor can't answer the newer way.
	tb.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "delete window.showOpenFilePicker"})
	dir := t.TempDir()
	v := newVisitor(t, p)
	pdf := pdfOf(t, v, 4000)
	jpg, _ := pictures(t)
	write := func(name string, data []byte) string {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return at
	}
	papers := map[string]string{"application/pdf": write("papier.pdf", pdf), "image/jpeg": write("photo.jpg", jpg)}
	sums := map[string]string{}
	for mediaType, data := range map[string][]byte{"application/pdf": pdf, "image/jpeg": jpg} {
		sum := sha256.Sum256(data)
		sums[mediaType] = hex.EncodeToString(sum[:])
	}
	use := func(t *testing.T, address string, f testportal.Form) {
		tb.t = t
		tb.open(address)
		want, files, trigger := sums[f.Formats[0]], []string{papers[f.Formats[0]]}, fmt.Sprintf("[data-trigger=%q]", f.ID)
		if f.MaxFiles > 1 && !f.Folder {
			files, want = []string{papers["application/pdf"], papers["image/jpeg"]}, sums["application/pdf"]+" "+sums["image/jpeg"]
		}
		switch {
		case f.Drop:
			tb.drop(trigger, files...)
		case f.Folder:
			tb.attach(trigger, dir)
			want = sums["application/pdf"] + " " + sums["image/jpeg"]
		default:
			tb.attach(trigger, files...)
		}
		if f.Button {
			tb.touch(fmt.Sprintf("[data-send=%q]", f.ID))
		}
		result := fmt.Sprintf("[data-result=%q]", f.ID)
		tb.waitFor("answer", fmt.Sprintf("document.querySelector('%s')?.dataset.accepted", result))
		var got struct{ Accepted, Sums string }
		tb.eval(fmt.Sprintf(`(all => ({ Accepted: all[0].dataset.accepted, Sums: all.map(e => e.dataset.sha256).join(" ") }))([...document.querySelectorAll('%s')])`, result), &got)
		if got.Accepted != "yes" || !sameWords(got.Sums, want) {
			t.Errorf("got %+v, want yes and %s", got, want)
		}
		for _, c := range tb.complaints() {
			t.Error(c)
		}
	}
	for _, f := range testportal.Forms() {
		t.Run(f.ID, func(t *testing.T) { use(t, p.Address()+"formulaires", f) })
	}
	t.Run("strict", func(t *testing.T) { use(t, p.Address()+"strict", testportal.StrictForm()) })
	t.Run("a form that checks before it sends says so and sends nothing", func(t *testing.T) {
		tb.t = t
		p.Forget()
		tb.open(p.Address() + "formulaires/checked")
		tb.attach(`[data-trigger="checked"]`, write("lourd.pdf", pdfOf(t, v, 600_001)))
		tb.waitFor("refusal", `document.querySelector('[data-result="checked"]').textContent.includes("trop volumineux")`)
		if got := p.Received(); len(got) != 0 {
			t.Errorf("got %d uploads", len(got))
		}
	})
}

// sameWords compares two lists, whose order a folder does not keep.
func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// escapesWork shows that the tries are real: a table of "holds" means nothing
// when they never get out.
func escapesWork(ctx context.Context, t *testing.T, p *testportal.Portal, b *devtools.Browser) {
	var asked atomic.Int64
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		asked.Add(1)
	}))
	t.Cleanup(agent.Close)
	page := p.Address() + "evasions?agent=" + agent.URL
	tb := openTab(ctx, t, b)
	tb.open(page)
	var unknown []string
	tb.eval(`[...document.querySelectorAll("button[data-escape]")].map(e => e.dataset.escape).filter(id => !escapes[id])
		.concat(Object.keys(escapes).filter(id => !document.querySelector('button[data-escape="' + id + '"]')))`, &unknown)
	if len(unknown) > 0 {
		t.Errorf("buttons without a script, or scripts without a button: %v", unknown)
	}
	t.Run("in the background", func(t *testing.T) {
		tb.t = t
		tb.tryAll("net-", "agent-", "device-")
		got := p.Foreign()
		for _, kind := range []string{"connection", "fetch", "beacon", "image", "script", "style", "font", "media", "manifest", "websocket",
			"webrtc", "quic", "ping", "prefetch", "eventsource", "report"} {
			if got[kind] == 0 {
				t.Errorf("no %s reached the foreign host: %v", kind, got)
			}
		}
		if asked.Load() == 0 {
			t.Error("nothing reached the agent's address")
		}
	})
	for _, e := range testportal.Escapes() {
		if e.Kind == testportal.KindHost {
			t.Run(e.ID, func(t *testing.T) { reachesForeign(ctx, t, p, b, page, e) })
		}
	}
}

// tryAll touches every button of some kinds at once, but those that leave the
// page, and waits for what they say.
func (tb *tab) tryAll(prefixes ...string) {
	tb.t.Helper()
	for _, prefix := range prefixes {
		tb.eval(fmt.Sprintf(`document.querySelectorAll('[data-escape^=%q]:not([data-escape=agent-navigate], [data-escape=agent-redirect])').forEach(e => e.click())`, prefix), nil)
	}
	tb.waitFor("end of every try", `[...document.querySelectorAll("#essais [data-result]")].every(e => e.textContent !== "essai en cours")`)
	var said []string
	tb.eval(`[...document.querySelectorAll("#essais [data-result]")].filter(e => e.textContent).map(e => e.dataset.result + ": " + e.textContent)`, &said)
	tb.t.Log(strings.Join(said, "\n"))
}

// reachesForeign tries one escape in a tab of its own, which loses no request
// of the one before.
func reachesForeign(ctx context.Context, t *testing.T, p *testportal.Portal, b *devtools.Browser, page string, e testportal.Escape) {
	t.Helper()
	tb := openTab(ctx, t, b)
	tb.open(page)
	p.Forget()
	tb.eval(fmt.Sprintf("document.querySelector('[data-escape=%q]').click()", e.ID), nil)
	deadline := time.Now().Add(10 * time.Second)
	for {
		got := p.Foreign()
		delete(got, "connection")
		if len(got) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it reached nothing")
		}
		time.Sleep(5 * time.Millisecond) // pacing
	}
	if err := tb.Page.Close(ctx); err != nil {
		t.Error(err)
	}
}
