package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"

	"github.com/nats-io/nats.go"
)

// refused waits for the server's refusal of what was just done.
func (l *line) refused(t *testing.T, what string) {
	t.Helper()
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-l.errs:
		if !strings.Contains(err.Error(), "ermissions") {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(patience):
		t.Errorf("%s is allowed", what)
	}
}

func TestAKioskReachesNothingButItsOwn(t *testing.T) {
	s := newSite(t, nil)
	me, next, other := s.enrol("mairie", "Hall"), s.enrol("mairie", "Étage"), s.enrol("musee", "Entrée")
	isolated(t, me, next, other)
}

// isolated tries everything of fleet.md's list.
func isolated(t *testing.T, me, next, other *borne) {
	t.Helper()
	l := me.connect(t)
	for _, subject := range []string{
		other.up(provisioning.UpEvents), next.up(provisioning.UpEvents), next.up(provisioning.UpBeat), next.up(provisioning.UpRenew),
		provisioning.Up("musee", me.Kiosk, provisioning.UpEvents),
		provisioning.Down("mairie", me.Kiosk, provisioning.DownCmd), provisioning.Down("mairie", next.Kiosk, provisioning.DownCmd),
		"live.mairie", "live.musee", "fleet.keys", "fleet.beat", "fleet.seen",
		"$JS.API.STREAM.LIST", "$SYS.REQ.SERVER.PING", "$SYS.REQ.CLAIMS.UPDATE", "_INBOX.x", "_INBOX_" + next.Kiosk + ".x",
	} {
		if err := l.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		l.refused(t, "publish "+subject)
	}
	for _, subject := range []string{
		"kiosk.>", ">", "*.>", "kiosk.*.*.down.cmd", "kiosk.mairie.*.down.cmd", me.up(">"), me.up(provisioning.UpEvents),
		provisioning.Down("musee", other.Kiosk, ">"), provisioning.Down("mairie", next.Kiosk, ">"),
		"live.*", "live.mairie", "fleet.>", "_INBOX.>", "_INBOX_*.>", "_INBOX_" + next.Kiosk + ".>", "$JS.API.>", "$SYS.>",
	} {
		if _, err := l.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		l.refused(t, "subscribe "+subject)
	}
	if a := l.send(t, me, visit(1000)); !a.OK { // and the line is as good as before
		t.Errorf("its own events: %+v", a)
	}
}

func TestACodeIsGoodForOneKiosk(t *testing.T) {
	s := newSite(t, nil)
	code := s.code(fleet.Code{Structure: "mairie", Label: "Hall"})
	b := s.stranger()
	if status := b.ask(strings.ToLower(strings.ReplaceAll(code, "-", " "))); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	first := b.Credential
	if status := b.ask(code); status != http.StatusOK || b.Kiosk != first.Kiosk {
		t.Errorf("the same kiosk, whose answer was lost: %d, %s", status, b.Kiosk)
	}
	if k, err := s.store.Kiosks(t.Context(), everything); err != nil || len(k) != 1 {
		t.Errorf("%d kiosks, %v", len(k), err)
	}
	if status := s.stranger().ask(code); status != http.StatusForbidden {
		t.Errorf("another kiosk with a used code: %d", status)
	}
	if err := s.engine.Revoke(t.Context(), everything, b.Kiosk); err != nil {
		t.Fatal(err)
	}
	if status := b.ask(code); status != http.StatusForbidden {
		t.Errorf("a revoked kiosk asks again: %d", status)
	}
}

func (s *site) stranger() *borne {
	b := &borne{t: s.t, addr: s.addr}
	b.pair, b.key = newKey(s.t)
	return b
}

func TestWhateverIsWrongWithACodeTheAnswerIsTheSame(t *testing.T) {
	from := 0 // each try comes from another address
	s := newSite(t, func(o *engine.Options) {
		o.From = func(*http.Request) string { from++; return fmt.Sprintf("192.0.2.%d", from) }
	})
	pair, key := newKey(t)
	_, other := newKey(t)
	old, _, err := s.engine.NewCode(t.Context(), fleet.Code{Structure: "mairie", Expires: time.Now().Add(-time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	good := s.code(fleet.Code{Structure: "mairie"})
	for what, a := range map[string]provisioning.EnrolAsk{
		"unknown code":    {Code: "AAAA-AAAA-AAAA", Key: key, Signature: sign(t, pair, "AAAAAAAAAAAA"+key)},
		"expired code":    {Code: old, Key: key, Signature: sign(t, pair, provisioning.NormalCode(old)+key)},
		"another key":     {Code: good, Key: other, Signature: sign(t, pair, provisioning.NormalCode(good)+other)},
		"no signature":    {Code: good, Key: key},
		"another message": {Code: good, Key: key, Signature: sign(t, pair, key)},
		"a server's key":  {Code: good, Key: s.ring.AccountID(), Signature: sign(t, pair, provisioning.NormalCode(good)+s.ring.AccountID())},
	} {
		a.Words = 1
		if status, _, body := post(t, "http://"+s.addr+"/enrol", "", marshal(t, a)); status != http.StatusForbidden || string(body) != "refused\n" {
			t.Errorf("%s: %d %q", what, status, body)
		}
	}
	if _, _, err := s.engine.NewCode(t.Context(), fleet.Code{Structure: "nowhere"}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a code for no structure: %v", err)
	}
}

func TestAnAddressHasFiveTriesAMinute(t *testing.T) {
	now, from := newClock(), "192.0.2.1:1234"
	s := newSite(t, func(o *engine.Options) {
		o.Now = now.get
		o.From = func(*http.Request) string { return from }
	})
	b := s.stranger()
	for i := range 6 {
		want := http.StatusForbidden
		if i == 5 {
			want = http.StatusTooManyRequests
		}
		if status := b.ask("AAAA"); status != want {
			t.Errorf("try %d: %d", i+1, status)
		}
	}
	for _, a := range []string{"192.0.2.2:1", "[2001:db8::1]:1"} {
		from = a
		if status := b.ask("AAAA"); status != http.StatusForbidden {
			t.Errorf("%s: %d", a, status)
		}
	}
	for range 4 {
		b.ask("AAAA")
	}
	from = "[2001:db8::ffff:2]:1"
	if status := b.ask("AAAA"); status != http.StatusTooManyRequests {
		t.Errorf("another address of the same network: %d", status)
	}
	for i := range 4300 { // more than the table holds
		from = fmt.Sprintf("[2001:db8:%x::]:1", i)
		w := httptest.NewRecorder()
		s.engine.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/enrol", nil))
		if i == 4299 && w.Code != http.StatusTooManyRequests {
			t.Errorf("a flood of addresses: %d", w.Code)
		}
	}
	now.add(time.Minute)
	from = "192.0.2.1:99"
	if status := b.ask("AAAA"); status != http.StatusForbidden {
		t.Errorf("a minute later: %d", status)
	}
}

func TestARevokedKioskIsOutWithinASecond(t *testing.T) {
	s := newSite(t, nil)
	b, other := s.enrol("mairie", "Hall"), s.enrol("mairie", "Étage")
	l, still := b.connect(t), other.connect(t)
	l.hello(t, b)
	if status, _, _ := b.sync(provisioning.Sync{Hello: hello("run")}); status != http.StatusOK {
		t.Fatalf("sync answers %d", status)
	}
	changes := s.engine.Changes(t.Context(), everything)
	begin := time.Now()
	if err := s.engine.Revoke(t.Context(), fleet.Scope{Structure: "mairie"}, b.Kiosk); err != nil {
		t.Fatal(err)
	}
	<-l.closed
	if d := time.Since(begin); d > time.Second {
		t.Errorf("out after %s", d)
	} else {
		t.Logf("out after %s", d)
	}
	for c := range changes {
		if c.Kiosk == b.Kiosk && c.What == "state" {
			break
		}
	}
	if s.engine.Presence(b.Kiosk).Online {
		t.Error("it is still there")
	}
	for range 20 { // and is told why each time
		if _, err := b.dial(); !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrAuthRevoked) {
			t.Errorf("it comes back: %v", err)
		}
	}
	if status, _, _ := b.sync(provisioning.Sync{Hello: hello("run")}); status != http.StatusUnauthorized {
		t.Errorf("sync answers %d", status)
	}
	if _, err := s.engine.Command(t.Context(), everything, "", provisioning.Command{Kiosk: b.Kiosk, Kind: provisioning.CommandRecheck}); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a command to it: %v", err)
	}
	if a := still.send(t, other, visit(1)); !a.OK {
		t.Errorf("another kiosk: %+v", a)
	}
	s.halt()
	s.start(nil)
	b.addr = s.addr
	if _, err := b.dial(); err == nil {
		t.Error("it comes back after a restart of the server")
	}
}

func TestACodeReplacesAKiosk(t *testing.T) {
	s := newSite(t, nil)
	old := s.enrol("mairie", "Hall")
	l := old.connect(t)
	b := s.stranger()
	if status := b.ask(s.code(fleet.Code{Structure: "mairie", Replaces: old.Kiosk})); status != http.StatusOK || b.Label != "Hall" {
		t.Fatalf("status %d, %+v", status, b.Credential)
	}
	<-l.closed
	b.connect(t)
}

// renewed asks for a next key over a line.
func (b *borne) renewed(t *testing.T, ask func(provisioning.RenewAsk) []byte) *borne {
	t.Helper()
	n := &borne{t: t, addr: b.addr}
	n.pair, n.key = newKey(t)
	c, err := provisioning.DecodeCredential(ask(provisioning.RenewAsk{Key: n.key, Signature: sign(t, n.pair, b.Kiosk+n.key)}))
	if err != nil {
		t.Fatal(err)
	}
	n.Credential = c
	return n
}

func TestTheOldKeyEndsWhenTheNewOneIsUsed(t *testing.T) {
	now := newClock()
	s := newSite(t, func(o *engine.Options) { o.RenewAt, o.Now = time.Hour, now.get })
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	if w := l.hello(t, b); w.Renew {
		t.Error("it is asked to renew at once")
	}
	now.add(2 * time.Hour)
	if w := l.hello(t, b); !w.Renew {
		t.Error("it is not asked to renew")
	}
	n := b.renewed(t, func(a provisioning.RenewAsk) []byte { return l.request(t, b.up(provisioning.UpRenew), a) })
	if n.Kiosk != b.Kiosk || n.Token == b.Token {
		t.Fatalf("credential %+v", n.Credential)
	}
	if a := l.send(t, b, visit(1)); !a.OK {
		t.Errorf("the old key before that: %+v", a)
	}
	nl := n.connect(t)
	nl.hello(t, n)
	<-l.closed
	if _, err := b.dial(); err == nil {
		t.Error("the old key comes back")
	}
	k, err := s.store.Kiosk(t.Context(), everything, b.Kiosk)
	if err != nil || k.Key != n.key || k.NextKey != "" {
		t.Errorf("kiosk %+v, %v", k, err)
	}
	if a := nl.send(t, n, visit(2)); !a.OK {
		t.Errorf("the new key: %+v", a)
	}
}

func TestAKeyThatTheKioskDoesNotHaveIsNotGiven(t *testing.T) {
	s := newSite(t, nil)
	b, other := s.enrol("mairie", "Hall"), s.enrol("mairie", "Étage")
	l := b.connect(t)
	pair, key := newKey(t)
	for what, a := range map[string]provisioning.RenewAsk{
		"no signature":        {Key: key},
		"another's signature": {Key: key, Signature: sign(t, b.pair, b.Kiosk+key)},
		"for another kiosk":   {Key: key, Signature: sign(t, pair, other.Kiosk+key)},
		"another's key":       {Key: other.key, Signature: sign(t, other.pair, b.Kiosk+other.key)},
		"its own key":         {Key: b.key, Signature: sign(t, b.pair, b.Kiosk+b.key)},
	} {
		var ack provisioning.Ack
		if err := json.Unmarshal(l.request(t, b.up(provisioning.UpRenew), a), &ack); err != nil || ack.OK || ack.Why != "invalid" {
			t.Errorf("%s: %+v, %v", what, ack, err)
		}
	}
}

func TestAnExpiredCredentialIsRefused(t *testing.T) {
	s := newSite(t, func(o *engine.Options) { o.Lifetime = 2 * time.Second })
	b := s.enrol("mairie", "Hall")
	l, err := b.dial()
	if err == nil {
		<-l.closed // its time is over
	}
	eventually(t, "refusal", func() bool {
		l, err := b.dial()
		if err == nil {
			l.Close()
		}
		return err != nil
	})
	if status, _, _ := b.sync(provisioning.Sync{Hello: hello("run")}); status != http.StatusUnauthorized {
		t.Errorf("sync answers %d", status)
	}
}

// A page of a browser cannot use what a kiosk uses.
func TestRequestsWithAnOriginAreRefused(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"GET /fleet", "POST /sync", "POST /enrol"} {
		method, path, _ := strings.Cut(path, " ")
		r, err := http.NewRequestWithContext(context.Background(), method, "http://"+s.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "http://"+s.addr)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
	if _, err := (&borne{t: t, addr: s.addr}).anonymous(); err == nil {
		t.Error("somebody without a credential is let in")
	}
}

func (b *borne) anonymous() (*nats.Conn, error) {
	return nats.Connect("ws://"+b.addr, nats.ProxyPath("/fleet"), nats.NoReconnect(), nats.Timeout(patience))
}
