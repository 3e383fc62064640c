package engine_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"

	"github.com/nats-io/nats.go"
)

func TestEventsAreCountedOnceAndTold(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	if b.Structure != "mairie" || b.Label != "Hall" || len(b.Keys) != 1 || b.Expires < time.Now().Add(80*24*time.Hour).Unix() {
		t.Fatalf("credential %+v", b.Credential)
	}
	mine := s.engine.Changes(t.Context(), fleet.Scope{Structure: "mairie"})
	others := s.engine.Changes(t.Context(), fleet.Scope{Structure: "musee"})
	l := b.connect(t)
	for range 3 {
		if a := l.send(t, b, visit(1), visit(2)); !a.OK {
			t.Fatalf("answer %+v", a)
		}
	}
	if n := s.visits(fleet.Scope{Structure: "mairie"}); n != 2 {
		t.Errorf("%d visits", n)
	}
	c := <-mine
	for c.What == "state" { // that it is connected may be told first
		c = <-mine
	}
	if c != (fleet.Change{Structure: "mairie", Kiosk: b.Kiosk, What: "counts"}) {
		t.Errorf("change %+v", c)
	}
	if len(others) != 0 {
		t.Errorf("another structure hears %+v", <-others)
	}
	if a := l.send(t, b, provisioning.Event{Epoch: 7, Seq: 3, At: 1, Kind: "file"}); a.OK || a.Why != "invalid" {
		t.Errorf("an event that is none: %+v", a)
	}
	if _, err := l.Request(b.up(provisioning.UpEvents), []byte("{"), patience); err != nil {
		t.Error(err)
	}
}

func TestHelloWelcomesWithClockAndTimes(t *testing.T) {
	s := newSite(t, func(o *engine.Options) { o.Beat, o.Backoff = 20*time.Second, time.Minute })
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	w := l.hello(t, b)
	if d := time.Since(time.UnixMicro(w.Clock)); d < 0 || d > patience || w.Beat != 20 || w.Backoff != 60 || w.Renew || len(w.Commands) != 0 {
		t.Errorf("welcome %+v", w)
	}
	eventually(t, "presence", func() bool { return s.engine.Presence(b.Kiosk).Online })
	if p := s.engine.Presence(b.Kiosk); p.Use != provisioning.UseFree || p.Beat.Run != "run" {
		t.Errorf("presence %+v", p)
	}
}

func TestPresenceFollowsBeats(t *testing.T) {
	s := newSite(t, func(o *engine.Options) { o.Beat = 600 * time.Millisecond })
	b := s.enrol("mairie", "Hall")
	changes := s.engine.Changes(t.Context(), everything)
	l := b.connect(t)
	busy := beat("run")
	busy.Use = provisioning.UseBusy
	l.beat(t, b, busy)
	for c := range changes {
		if c.What == "presence" {
			break
		}
	}
	p := s.engine.Presence(b.Kiosk)
	if !p.Online || p.Use != provisioning.UseBusy || time.Since(p.Since) > patience {
		t.Errorf("presence %+v", p)
	}
	eventually(t, "silence", func() bool { return !s.engine.Presence(b.Kiosk).Online }) // no more beats
	l.beat(t, b, busy)
	eventually(t, "return", func() bool { return s.engine.Presence(b.Kiosk).Online })
	l.Close()
	eventually(t, "hanging up", func() bool { return !s.engine.Presence(b.Kiosk).Online })
	if p := s.engine.Presence(b.Kiosk); p.Use != "" || p.Since.IsZero() {
		t.Errorf("presence %+v", p)
	}
}

func TestADisconnectedKioskIsOfflineSooner(t *testing.T) {
	s := newSite(t, func(o *engine.Options) { o.Beat = 3 * time.Second })
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	l.hello(t, b)
	eventually(t, "presence", func() bool { return s.engine.Presence(b.Kiosk).Online })
	begin := time.Now()
	l.Close()
	eventually(t, "absence", func() bool { return !s.engine.Presence(b.Kiosk).Online })
	t.Logf("offline after %s, of 9 s without the disconnection", time.Since(begin))
}

func TestWhenKiosksWereSeenIsStoredAtTheEnd(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	l.beat(t, b, beat("run"))
	eventually(t, "presence", func() bool { return s.engine.Presence(b.Kiosk).Online })
	s.halt()
	k, err := s.store.Kiosk(t.Context(), everything, b.Kiosk)
	if err != nil || time.Since(k.Seen) > 3*time.Minute {
		t.Errorf("seen %v, %v", k.Seen, err)
	}
}

func TestTwoKiosksUnderOneNameAreFound(t *testing.T) {
	copied := make(chan string, 10)
	s := newSite(t, func(o *engine.Options) {
		o.Copied = func(structure, kiosk string, _ time.Time) { copied <- structure + "/" + kiosk }
	})
	b, plain := s.enrol("mairie", "Hall"), s.enrol("mairie", "Étage")
	l := plain.connect(t)
	for _, run := range []string{"one", "one", "two", "two", "three"} { // starts again and again
		l.beat(t, plain, beat(run))
	}
	one, two := b.connect(t), b.connect(t)
	for range 3 {
		for i, l := range []*line{one, two} {
			l.beat(t, b, beat([]string{"first", "second"}[i]))
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := <-copied; got != "mairie/"+b.Kiosk {
		t.Errorf("copied %s", got)
	}
	k, err := s.store.Kiosk(t.Context(), everything, b.Kiosk)
	if err != nil || k.Copied.IsZero() {
		t.Errorf("copied %v, %v", k.Copied, err)
	}
	if len(copied) != 0 {
		t.Errorf("%s is a copy, too", <-copied)
	}
}

func TestACommandIsSentAtOnceOrWaits(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	tell := func(c provisioning.Command) fleet.Queued {
		t.Helper()
		c.Kiosk = b.Kiosk
		q, err := s.engine.Command(t.Context(), fleet.Scope{Structure: "mairie"}, "person", c)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	away := tell(provisioning.Command{Kind: provisioning.CommandMessage, Text: "Bonjour"})
	if away.Status != fleet.Waiting || away.By != "person" || away.Command.Structure != "mairie" || away.Command.Expires <= away.Command.Issued {
		t.Errorf("queued %+v", away)
	}
	l := b.connect(t)
	got := make(chan provisioning.Command, 10)
	l.obey(t, b, got, provisioning.StatusDone)
	w := l.hello(t, b)
	if len(w.Commands) != 1 {
		t.Fatalf("welcome %+v", w)
	}
	c, err := provisioning.Open(b.Keys, "mairie", b.Kiosk, time.Now(), w.Commands[0])
	if err != nil || c.ID != away.Command.ID || c.Text != "Bonjour" {
		t.Errorf("command %+v, %v", c, err)
	}
	if st := s.status(b, c.ID); st != fleet.Sent {
		t.Errorf("status %s", st)
	}
	l.send(t, b, provisioning.Event{Epoch: 7, Seq: 1, At: time.Now().UnixMicro(), Kind: provisioning.EventResult,
		Result: &provisioning.Result{ID: c.ID, Status: provisioning.StatusFailed, Code: kiosk.CodeInternal}})
	if st := s.status(b, c.ID); st != fleet.QueueStatus(provisioning.StatusFailed) {
		t.Errorf("status %s", st)
	}
	now := tell(provisioning.Command{Kind: provisioning.CommandRecheck})
	if c := <-got; c.ID != now.Command.ID || c.Kind != provisioning.CommandRecheck {
		t.Errorf("command %+v", c)
	}
	eventually(t, "end of the command", func() bool { return s.status(b, now.Command.ID) == fleet.QueueStatus(provisioning.StatusDone) })
	if w := l.hello(t, b); len(w.Commands) != 0 {
		t.Errorf("ended commands come again: %+v", w)
	}
}

func TestCommandsForOthersAreNotTaken(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	for what, sc := range map[string]fleet.Scope{"another structure": {Structure: "musee"}, "nobody": {}} {
		if _, err := s.engine.Command(t.Context(), sc, "", provisioning.Command{Kiosk: b.Kiosk, Kind: provisioning.CommandReboot}); err == nil {
			t.Errorf("%s reboots a kiosk", what)
		}
		if err := s.engine.Revoke(t.Context(), sc, b.Kiosk); err == nil {
			t.Errorf("%s revokes a kiosk", what)
		}
	}
	if _, err := s.engine.Command(t.Context(), everything, "", provisioning.Command{Kiosk: b.Kiosk, Kind: "shell"}); err == nil {
		t.Error("a command that is none is taken")
	}
}

func TestAKioskWithOldSettingsIsToldTheNewOnes(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	settings, err := s.store.SaveSettings(t.Context(), everything, "mairie", kiosk.Settings{Place: kiosk.Place{Name: "Mairie de Vif"}})
	if err != nil {
		t.Fatal(err)
	}
	l := b.connect(t)
	for range 2 { // it is not queued twice
		w := l.hello(t, b)
		if len(w.Commands) != 1 {
			t.Fatalf("welcome %+v", w)
		}
		c, err := provisioning.Open(b.Keys, "mairie", b.Kiosk, time.Now(), w.Commands[0])
		if err != nil || c.Settings == nil || c.Settings.Revision != settings.Revision || c.Settings.Place.Name != "Mairie de Vif" {
			t.Errorf("command %+v, %v", c, err)
		}
	}
}

func TestWithoutTheDatabaseTheKioskKeepsItsEvents(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	path := filepath.Join(t.TempDir(), "away.db")
	if err := s.store.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if a := l.send(t, b, visit(1)); a.OK || a.Why != "later" {
		t.Errorf("answer %+v", a)
	}
	t.Logf("the error came after %s", time.Since(begin))
	var a provisioning.Ack
	if err := json.Unmarshal(l.request(t, b.up(provisioning.UpHello), hello("run")), &a); err != nil || a.OK || a.Why != "later" {
		t.Errorf("answer of a hello %+v, %v", a, err)
	}
	l.Close()
	s.halt()
	s.store = openStore(t, path, func() *engine.Engine { return s.engine })
	s.start(nil)
	b.addr = s.addr
	l = b.connect(t)
	if a := l.send(t, b, visit(1)); !a.OK || s.visits(everything) != 1 {
		t.Errorf("answer %+v, %d visits", a, s.visits(everything))
	}
}

// obey answers commands with a status, once verified.
func (l *line) obey(t testing.TB, b *borne, got chan<- provisioning.Command, status provisioning.Status) {
	t.Helper()
	_, err := l.Subscribe(provisioning.Down(b.Structure, b.Kiosk, provisioning.DownCmd), func(m *nats.Msg) {
		var s provisioning.Signed
		if err := json.Unmarshal(m.Data, &s); err != nil {
			t.Error(err)
		}
		c, err := provisioning.Open(b.Keys, b.Structure, b.Kiosk, time.Now(), s)
		if err != nil {
			t.Error(err)
		}
		got <- c
		if err := m.Respond(fmt.Appendf(nil, `{"id":%q,"status":%q}`, c.ID, status)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
}
