package session_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// handset is a visitor's phone, and the way to it.
type handset struct {
	mu       sync.Mutex
	follow   func(kiosk.PhoneState)
	state    kiosk.PhoneState
	lang     string
	contents map[string]string // by offer
	answers  []string
	sent     []string
	send     error
	closed   int
	receive  func(ctx context.Context) error
}

func (h *handset) Open(_ context.Context, o kiosk.PhoneOptions) (kiosk.PhoneLink, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.follow, h.lang = o.Follow, o.Lang
	h.state = kiosk.PhoneState{Address: "https://relay.test/d#s.k.fr"}
	h.follow(h.state)
	return h, nil
}

// change changes what the phone's side shows.
func (h *handset) change(f func(*kiosk.PhoneState)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.state)
	s := h.state
	s.Offers = slices.Clone(s.Offers)
	h.follow(s)
}

func (h *handset) claim(code string) {
	h.change(func(s *kiosk.PhoneState) { s.Address, s.Code, s.Signs = "", code, s.Signs+1 })
}

// offer has the phone offer a file.
func (h *handset) offer(id, content string, size int64) {
	h.change(func(s *kiosk.PhoneState) {
		if h.contents == nil {
			h.contents = map[string]string{}
		}
		h.contents[id] = content
		s.Offers = append(s.Offers, kiosk.PhoneFile{ID: id, Name: "photo.jpg", Size: size})
		s.Signs++
	})
}

func (h *handset) Accept(_ context.Context, code string) error {
	var err error = fault(kiosk.CodeBadRequest)
	h.change(func(s *kiosk.PhoneState) {
		if code == s.Code {
			s.Accepted, err = true, nil
		}
	})
	return err
}

func (h *handset) Restart(context.Context) error {
	h.change(func(s *kiosk.PhoneState) {
		*s = kiosk.PhoneState{Address: "https://relay.test/d#t.l.fr", Signs: s.Signs}
	})
	return nil
}

func (h *handset) Receive(ctx context.Context, file string) (io.ReadCloser, error) {
	if h.receive != nil {
		if err := h.receive(ctx); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return io.NopCloser(strings.NewReader(h.contents[file])), nil
}

func (h *handset) Answer(_ context.Context, file string, c kiosk.Code) error {
	h.change(func(s *kiosk.PhoneState) {
		h.answers = append(h.answers, file+"="+string(c))
		s.Offers = slices.DeleteFunc(s.Offers, func(f kiosk.PhoneFile) bool { return f.ID == file })
	})
	return nil
}

func (h *handset) Send(_ context.Context, files []kiosk.Attachment, _ func(done, total int)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.send != nil {
		return h.send
	}
	for _, f := range files {
		content, err := attached(f)
		if err != nil {
			return err
		}
		h.sent = append(h.sent, f.Name+"="+content)
	}
	return nil
}

func (h *handset) Close(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed++
	return nil
}

func (h *handset) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.answers, " ")
}

func (h *handset) closes() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

func phoning(t *testing.T, h *handset, change ...func(*session.Config)) *rig {
	t.Helper()
	return start(t, append(change, func(c *session.Config) { c.Phone = h })...)
}

// linked is a visit with an accepted phone on the phone's screen.
func linked(t *testing.T, h *handset, change ...func(*session.Config)) *rig {
	t.Helper()
	r := phoning(t, h, change...)
	r.do(session.Start{Lang: "ar"}, session.OpenPhone{})
	r.link(h)
	return r
}

func (r *rig) link(h *handset) {
	r.t.Helper()
	r.wait("a code", func(s session.State) bool { return s.Phone != nil && s.Phone.Address != "" })
	h.claim("0427")
	r.wait("the digits", func(s session.State) bool { return s.Phone != nil && s.Phone.Code == "0427" })
	if err := r.Do(context.Background(), session.AcceptPhone{Code: "0428"}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		r.t.Errorf("other digits were accepted: %v", err)
	}
	r.do(session.AcceptPhone{Code: "0427"})
}

func TestPapersComeFromAPhone(t *testing.T) {
	h := &handset{}
	r := linked(t, h)
	if h.lang != "ar" {
		t.Errorf("the phone is spoken to in %q", h.lang)
	}
	h.offer("1", "a,b", 3)
	h.offer("2", "c", 1)
	s := r.wait("both files", func(s session.State) bool { return s.Phone != nil && s.Phone.Added == 2 && s.Task == nil })
	if r.pages() != "a b c" || s.Screen != session.ScreenScan || s.Phone.Offers != nil {
		t.Errorf("pages %q on %s", r.pages(), s.Screen)
	}
	if got := h.said(); got != "1= 2=" {
		t.Errorf("the phone was told %q", got)
	}
	r.do(session.Go{Screen: session.ScreenReview})
	if s = r.now(); s.Phone != nil || h.closes() != 0 {
		t.Errorf("the phone's screen is still there, or the phone is gone")
	}
	h.offer("3", "d", 1) // waits until it is asked for
	r.do(session.OpenPhone{})
	r.wait("the third file", func(s session.State) bool { return s.Phone != nil && s.Phone.Added == 1 })
	if n := r.kinds()[session.EventImported]; n != 3 {
		t.Errorf("%d files were counted", n)
	}
	r.do(session.Leave{})
	if s = r.screen(session.ScreenGoodbye); !s.Wiped || s.Phone != nil || h.closes() != 1 {
		t.Errorf("wiped %t, closed %d times", s.Wiped, h.closes())
	}
}

func TestAFileThatTheKioskCannotTakeIsRefusedOnBothSides(t *testing.T) {
	h := &handset{}
	r := linked(t, h, func(c *session.Config) { c.MaxFile = 1000 })
	r.desk.imports = func(_ context.Context, part string) error {
		if part == "bomb" {
			return fault(kiosk.CodeFileTooBig)
		}
		return nil
	}
	for _, c := range []struct {
		id, content string
		size        int64
	}{{"1", "huge", 1001}, {"2", strings.Repeat("x", 1002), 3}, {"3", "bomb", 4}} {
		h.offer(c.id, c.content, c.size)
		s := r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
		if s.Fault.Code != kiosk.CodeFileTooBig || s.Fault.Retry || s.Fault.Kind != "" || r.pages() != "" {
			t.Errorf("%s: fault %+v, pages %q", c.id, *s.Fault, r.pages())
		}
		r.do(session.Dismiss{})
	}
	if got := h.said(); got != "1=file_too_big 2=file_too_big 3=file_too_big" {
		t.Errorf("the phone was told %q", got)
	}
	h.offer("4", "good", 4)
	r.wait("a good one after them", func(s session.State) bool { return s.Phone != nil && s.Phone.Added == 1 })
}

func TestAStoppedFileIsNotKept(t *testing.T) {
	h := &handset{}
	waiting := make(chan struct{})
	h.receive = func(ctx context.Context) error {
		close(waiting)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r := linked(t, h)
	h.offer("1", "a", 1)
	<-waiting
	r.do(session.Cancel{})
	s := r.idle()
	eventually(t, "the phone told", func() bool { return h.said() == "1=canceled" })
	if s.Fault != nil || s.Phone == nil || r.pages() != "" {
		t.Errorf("state %+v", s)
	}
}

func TestAnotherPhoneAndNone(t *testing.T) {
	h := &handset{}
	r := linked(t, h)
	r.do(session.OtherPhone{})
	s := r.wait("another code", func(s session.State) bool { return s.Phone != nil && s.Phone.Address != "" && !s.Phone.Accepted })
	if s.Phone.Code != "" {
		t.Errorf("phone %+v", *s.Phone)
	}
	r.do(session.ClosePhone{})
	eventually(t, "the invitation closed", func() bool { return h.closes() == 1 })
	if s = r.now(); s.Phone != nil {
		t.Error("its screen is still there")
	}

	none := start(t)
	none.do(session.Start{})
	for _, a := range []session.Action{session.OpenPhone{}, session.SendToPhone{}, session.ClosePhone{}, session.AcceptPhone{}} {
		if err := none.Do(t.Context(), a); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%T without phones: %v", a, err)
		}
	}
	if none.now().Phones {
		t.Error("phones are offered where there are none")
	}
}

func TestADocumentGoesToAPhone(t *testing.T) {
	h := &handset{}
	r := phoning(t, h)
	r.result("caf", "a", "b")
	r.do(session.SendToPhone{})
	if s := r.now(); s.Phone == nil || !s.Phone.Giving {
		t.Fatalf("phone %+v", s.Phone)
	}
	r.link(h)
	r.wait("the sending", func(s session.State) bool { return s.Doc().Result.OnPhone })
	s := r.idle()
	if !s.Doc().Result.Delivered || s.Phone != nil || !slices.Equal(h.sent, []string{"justificatif-loyer.pdf=pdf a@0 b@0"}) {
		t.Errorf("result %+v, phone %+v, sent %q", s.Doc().Result, s.Phone, h.sent)
	}
	h.mu.Lock()
	h.send = fault(kiosk.CodePhoneLost)
	h.mu.Unlock()
	r.do(session.SendToPhone{}) // at once: it is there
	s = r.wait("the fault", func(s session.State) bool { return s.Fault != nil })
	if s.Fault.Code != kiosk.CodePhoneLost || !s.Fault.Retry || s.Phone != nil {
		t.Errorf("fault %+v", *s.Fault)
	}
	h.mu.Lock()
	h.send = nil
	h.mu.Unlock()
	r.do(session.Retry{})
	r.wait("the second sending", func(s session.State) bool {
		return s.Task == nil && s.Fault == nil && r.kinds()[session.EventPhoned] == 2
	})
}

func TestAPhoneInHandStretchesTheVisit(t *testing.T) {
	d := folder(t)
	synctest.Test(t, func(t *testing.T) { // in its time: the minutes below pass at once
		h := &handset{}
		r := startIn(t, d, &desk{}, func(c *session.Config) { c.Phone = h })
		r.do(session.Start{}, session.OpenPhone{})
		r.link(h)
		time.Sleep(9 * time.Minute)
		if s := r.now(); !s.IdleWarning.IsZero() || s.Visit == "" {
			t.Errorf("after 9 minutes with a phone: %+v", s)
		}
		h.offer("1", "a", 1)
		time.Sleep(9 * time.Minute)
		if s := r.now(); !s.IdleWarning.IsZero() || r.pages() != "a" {
			t.Errorf("9 minutes after a photo: pages %q, warning %v", r.pages(), s.IdleWarning)
		}
		time.Sleep(3 * time.Minute)
		r.screen(session.ScreenWelcome)
		if h.closes() != 1 {
			t.Errorf("closed %d times", h.closes())
		}
		r.stop()
	})
}

func TestAFieldGetsAPaperFromAPhone(t *testing.T) {
	h, b := &handset{}, &browser{}
	r := browsing(t, b, func(c *session.Config) { c.Phone = h })
	b.choose(kiosk.FileChoice{ID: "1", Formats: []kiosk.Format{kiosk.FormatPDF}, MaxBytes: 5e6})
	r.asks(session.AskFile)
	r.do(session.OpenPhone{})
	r.link(h)
	h.offer("1", "z", 1)
	s := r.wait("the paper", func(s session.State) bool { return s.Phone != nil && s.Phone.Added == 1 && s.Task == nil })
	if len(s.Documents) != 2 || r.pages() != "z" || s.Browse.Asking != session.AskFile {
		t.Errorf("%d documents, pages %q, asking %q", len(s.Documents), r.pages(), s.Browse.Asking)
	}
	r.do(session.Go{Screen: session.ScreenBrowse})
	r.do(session.AttachDocument{Document: r.asks(session.AskFile).Doc().ID})
	eventually(t, "the page to have it", func() bool { return strings.Contains(b.received(), "z@0") })
}
