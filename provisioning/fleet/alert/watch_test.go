package alert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/alert"
	"pointnum/provisioning/fleet/store"
)

// receiver is a webhook of a structure's own.
type receiver struct {
	*httptest.Server
	t   *testing.T
	now func() time.Time

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request) bool // false: the right one follows
	bodies []body
	ids    []string
}

type body struct {
	Kind      string
	Structure struct{ ID, Name string }
	Problem   struct {
		Name, Code string
		Kiosk      struct{ ID, Label, Name string }
		Ended      *time.Time
	}
	Kiosks       int
	Open, Solved []struct{ Name string }
	Text         string
}

func newReceiver(t *testing.T, now func() time.Time) *receiver {
	t.Helper()
	r := &receiver{t: t, now: now}
	r.Server = httptest.NewTLSServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answer != nil && r.answer(w, req) {
		return
	}
	if err := alert.Verify("s3cret", req.Header.Get(alert.SignatureHeader), b, r.now()); err != nil {
		r.t.Error(err)
	}
	var v body
	if err := json.Unmarshal(b, &v); err != nil {
		r.t.Error(err)
	}
	r.bodies, r.ids = append(r.bodies, v), append(r.ids, req.Header.Get(alert.NoticeHeader))
}

func (r *receiver) kinds() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.bodies {
		out = append(out, strings.TrimSpace(b.Kind+" "+b.Problem.Name))
	}
	return out
}

// town is a structure with a kiosk, a mail server and a webhook.
type town struct {
	t     *testing.T
	db    *store.Store
	clock time.Time
	mail  *sink
	hook  *receiver
	o     alert.Options
	a     *alert.Alerts
	seq   int64
}

func newTown(t *testing.T, s fleet.AlertSettings, opening ...kiosk.Opening) *town {
	t.Helper()
	// A Monday, 10 h in Paris.
	w := &town{t: t, clock: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.clock }
	// In memory: a slow disk would make the tests slow.
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-alert-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if w.db, err = store.Open(t.Context(), filepath.Join(dir, "fleet.db"), store.Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	conf, trusting := certificate(t)
	w.mail = newSink(t, conf)
	w.hook = newReceiver(t, now)
	s.Emails, s.Webhook, s.Secret = []string{"accueil@example.org"}, w.hook.URL+"/borne", "s3cret"
	ctx := t.Context()
	if err := w.db.AddStructure(ctx, fleet.Structure{ID: "centre", Name: "Centre Léo", Alerts: s, Settings: kiosk.Settings{Opening: opening}}); err != nil {
		t.Fatal(err)
	}
	if err := w.db.AddCode(ctx, fleet.Code{ID: "c", Structure: "centre", Label: "Hall d’accueil", By: "p", Created: w.clock, Expires: w.clock.Add(time.Hour)}, "h"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Enrol(ctx, "h", "k1", "U1", w.clock.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	m := mailer(w.mail, trusting)
	m.Now = now
	w.o = alert.Options{Store: w.db, Mailer: m, Client: w.hook.Client(), Console: "https://bornes.example/", Now: now}
	if w.a, err = alert.New(w.o); err != nil {
		t.Fatal(err)
	}
	w.tells(provisioning.State{Version: "1"})
	return w
}

// tells is the kiosk saying what it is now.
func (w *town) tells(s provisioning.State) {
	w.t.Helper()
	w.seq++
	if _, err := w.db.Ingest(w.t.Context(), "centre", "k1", []provisioning.Event{{Epoch: 1, Seq: w.seq, At: w.clock.UnixMicro(), Kind: provisioning.EventState, State: &s}}); err != nil {
		w.t.Fatal(err)
	}
	w.heard()
}

func (w *town) heard() {
	w.t.Helper()
	if err := w.db.Seen(w.t.Context(), map[string]time.Time{"k1": w.clock}); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time go by, with the kiosk heard or not, and looks and sends.
func (w *town) pass(d time.Duration, heard bool) {
	w.t.Helper()
	w.clock = w.clock.Add(d)
	if heard {
		w.heard()
	}
	w.look(w.a)
}

func (w *town) look(a *alert.Alerts) {
	w.t.Helper()
	if err := a.Watch(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for n := 1; n > 0; {
		var err error
		if n, err = a.Send(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *town) jam() provisioning.State {
	return provisioning.State{Version: "1", Conditions: []provisioning.Condition{{Name: "device/printer", Kind: kiosk.KindPrinter, Code: kiosk.CodePaperJam, Since: w.clock.UnixMicro()}}}
}

func (w *town) want(want ...string) {
	w.t.Helper()
	if got := w.hook.kinds(); !slices.Equal(got, want) {
		w.t.Errorf("told %q, want %q", got, want)
	}
	until(w.t, "as many mails", func() bool { return len(w.mail.got()) == len(want) })
}

var noDigest = fleet.AlertSettings{DigestAt: -1}

func TestAProblemIsToldOnceAndOnceWhenItIsSolved(t *testing.T) {
	w := newTown(t, noDigest)
	w.tells(w.jam())
	w.pass(30*time.Second, true)
	w.want() // it may go by itself
	w.pass(time.Minute, true)
	w.want("problem device/printer")
	other, err := alert.New(w.o) // another server, or this one started again
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.pass(time.Minute, true)
		w.look(other)
	}
	w.want("problem device/printer")
	w.tells(provisioning.State{Version: "1"})
	w.pass(time.Minute, true)
	w.look(other)
	w.want("problem device/printer", "solved device/printer")
	b := w.hook.bodies
	if b[0].Structure.Name != "Centre Léo" || b[0].Problem.Kiosk.Name != "Hall d’accueil" || b[0].Problem.Code != "paper_jam" || b[0].Problem.Ended != nil || b[1].Problem.Ended == nil {
		t.Errorf("%+v", b)
	}
	if want := "Centre Léo — Hall d’accueil : papier coincé.\nDepuis 23/11 10:00.\n\nOuvrez l’appareil et retirez la feuille sans la déchirer.\n\nhttps://bornes.example/\n"; b[0].Text != want {
		t.Errorf("%q", b[0].Text)
	}
	w.tells(w.jam())
	w.pass(2*time.Minute, true)
	w.want("problem device/printer", "solved device/printer", "problem device/printer")
}

func TestAProblemThatEndsAtOnceIsNotTold(t *testing.T) {
	w := newTown(t, noDigest)
	w.tells(w.jam())
	w.pass(30*time.Second, true)
	w.tells(provisioning.State{Version: "1"})
	w.pass(2*time.Minute, true)
	w.want()
}

func TestSomebodyWhoWaitsForHelpIsToldOf(t *testing.T) {
	w := newTown(t, noDigest)
	w.tells(provisioning.State{Version: "1", Help: w.clock.UnixMicro()})
	w.pass(2*time.Minute, true)
	w.want()
	w.pass(time.Minute, true)
	w.want("problem help")
	w.tells(provisioning.State{Version: "1", Help: w.clock.UnixMicro(), Taken: true})
	w.pass(time.Minute, true)
	w.want("problem help", "solved help")
}

func TestAKioskThatIsOffAtNightIsNoProblem(t *testing.T) {
	var week []kiosk.Opening
	for d := time.Monday; d <= time.Friday; d++ {
		week = append(week, kiosk.Opening{Day: d, From: 9 * 60, To: 18 * 60})
	}
	w := newTown(t, noDigest, week...)
	w.pass(14*time.Minute, false)
	w.want()
	w.pass(2*time.Minute, false)
	w.want("problem offline")
	w.pass(time.Minute, true)
	w.want("problem offline", "solved offline")
	w.tells(w.jam())
	w.pass(2*time.Minute, true)
	w.want("problem offline", "solved offline", "problem device/printer")
	w.clock = time.Date(2026, 11, 23, 17, 50, 0, 0, time.UTC)
	w.pass(9*time.Hour, false) // the night
	w.clock = time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC)
	w.pass(0, false) // it has ten minutes to start
	w.want("problem offline", "solved offline", "problem device/printer")
	w.pass(20*time.Minute, false)
	w.want("problem offline", "solved offline", "problem device/printer", "problem offline")
}

func TestQuietHoursAreQuietAndNothingIsLost(t *testing.T) {
	w := newTown(t, fleet.AlertSettings{DigestAt: -1, QuietFrom: 20 * 60, QuietTo: 8 * 60})
	w.clock = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	w.tells(w.jam())
	for range 8 {
		w.pass(time.Hour, true)
	}
	w.want()
	w.pass(time.Hour, true) // 8 h in Paris
	w.want("problem device/printer")
	w.clock = time.Date(2026, 11, 24, 19, 30, 0, 0, time.UTC)
	w.tells(provisioning.State{Version: "1"})
	w.pass(time.Minute, true)
	w.want("problem device/printer") // 20 h 31: solved can wait
	w.clock = time.Date(2026, 11, 25, 6, 59, 0, 0, time.UTC)
	w.pass(0, true)
	w.want("problem device/printer")
	w.pass(time.Minute, true)
	w.want("problem device/printer", "solved device/printer")

	// What began and ended in the night woke nobody and is not told.
	w.clock = time.Date(2026, 11, 25, 23, 0, 0, 0, time.UTC)
	w.tells(w.jam())
	w.pass(time.Hour, true)
	w.tells(provisioning.State{Version: "1"})
	w.pass(10*time.Hour, true)
	w.want("problem device/printer", "solved device/printer")
}

func TestTheDigestSaysOnceADayHowTheDayWas(t *testing.T) {
	w := newTown(t, fleet.AlertSettings{DigestAt: 17 * 60})
	w.tells(provisioning.State{Version: "1", Conditions: []provisioning.Condition{{Name: "device/receipt", Code: kiosk.CodePaperLow, Since: w.clock.UnixMicro()}}})
	w.pass(2*time.Minute, true)
	w.want() // it can wait for the digest
	w.clock = time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
	for range 3 {
		w.pass(time.Minute, true)
	}
	again, err := alert.New(w.o) // started again
	if err != nil {
		t.Fatal(err)
	}
	w.look(again)
	w.want("digest")
	if b := w.hook.bodies[0]; b.Kiosks != 1 || len(b.Open) != 1 || !strings.HasPrefix(b.Text, "Votre borne a besoin de vous.\n\nÀ faire :\n- Hall d’accueil : bientôt plus de papier, depuis 23/11 10:00. ") {
		t.Errorf("%+v", b)
	}
	w.tells(provisioning.State{Version: "1"})
	w.pass(time.Minute, true)
	w.pass(24*time.Hour-4*time.Minute, true)
	w.want("digest", "digest")
	if b := w.hook.bodies[1]; len(b.Open) != 0 || len(b.Solved) != 1 || !strings.HasPrefix(b.Text, "Votre borne fonctionne.\n\nRéglé depuis hier :\n") {
		t.Errorf("%+v", b)
	}
}

func TestAMessageThatDoesNotGoIsTriedAgainUnderItsID(t *testing.T) {
	w := newTown(t, noDigest)
	fails := 3
	w.hook.answer = func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Path != "/borne" {
			t.Errorf("called %s %s", r.Method, r.URL)
		}
		fails--
		switch fails {
		case 2:
			http.Error(rw, "later", http.StatusServiceUnavailable)
		case 1:
			panic(http.ErrAbortHandler) // cut
		case 0:
			http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
		default:
			return false
		}
		return true
	}
	w.mail.mu.Lock()
	w.mail.answer["DATA"] = "451 later"
	w.mail.mu.Unlock()
	w.tells(w.jam())
	w.pass(2*time.Minute, true)
	for range 3 {
		if fails != 2 {
			t.Errorf("tried %d times at once", 3-fails)
		}
		w.pass(10*time.Second, true)
	}
	for n := 0; fails > 0 && n < 10; n++ {
		w.pass(10*time.Minute, true)
	}
	w.mail.mu.Lock()
	delete(w.mail.answer, "DATA")
	w.mail.mu.Unlock()
	w.pass(time.Hour, true)
	w.want("problem device/printer")
	if id := w.hook.ids[0]; !strings.HasPrefix(id, "problem-") {
		t.Error(id)
	}
}

func TestWhatNeverGoesIsGivenUp(t *testing.T) {
	w := newTown(t, noDigest)
	tries := 0
	w.hook.answer = func(rw http.ResponseWriter, _ *http.Request) bool {
		tries++
		http.Error(rw, "no", http.StatusForbidden)
		return true
	}
	w.mail.answer["RCPT"] = "550 no such user"
	w.tells(w.jam())
	for range 60 {
		w.pass(time.Hour, true)
	}
	if tries < 20 || tries > 30 {
		t.Errorf("a webhook that refuses was called %d times", tries)
	}
	due, err := w.db.DueNotices(t.Context(), w.clock.Add(48*time.Hour), 10, time.Minute)
	if err != nil || len(due) != 0 {
		t.Errorf("left %v, %v", due, err)
	}
}

func TestAWebhookLeadsNowhereInside(t *testing.T) {
	w := newTown(t, noDigest)
	w.o.Client = nil
	careful, err := alert.New(w.o)
	if err != nil {
		t.Fatal(err)
	}
	called := false
	w.hook.answer = func(http.ResponseWriter, *http.Request) bool { called = true; return false }
	w.tells(w.jam())
	w.clock = w.clock.Add(2 * time.Minute)
	w.heard()
	w.look(careful)
	if called {
		t.Error("an address of this machine was called")
	}
	until(t, "the mail, which goes all the same", func() bool { return len(w.mail.got()) == 1 })
}

func TestASlowReceiverKeepsNoMailBack(t *testing.T) {
	w := newTown(t, noDigest)
	release := make(chan struct{})
	w.hook.answer = func(_ http.ResponseWriter, r *http.Request) bool { <-release; return false }
	w.tells(w.jam())
	w.clock = w.clock.Add(2 * time.Minute)
	w.heard()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.look(w.a)
	}()
	until(t, "the mail", func() bool { return len(w.mail.got()) == 1 })
	close(release)
	<-done
	w.want("problem device/printer")
}

func TestRunTellsAndEnds(t *testing.T) {
	w := newTown(t, noDigest)
	w.tells(w.jam())
	w.clock = w.clock.Add(2 * time.Minute)
	w.heard()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.a.Run(ctx) }()
	w.a.Nudge()
	until(t, "the message", func() bool { return len(w.hook.kinds()) == 1 && len(w.mail.got()) == 1 })
	cancel()
	if err := <-done; err == nil {
		t.Error("it ended without a reason")
	}
}

func TestSignatures(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	good := alert.Sign("s", []byte("body"), now)
	if err := alert.Verify("s", good, []byte("body"), now.Add(4*time.Minute)); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another secret": alert.Verify("x", good, []byte("body"), now),
		"another body":   alert.Verify("s", good, []byte("bodY"), now),
		"another time":   alert.Verify("s", strings.Replace(good, "t=18", "t=17", 1), []byte("body"), now),
		"too late":       alert.Verify("s", good, []byte("body"), now.Add(6*time.Minute)),
		"nothing":        alert.Verify("s", "", []byte("body"), now),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzSignatures(f *testing.F) {
	f.Add("t=1800000000,v1=00")
	f.Add(alert.Sign("other", []byte("body"), time.Unix(1_800_000_000, 0)))
	f.Fuzz(func(t *testing.T, header string) {
		if alert.Verify(fmt.Sprint("secret", len(header)), header, []byte("body"), time.Unix(1_800_000_000, 0)) == nil {
			t.Errorf("%q is taken", header)
		}
	})
}
