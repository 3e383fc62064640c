package relay_test

import (
	"context"
	"io"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/phone"
	"pointnum/kiosk/watch"
)

// borne is a kiosk's link to a phone.
type borne struct {
	t testing.TB
	kiosk.PhoneLink
	state watch.Value[kiosk.PhoneState]
}

func invite(t testing.TB, o phone.Options) *borne {
	t.Helper()
	p, err := phone.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &borne{t: t}
	b.PhoneLink, err = p.Open(t.Context(), kiosk.PhoneOptions{Lang: "fr", Follow: b.state.Set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

func (b *borne) wait(what string, ok func(kiosk.PhoneState) bool) kiosk.PhoneState {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	s, seq := b.state.Load()
	for !ok(s) {
		var err error
		if s, seq, err = b.state.Wait(ctx, seq); err != nil {
			last, _ := b.state.Load()
			b.t.Fatalf("waited 40 s for %s; last %+v", what, last)
		}
	}
	return s
}

func (b *borne) address() string {
	b.t.Helper()
	return b.wait("a code", func(s kiosk.PhoneState) bool { return s.Address != "" }).Address
}

func (b *borne) receive(file string) ([]byte, error) {
	rc, err := b.Receive(b.t.Context(), file)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 40 s for: %s", what)
		}
		time.Sleep(30 * time.Millisecond) // pacing
	}
}
