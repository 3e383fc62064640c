package session_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestActionsThatMakeNoSenseChangeNothing(t *testing.T) {
	inVisit := []session.Action{session.Go{Screen: session.ScreenScan}, session.Scan{}, session.ListKey{},
		session.CloseKey{}, session.Import{File: "x"}, session.Cancel{}, session.Retry{}, session.Dismiss{},
		session.Turn{}, session.Move{}, session.AsIs{On: true}, session.Delete{}, session.Undo{}, session.Redo{}, session.AddDocument{},
		session.Choose{Portal: "caf", Kind: "rent"}, session.SaveToKey{}, session.Print{}, session.PrintReceipt{}, session.Leave{}}
	for _, c := range []struct {
		name    string
		prepare func(r *rig)
		refused []session.Action
	}{
		{"nobody's visit", func(*rig) {}, append([]session.Action{session.SetLanguage{Lang: "<b>"}, session.SetLanguage{}}, inVisit...)},
		{"no page yet", func(r *rig) { r.do(session.Start{}) }, []session.Action{session.Start{}, session.Cancel{}, session.Retry{},
			session.Go{Screen: session.ScreenReview}, session.Go{Screen: session.ScreenPortal}, session.Go{Screen: session.ScreenResult},
			session.Go{Screen: session.ScreenWelcome}, session.Go{Screen: "nowhere"}, session.AddDocument{}, session.Undo{}, session.Redo{},
			session.Import{File: "x"}, session.CloseKey{}, session.Choose{Portal: "caf", Kind: "rent"}, session.SaveToKey{},
			session.Print{}, session.PrintReceipt{}, session.Turn{Page: "x"}, nil}},
		{"a task in hand", func(r *rig) {
			r.do(session.Start{})
			reached := stuck(r.desk)
			r.do(session.Scan{})
			<-reached
		}, slices.DeleteFunc(slices.Clone(inVisit), func(a session.Action) bool {
			return a == session.Leave{} || a == session.Cancel{}
		})},
		{"a result", func(r *rig) { r.result("caf", "a") }, []session.Action{session.Scan{}, session.ListKey{}, session.Undo{},
			session.Retry{}, session.Choose{Portal: "caf", Kind: "rent"}, session.Start{}}},
		{"pages in review", func(r *rig) { r.result("caf", "a", "b"); r.do(session.Go{Screen: session.ScreenReview}) }, []session.Action{
			session.Move{Page: "x", To: 0}, session.Delete{Page: "x"}, session.Redo{}, session.SaveToKey{}, session.Print{},
			session.Choose{Portal: "caf", Kind: "rent"}}},
		{"the portals", func(r *rig) { r.result("caf", "a"); r.do(session.Go{Screen: session.ScreenPortal}) }, []session.Action{
			session.Choose{Portal: "nowhere", Kind: "rent"}, session.Choose{Portal: "caf", Kind: "nothing"}, session.Choose{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t)
			c.prepare(r)
			before := r.now()
			for _, a := range c.refused {
				if err := r.Do(t.Context(), a); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
					t.Errorf("%T%+v: %v, want %q", a, a, err, kiosk.CodeBadRequest)
				}
				after := r.now()
				// The devices have their own pace.
				before.Scanner, before.Printer, before.ReceiptPrinter = after.Scanner, after.Printer, after.ReceiptPrinter
				if !reflect.DeepEqual(before, after) {
					t.Errorf("%T%+v changed\n%+v to\n%+v", a, a, before, after)
				}
			}
		})
	}
}

func TestUndoingAllEditsGivesTheStartAndRedoingThemTheEnd(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := start(t)
			rng := rand.New(rand.NewPCG(seed, 1))
			r.do(session.Start{})
			r.desk.feed("a", "~b", "c", "^d", "~e")
			r.do(session.Scan{})
			r.screen(session.ScreenReview)
			r.idle()
			leaves := func() string {
				s := r.now()
				return fmt.Sprint(s.Doc().Pages)
			}
			first, edits := leaves(), 0
			states := []string{first}
			for range 60 {
				now := r.now()
				pages := now.Doc().Pages
				if len(pages) == 0 {
					break
				}
				p := pages[rng.IntN(len(pages))]
				id := p.ID
				switch n := rng.IntN(12); {
				case n >= 10:
					if len(p.Changes) == 0 {
						continue
					}
					r.do(session.AsIs{Page: id, On: !p.AsIs})
					r.idle()
				case n < 4:
					r.do(session.Turn{Page: id})
				case n < 7:
					to := rng.IntN(len(pages))
					if pages[to].ID == id {
						continue // no change
					}
					r.do(session.Move{Page: id, To: to})
				case n < 8:
					r.do(session.Delete{Page: id})
				case n < 9:
					r.desk.feed("x", "y")
					r.do(session.Scan{})
					r.idle()
				default:
					before := leaves()
					r.do(session.Undo{})
					r.do(session.Redo{})
					if got := leaves(); got != before {
						t.Fatalf("undo and redo gave %s, want %s", got, before)
					}
					continue
				}
				edits++
				states = append(states, leaves())
			}
			for i := edits - 1; i >= 0; i-- {
				r.do(session.Undo{})
				if got := leaves(); got != states[i] {
					t.Fatalf("undo to %d gave %s, want %s", i, got, states[i])
				}
			}
			for i := range edits {
				r.do(session.Redo{})
				if got := leaves(); got != states[i+1] {
					t.Fatalf("redo to %d gave %s, want %s", i+1, got, states[i+1])
				}
			}
			if r.now().CanRedo {
				t.Error("more to redo than was undone")
			}
			r.pages() // each page still has its picture
		})
	}
}

func TestTwoScreensActAtOnce(t *testing.T) {
	r := start(t)
	r.do(session.Start{})
	r.desk.feed("a", "b", "c", "d")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	ready := r.idle()
	first := ready.Doc().Pages
	var screens sync.WaitGroup
	for i := range 2 {
		screens.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 2))
			for range 200 {
				s := r.now()
				if s.Doc() == nil || len(s.Doc().Pages) == 0 {
					continue
				}
				p := s.Doc().Pages[rng.IntN(len(s.Doc().Pages))]
				var a session.Action
				switch rng.IntN(6) {
				case 0:
					a = session.Delete{Page: p.ID}
				case 1:
					a = session.Turn{Page: p.ID}
				case 2:
					a = session.Move{Page: p.ID, To: rng.IntN(4)}
				case 3:
					a = session.Redo{}
				default:
					a = session.Undo{}
				}
				if err := r.Do(t.Context(), a); err != nil && kiosk.CodeOf(err) != kiosk.CodeBadRequest {
					t.Errorf("%T: %v", a, err)
				}
				if rc, _, err := r.OpenPicture(p.ID, session.PictureThumb); err != nil {
					t.Error(err)
				} else {
					_ = rc.Close()
				}
			}
		})
	}
	screens.Wait()
	for r.now().PageCount() > 0 && r.now().CanUndo {
		r.do(session.Undo{})
	}
	r.do(session.Redo{})
	last := r.now()
	if got := last.Doc().Pages; !reflect.DeepEqual(got, first) {
		t.Errorf("got %v, want %v", got, first)
	}
}

func TestBackFromAPaperBegunByMistake(t *testing.T) {
	r := start(t)
	r.result("caf", "a")
	r.do(session.AddDocument{}, session.Go{Screen: session.ScreenResult})
	if s := r.now(); len(s.Documents) != 1 || s.Doc().Result == nil {
		t.Errorf("%+v", s)
	}
}

func TestAWipeThatCannotBeVerifiedClosesTheKiosk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.do(session.Start{})
		// A folder that is in use as somebody's mount point can't be removed;
		// one in the marker's place makes the wipe fail the same way.
		blocker := filepath.Join(r.dir, "wiping")
		if err := os.MkdirAll(filepath.Join(blocker, "child"), 0o700); err != nil {
			t.Fatal(err)
		}
		r.do(session.Leave{})
		s := r.screen(session.ScreenBroken)
		if s.Fault.Code != kiosk.CodeOutOfOrder || s.Wiped {
			t.Errorf("%+v, fault %+v", s, s.Fault)
		}
		if err := r.Do(t.Context(), session.Start{}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("a new visit: %v", err)
		}
		if err := os.RemoveAll(blocker); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute + time.Second)
		if s := r.now(); s.Screen != session.ScreenGoodbye || !s.Wiped {
			t.Errorf("once it can be wiped: %s", s.Screen)
		}
		r.stop()
	})
}

// TestNothingOfAVisitorIsLogged reads all that is logged and counted in a
// visit where things go wrong, and all that the screens get but may not pass
// on.
func TestNothingOfAVisitorIsLogged(t *testing.T) {
	var log bytes.Buffer
	d := &desk{files: map[string]string{"Jeanne Exemple.pdf": "Jeanne,Exemple"}}
	d.imports = func(_ context.Context, content string) error {
		if content == "Exemple" {
			return fault(kiosk.CodeFileBroken)
		}
		return nil
	}
	d.save = func(string) error { return fault(kiosk.CodeKeyFull) }
	d.print = func(context.Context, func(kiosk.PrintProgress)) error { return fault(kiosk.CodeJobAborted) }
	d.receipt = func(context.Context) error { return fault(kiosk.CodePaperEmpty) }
	r := startIn(t, folder(t), d, func(c *session.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Name = func(session.State) string { return "Jeanne" }
	})
	r.do(session.Start{}, session.ListKey{})
	r.wait("the list", func(s session.State) bool { return s.Keys != nil && s.Task == nil })
	r.do(session.Import{File: "Jeanne Exemple.pdf"})
	r.idle()
	r.do(session.Go{Screen: session.ScreenPortal}, session.Choose{Portal: "caf", Kind: "rent"})
	visit := r.screen(session.ScreenResult).Visit
	r.idle()
	for _, a := range []session.Action{session.SaveToKey{}, session.Print{}, session.PrintReceipt{}} {
		r.do(a)
		if s := r.idle(); s.Fault == nil {
			t.Errorf("%T: no fault", a)
		}
	}
	r.do(session.Leave{})
	r.screen(session.ScreenGoodbye)
	r.stop()
	for _, secret := range []string{"Jeanne", "Exemple", visit} {
		if strings.Contains(log.String(), secret) || strings.Contains(fmt.Sprint(r.events), secret) {
			t.Errorf("%q was logged or counted:\n%s\n%+v", secret, &log, r.events)
		}
	}
	if n := r.kinds()[session.EventFault]; n != 4 {
		t.Errorf("%d faults were counted, want 4", n)
	}
}

func BenchmarkAnActionOnAHundredPages(b *testing.B) {
	r := start(b)
	r.do(session.Start{})
	for i := range 100 {
		r.desk.feed(fmt.Sprint(i))
	}
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	page := r.idle().Documents[0].Pages[50].ID
	for b.Loop() { // journal, publish, answer
		r.do(session.Turn{Page: page})
		r.do(session.Undo{})
	}
}
