package relay_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/phone"
	"pointnum/provisioning/relay"
)

// sessionOf is the address of the session that a code names.
func sessionOf(t *testing.T, address string) string {
	t.Helper()
	base, name, ok := strings.Cut(address, "/d#")
	session, _, whole := strings.Cut(name, ".")
	if !ok || !whole {
		t.Fatalf("a code says %q", address)
	}
	return base + "/s/" + session
}

// claim takes a code as a phone does and returns the relay's answer.
func claim(t *testing.T, address string) int {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(sessionOf(t, address)+"/phone", "application/octet-stream", strings.NewReader(string(key.PublicKey().Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	return r.StatusCode
}

func TestACodeIsNewEachTimeAndTheLastStaysGood(t *testing.T) {
	r, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address, Rotation: time.Second})
	var seen []string
	for len(seen) < 3 {
		s := k.wait("a new code", func(s kiosk.PhoneState) bool {
			return s.Address != "" && (len(seen) == 0 || s.Address != seen[len(seen)-1])
		})
		seen = append(seen, s.Address)
	}
	if got := claim(t, seen[1]); got != http.StatusCreated {
		t.Errorf("the code before the one that is shown: %d", got)
	}
	k.wait("its phone", func(s kiosk.PhoneState) bool { return s.Code != "" })
	eventually(t, "the other codes erased", func() bool { n, _ := r.Usage(); return n == 1 })
	if got := claim(t, seen[0]); got != http.StatusGone {
		t.Errorf("an old code: %d", got)
	}
	if err := k.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n, held := r.Usage(); n != 0 || held != 0 {
		t.Errorf("after the visit %d sessions hold %d bytes", n, held)
	}
}

func TestTheEndOfAnInvitationErasesIt(t *testing.T) {
	r, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address})
	k.address()
	if err := k.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n, _ := r.Usage(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestNoCodeIsShownOfARelayWithAnotherPage(t *testing.T) {
	r, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address, Files: relay.Files(), Digest: strings.Repeat("0", 64)})
	s := k.wait("the trouble", func(s kiosk.PhoneState) bool { return s.Trouble != "" })
	if s.Trouble != kiosk.CodeOutOfOrder || s.Address != "" {
		t.Errorf("the kiosk shows %+v", s)
	}
	if n, _ := r.Usage(); n != 0 {
		t.Error("a session was opened")
	}
}

func TestARelayThatIsAwayComesBack(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	_, address := listen(t, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if away.Load() {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	k := invite(t, phone.Options{Address: address})
	k.wait("the trouble", func(s kiosk.PhoneState) bool { return s.Trouble == kiosk.CodeNoNetwork && s.Address == "" })
	away.Store(false)
	k.wait("a code", func(s kiosk.PhoneState) bool { return s.Trouble == "" && s.Address != "" })
}

func TestAPhoneThatClaimsWithNoKeyGetsNowhere(t *testing.T) {
	_, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address, Rotation: 2 * time.Second})
	first := k.address()
	r, err := http.Post(sessionOf(t, first)+"/phone", "", strings.NewReader(string(key(9)))) // no point of the curve
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	s := k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" && s.Address != first })
	if s.Code != "" {
		t.Errorf("the kiosk shows %+v", s)
	}
}

func TestNothingIsLeftOfAClosedLink(t *testing.T) {
	_, address := listen(t, nil, nil)
	k := invite(t, phone.Options{Address: address})
	k.address()
	if err := k.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(context.Background()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if err := k.Accept(context.Background(), ""); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("accept: %v", err)
	}
	if err := k.Send(context.Background(), nil, nil); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("send: %v", err)
	}
}
