package session_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// result brings a visit to the result screen.
func (r *rig) result(portal string, sheets ...string) session.State {
	r.t.Helper()
	r.do(session.Start{})
	r.desk.feed(sheets...)
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	r.idle()
	r.do(session.Go{Screen: session.ScreenPortal}, session.Choose{Portal: portal, Kind: "rent"})
	r.screen(session.ScreenResult)
	return r.idle()
}

func TestAConversionThatFailsGoesBackToThePortals(t *testing.T) {
	r := start(t)
	r.desk.convert = func(context.Context, []string) error { return fault(kiosk.CodeCannotFit) }
	r.do(session.Start{})
	r.desk.feed("a")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	r.idle()
	r.do(session.Go{Screen: session.ScreenPortal}, session.Choose{Portal: "caf", Kind: "rent"})
	s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	if s.Screen != session.ScreenPortal || s.Fault.Code != kiosk.CodeCannotFit || s.Fault.Retry || r.pages() != "a" {
		t.Errorf("fault %+v on %s", *s.Fault, s.Screen)
	}
}

func TestAChangeOfPagesDropsTheResult(t *testing.T) {
	r := start(t)
	s := r.result("caf", "a", "b")
	doc := s.Doc().ID
	r.do(session.Go{Screen: session.ScreenReview}, session.Delete{Page: s.Doc().Pages[0].ID})
	if s = r.now(); s.Doc().Result != nil {
		t.Errorf("result %+v of other pages", s.Doc().Result)
	}
	if _, _, err := r.OpenFile(doc, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old file can be read: %v", err)
	}
	if err := r.Do(t.Context(), session.Go{Screen: session.ScreenResult}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("went to a result that is not there: %v", err)
	}
}

func TestSavingGoesOnWhereTheKeyWasPulled(t *testing.T) {
	r := start(t)
	r.result("photos", "a", "b")
	pulled := true
	r.desk.save = func(name string) error {
		if strings.Contains(name, "-2") && pulled {
			pulled = false
			return fault(kiosk.CodeKeyRemoved)
		}
		return nil
	}
	r.do(session.SaveToKey{})
	s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	if s.Fault.Code != kiosk.CodeKeyRemoved || s.Fault.Kind != kiosk.KindKey || len(s.Doc().Result.OnKey) != 0 {
		t.Errorf("fault %+v, on the key %v", *s.Fault, s.Doc().Result.OnKey)
	}
	r.do(session.Retry{})
	s = r.wait("the saving", func(s session.State) bool { return s.Doc().Result.Delivered })
	if got := s.Doc().Result.OnKey; len(got) != 2 || got[0] != "justificatif-loyer-1.jpg" || len(r.desk.saved) != 2 {
		t.Errorf("on the key %v", got)
	}
}

func TestPicturesArePrintedAsOnePDF(t *testing.T) {
	r := start(t)
	r.result("photos", "a", "b")
	r.desk.print = func(_ context.Context, progress func(kiosk.PrintProgress)) error {
		progress(kiosk.PrintProgress{Conditions: []kiosk.Code{kiosk.CodePaperEmpty}})
		if s := r.now(); s.Task.Waiting != kiosk.CodePaperEmpty || s.Task.Total != 2 {
			t.Errorf("task %+v", s.Task)
		}
		progress(kiosk.PrintProgress{Pages: 2})
		return nil
	}
	r.do(session.Print{})
	r.idle()
	if got := r.desk.printed; len(got) != 1 || got[0] != "pdf a@0 b@0" {
		t.Errorf("printed %q", got)
	}
}

func TestTryingToPrintAgainIsTheSameJobUnlessSomebodyAsks(t *testing.T) {
	r := start(t)
	r.result("caf", "a")
	results := []error{fault(kiosk.CodePaperEmpty), fault(kiosk.CodeJobUnknown), nil}
	r.desk.print = func(context.Context, func(kiosk.PrintProgress)) error {
		err := results[0]
		results = results[1:]
		return err
	}
	r.do(session.Print{})
	if s := r.idle(); s.Fault == nil || !s.Fault.Retry {
		t.Fatalf("fault %+v", s.Fault)
	}
	r.do(session.Retry{})
	if s := r.idle(); s.Fault == nil || s.Fault.Code != kiosk.CodeJobUnknown || s.Fault.Retry {
		t.Fatalf("fault %+v: nobody knows whether it is out, so nobody prints again by themselves", s.Fault)
	}
	if err := r.Do(t.Context(), session.Retry{}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("retried: %v", err)
	}
	r.do(session.Print{})
	r.idle()
	if p := r.desk.prints; len(p) != 3 || p[0] != p[1] || p[1] == p[2] {
		t.Errorf("jobs %v, want two of one name and one of another", p)
	}
}
