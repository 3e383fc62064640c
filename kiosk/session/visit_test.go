package session_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestTheWholeVisit(t *testing.T) {
	r := start(t)
	r.do(session.SetLanguage{Lang: "ar"}, session.Start{})
	r.screen(session.ScreenScan)
	r.desk.feed("a", "b")
	r.do(session.Scan{})
	s := r.screen(session.ScreenReview)
	s = r.idle()
	if got := r.pages(); got != "a b" || s.Lang != "ar" || s.PageCount() != 2 {
		t.Fatalf("pages %q in %q", got, s.Lang)
	}
	r.do(session.Turn{Page: s.Doc().Pages[0].ID}, session.Go{Screen: session.ScreenPortal},
		session.Choose{Portal: "caf", Kind: "rent"})
	r.screen(session.ScreenResult)
	s = r.idle()
	res := s.Doc().Result
	if res == nil || res.Name != "justificatif-loyer.pdf" || res.Pages != 2 || !res.Known || res.MaxBytes != 10e6 {
		t.Fatalf("result %+v", res)
	}
	rc, f, err := r.OpenFile(s.Doc().ID, 0)
	if err != nil || f.Name != res.Name || f.MediaType != "application/pdf" || f.Size != res.Bytes {
		t.Fatalf("file %+v, %v", f, err)
	}
	_ = rc.Close()
	r.do(session.SaveToKey{})
	s = r.idle()
	if s.Doc().Result.OnKey[0] != "justificatif-loyer.pdf" || r.desk.saved["justificatif-loyer.pdf"] != "pdf a@90 b@0" {
		t.Errorf("on the key %v, %v", s.Doc().Result.OnKey, r.desk.saved)
	}
	r.do(session.PrintReceipt{})
	if s = r.idle(); !s.Receipt {
		t.Error("no receipt")
	}
	r.do(session.Print{})
	s = r.idle()
	if !s.Doc().Result.Printed || s.Receipt {
		t.Errorf("result %+v, receipt %v: a new delivery needs a new receipt", s.Doc().Result, s.Receipt)
	}
	r.do(session.AddDocument{})
	r.desk.feed("c")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	s = r.idle()
	if len(s.Documents) != 2 || s.Current != 1 || r.pages() != "c" {
		t.Errorf("%d documents, current %d of %q", len(s.Documents), s.Current, r.pages())
	}
	page := s.Doc().Pages[0].Picture
	r.do(session.Leave{})
	s = r.screen(session.ScreenGoodbye)
	if !s.Wiped || s.Visit != "" || len(s.Documents) != 0 || s.Lang != "fr" || len(r.files()) != 0 {
		t.Errorf("after leaving %+v, files %v", s, r.files())
	}
	if _, _, err := r.OpenPicture(page, session.PictureView); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a page of the last visit: %v", err)
	}
	want := map[session.EventKind]int{session.EventStarted: 1, session.EventScanned: 2, session.EventConverted: 1,
		session.EventSaved: 1, session.EventReceipt: 1, session.EventPrinted: 1, session.EventEnded: 1, session.EventWiped: 1}
	for k, n := range want {
		if got := r.kinds()[k]; got != n {
			t.Errorf("%d events %s, want %d", got, k, n)
		}
	}
}

func TestAJamKeepsWhatCameAndRetryGoesOn(t *testing.T) {
	r := start(t)
	r.do(session.Start{Lang: "fr"})
	r.desk.feed("a")
	r.desk.feedFunc(func(context.Context) (string, error) {
		return "", &kiosk.Error{Code: kiosk.CodePaperJam, Op: "fake", Sheet: 2}
	})
	r.do(session.Scan{})
	s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	want := session.Fault{Code: kiosk.CodePaperJam, Kind: kiosk.KindScanner, Task: session.TaskScan, Sheet: 2, Kept: 1, Retry: true}
	if *s.Fault != want || s.Screen != session.ScreenScan || r.pages() != "a" {
		t.Fatalf("fault %+v on %s, pages %q", *s.Fault, s.Screen, r.pages())
	}
	r.desk.feed("b", "c")
	r.do(session.Retry{})
	s = r.screen(session.ScreenReview)
	if s = r.idle(); r.pages() != "a b c" || len(s.Documents) != 1 || s.Fault != nil {
		t.Errorf("pages %q, fault %v", r.pages(), s.Fault)
	}
}

func TestAPageThatCannotBeReadIsFedAgainInItsPlace(t *testing.T) {
	d := &desk{}
	d.imports = func(_ context.Context, content string) error {
		if content == "bad" {
			return fault(kiosk.CodeFileBroken)
		}
		return nil
	}
	r := startIn(t, folder(t), d)
	r.do(session.Start{})
	d.feed("a", "bad", "behind")
	r.do(session.Scan{})
	s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	if f := *s.Fault; f.Code != kiosk.CodeBadPage || f.Sheet != 2 || f.Kept != 1 || !f.Retry || r.pages() != "a" {
		t.Fatalf("fault %+v, pages %q", f, r.pages())
	}
	d.set(func() { d.sheets = nil })
	d.feed("b", "c")
	r.do(session.Retry{})
	r.screen(session.ScreenReview)
	if r.idle(); r.pages() != "a b c" {
		t.Errorf("pages %q", r.pages())
	}
}

func TestAnEmptyFeederIsAFaultAndNotADocument(t *testing.T) {
	r := start(t)
	r.do(session.Start{}, session.Scan{})
	s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	if s.Fault.Code != kiosk.CodeFeederEmpty || !s.Fault.Retry || s.Screen != session.ScreenScan || s.CanUndo {
		t.Errorf("fault %+v on %s", *s.Fault, s.Screen)
	}
	r.do(session.Dismiss{})
	if r.now().Fault != nil {
		t.Error("the fault was not put away")
	}
}

// stuck is a sheet that never comes until the scan is cancelled.
func stuck(d *desk) (reached chan struct{}) {
	reached = make(chan struct{})
	d.feedFunc(func(ctx context.Context) (string, error) {
		close(reached)
		<-ctx.Done()
		return "", context.Cause(ctx)
	})
	return reached
}

func TestLeaveWhileScanning(t *testing.T) {
	before := runtime.NumGoroutine()
	r := start(t)
	idle := runtime.NumGoroutine()
	r.do(session.Start{})
	r.desk.feed("a")
	reached := stuck(r.desk)
	r.do(session.Scan{})
	<-reached
	r.wait("a page", func(s session.State) bool { return s.PageCount() == 1 && s.Task.Done == 1 })
	r.do(session.Leave{})
	if s := r.now(); s.Task == nil || s.Task.Kind != session.TaskWipe || s.Task.CanCancel {
		if s.Screen != session.ScreenGoodbye {
			t.Errorf("while leaving: %+v, task %+v", s, s.Task)
		}
	}
	if s := r.screen(session.ScreenGoodbye); !s.Wiped || len(r.files()) != 0 {
		t.Errorf("wiped %v, files %v", s.Wiped, r.files())
	}
	goroutines(t, idle)
	r.stop()
	goroutines(t, before)
	if r.runErr != nil {
		t.Error(r.runErr)
	}
}

func goroutines(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > want {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, want %d", runtime.NumGoroutine(), want)
		}
		runtime.Gosched()
	}
}

func TestCancelKeepsThePagesThatCame(t *testing.T) {
	r := start(t)
	r.do(session.Start{})
	r.desk.feed("a", "b")
	reached := stuck(r.desk)
	r.do(session.Scan{})
	<-reached
	r.do(session.Cancel{})
	s := r.screen(session.ScreenReview)
	if s = r.idle(); r.pages() != "a b" || s.Fault != nil {
		t.Errorf("pages %q, fault %+v", r.pages(), s.Fault)
	}
}

func TestFilesOfAKey(t *testing.T) {
	d := &desk{files: map[string]string{"bill.pdf": "x,y,z", "big": strings.Repeat("x", 2000), "bad": "bad"}}
	d.imports = func(_ context.Context, content string) error {
		if content == "bad" {
			return fault(kiosk.CodeFilePassword)
		}
		return nil
	}
	r := startIn(t, folder(t), d, func(c *session.Config) { c.MaxFile = 1000 })
	r.do(session.Start{}, session.ListKey{})
	s := r.wait("the list", func(s session.State) bool { return s.Keys != nil })
	r.idle()
	if len(s.Keys.Files) != 3 {
		t.Fatalf("files %v", s.Keys.Files)
	}
	r.do(session.Import{File: "bill.pdf"})
	if s = r.idle(); r.pages() != "x y z" || len(s.Keys.Added) != 1 || s.Fault != nil {
		t.Errorf("pages %q, keys %+v, fault %+v", r.pages(), s.Keys, s.Fault)
	}
	for file, code := range map[string]kiosk.Code{"big": kiosk.CodeFileTooBig, "bad": kiosk.CodeFilePassword} {
		r.do(session.Import{File: file})
		if s = r.idle(); s.Fault == nil || s.Fault.Code != code || s.Fault.Kind != "" || s.Fault.Retry || s.PageCount() != 3 {
			t.Errorf("%s: fault %+v, %d pages", file, s.Fault, s.PageCount())
		}
	}
	r.do(session.Undo{})
	if s = r.now(); s.PageCount() != 0 || !s.CanRedo {
		t.Errorf("%d pages after taking the file back", s.PageCount())
	}
	r.do(session.Redo{}, session.CloseKey{}, session.Go{Screen: session.ScreenReview})
	if r.pages() != "x y z" || r.now().Keys != nil {
		t.Errorf("pages %q", r.pages())
	}
}

func TestTheReadersNeverWaitForATask(t *testing.T) {
	r := start(t)
	r.do(session.Start{})
	r.desk.feed("a")
	reached := stuck(r.desk)
	r.do(session.Scan{})
	<-reached
	s := r.wait("page a", func(s session.State) bool { return s.PageCount() == 1 && s.Doc().Pages[0].Ready })
	rc, media, err := r.OpenPicture(s.Doc().Pages[0].Picture, session.PictureView)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(rc)
	_ = rc.Close()
	if err != nil || string(content) != "preview a" || media != "image/jpeg" {
		t.Errorf("%q, %s, %v", content, media, err)
	}
	r.do(session.SetLanguage{Lang: "en"}, session.CallHelp{})
}

func TestTheVisitHoldsSoManyPages(t *testing.T) {
	r := start(t, func(c *session.Config) { c.MaxPages = 2 })
	r.do(session.Start{})
	r.desk.feed("a", "b", "c")
	r.do(session.Scan{})
	s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	if s.Fault.Code != kiosk.CodeSpoolFull || s.Fault.Kept != 2 || s.Fault.Retry || r.pages() != "a b" {
		t.Errorf("fault %+v, pages %q", *s.Fault, r.pages())
	}
}

func TestHelpAndTheLamp(t *testing.T) {
	r := start(t)
	lamp := func(want bool) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for {
			r.desk.mu.Lock()
			got := r.desk.lamp
			r.desk.mu.Unlock()
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("lamp %v", got)
			}
			runtime.Gosched()
		}
	}
	r.do(session.CallHelp{})
	lamp(true)
	r.do(session.Start{})
	if !r.now().Help {
		t.Error("the call was forgotten when the visit began")
	}
	r.do(session.EndHelp{})
	lamp(false)
	r.desk.mu.Lock()
	on := r.desk.on
	r.desk.mu.Unlock()
	on(kiosk.SignalHelp, true)
	lamp(true)
	on(kiosk.SignalPresence, true)
	r.do(session.Leave{})
	if s := r.screen(session.ScreenGoodbye); s.Help {
		t.Error("the call outlived the visit")
	}
	lamp(false)
	if n := r.kinds(); n[session.EventHelp] != 2 || n[session.EventPresence] != 1 {
		t.Errorf("events %v", n)
	}
}
