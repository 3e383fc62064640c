package testportal_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser/devtools"
)

// TestInABrowser runs everything in one browser: each start costs seconds.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	b, ctx := browse(t, p)
	t.Run("pages have no error", func(t *testing.T) { pagesHaveNoError(ctx, t, p, b) })
	t.Run("forms take files", func(t *testing.T) { formsTakeFiles(ctx, t, p, b) })
	t.Run("papers are downloaded", func(t *testing.T) { papersAreDownloaded(ctx, t, p, b) })
	t.Run("pages ask to print", func(t *testing.T) { pagesAskToPrint(ctx, t, p, b) })
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
	for _, path := range []string{"", "connexion", "connexion/code", "formulaires", "cadres", "strict", "documents", "documents/cadre", "fenetres",
		"fenetres/choix", "fenetres/seule", "robot", "imprimer", "imprimer/auto", "imprimer/feuille", "evasions"} {
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
		t.Run(f.ID, func(t *testing.T) { use(t, p.Address()+"formulaires/"+f.ID, f) })
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

func papersAreDownloaded(ctx context.Context, t *testing.T, p *testportal.Portal, b *devtools.Browser) {
	dir := t.TempDir()
	tb := openTab(ctx, t, b)
	err := b.Call(ctx, "", "Browser.setDownloadBehavior", map[string]any{"behavior": "allowAndName", "downloadPath": dir, "eventsEnabled": true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{
		"attachment": "Attestation de paiement.pdf", "link": "avis-de-situation_été_2026.pdf", "blob": "avis fabriqué.pdf",
		"window": "Attestation de paiement.pdf", "post": "Formulaire n°11423.pdf",
	} {
		t.Run(id, func(t *testing.T) {
			tb.t = t
			tb.open(p.Address() + "documents")
			events := b.Subscribe("Browser.downloadWillBegin", "Browser.downloadProgress")
			defer events.Close()
			tb.touch(fmt.Sprintf("[data-download=%q]", id))
			for {
				ev, err := events.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				var e struct{ GUID, SuggestedFilename, State string }
				if err := ev.Decode(&e); err != nil {
					t.Fatal(err)
				}
				if ev.Method == "Browser.downloadWillBegin" && e.SuggestedFilename != name {
					t.Errorf("got %q, want %q", e.SuggestedFilename, name)
				}
				if e.State == "completed" {
					data, err := os.ReadFile(filepath.Join(dir, e.GUID))
					if err != nil || !strings.HasPrefix(string(data), "%PDF-") || !strings.HasSuffix(string(data), "%%EOF\n") {
						t.Errorf("got %d bytes, %v; want a PDF", len(data), err)
					}
					return
				}
			}
		})
	}
}

func pagesAskToPrint(ctx context.Context, t *testing.T, p *testportal.Portal, b *devtools.Browser) {
	tb := openTab(ctx, t, b)
	tb.call("Runtime.addBinding", map[string]any{"name": "printed"})
	tb.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `window.print = () => printed("window " + location.pathname);
		document.execCommand = name => { printed("command " + name); return true; }`})
	tb.open(p.Address() + "imprimer")
	asked := tb.Subscribe("Runtime.bindingCalled")
	defer asked.Close()
	for id, want := range map[string]string{"window": "window /imprimer", "command": "command print", "frame": "window /imprimer/feuille", "auto": "window /imprimer/auto"} {
		tb.open(p.Address() + "imprimer")
		tb.touch(fmt.Sprintf("[data-print=%q]", id))
		ev, err := asked.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var e struct{ Payload string }
		if err := ev.Decode(&e); err != nil || e.Payload != want {
			t.Errorf("%s: got %q, %v; want %q", id, e.Payload, err, want)
		}
	}
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
