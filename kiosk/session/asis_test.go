package session_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
	"pointnum/kiosk/spool"
)

// scanned is a rig in review with pages of the scanner.
func (r *rig) scanned(sheets ...string) []session.Page {
	r.t.Helper()
	r.do(session.Start{})
	r.desk.feed(sheets...)
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	return r.idle().Doc().Pages
}

// blobs are the contents of the spool's blobs.
func (r *rig) blobs() map[string]bool {
	r.t.Helper()
	found, err := filepath.Glob(filepath.Join(r.dir, "blobs", "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	contents := make(map[string]bool)
	for _, f := range found {
		content, err := os.ReadFile(f)
		if err != nil {
			r.t.Fatal(err)
		}
		contents[string(content)] = true
	}
	return contents
}

func (r *rig) wantPages(want string) {
	r.t.Helper()
	if got := r.pages(); got != want {
		r.t.Errorf("pages %q, want %q", got, want)
	}
}

func TestAScanIsPutBackAsItCameAndMadeReadyAgain(t *testing.T) {
	r := start(t)
	ps := r.scanned("~a", "b")
	if len(ps[0].Changes) != 1 || ps[0].AsIs || len(ps[1].Changes) != 0 {
		t.Fatalf("pages %+v", ps)
	}
	if b := r.blobs(); !b["~a"] || b["b"] {
		t.Errorf("the raw scans kept are not those of changed pages: %v", b)
	}
	imports := r.count()
	a := ps[0].ID
	r.do(session.Turn{Page: a}, session.AsIs{Page: a, On: true})
	s := r.idle()
	if p := s.Doc().Pages[0]; !p.AsIs || p.Turn != 90 || len(p.Changes) != 1 || len(p.Findings) != 0 {
		t.Errorf("as it came %+v", p)
	}
	r.wantPages("raw ~a b")
	if r.blobs()["~a"] {
		t.Error("the raw scan stays though nothing is made of it any more")
	}
	r.do(session.AsIs{Page: a}, session.AsIs{Page: a})
	r.wantPages("~a b")
	if p := r.now().Doc().Pages[0]; p.AsIs || p.Turn != 90 || len(p.Findings) != 1 {
		t.Errorf("made ready again %+v", p)
	}
	r.do(session.AsIs{Page: a, On: true}, session.Undo{}, session.Undo{})
	r.wantPages("raw ~a b")
	r.do(session.Undo{}, session.Undo{})
	if r.wantPages("~a b"); r.now().Doc().Pages[0].Turn != 0 {
		t.Error("the turn was not undone")
	}
	r.do(session.Redo{}, session.Redo{}, session.Redo{}, session.Redo{})
	r.wantPages("raw ~a b")
	if n := r.count(); n != imports+1 {
		t.Errorf("read %d times to toggle", n-imports)
	}
}

// count is how many pages the document engine has made.
func (r *rig) count() int {
	r.desk.mu.Lock()
	defer r.desk.mu.Unlock()
	return r.desk.made
}

func TestOnlyChangedPagesHaveAWayBack(t *testing.T) {
	r := start(t)
	ps := r.scanned("a")
	for _, a := range []session.AsIs{{Page: ps[0].ID, On: true}, {Page: ps[0].ID}, {Page: "x", On: true}} {
		if err := r.Do(t.Context(), a); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestAPageThatWasTurnedComesBackAsItCame(t *testing.T) {
	r := start(t)
	a := r.scanned("^a")[0].ID
	r.do(session.Turn{Page: a}, session.AsIs{Page: a, On: true})
	if p := r.idle().Doc().Pages[0]; !p.AsIs || p.Turn != 0 {
		t.Errorf("as it came %+v", p)
	}
	r.do(session.Undo{})
	if p := r.now().Doc().Pages[0]; p.AsIs || p.Turn != 90 {
		t.Errorf("undone %+v", p)
	}
}

func TestAPageOfAFileIsPutBackAsItCame(t *testing.T) {
	r := startIn(t, folder(t), &desk{files: map[string]string{"bill.pdf": "x,~y,~z"}, packs: true})
	r.do(session.Start{}, session.ListKey{})
	r.wait("the list", func(s session.State) bool { return s.Keys != nil && s.Task == nil })
	r.do(session.Import{File: "bill.pdf"})
	r.idle()
	r.do(session.Go{Screen: session.ScreenReview})
	y := r.now().Doc().Pages[1].ID
	r.do(session.AsIs{Page: y, On: true})
	s := r.idle()
	r.wantPages("x raw ~y ~z")
	if b := r.blobs(); !b["packed raw ~y"] || b["master raw x"] || b["master raw ~z"] {
		t.Errorf("kept of the file: %v", b)
	}
	r.do(session.Go{Screen: session.ScreenPortal}, session.Choose{Portal: "caf", Kind: "rent"})
	r.screen(session.ScreenResult)
	r.idle()
	r.do(session.SaveToKey{})
	r.idle()
	if got := r.desk.saved["justificatif-loyer.pdf"]; got != "pdf x@0 raw ~y@0 ~z@0+" {
		t.Errorf("made of the pages: %q", got)
	}
	// A change of mind needs a new file.
	r.do(session.Go{Screen: session.ScreenReview}, session.AsIs{Page: s.Doc().Pages[1].ID})
	if r.now().Doc().Result != nil {
		t.Error("the result of the other version is still there")
	}
}

func TestAPageAsItCameIsDeletedAndComesBackAsItWas(t *testing.T) {
	r := start(t)
	a := r.scanned("~a", "~b")[0].ID
	r.do(session.AsIs{Page: a, On: true})
	r.idle()
	r.do(session.Delete{Page: a}, session.Undo{})
	r.wantPages("raw ~a ~b")
	r.do(session.Undo{}, session.Delete{Page: a})
	r.wantPages("~b")
	r.do(session.Undo{})
	r.wantPages("~a ~b")
}

func TestReadingAPageAsItCameCanBeStoppedAndTriedAgain(t *testing.T) {
	r := start(t)
	a := r.scanned("~a")[0].ID
	reached := make(chan struct{}, 1)
	r.desk.imports = func(ctx context.Context, _ string) error {
		reached <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r.do(session.AsIs{Page: a, On: true})
	<-reached
	if task := r.now().Task; task == nil || task.Kind != session.TaskAsIs || !task.CanCancel {
		t.Errorf("task %+v", task)
	}
	r.do(session.Cancel{})
	if s := r.idle(); s.Fault != nil || s.Doc().Pages[0].AsIs || s.Screen != session.ScreenReview {
		t.Errorf("after stopping %+v, fault %+v", s.Doc().Pages, s.Fault)
	}
	r.desk.imports = func(context.Context, string) error { return fault(kiosk.CodeFileBroken) }
	r.do(session.AsIs{Page: a, On: true})
	s := r.idle()
	if s.Fault == nil || s.Fault.Code != kiosk.CodeInternal || s.Fault.Task != session.TaskAsIs || !s.Fault.Retry {
		t.Fatalf("fault %+v", s.Fault)
	}
	r.desk.imports = nil
	r.do(session.Retry{})
	r.idle()
	r.wantPages("raw ~a")
}

func TestACrashKeepsTheWayBackAndTheVersionShown(t *testing.T) {
	r := start(t)
	ps := r.scanned("~a", "~b")
	r.do(session.AsIs{Page: ps[0].ID, On: true})
	r.idle()
	n := r.crash()
	n.wantPages("raw ~a ~b")
	n.do(session.AsIs{Page: ps[1].ID, On: true}) // its raw scan is still there
	n.idle()
	n.wantPages("raw ~a raw ~b")
	n.do(session.Undo{}, session.Undo{})
	n.wantPages("~a ~b")

	// In the middle of reading.
	reached := make(chan struct{}, 1)
	m := r.crash()
	m.desk.imports = func(ctx context.Context, _ string) error {
		reached <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	m.do(session.AsIs{Page: ps[1].ID, On: true})
	<-reached
	n = m.crash()
	if s := n.idle(); s.Fault != nil || len(s.Doc().Pages[1].Changes) != 1 {
		t.Errorf("fault %+v, pages %+v", s.Fault, s.Doc().Pages)
	}
	n.wantPages("raw ~a ~b")
}

func TestAWayBackThatIsDamagedIsGivenUp(t *testing.T) {
	for _, c := range []struct {
		damaged, want string
		page          int
	}{{"~b", "raw ~a ~b", 1}, {"thumb raw ~a", "~a ~b", 0}} {
		t.Run(c.damaged, func(t *testing.T) {
			r := start(t)
			ps := r.scanned("~a", "~b")
			r.do(session.AsIs{Page: ps[0].ID, On: true})
			r.idle()
			dir := r.copy()
			blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range blobs {
				if content, err := os.ReadFile(b); err != nil || string(content) != c.damaged {
					continue
				}
				if err := os.WriteFile(b, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			n := startIn(t, dir, &desk{})
			n.wantPages(c.want)
			lost := n.now().Doc().Pages[c.page]
			if lost.AsIs || c.damaged == "~b" && len(lost.Changes) != 0 || n.now().Fault != nil {
				t.Errorf("page %+v, fault %+v", lost, n.now().Fault)
			}
		})
	}
}

func TestWaysBackLeaveRoomForPages(t *testing.T) {
	r := start(t, func(c *session.Config) { c.MaxRaw = 5 })
	ps := r.scanned("~aa", "~bb") // three bytes each
	if len(ps[0].Changes) != 1 || len(ps[1].Changes) != 0 || r.blobs()["~bb"] {
		t.Errorf("pages %+v, blobs %v", ps, r.blobs())
	}

	// Here the spool is full when the third page comes.
	r = start(t, func(c *session.Config) {
		if err := c.Spool.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if c.Spool, err = spool.Open(folder(t), spool.Options{MaxBlobs: 10}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Spool.Close() })
	})
	ps = r.scanned("~a", "~b", "c")
	if len(ps) != 3 || len(ps[0].Changes) != 0 || len(ps[1].Changes) != 0 {
		t.Errorf("pages %+v", ps)
	}
	r.wantPages("~a ~b c")
}
