package ui_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/kiosk/watch"
	"pointnum/ui"
	"pointnum/ui/safeweb"
)

// engine is a visit that only remembers what it was asked for.
type engine struct {
	state watch.Value[session.State]

	mu   sync.Mutex
	done []session.Action
	err  error
}

func (e *engine) State() *watch.Value[session.State] { return &e.state }

func (e *engine) Do(_ context.Context, a session.Action) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = append(e.done, a)
	return e.err
}

func (e *engine) actions() []session.Action {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]session.Action(nil), e.done...)
}

func (e *engine) OpenPicture(id string, what session.Picture) (io.ReadCloser, string, error) {
	if !strings.HasPrefix(id, "p") {
		return nil, "", &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "open picture"}
	}
	width, height := 226, 320
	if what == session.PictureView {
		width, height = 990, 1400
	}
	return io.NopCloser(bytes.NewReader(letter(width, height, int(id[1])))), "image/jpeg", nil
}

// letter draws something that looks like a page of writing.
func letter(width, height, seed int) []byte {
	img := image.NewGray(image.Rect(0, 0, width, height))
	line := height / 28
	for y := range height {
		for x := range width {
			ink := y/line > 2 && y/line < 25 && y/line%4 != 3 && y%line > line/2 &&
				x > width/9 && x < width-width/9-(y/line*seed*37)%(width/3) && (x*7+y/line*seed)%11 > 2
			img.SetGray(x, y, color.Gray{Y: 250})
			if ink {
				img.SetGray(x, y, color.Gray{Y: 70})
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err) // our own drawing
	}
	return b.Bytes()
}

var place = ui.Place{
	Name: "Centre social des Tilleuls", Address: "12 rue des Écoles\n59000 Lille",
	Phone: "03 20 00 00 00", Hours: "du lundi au jeudi, 9 h – 17 h\nvendredi, 9 h – 12 h",
	Contacts: []kiosk.Contact{{Name: "Aïcha, médiatrice", Phone: "01 00 00 00 01", What: "le matin"}},
	Checklists: []kiosk.Checklist{
		{Title: "Demander le RSA", Items: []string{"Carte d’identité ou titre de séjour", "RIB (numéro de compte)", "Trois derniers bulletins de salaire"}},
		{Title: "Aide au logement", Items: []string{"Bail (contrat de location)", "RIB (numéro de compte)"}},
	},
}

// serve starts a server on a free port of this machine.
func serve(t testing.TB, e *engine) (address string) {
	t.Helper()
	address, stop := serveOn(t, e, "127.0.0.1:0")
	t.Cleanup(stop)
	return address
}

// serveOn starts a server that stop ends.
func serveOn(t testing.TB, e *engine, on string) (address string, stop func()) {
	t.Helper()
	return serveWith(t, e, on, "")
}

// serveWith is serveOn with a page for when the server is silent.
func serveWith(t testing.TB, e *engine, on, fault string) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", on)
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := safeweb.Hosts(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ui.New(ui.Options{Engine: e, Catalogue: portal.Default(), Place: place, Hosts: hosts, Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	srv := safeweb.Server(s.Handler(), nil)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	return l.Addr().String(), sync.OnceFunc(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
}

// canned is a state that a visitor may meet, and what is touched to see it.
type canned struct {
	name  string
	state session.State
	touch string // script run in the page, "" for none
	like  bool   // built as the one before it: checked by fewer rules, in fewer languages
}

var ready = session.Slot{Present: true, Ready: true}

func visit(screen session.Screen, change func(*session.State)) session.State {
	st := session.State{
		Screen: screen, Visit: "v", Lang: "fr",
		Scanner: ready, Printer: ready, ReceiptPrinter: ready, Key: ready,
		Documents: []session.Document{{ID: "d1", Pages: pages(3)}},
	}
	if change != nil {
		change(&st)
	}
	return st
}

func pages(n int) []session.Page {
	var ps []session.Page
	for i := range n {
		ps = append(ps, session.Page{ID: fmt.Sprintf("p%d", i+1), Picture: fmt.Sprintf("p%d", i+1), Ready: true})
	}
	return ps
}

func finished(known bool) session.Document {
	return session.Document{ID: "d1", Kind: portal.Default().Kinds[0].ID, Portal: portal.Default().Portals[0].ID, Pages: pages(3),
		Result: &session.Result{Format: kiosk.FormatPDF, Files: 1, Pages: 3, Bytes: 760_000, MaxBytes: 5_000_000, Known: known}}
}

// screens are all states of the screenshots and of the checks on every screen.
func screens() []canned {
	all := append(visitScreens(), resultScreens()...)
	all = append(all, troubleScreens()...)
	all = append(all, browseScreens()...)
	return append(all, phoneScreens()...)
}

func visitScreens() []canned {
	return []canned{
		{name: "welcome", state: session.State{Screen: session.ScreenWelcome, Lang: "fr"}},
		{name: "scan", state: visit(session.ScreenScan, func(st *session.State) { st.Documents[0].Pages = nil })},
		{name: "scan-more", state: visit(session.ScreenScan, func(st *session.State) {
			st.Scanner = session.Slot{Present: true, Conditions: []kiosk.Code{kiosk.CodeCoverOpen}}
		})},
		{name: "scanning", state: visit(session.ScreenScan, func(st *session.State) {
			st.Documents[0].Pages = pages(5)
			st.Documents[0].Pages[4].Ready = false
			st.Task = &session.Task{Kind: session.TaskScan, Done: 5, CanCancel: true}
		})},
		{name: "key", state: visit(session.ScreenScan, func(st *session.State) {
			st.Keys = &session.KeyListing{Added: []string{"b"}, Files: []kiosk.KeyFile{
				{ID: "a", Name: "IMG_20260312_101522.jpg", Size: 4_312_000}, {ID: "b", Name: "avis impôts 2025.pdf", Size: 812_000},
				{ID: "c", Name: "attestation de loyer signée par le propriétaire version finale 3.pdf", Size: 91_000},
				{ID: "d", Name: "عقد الإيجار.pdf", Size: 1_200_000},
			}}
		})},
		{name: "key-empty", state: visit(session.ScreenScan, func(st *session.State) { st.Keys = &session.KeyListing{} })},
		{name: "review", state: visit(session.ScreenReview, func(st *session.State) {
			st.Documents[0].Pages = pages(4)
			st.Documents[0].Pages[1].Findings = []kiosk.Finding{{Verdict: kiosk.VerdictBlurred}}
			st.Documents[0].Pages[2].Turn = 90
			st.Documents[0].Pages[3].Ready = false
			st.CanUndo = true
		})},
		{name: "review-many", state: visit(session.ScreenReview, func(st *session.State) { st.Documents[0].Pages = pages(9) })},
		{name: "review-empty", state: visit(session.ScreenReview, func(st *session.State) { st.Documents[0].Pages = nil; st.CanUndo = true })},
		{name: "zoom", state: visit(session.ScreenReview, nil), touch: `document.querySelector('[data-do="zoom"]').click()`},
		{name: "zoom-doubts", state: visit(session.ScreenReview, func(st *session.State) {
			st.Documents[0].Pages[0].Changes = []kiosk.Change{kiosk.ChangeStraightened, kiosk.ChangeCropped}
			st.Documents[0].Pages[0].Findings = []kiosk.Finding{
				{Verdict: kiosk.VerdictFingers, Area: kiosk.Area{X0: 0, Y0: 620, X1: 210, Y1: 860}},
				{Verdict: kiosk.VerdictGlare, Area: kiosk.Area{X0: 480, Y0: 180, X1: 800, Y1: 340}}, {Verdict: kiosk.VerdictTurned}}
		}), touch: `document.querySelector('[data-do="zoom"]').click()`},
		{name: "zoom-as-it-came", state: visit(session.ScreenReview, func(st *session.State) {
			st.Documents[0].Pages[0].Turn, st.Documents[0].Pages[0].AsIs = 90, true
			st.Documents[0].Pages[0].Changes = []kiosk.Change{kiosk.ChangeTurned}
			st.Documents[0].Pages[0].Findings = []kiosk.Finding{{Verdict: kiosk.VerdictCut, Area: kiosk.Area{Y0: 0, X1: 80, Y1: 1000}}}
		}), touch: `document.querySelector('[data-do="zoom"]').click()`},
		{name: "putting-back", state: visit(session.ScreenReview, func(st *session.State) {
			st.Task = &session.Task{Kind: session.TaskAsIs, CanCancel: true}
		})},
		{name: "portal", state: visit(session.ScreenPortal, nil)},
		{name: "kind", state: visit(session.ScreenPortal, nil), touch: `document.querySelector('[data-do="portal"]').click()`},
		{name: "checks", state: visit(session.ScreenPortal, nil), touch: `document.querySelector('[data-do="portal"]').click();
			while ('deaf' in document.documentElement.dataset) await new Promise(requestAnimationFrame);
			document.querySelector('[data-do="kind"]').click()`},
		{name: "converting", state: visit(session.ScreenPortal, func(st *session.State) {
			st.Task = &session.Task{Kind: session.TaskConvert, Done: 2, Total: 3, CanCancel: true}
		})},
	}
}

func resultScreens() []canned {
	return []canned{
		{name: "result", state: visit(session.ScreenResult, func(st *session.State) { st.Documents[0] = finished(true) })},
		{name: "result-done", state: visit(session.ScreenResult, func(st *session.State) {
			d := finished(false)
			d.Result.OnKey, d.Result.Printed, d.Result.Delivered = []string{"avis.pdf"}, true, true
			st.Documents = []session.Document{d, d}
			st.Receipt, st.Key = true, session.Slot{Present: true, Conditions: []kiosk.Code{kiosk.CodeKeyAbsent}}
		})},
		{name: "leave", state: visit(session.ScreenResult, func(st *session.State) { st.Documents[0] = finished(true) }),
			touch: `document.querySelector('.tools [data-open="leave"]').click()`},
		{name: "saving", state: visit(session.ScreenResult, func(st *session.State) {
			st.Documents[0] = finished(true)
			st.Task = &session.Task{Kind: session.TaskSave, CanCancel: true}
		})},
		{name: "printer-waits", state: visit(session.ScreenResult, func(st *session.State) {
			st.Documents[0] = finished(true)
			st.Task = &session.Task{Kind: session.TaskPrint, Done: 1, Total: 3, Waiting: kiosk.CodePaperEmpty, CanCancel: true}
		})},
		{name: "wiping", state: session.State{Screen: session.ScreenGoodbye, Lang: "fr"}},
		{name: "goodbye", state: session.State{Screen: session.ScreenGoodbye, Lang: "fr", Wiped: true}},
		{name: "broken", state: session.State{Screen: session.ScreenBroken, Lang: "fr",
			Fault: &session.Fault{Code: kiosk.CodeOutOfOrder, Task: session.TaskWipe}}},
		{name: "scan-next", state: visit(session.ScreenScan, func(st *session.State) {
			st.Documents, st.Current = []session.Document{finished(true), {ID: "d2"}}, 1
		})},
	}
}

func troubleScreens() []canned {
	return []canned{
		{name: "fault-jam", state: visit(session.ScreenScan, func(st *session.State) {
			st.Fault = &session.Fault{Code: kiosk.CodePaperJam, Kind: kiosk.KindScanner, Task: session.TaskScan, Sheet: 3, Kept: 2, Retry: true}
		})},
		{name: "fault-file", state: visit(session.ScreenScan, func(st *session.State) {
			st.Fault = &session.Fault{Code: kiosk.CodeFilePassword, Task: session.TaskImport}
		})},
		{name: "help", state: visit(session.ScreenScan, nil), touch: `document.querySelector('.tools [data-open="help"]').click()`},
		{name: "help-called", state: visit(session.ScreenScan, func(st *session.State) { st.Help = true }),
			touch: `document.querySelector('.tools [data-open="help"]').click()`},
		{name: "help-comes", state: visit(session.ScreenScan, func(st *session.State) { st.Help, st.Coming = true, true }),
			touch: `document.querySelector('.tools [data-open="help"]').click()`},
		{name: "message", state: session.State{Screen: session.ScreenWelcome, Lang: "fr", Message: "L’accueil ferme à 16 h aujourd’hui."}},
		{name: "paused", state: session.State{Screen: session.ScreenWelcome, Lang: "fr", Paused: "Un technicien passe cet après-midi. L’accueil peut vous aider."}},
		{name: "closed", state: session.State{Screen: session.ScreenWelcome, Lang: "fr", Closed: true}},
		{name: "checklists", state: session.State{Screen: session.ScreenWelcome, Lang: "fr"}, touch: `document.querySelector('[data-open="checklists"]').click()`},
		{name: "language", state: visit(session.ScreenScan, nil), touch: `document.querySelector('.tools [data-open="language"]').click()`},
		{name: "idle", state: visit(session.ScreenReview, func(st *session.State) { st.IdleWarning = time.Now().Add(42 * time.Second) })},
		{name: "restored", state: visit(session.ScreenReview, func(st *session.State) { st.Restore = true })},
	}
}
