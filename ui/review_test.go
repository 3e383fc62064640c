package ui_test

import (
	"context"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/session"
)

// reviewed is what a page of the review says of itself.
type reviewed struct {
	Hint  string
	Hints []struct {
		Text, Here string
		Turn       bool
		Areas      []spot
	}
	Change, Swap string
	AsIs         bool
}

type spot struct{ Left, Top, Width, Height int }

// pageOf sends a page to a screen and returns what that gets.
func pageOf(t *testing.T, lang string, p session.Page) reviewed {
	t.Helper()
	e := &engine{}
	e.state.Set(visit(session.ScreenReview, func(st *session.State) {
		st.Lang, st.Documents[0].Pages = lang, []session.Page{p}
	}))
	var v struct{ Review struct{ Pages []reviewed } }
	c := own(t, serve(t, e))
	if err := c.ReadJSON(&v); err != nil || len(v.Review.Pages) != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	return v.Review.Pages[0]
}

func TestEachDoubtIsSaidOnceWithItsPlaces(t *testing.T) {
	got := pageOf(t, "fr", session.Page{ID: "p1", Ready: true, Findings: []kiosk.Finding{
		{Verdict: kiosk.VerdictGlare, Area: kiosk.Area{X0: 100, Y0: 200, X1: 300, Y1: 250}}, {Verdict: kiosk.VerdictTurned},
		{Verdict: kiosk.VerdictGlare, Area: kiosk.Area{X0: 800, Y0: -5, X1: 1400, Y1: 50}}}})
	if len(got.Hints) != 2 || got.Hint != got.Hints[0].Text || !got.Hints[1].Turn || got.Hints[0].Turn || len(got.Hints[1].Areas) != 0 {
		t.Fatalf("%+v", got)
	}
	if want := []spot{{100, 200, 200, 50}, {800, 0, 200, 50}}; !reflect.DeepEqual(got.Hints[0].Areas, want) {
		t.Errorf("areas %v, want %v", got.Hints[0].Areas, want)
	}
	if !strings.Contains(got.Hints[0].Here, got.Hint) || got.Hints[0].Here == got.Hint {
		t.Errorf("the frame is announced as %q", got.Hints[0].Here)
	}
}

func TestAreasTurnWithTheirPage(t *testing.T) {
	for turn, want := range map[int]spot{0: {100, 200, 300, 50}, 90: {750, 100, 50, 300}, 180: {600, 750, 300, 50}, 270: {200, 600, 50, 300}} {
		got := pageOf(t, "ar", session.Page{ID: "p1", Ready: true, Turn: turn, Findings: []kiosk.Finding{
			{Verdict: kiosk.VerdictCut, Area: kiosk.Area{X0: 100, Y0: 200, X1: 400, Y1: 250}}}})
		if len(got.Hints) != 1 || !reflect.DeepEqual(got.Hints[0].Areas, []spot{want}) {
			t.Errorf("turned by %d: %+v, want %v", turn, got.Hints, want)
		}
	}
}

func TestWhatWasDoneToAPageIsSaidWithTheWayBack(t *testing.T) {
	if got := pageOf(t, "fr", session.Page{ID: "p1", Ready: true}); got.Change != "" || got.Swap != "" {
		t.Errorf("an unchanged page: %+v", got)
	}
	for _, c := range []struct {
		asIs         bool
		changes      []kiosk.Change
		change, swap string
	}{
		{false, []kiosk.Change{kiosk.ChangeStraightened}, "a mis cette page droite.", "Remettre comme avant"},
		{false, []kiosk.Change{kiosk.ChangeTurned}, "a mis cette page droite.", "Remettre comme avant"},
		{false, []kiosk.Change{kiosk.ChangeCropped}, "a coupé les bords", "Remettre comme avant"},
		{false, []kiosk.Change{kiosk.ChangeFlattened}, "droite et a coupé ses bords", "Remettre comme avant"},
		{true, []kiosk.Change{kiosk.ChangeFlattened, kiosk.ChangeTurned}, "comme avant", "Mettre la page droite"},
		{true, []kiosk.Change{kiosk.ChangeCropped}, "comme avant", "Couper les bords"},
		{false, []kiosk.Change{kiosk.ChangeLit}, "plus claire", "Remettre comme avant"},
		{false, []kiosk.Change{kiosk.ChangeStraightened, kiosk.ChangeLit}, "a mis cette page droite.", "Remettre comme avant"},
		{true, []kiosk.Change{kiosk.ChangeLit}, "comme avant", "Rendre la page plus claire"},
	} {
		got := pageOf(t, "fr", session.Page{ID: "p1", Ready: true, AsIs: c.asIs, Changes: c.changes})
		if !strings.Contains(got.Change, c.change) || got.Swap != c.swap || got.AsIs != c.asIs {
			t.Errorf("%v, as it came %v: %q and %q", c.changes, c.asIs, got.Change, got.Swap)
		}
	}
}

// The large picture frames doubts where they are, turns with its page and is
// there again after the task that was begun from it.
func TestTheLargePictureFollowsItsPage(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("chromium is not installed: run make deps")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := devtools.Start(ctx, devtools.Options{Headless: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	page, err := b.OpenPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Screen(ctx, 1920, 1080); err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	show := func(turn int, asIs bool, task *session.Task) {
		e.state.Set(visit(session.ScreenReview, func(st *session.State) {
			st.Lang, st.Task = "ar", task
			p := &st.Documents[0].Pages[1]
			p.Turn, p.AsIs, p.Changes = turn, asIs, []kiosk.Change{kiosk.ChangeCropped}
			p.Findings = []kiosk.Finding{{Verdict: kiosk.VerdictTurned},
				{Verdict: kiosk.VerdictFingers, Area: kiosk.Area{X0: 0, Y0: 0, X1: 200, Y1: 100}}}
		}))
	}
	show(0, false, nil)
	if err := page.Navigate(ctx, "http://"+serve(t, e)+"/"); err != nil {
		t.Fatal(err)
	}
	f := &finger{ctx: ctx, page: page}
	f.sees(t, `#pages li:nth-child(2) [data-do="zoom"]`)
	f.touch(t, `#pages li:nth-child(2) [data-do="zoom"]`)
	f.framed(t, 0, 0, 0.2, 0.1)
	f.touch(t, `[data-do="bigger"]`)
	f.framed(t, 0, 0, 0.2, 0.1)
	f.touch(t, `#zoom [data-do="turn"]`)
	e.wants(t, session.Turn{Page: "p2"})
	show(90, false, nil)
	f.framed(t, 0.9, 0, 0.1, 0.2) // to the right, in Arabic too
	f.touch(t, `#zoom [data-do="as-is"]`)
	e.wants(t, session.AsIs{Page: "p2", On: true})
	show(90, false, &session.Task{Kind: session.TaskAsIs, CanCancel: true})
	f.sees(t, `[data-section="task"]`)
	f.sees(t, `body:not(:has(dialog[open])) main`)
	show(90, true, nil)
	f.framed(t, 0.9, 0, 0.1, 0.2)
	f.touch(t, `#zoom [data-do="as-is"]`)
	e.wants(t, session.AsIs{Page: "p2"})
	e.state.Set(visit(session.ScreenReview, func(st *session.State) { st.Lang, st.Documents[0].Pages = "ar", pages(1) }))
	f.sees(t, `body:not(:has(dialog[open])) main`) // its page is gone
}

// framed waits for the one frame of the large picture to stand at a part of
// it.
func (f *finger) framed(t *testing.T, left, top, width, height float64) {
	t.Helper()
	until(t, fmt.Sprintf("a frame at %v, %v", left, top), func() bool {
		var ok bool
		err := f.page.Eval(f.ctx, fmt.Sprintf(`(() => {
			const frames = document.querySelectorAll('#zoom[open] .mark');
			const canvas = document.querySelector('#zoom canvas');
			if (frames.length !== 1 || canvas.width < 100 || !frames[0].getAttribute('aria-label')) return false;
			const c = canvas.getBoundingClientRect(), r = frames[0].getBoundingClientRect();
			const near = (a, b) => Math.abs(a - b) < 40; // it stands a little off
			return near(r.left, c.left + %f * c.width) && near(r.top, c.top + %f * c.height)
				&& near(r.width, %f * c.width) && near(r.height, %f * c.height);
		})()`, left, top, width, height), &ok)
		return err == nil && ok
	})
}
