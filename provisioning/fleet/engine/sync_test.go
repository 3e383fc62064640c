package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"
)

// header is the Authorization of POST /sync.
func (b *borne) header(at time.Time, body []byte) string {
	seconds := fmt.Sprint(at.Unix())
	return "Kiosk " + b.Token + " " + seconds + " " + sign(b.t, b.pair, seconds+"\n"+string(body))
}

func (b *borne) sync(s provisioning.Sync) (int, http.Header, provisioning.SyncAnswer) {
	b.t.Helper()
	body := marshal(b.t, s)
	status, h, answer := post(b.t, "http://"+b.addr+"/sync", b.header(time.Now(), body), body)
	var a provisioning.SyncAnswer
	if status == http.StatusOK {
		if err := json.Unmarshal(answer, &a); err != nil {
			b.t.Fatal(err)
		}
	}
	return status, h, a
}

func TestSyncDoesAllThatTheLinkDoes(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	q, err := s.engine.Command(t.Context(), everything, "", provisioning.Command{Kiosk: b.Kiosk, Kind: provisioning.CommandRecheck})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // the answer may be lost: it comes again
		h := hello("run")
		h.Clock = int64(i + 1) // another body
		status, _, a := b.sync(provisioning.Sync{Hello: h, Events: []provisioning.Event{visit(1), visit(2)}})
		if status != http.StatusOK || !a.Ack.OK || len(a.Welcome.Commands) != 1 || a.Welcome.Clock == 0 {
			t.Fatalf("%d %+v", status, a)
		}
	}
	if n := s.visits(everything); n != 2 {
		t.Errorf("%d visits", n)
	}
	eventually(t, "presence", func() bool { return s.engine.Presence(b.Kiosk).Online })
	status, _, a := b.sync(provisioning.Sync{Hello: hello("run"), Results: []provisioning.Result{{ID: q.Command.ID, Status: provisioning.StatusDone}, {ID: "unknown", Status: provisioning.StatusDone}}})
	if status != http.StatusOK || !a.Ack.OK || len(a.Welcome.Commands) != 0 {
		t.Errorf("%d %+v", status, a)
	}
	if st := s.status(b, q.Command.ID); st != fleet.QueueStatus(provisioning.StatusDone) {
		t.Errorf("status %s", st)
	}
	n := b.renewed(t, func(ask provisioning.RenewAsk) []byte {
		_, _, a := b.sync(provisioning.Sync{Hello: hello("run"), Renew: &ask})
		return marshal(t, a.Credential)
	})
	if status, _, _ := n.sync(provisioning.Sync{Hello: hello("run")}); status != http.StatusOK {
		t.Errorf("the new key: %d", status)
	}
	if status, _, _ := b.sync(provisioning.Sync{Hello: hello("later")}); status != http.StatusUnauthorized {
		t.Errorf("the old key: %d", status)
	}
}

func TestASyncThatIsNotTheKiosksIsRefused(t *testing.T) {
	s := newSite(t, nil)
	b, other := s.enrol("mairie", "Hall"), s.enrol("mairie", "Étage")
	body := marshal(t, provisioning.Sync{Hello: hello("run"), Events: []provisioning.Event{visit(1)}})
	foreign, err := newRing(t).Token(fleet.Kiosk{ID: b.Kiosk, Structure: "mairie"}, b.key, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	expired, err := s.ring.Token(fleet.Kiosk{ID: b.Kiosk, Structure: "mairie"}, b.key, time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := s.ring.Token(fleet.Kiosk{ID: b.Kiosk, Structure: "musee"}, b.key, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	with := func(token string) string {
		c := *b
		c.Token = token
		return c.header(time.Now(), body)
	}
	stolen := *other // another kiosk's key under this one's token
	stolen.Token = b.Token
	for what, h := range map[string]string{
		"nobody": "", "another scheme": "Bearer " + b.Token, "no signature": "Kiosk " + b.Token + " 1 ",
		"foreign": with(foreign), "expired": with(expired), "another structure": with(moved), "another key": stolen.header(time.Now(), body),
		"too old": b.header(time.Now().Add(-6*time.Minute), body), "too early": b.header(time.Now().Add(6*time.Minute), body),
		"altered": b.header(time.Now(), bytes.Replace(body, []byte(`"visits":1`), []byte(`"visits":9`), 1)),
	} {
		status, header, answer := post(t, "http://"+s.addr+"/sync", h, body)
		if status != http.StatusUnauthorized || string(answer) != "refused\n" || header.Get("Date") == "" {
			t.Errorf("%s: %d %q", what, status, answer)
		}
	}
	if n := s.visits(everything); n != 0 {
		t.Errorf("%d visits", n)
	}
	h := b.header(time.Now(), body)
	for i, want := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusUnauthorized} {
		if status, _, _ := post(t, "http://"+s.addr+"/sync", h, body); status != want {
			t.Errorf("replay %d: %d", i, status)
		}
	}
	body = []byte("{")
	if status, _, _ := post(t, "http://"+s.addr+"/sync", b.header(time.Now(), body), body); status != http.StatusBadRequest {
		t.Errorf("garbage: %d", status)
	}
	body = bytes.Repeat([]byte(" "), provisioning.MaxMessage+1)
	if status, _, _ := post(t, "http://"+s.addr+"/sync", b.header(time.Now(), body), body); status != http.StatusBadRequest {
		t.Errorf("too long: %d", status)
	}
}

func TestAKioskThatSyncsIsThereBetweenItsMinutes(t *testing.T) {
	now := newClock()
	s := newSite(t, func(o *engine.Options) { o.Beat, o.Now = 600*time.Millisecond, now.get })
	b, silent := s.enrol("mairie", "Hall"), s.enrol("mairie", "Étage")
	l := silent.connect(t)
	l.beat(t, silent, beat("run"))
	if status, _, _ := b.sync(provisioning.Sync{Hello: hello("run")}); status != http.StatusOK {
		t.Fatal(status)
	}
	eventually(t, "presence", func() bool { return s.engine.Presence(b.Kiosk).Online && s.engine.Presence(silent.Kiosk).Online })
	now.add(2 * time.Minute)
	eventually(t, "silence", func() bool { return !s.engine.Presence(silent.Kiosk).Online })
	if !s.engine.Presence(b.Kiosk).Online {
		t.Error("gone after two minutes")
	}
	now.add(2 * time.Minute)
	eventually(t, "silence", func() bool { return !s.engine.Presence(b.Kiosk).Online })
}

func TestSyncWithoutTheDatabaseIsForLater(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := b.sync(provisioning.Sync{Hello: hello("run"), Events: []provisioning.Event{visit(1)}}); status != http.StatusServiceUnavailable {
		t.Errorf("sync answers %d", status)
	}
	if status := s.stranger().ask("AAAA-AAAA-AAAA"); status != http.StatusServiceUnavailable {
		t.Errorf("enrolment answers %d", status)
	}
}
