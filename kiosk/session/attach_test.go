package session_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestWhatAFieldTakesIsTheStricterOfPageAndCatalogue(t *testing.T) {
	pdf, jpeg, png := kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG
	for _, c := range []struct {
		name   string
		portal string
		choice kiosk.FileChoice
		want   kiosk.Target
		known  bool
	}{
		{"a page that says nothing is taken at the catalogue's word", "caf", kiosk.FileChoice{},
			kiosk.Target{Format: pdf, MaxBytes: 10e6, AimBytes: 1e6, MaxFiles: 1}, true},
		{"the page's stricter limit holds", "caf", kiosk.FileChoice{MaxBytes: 300e3},
			kiosk.Target{Format: pdf, MaxBytes: 300e3, AimBytes: 300e3, MaxFiles: 1}, true},
		{"the catalogue's stricter limit holds", "caf", kiosk.FileChoice{MaxBytes: 30e6},
			kiosk.Target{Format: pdf, MaxBytes: 10e6, AimBytes: 1e6, MaxFiles: 1}, true},
		{"a limit nobody read gives way to the page's", "photos", kiosk.FileChoice{MaxBytes: 4e6, Formats: []kiosk.Format{jpeg}},
			kiosk.Target{Format: jpeg, MaxBytes: 4e6, AimBytes: 1e6, MaxFiles: 1}, true},
		{"two pages go into one PDF where only one file is taken", "photos", kiosk.FileChoice{Formats: []kiosk.Format{jpeg, pdf}},
			kiosk.Target{Format: pdf, MaxBytes: 1e6, AimBytes: 1e6, MaxFiles: 1}, false},
		{"several pictures go into a field for several", "photos", kiosk.FileChoice{Multiple: true, MaxFiles: 3, MaxTotal: 600e3, Formats: []kiosk.Format{jpeg, pdf}},
			kiosk.Target{Format: jpeg, MaxBytes: 300e3, AimBytes: 300e3, MaxFiles: 3}, false},
		{"a zone that says nothing gets one PDF", "caf", kiosk.FileChoice{Drop: true, Multiple: true},
			kiosk.Target{Format: pdf, MaxBytes: 10e6, AimBytes: 1e6, MaxFiles: 100}, true},
		{"the page's own formats hold", "caf", kiosk.FileChoice{Formats: []kiosk.Format{png, jpeg}, Multiple: true, MaxFiles: 2},
			kiosk.Target{Format: png, MaxBytes: 10e6, AimBytes: 1e6, MaxFiles: 2}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &browser{}
			r := start(t, with(b))
			r.result("caf", "a", "b")
			r.do(session.OpenPortal{Portal: c.portal})
			r.asks(session.AskNothing)
			c.choice.ID = "1"
			b.choose(c.choice)
			if s := r.asks(session.AskFile); s.Browse.Target != c.want || s.Browse.Known != c.known {
				t.Errorf("got %+v, known %v", s.Browse.Target, s.Browse.Known)
			}
		})
	}
}

func TestAFileThatFitsIsNotMadeAgain(t *testing.T) {
	b, d := &browser{}, &desk{weight: 2e6}
	r := browsingAt(t, d, b)
	doc := r.now().Doc().ID
	attach := func(id string, limit int64, conversions int) {
		t.Helper()
		b.choose(kiosk.FileChoice{ID: id, MaxBytes: limit})
		r.asks(session.AskFile)
		r.do(session.AttachDocument{Document: doc})
		r.asks(session.AskNothing)
		if len(d.targets) != conversions {
			t.Errorf("%d conversions, want %d", len(d.targets), conversions)
		}
		if size := int64(len(b.received())); size >= limit+100 {
			t.Errorf("%d bytes into a field for %d", size, limit)
		}
	}
	attach("1", 3e6, 1)
	attach("2", 4e6, 1)
	attach("3", 1e6, 2)
	s := r.now()
	if n := len(s.Doc().Attached); n != 3 || s.Doc().Result.Bytes >= 1e6 {
		t.Errorf("%d times attached, the result has %d bytes", n, s.Doc().Result.Bytes)
	}
}

func TestAPictureForOneFieldIsNoPaperForTheNext(t *testing.T) {
	b, d := &browser{}, &desk{}
	r := browsingAt(t, d, b)
	doc := r.now().Doc().ID
	for id, c := range []struct {
		takes []kiosk.Format
		gets  kiosk.Format
	}{
		{[]kiosk.Format{kiosk.FormatJPEG}, kiosk.FormatJPEG},
		{[]kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG}, kiosk.FormatPDF},
		{nil, kiosk.FormatPDF},
	} {
		b.choose(kiosk.FileChoice{ID: strconv.Itoa(id), Formats: c.takes, Multiple: true})
		r.asks(session.AskFile)
		r.do(session.AttachDocument{Document: doc})
		r.asks(session.AskNothing)
		if got := r.now().Doc().Result.Format; got != c.gets {
			t.Errorf("a field that takes %v got %s", c.takes, got)
		}
	}
}

func TestAnAttachmentThatFailsLeavesThePageWaiting(t *testing.T) {
	b, d := &browser{}, &desk{}
	r := browsingAt(t, d, b)
	doc := r.now().Doc().ID
	d.convert = func(context.Context, []string) error { return fault(kiosk.CodeCannotFit) }
	b.choose(kiosk.FileChoice{ID: "1", MaxBytes: 1000})
	r.asks(session.AskFile)
	r.do(session.AttachDocument{Document: doc})
	if s := r.faulty(kiosk.CodeCannotFit); s.Fault.Task != session.TaskAttach || s.Fault.Retry || s.Browse.Asking != session.AskFile {
		t.Errorf("fault %+v, asking %q", s.Fault, s.Browse.Asking)
	}
	d.convert = nil
	r.do(session.Dismiss{})
	b.hooks(func() { b.attach = func(context.Context) error { return fault(kiosk.CodeNotResponding) } })
	r.do(session.AttachDocument{Document: doc})
	if s := r.faulty(kiosk.CodeNotResponding); !s.Fault.Retry {
		t.Errorf("fault %+v", s.Fault)
	}
	b.hooks(func() { b.attach = nil })
	r.do(session.Retry{})
	if r.asks(session.AskNothing); b.received() == "" {
		t.Error("nothing attached")
	}

	b.hooks(func() { b.attach = func(context.Context) error { return fault(kiosk.CodeBadRequest) } })
	b.choose(kiosk.FileChoice{ID: "2"})
	r.asks(session.AskFile)
	r.do(session.AttachDocument{Document: doc})
	if s := r.faulty(kiosk.CodeBadRequest); s.Fault.Retry || s.Browse.Asking != session.AskNothing || s.Browse.Choice != nil {
		t.Errorf("a choice that is gone: fault %+v, browse %+v", s.Fault, s.Browse)
	}
}

func TestAnAttachmentCanBeCancelled(t *testing.T) {
	b := &browser{}
	reached := make(chan struct{})
	b.attach = func(ctx context.Context) error {
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r := browsing(t, b)
	b.choose(kiosk.FileChoice{ID: "1"})
	s := r.asks(session.AskFile)
	r.do(session.AttachDocument{Document: s.Doc().ID})
	<-reached
	if s := r.now(); s.Task == nil || s.Task.Kind != session.TaskAttach || !s.Task.CanCancel {
		t.Errorf("task %+v", s.Task)
	}
	r.do(session.Cancel{})
	if s := r.asks(session.AskFile); s.Fault != nil || len(s.Doc().Attached) != 0 {
		t.Errorf("fault %+v, attached %v", s.Fault, s.Doc().Attached)
	}
}

func TestARefusedChoiceIsNotAskedAgain(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	b.choose(kiosk.FileChoice{ID: "1"})
	r.asks(session.AskFile)
	r.refused(session.AskFor{Ask: session.AskNothing}, session.TypeText{Text: "x"}, session.Lighter{})
	r.do(session.RefuseChoice{})
	if s := r.now(); s.Browse.Asking != session.AskNothing || s.Browse.Choice != nil {
		t.Errorf("browse %+v", s.Browse)
	}
	eventually(t, "the page told", func() bool { return b.called() == "refuse 1" })
	b.choose(kiosk.FileChoice{ID: "2"})
	r.asks(session.AskFile)
	b.tell(func(s *kiosk.BrowserState) { s.Choice = nil }) // the page gave it up
	r.asks(session.AskNothing)
}

func TestAPaperIsAddedWhileTheFieldWaits(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	b.choose(kiosk.FileChoice{ID: "1"})
	r.asks(session.AskFile)
	r.do(session.AddForChoice{}, session.Go{Screen: session.ScreenBrowse})
	if s := r.now(); len(s.Documents) != 1 || s.Browse.Asking != session.AskFile {
		t.Errorf("back without a paper: %d documents, asking %q", len(s.Documents), s.Browse.Asking)
	}
	r.do(session.AddForChoice{})
	r.screen(session.ScreenScan)
	r.refused(session.AttachDocument{Document: r.now().Doc().ID}, session.BrowserDo{Command: kiosk.BrowserBack})
	r.desk.feed("c")
	r.do(session.Scan{})
	r.screen(session.ScreenReview)
	r.idle()
	r.do(session.Go{Screen: session.ScreenBrowse})
	s := r.asks(session.AskFile)
	if len(s.Documents) != 2 || s.Current != 1 {
		t.Fatalf("%d documents, current %d", len(s.Documents), s.Current)
	}
	r.do(session.AttachDocument{Document: s.Doc().ID})
	if r.asks(session.AskNothing); b.received() != "justificatif-loyer.pdf=pdf c@0" {
		t.Errorf("the page got %q", b.received())
	}
}

func TestARefusedFileIsMadeLighter(t *testing.T) {
	b, d := &browser{}, &desk{weight: 900e3}
	r := browsingAt(t, d, b)
	doc := r.now().Doc().ID
	give := func(id string) int {
		b.choose(kiosk.FileChoice{ID: id, Multiple: true})
		r.asks(session.AskFile)
		r.do(session.AttachDocument{Document: doc})
		r.asks(session.AskNothing)
		return len(b.received())
	}
	r.refused(session.AskFor{Ask: session.AskRefused})
	first := give("1")
	r.do(session.AskFor{Ask: session.AskRefused}, session.Lighter{})
	r.asks(session.AskNothing)
	made := len(d.targets)
	second := give("2")
	if second > first/2+100 || len(d.targets) != made {
		t.Errorf("%d bytes after %d, %d conversions", second, first, len(d.targets))
	}
	r.do(session.AskFor{Ask: session.AskRefused}, session.Lighter{Format: kiosk.FormatJPEG})
	r.asks(session.AskNothing)
	b.choose(kiosk.FileChoice{ID: "3", Multiple: true})
	if s := r.asks(session.AskFile); s.Browse.Target.Format != kiosk.FormatJPEG {
		t.Errorf("the field is said to get %s", s.Browse.Target.Format)
	}
	give("3")
	if got := b.received(); got != "justificatif-loyer-1.jpg=a@0; justificatif-loyer-2.jpg=b@0" {
		t.Errorf("as pictures the page got %q", got)
	}
}

func TestOnlyWhatTheFieldTakesIsOfferedAfterARefusal(t *testing.T) {
	pdf, jpeg, png := kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG
	for _, c := range []struct {
		name   string
		choice kiosk.FileChoice
		want   []kiosk.Format
	}{
		{"a field for PDF alone", kiosk.FileChoice{Formats: []kiosk.Format{pdf}, Multiple: true}, nil},
		{"a field that takes pictures, too", kiosk.FileChoice{Formats: []kiosk.Format{pdf, jpeg, png}, Multiple: true}, []kiosk.Format{jpeg, png}},
		{"two pages and a field for one file", kiosk.FileChoice{Formats: []kiosk.Format{pdf, jpeg}}, nil},
		{"a field that says nothing", kiosk.FileChoice{Multiple: true}, []kiosk.Format{jpeg}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, d := &browser{}, &desk{weight: 900e3}
			r := browsingAt(t, d, b)
			c.choice.ID = "1"
			b.choose(c.choice)
			s := r.asks(session.AskFile)
			r.do(session.AttachDocument{Document: s.Doc().ID})
			s = r.asks(session.AskNothing)
			if !s.Browse.Lighter || !slices.Equal(s.Browse.Others, c.want) {
				t.Errorf("lighter %v, others %v", s.Browse.Lighter, s.Browse.Others)
			}
			r.do(session.AskFor{Ask: session.AskRefused})
			for _, f := range []kiosk.Format{jpeg, png} {
				if !slices.Contains(c.want, f) {
					r.refused(session.Lighter{Format: f})
				}
			}
			r.do(session.Lighter{})
			r.asks(session.AskNothing)
		})
	}
}

func TestADownloadBecomesADocument(t *testing.T) {
	b := &browser{}
	r := browsing(t, b)
	b.gives("d1", "%PDF-x,y")
	s := r.asks(session.AskTaken)
	d := s.Doc()
	if len(s.Documents) != 2 || d.From != "caf" || len(d.Pages) != 2 || d.Result == nil || d.Result.Format != kiosk.FormatPDF || d.Result.Pages != 2 {
		t.Fatalf("%d documents, %+v", len(s.Documents), d)
	}
	r.do(session.SaveToKey{})
	r.asks(session.AskTaken)
	r.do(session.Go{Screen: session.ScreenResult})
	if got := r.desk.saved["justificatif-loyer.pdf"]; got != "%PDF-x,y" {
		t.Errorf("saved %q: not as it came", got)
	}
	r.do(session.Print{})
	if s = r.idle(); !s.Doc().Result.Printed || r.desk.printed[0] != "%PDF-x,y" {
		t.Errorf("printed %q", r.desk.printed)
	}
	r.do(session.Go{Screen: session.ScreenBrowse})
	r.asks(session.AskNothing)
	b.gives("d2", "z") // a format that only the document engine knows
	s = r.asks(session.AskTaken)
	if d := s.Doc(); d.Result == nil || !strings.HasPrefix(r.content(d.ID), "pdf z@0") {
		t.Errorf("result %+v", s.Doc().Result)
	}
	r.do(session.Go{Screen: session.ScreenScan})
	if s = r.now(); s.Doc().From != "" || len(s.Doc().Pages) != 0 {
		t.Error("scanned sheets would go into what the portal gave")
	}
	if n := r.kinds()[session.EventTaken]; n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestADownloadThatCannotBeReadLeavesNothing(t *testing.T) {
	b, d := &browser{}, &desk{}
	d.imports = func(_ context.Context, content string) error {
		if content == "bad" {
			return fault(kiosk.CodeFileUnknown)
		}
		return nil
	}
	r := browsingAt(t, d, b)
	b.gives("d1", "good,bad")
	s := r.faulty(kiosk.CodeFileUnknown)
	if f := s.Fault; f.Task != session.TaskTake || f.Retry || f.Kept != 0 || len(s.Documents) != 1 || s.PageCount() != 2 {
		t.Errorf("fault %+v, %d documents", f, len(s.Documents))
	}
	r.do(session.Dismiss{})
	r.asks(session.AskNothing)
}

func TestAPageIsPrintedOnce(t *testing.T) {
	b, d := &browser{}, &desk{}
	r := browsingAt(t, d, b)
	b.tell(func(s *kiosk.BrowserState) { s.Print = 1 })
	r.asks(session.AskPrint)
	d.print = func(context.Context, func(kiosk.PrintProgress)) error { return fault(kiosk.CodePaperEmpty) }
	r.do(session.PrintPage{})
	s := r.faulty(kiosk.CodePaperEmpty)
	if f := s.Fault; f.Kind != kiosk.KindPrinter || f.Task != session.TaskPrint || !f.Retry || f.Kept != 0 {
		t.Errorf("fault %+v", f)
	}
	d.print = nil
	r.do(session.Retry{})
	s = r.asks(session.AskNothing)
	if len(d.prints) != 2 || d.prints[0] != d.prints[1] || len(d.printed) != 1 || d.printed[0] != "%PDF-page" {
		t.Errorf("jobs %v, printed %v", d.prints, d.printed)
	}
	if !s.Doc().Result.Printed || s.Doc().From != "caf" || len(s.Documents) != 2 || r.kinds()[session.EventPrinted] != 1 {
		t.Errorf("document %+v", s.Doc())
	}
	b.tell(func(s *kiosk.BrowserState) { s.Print = 2 })
	r.asks(session.AskPrint)
	r.do(session.AskFor{Ask: session.AskNothing})
	if s := r.now(); s.Browse.Asking != session.AskNothing {
		t.Errorf("asking %q", s.Browse.Asking)
	}
}
