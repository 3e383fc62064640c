package link_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link"
	"pointnum/provisioning/link/outbox"
	"pointnum/provisioning/link/route"
)

func key(t *testing.T, p enrol.Pair) string {
	t.Helper()
	return must(p.Key.Public())
}

func TestKeysAreChangedWhenTheServerAsks(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		t.Run(map[bool]string{false: "by WebSocket", true: "by sync"}[deaf], func(t *testing.T) {
			f := newToy(t)
			f.deaf.Store(deaf)
			id := f.identity()
			a := start(t, f, choices{id: id})
			wait(t, "a link", func() bool { return a.link.Status().Via != link.ViaNone })
			f.renew.Store(true)
			f.cut()
			wait(t, "new keys in service", func() bool {
				now, err := enrol.Load(a.path)
				return err == nil && now.Next == nil && now.Present.Key != id.Present.Key
			})
			f.renew.Store(false)
			f.revoke(key(t, id.Present)) // what the server does at the first use of the new ones
			f.cut()
			a.link.SetState(provisioning.State{Settings: 5})
			wait(t, "a state with the new keys", func() bool { s := f.state(); return s != nil && s.Settings == 5 })
		})
	}
}

// Whatever was on the disk at any moment of a change lets the kiosk in.
func TestAPowerCutDuringAChangeOfKeysLeavesAnIdentity(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	id := f.identity()
	f.renew.Store(true)
	a := start(t, f, choices{id: id})
	var seen []*enrol.Identity
	wait(t, "new keys in service", func() bool {
		now, err := enrol.Load(a.path)
		if err != nil {
			t.Fatal("at one moment there was no identity: ", err)
		}
		if l := len(seen); l == 0 || (seen[l-1].Next == nil) != (now.Next == nil) || now.Next != nil && seen[l-1].Next.Credential.Token != now.Next.Credential.Token {
			seen = append(seen, now)
		}
		return now.Next == nil && now.Present.Key != id.Present.Key
	})
	a.stop()
	f.renew.Store(false)
	// the steps as they are written, whether or not one was seen above
	asked, ask, err := id.Renew()
	if err != nil {
		t.Fatal(err)
	}
	granted, err := asked.Granted(f.grant(ask).(provisioning.Credential))
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range append(seen, id, asked, granted, granted.Promote()) {
		a := start(t, f, choices{id: id})
		a.linked(link.ViaWebSocket)
		a.stop()
		if now, err := enrol.Load(a.path); err != nil || len(now.Pairs()) != 1 {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

func TestNewKeysThatAreRefusedAreForgotten(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	f.renew.Store(true)
	f.noGrant.Store(true)
	id := f.identity()
	a := start(t, f, choices{id: id})
	wait(t, "the new keys to be tried", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.revoked) > 0 })
	f.renew.Store(false)
	a.link.SetState(provisioning.State{Settings: 6})
	wait(t, "a state with the old keys", func() bool { s := f.state(); return s != nil && s.Settings == 6 })
	a.linked(link.ViaWebSocket)
	wait(t, "one pair", func() bool {
		now, err := enrol.Load(a.path)
		return err == nil && now.Next == nil && now.Present.Key == id.Present.Key
	})
}

func TestKeysStayWhenTheyCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	id := f.identity()
	a := start(t, f, choices{id: id})
	a.fail.Store(true)
	a.linked(link.ViaWebSocket)
	f.renew.Store(true)
	n := f.hellos.Load()
	f.cut()
	wait(t, "another hello", func() bool { return f.hellos.Load() > n })
	a.linked(link.ViaWebSocket)
	f.mu.Lock()
	next := f.next
	f.mu.Unlock()
	if now, err := enrol.Load(a.path); err != nil || now.Present.Key != id.Present.Key || next != "" {
		t.Errorf("%v; the server was asked for %q", err, next)
	}
	a.fail.Store(false)
	f.cut()
	wait(t, "new keys", func() bool { now, err := enrol.Load(a.path); return err == nil && now.Present.Key != id.Present.Key })
}

func TestARevokedKioskSaysSo(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	id := f.identity()
	a := start(t, f, choices{id: id})
	a.linked(link.ViaWebSocket)
	f.revoke(key(t, id.Present))
	wait(t, "the reason", func() bool { return a.link.Status().Code == link.CodeRefused })
	wait(t, "a try by sync", func() bool { return f.syncs.Load() > 0 })
	wait(t, "the reason", func() bool { s := a.link.Status(); return s.Code == link.CodeRefused && s.Via == link.ViaNone })
}

func TestAClockThatIsWrongByAYear(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		for _, deaf := range []bool{false, true} {
			t.Run(off.String()+map[bool]string{false: " by WebSocket", true: " by sync"}[deaf], func(t *testing.T) {
				f := newToy(t)
				f.deaf.Store(deaf)
				began := time.Now()
				clock := outbox.Clock{
					Now:  func() time.Time { return time.Now().Add(off) },
					Boot: func() (string, time.Duration) { return "boot", time.Since(began) + time.Hour },
				}
				a := start(t, f, choices{clock: clock})
				a.link.SetState(provisioning.State{Help: clock.Now().UnixMicro()})
				wait(t, "the state", func() bool { return f.state() != nil })
				f.mu.Lock()
				at, help := f.order[0].Time(), time.UnixMicro(f.order[0].State.Help)
				f.mu.Unlock()
				if at.Sub(began).Abs() > time.Minute || help.Sub(began).Abs() > time.Minute {
					t.Errorf("it happened at %v, help was called at %v; it is %v", at, help, time.Now())
				}
				if s := a.link.Status(); (s.Behind + off).Abs() > time.Minute {
					t.Errorf("status %+v", s)
				}
				_, err := enrol.Ask(t.Context(), enrol.Options{Server: f.http.URL, Code: "x", CA: f.ca, Now: clock.Now})
				if kiosk.CodeOf(err) != route.CodeClock {
					t.Errorf("enrolment: %v", err)
				}
				t.Log(err)
			})
		}
	}
}

func TestAServersClockThatWasWrongIsForgotten(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			f := newToy(t)
			id := f.identity()
			f.clockOff.Store(int64(off))
			a := start(t, f, choices{id: id})
			wait(t, "the wrong time", func() bool { return (a.link.Status().Behind - off).Abs() < time.Minute })
			f.clockOff.Store(0)
			f.cut()
			wait(t, "the right time", func() bool { s := a.link.Status(); return s.Via == link.ViaWebSocket && s.Behind.Abs() < time.Minute })
			f.cut()
			a.link.SetState(provisioning.State{Settings: 8})
			wait(t, "a state", func() bool { return f.state() != nil })
		})
	}
}

func TestACertificateThatHasRunOutIsNotTheClocksFault(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	id := f.identity()
	f.startHTTP(certificate(t, time.Now().Add(-100*24*time.Hour)))
	id.Server = f.http.URL
	a := start(t, f, choices{id: id})
	wait(t, "the reason", func() bool { return a.link.Status().Code == route.CodeCertificate })
	_, err := enrol.Ask(t.Context(), enrol.Options{Server: f.http.URL, Code: "x", CA: f.ca})
	if kiosk.CodeOf(err) != route.CodeCertificate {
		t.Errorf("enrolment: %v", err)
	}
}

func TestAnIdentityIsItsOwnersOnly(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	path := filepath.Join(t.TempDir(), "id")
	if err := f.identity().Save(path); err != nil {
		t.Fatal(err)
	}
	if info := must(os.Stat(path)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}
