package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
	"pointnum/kiosk/spool"
)

// crash starts another engine on the spool as it is now: what a restarted
// agent finds after kill -9.
func (r *rig) crash(change ...func(*session.Config)) *rig {
	r.t.Helper()
	return startIn(r.t, r.copy(), &desk{}, change...)
}

// copy copies the spool's folder in a moment when nothing changes in it.
func (r *rig) copy() string {
	r.t.Helper()
	parent := folder(r.t)
	listing := func() (all string) {
		for _, f := range r.files() {
			if info, err := os.Stat(f); err == nil {
				all += fmt.Sprintln(f, info.Size(), info.ModTime().UnixNano())
			}
		}
		return all
	}
	for i := range 1000 {
		dir := filepath.Join(parent, fmt.Sprint(i))
		before := listing()
		if err := os.CopyFS(dir, os.DirFS(r.dir)); err == nil && listing() == before {
			return dir
		}
	}
	r.t.Fatal("the spool never rests")
	return ""
}

func TestACrashWhileScanningKeepsEveryPageThatCame(t *testing.T) {
	release := make(chan struct{})
	d := &desk{}
	reachedImport := make(chan struct{}, 10)
	d.imports = func(ctx context.Context, content string) error {
		if content != "b" {
			return nil
		}
		reachedImport <- struct{}{}
		select { // page b is being made ready when the agent dies
		case <-release:
		case <-ctx.Done():
		}
		return nil
	}
	r := startIn(t, folder(t), d)
	r.do(session.Start{Lang: "en"})
	d.feed("a", "b", "c")
	reached := stuck(d)
	r.do(session.Scan{})
	<-reached
	<-reachedImport
	old := r.wait("three pages", func(s session.State) bool { return s.PageCount() == 3 && s.Doc().Pages[0].Ready })

	n := r.crash()
	close(release)
	s := n.wait("the pages", func(s session.State) bool { return s.Fault != nil && s.Task == nil })
	if !s.Restore || s.Visit != old.Visit || s.Lang != "en" || s.Screen != session.ScreenScan {
		t.Errorf("restored %+v", s)
	}
	want := session.Fault{Code: kiosk.CodeInternal, Kind: kiosk.KindScanner, Task: session.TaskScan, Kept: 3, Retry: true}
	if *s.Fault != want || n.pages() != "a b c" {
		t.Errorf("fault %+v, pages %q", *s.Fault, n.pages())
	}
	n.desk.feed("d")
	n.do(session.Retry{})
	s = n.screen(session.ScreenReview)
	if s = n.idle(); n.pages() != "a b c d" || s.Restore {
		t.Errorf("pages %q, restore %v", n.pages(), s.Restore)
	}
}

func TestACrashInReviewKeepsPagesAndHistory(t *testing.T) {
	r := start(t)
	r.result("caf", "a", "b", "c")
	r.do(session.SaveToKey{})
	r.idle()
	r.do(session.AddDocument{})
	r.desk.feed("x", "y")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	s := r.idle()
	r.do(session.Turn{Page: s.Doc().Pages[1].ID}, session.Delete{Page: s.Doc().Pages[0].ID}, session.CallHelp{})

	n := r.crash()
	s = n.now()
	if !s.Restore || s.Screen != session.ScreenReview || n.pages() != "y" || !s.Help || s.Fault != nil ||
		s.Doc().Pages[0].Turn != 90 || len(s.Documents) != 2 || !s.Documents[0].Result.Delivered {
		t.Fatalf("restored %+v", s)
	}
	rc, f, err := n.OpenFile(s.Documents[0].ID, 0)
	if err != nil || f.Name != "justificatif-loyer.pdf" {
		t.Fatalf("%+v, %v", f, err)
	}
	_ = rc.Close()
	n.do(session.Undo{}, session.Undo{})
	if n.pages() != "x y" {
		t.Errorf("after undo %q", n.pages())
	}
}

func TestACrashWhileConvertingOffersToTryAgain(t *testing.T) {
	r := start(t)
	reached := make(chan struct{})
	r.desk.convert = func(ctx context.Context, _ []string) error {
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r.do(session.Start{})
	r.desk.feed("a")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	r.idle()
	r.do(session.Go{Screen: session.ScreenPortal}, session.Choose{Portal: "caf", Kind: "rent"})
	<-reached

	n := r.crash()
	s := n.now()
	if s.Screen != session.ScreenPortal || s.Fault == nil || s.Fault.Task != session.TaskConvert || !s.Fault.Retry {
		t.Fatalf("%s, fault %+v", s.Screen, s.Fault)
	}
	n.do(session.Retry{})
	if s = n.screen(session.ScreenResult); s.Doc().Result == nil {
		t.Error("no result")
	}
}

func TestACrashWhilePrintingNeverPrintsAgainByItself(t *testing.T) {
	r := start(t)
	r.result("caf", "a")
	reached := make(chan struct{})
	r.desk.print = func(ctx context.Context, _ func(kiosk.PrintProgress)) error {
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r.do(session.Print{})
	<-reached

	n := r.crash()
	s := n.now()
	if s.Screen != session.ScreenResult || s.Fault == nil || s.Fault.Code != kiosk.CodeJobUnknown || s.Fault.Retry {
		t.Fatalf("%s, fault %+v", s.Screen, s.Fault)
	}
	if len(n.desk.prints) != 0 {
		t.Errorf("printed %v", n.desk.prints)
	}
	n.do(session.Print{})
	s = n.idle()
	if !s.Doc().Result.Printed || n.desk.prints[0] == r.desk.prints[0] {
		t.Errorf("result %+v, jobs %v after %v", s.Doc().Result, n.desk.prints, r.desk.prints)
	}
}

func TestACrashWhileAFileIsReadGoesOnWithItsNextPage(t *testing.T) {
	d := &desk{files: map[string]string{"bill.pdf": "x,y,z"}}
	reached := make(chan struct{})
	d.imports = func(ctx context.Context, content string) error {
		if content == "z" {
			close(reached)
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return nil
	}
	r := startIn(t, folder(t), d)
	r.do(session.Start{}, session.ListKey{})
	r.wait("the list", func(s session.State) bool { return s.Keys != nil && s.Task == nil })
	r.do(session.Import{File: "bill.pdf"})
	<-reached

	n := r.crash()
	if s := n.idle(); n.pages() != "x y z" || s.Fault != nil {
		t.Errorf("pages %q, fault %+v", n.pages(), s.Fault)
	}
}

func TestAPageThatEndsTheAgentIsNotTriedForEver(t *testing.T) {
	d := &desk{}
	hang := func(reached chan struct{}) func(context.Context, string) error {
		return func(ctx context.Context, content string) error {
			if content == "bomb" {
				close(reached)
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}
	}
	reached := make(chan struct{})
	d.imports = hang(reached)
	r := startIn(t, folder(t), d)
	r.do(session.Start{})
	d.feed("a", "bomb")
	r.do(session.Scan{})
	<-reached
	r.wait("page a", func(s session.State) bool { return s.Doc().Pages[0].Ready })
	dir := r.copy()
	reached = make(chan struct{})
	r = startIn(t, dir, &desk{imports: hang(reached)}) // the second try
	<-reached
	n := r.crash()
	s := n.idle()
	if n.pages() != "a" || s.Fault == nil {
		t.Errorf("pages %q, fault %+v", n.pages(), s.Fault)
	}
}

func TestWhatIsDamagedIsGivenUp(t *testing.T) {
	r := start(t)
	r.result("caf", "a", "b")
	dir := r.copy()
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*"))
	if err != nil || len(blobs) < 7 {
		t.Fatalf("%v, %v", blobs, err)
	}
	for _, b := range blobs {
		content, err := os.ReadFile(b)
		if err != nil {
			t.Fatal(err)
		}
		if string(content) == "preview b" || string(content) == "pdf a@0 b@0" {
			if err := os.WriteFile(b, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := startIn(t, dir, &desk{})
	if s := n.now(); n.pages() != "a" || s.Doc().Result != nil || s.Fault == nil {
		t.Errorf("pages %q, result %+v", n.pages(), s.Doc().Result)
	}
	n.do(session.Go{Screen: session.ScreenReview})
}

func TestAJournalThatIsNotOursIsWiped(t *testing.T) {
	for _, journal := range []string{"", "{", "null", "{}", `{"ID":"x","Papers":[null],"Pages":{},"Origins":{}}`,
		`{"ID":"x","Papers":[{"Leaves":[{"Page":"gone"}]}],"Pages":{},"Origins":{}}`} {
		dir := folder(t)
		s, err := spool.Open(dir, spool.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SaveState([]byte(journal)); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		r := startIn(t, dir, &desk{})
		if got := r.now(); got.Screen != session.ScreenWelcome || got.Restore || len(r.files()) != 0 {
			t.Errorf("%q: %s, files %v", journal, got.Screen, r.files())
		}
	}
}

func TestAVisitIsNotBroughtBackForSomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.do(session.Start{})
		r.desk.feed("a")
		r.do(session.Scan{})
		r.screen(session.ScreenReview)
		r.idle()
		dir := r.copy()
		r.stop()
		time.Sleep(3 * time.Minute) // the agent was down
		n := startIn(t, dir, &desk{})
		if s := n.now(); s.Screen != session.ScreenWelcome || len(n.files()) != 0 {
			t.Errorf("%s, files %v", s.Screen, n.files())
		}
		n.stop()
	})
}

func TestACrashAfterLeavingBringsNothingBack(t *testing.T) {
	release := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	r := start(t)
	t.Cleanup(letGo) // before the rig waits for the scanner
	r.do(session.Start{})
	r.desk.feed("a")
	reached := make(chan struct{})
	r.desk.feedFunc(func(context.Context) (string, error) {
		close(reached)
		<-release // the scanner takes its time to let go
		return "", errors.New("gone")
	})
	r.do(session.Scan{})
	<-reached
	r.do(session.Leave{})
	n := r.crash()
	letGo()
	if s := n.now(); s.Screen != session.ScreenWelcome || len(n.files()) != 0 {
		t.Errorf("%s, files %v", s.Screen, n.files())
	}
}

// TestMain lets the test program be the agent that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SESSION_TEST_AGENT"); dir != "" {
		agent(dir)
		return
	}
	os.Exit(m.Run())
}

// agent scans two pages, says so, and waits for its end.
func agent(dir string) {
	t := &testing.T{}
	r := startIn(t, dir, &desk{})
	r.do(session.Start{})
	r.desk.feed("a", "b")
	stuck(r.desk)
	r.do(session.Scan{})
	r.wait("two pages", func(s session.State) bool {
		return s.PageCount() == 2 && s.Doc().Pages[0].Ready && s.Doc().Pages[1].Ready
	})
	fmt.Println("scanned")
	select {}
}

func TestKill9(t *testing.T) {
	dir := folder(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "SESSION_TEST_AGENT="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err := errors.Join(err, cmd.Process.Kill()); err != nil || line != "scanned\n" {
		t.Errorf("the agent said %q, %v", line, err)
	}
	_ = cmd.Wait() // killed
	r := startIn(t, dir, &desk{})
	if s := r.now(); !s.Restore || r.pages() != "a b" {
		t.Errorf("restored %+v, pages %q", s, r.pages())
	}
}
