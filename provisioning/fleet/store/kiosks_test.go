package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

func TestACodeIsGoodOnceHoweverManyAsk(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town")
		must(t, s.AddCode(t.Context(), fleet.Code{ID: "c1", Structure: "town", Label: "Hall", Created: noon, Expires: noon.Add(time.Hour)}, "h1"))
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				_, err := s.Enrol(t.Context(), "h1", fmt.Sprint("k", i), fmt.Sprint("U", i), noon.Add(time.Hour))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, fleet.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		kiosks := got[[]fleet.Kiosk](t)(s.Kiosks(t.Context(), all))
		codes := got[[]fleet.Code](t)(s.Codes(t.Context(), of("town")))
		if won.Load() != 1 || len(kiosks) != 1 || len(codes) != 1 || codes[0].Kiosk != kiosks[0].ID || !codes[0].Used.Equal(noon) || kiosks[0].Label != "Hall" {
			t.Errorf("%d won; kiosks %+v; codes %+v", won.Load(), kiosks, codes)
		}
	})
}

func TestACodeThatCannotBeUsedIsNotSpent(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		ctx, end := t.Context(), noon.Add(time.Hour)
		must(t, s.AddCode(ctx, fleet.Code{ID: "c1", Structure: "town", Expires: end}, "h1"))
		must(t, s.AddCode(ctx, fleet.Code{ID: "c2", Structure: "town", Expires: noon}, "h2"))
		for _, c := range []struct {
			hash, id, key string
			want          error
		}{
			{"h1", "k1", "U1", fleet.ErrExists}, {"h1", "k2", "KEY-k1", fleet.ErrExists},
			{"h2", "k2", "U2", fleet.ErrCode}, {"h3", "k2", "U2", fleet.ErrCode}, {"", "k2", "U2", fleet.ErrCode},
		} {
			if _, err := s.Enrol(ctx, c.hash, c.id, c.key, end); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if _, err := s.Enrol(ctx, "h1", "K.2", "U2", end); err == nil {
			t.Error("an ID that would change a subject was taken")
		}
		if _, err := s.Enrol(ctx, "h1", "k2", "U2", end); err != nil {
			t.Error(err)
		}
		if err := s.AddCode(ctx, fleet.Code{ID: "c3", Structure: "nowhere", Expires: end}, "h3"); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("a code for no structure: %v", err)
		}
		if err := s.AddCode(ctx, fleet.Code{ID: "c4", Structure: "town", Expires: end}, "h1"); !errors.Is(err, fleet.ErrExists) {
			t.Errorf("a hash that is there: %v", err)
		}
	})
}

func TestAReplacementTakesThePlaceAndTheOldOneIsOut(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "old")
		settle(t, s, "village", "v1")
		ctx := t.Context()
		queue(t, s, "town", "old", "c1", noon.Add(time.Hour))
		must(t, s.AddCode(ctx, fleet.Code{ID: "r", Structure: "town", Replaces: "old", Expires: noon.Add(time.Hour)}, "hr"))
		k := got[fleet.Kiosk](t)(s.Enrol(ctx, "hr", "new", "U-new", noon.Add(90*24*time.Hour)))
		old := got[fleet.Kiosk](t)(s.Kiosk(ctx, of("town"), "old"))
		if k.Label != "Place old" || k.Structure != "town" || !old.Revoked.Equal(noon) {
			t.Errorf("new %+v, old %+v", k, old)
		}
		if keys := got[map[string]time.Time](t)(s.RevokedKeys(ctx)); len(keys) != 1 || !keys["KEY-old"].Equal(noon) {
			t.Errorf("revoked keys: %v", keys)
		}
		if _, err := s.Ingest(ctx, "town", "old", []provisioning.Event{counts(1, 1, noon, 1)}); !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("the old one speaks: %v", err)
		}
		if q := got[[]fleet.Queued](t)(s.Commands(ctx, of("town"), "old", 9)); q[0].Status != "expired" {
			t.Errorf("its command: %+v", q)
		}
		if err := s.AddCode(ctx, fleet.Code{ID: "x", Structure: "town", Replaces: "v1", Expires: noon.Add(time.Hour)}, "hx"); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("replacing another structure's kiosk: %v", err)
		}
	})
}

func TestKeysRotateAndTheOldOnesAreRevoked(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1", "k2")
		ctx, later := t.Context(), noon.Add(100*24*time.Hour)
		used := func(id, key, wantOld string, want error) {
			t.Helper()
			if old, err := s.KeyUsed(ctx, id, key); old != wantOld || !errors.Is(err, want) {
				t.Errorf("%s with %s: %q, %v", id, key, old, err)
			}
		}
		used("k1", "KEY-k1", "", nil)
		used("k1", "KEY-k2", "", fleet.ErrNotFound)
		used("k1", "", "", fleet.ErrNotFound)
		must(t, s.Renew(ctx, "k1", "SECOND", later))
		must(t, s.Renew(ctx, "k1", "SECOND", later)) // asked again, the answer was lost
		must(t, s.Renew(ctx, "k1", "THIRD", later))
		used("k1", "KEY-k1", "", nil) // still good until the new one is used
		used("k1", "SECOND", "", fleet.ErrNotFound)
		used("k1", "THIRD", "KEY-k1", nil)
		used("k1", "THIRD", "", nil)
		used("k1", "KEY-k1", "", fleet.ErrNotFound)
		if k := got[fleet.Kiosk](t)(s.Kiosk(ctx, all, "k1")); k.Key != "THIRD" || k.NextKey != "" || !k.Expires.Equal(later) || !k.Renewed.Equal(noon) {
			t.Errorf("kiosk: %+v", k)
		}
		for _, taken := range []string{"KEY-k1", "KEY-k2", "SECOND", "THIRD"} {
			if err := s.Renew(ctx, "k1", taken, later); !errors.Is(err, fleet.ErrExists) {
				t.Errorf("%s again: %v", taken, err)
			}
		}
		must(t, s.Renew(ctx, "k1", "FOURTH", later))
		k := got[fleet.Kiosk](t)(s.Revoke(ctx, of("town"), "k1"))
		again := got[fleet.Kiosk](t)(s.Revoke(ctx, of("town"), "k1"))
		if !k.Revoked.Equal(noon) || !reflect.DeepEqual(k, again) {
			t.Errorf("revoked %+v, again %+v", k, again)
		}
		keys := got[map[string]time.Time](t)(s.RevokedKeys(ctx))
		for _, key := range []string{"KEY-k1", "SECOND", "THIRD", "FOURTH"} {
			if keys[key].IsZero() {
				t.Errorf("%s is not revoked: %v", key, keys)
			}
		}
		if err := s.Renew(ctx, "k1", "FIFTH", later); !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("a revoked kiosk renews: %v", err)
		}
		used("k1", "FOURTH", "", fleet.ErrForbidden)
		used("nobody", "X", "", fleet.ErrNotFound)
	})
}

func TestSettingsThatChangedMeanwhileAreNotOverwritten(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town")
		ctx := t.Context()
		first := got[kiosk.Settings](t)(s.SaveSettings(ctx, of("town"), "town", kiosk.Settings{Place: kiosk.Place{Name: "Mairie"}}))
		if _, err := s.SaveSettings(ctx, of("town"), "town", kiosk.Settings{}); !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("an old revision: %v", err)
		}
		first.Quota.Sides = 20
		second := got[kiosk.Settings](t)(s.SaveSettings(ctx, of("town"), "town", first))
		must(t, s.SaveAlerts(ctx, of("town"), "town", fleet.AlertSettings{Emails: []string{"a@example.org"}, DigestAt: -1, Zone: "America/Martinique"}))
		st := got[fleet.Structure](t)(s.Structure(ctx, of("town"), "town"))
		if second.Revision != 2 || !reflect.DeepEqual(st.Settings, second) || st.Alerts.Emails[0] != "a@example.org" || st.Alerts.Zone != "America/Martinique" {
			t.Errorf("structure: %+v", st)
		}
		if _, err := s.SaveSettings(ctx, of("town"), "town", kiosk.Settings{Revision: 2, Quota: kiosk.Quota{Sides: -1}}); err == nil {
			t.Error("bad settings were taken")
		}
		if err := s.AddStructure(ctx, fleet.Structure{ID: "town"}); !errors.Is(err, fleet.ErrExists) {
			t.Errorf("the same ID: %v", err)
		}
		if err := s.AddStructure(ctx, fleet.Structure{ID: "kiosk.*"}); err == nil {
			t.Error("an ID that would change a subject was taken")
		}
	})
}

func TestCommandsWaitUntilTheyEndOrExpire(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		clock := &later{noon}
		s := openWith(t, dsn, store.Options{Now: clock.time})
		settle(t, s, "town", "k1")
		ctx := t.Context()
		queue(t, s, "town", "k1", "c1", noon.Add(time.Minute))
		queue(t, s, "town", "k1", "c2", noon.Add(time.Hour))
		queue(t, s, "town", "k1", "c3", noon.Add(time.Hour))
		must(t, s.SetCommand(ctx, "k1", "c3", "done", ""))
		if p := got[[]provisioning.Signed](t)(s.Pending(ctx, "k1")); len(p) != 2 || len(p[0].Signature) != 2 {
			t.Errorf("pending: %+v", p)
		}
		clock.now = noon.Add(2 * time.Minute)
		if p := got[[]provisioning.Signed](t)(s.Pending(ctx, "k1")); len(p) != 1 {
			t.Errorf("pending after a minute: %+v", p)
		}
		status := map[string]fleet.QueueStatus{}
		for _, q := range got[[]fleet.Queued](t)(s.Commands(ctx, of("town"), "k1", 9)) {
			status[q.Command.ID] = q.Status
		}
		if want := map[string]fleet.QueueStatus{"c1": "expired", "c2": "queued", "c3": "done"}; !reflect.DeepEqual(status, want) {
			t.Errorf("status: %v", status)
		}
		must(t, s.SetCommand(ctx, "k1", "c1", "done", "")) // begun just in time
		if err := s.SetCommand(ctx, "k1", "none", "done", ""); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("no command: %v", err)
		}
		c := provisioning.Command{ID: "c1", Structure: "town", Kiosk: "k1"}
		if err := s.Queue(ctx, all, fleet.Queued{Command: c}, provisioning.Signed{}); !errors.Is(err, fleet.ErrExists) {
			t.Errorf("the same ID: %v", err)
		}
		c.ID, c.Structure = "c9", "elsewhere"
		if err := s.Queue(ctx, all, fleet.Queued{Command: c}, provisioning.Signed{}); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("a command that names another structure: %v", err)
		}
	})
}

func TestSeenMovesForwardToTheMinute(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1", "k2")
		ctx := t.Context()
		must(t, s.Seen(ctx, map[string]time.Time{"k1": noon.Add(61 * time.Second), "nobody": noon}))
		must(t, s.Seen(ctx, map[string]time.Time{"k1": noon, "k2": noon}))
		must(t, s.Copied(ctx, "k1", noon))
		k1, k2 := got[fleet.Kiosk](t)(s.Kiosk(ctx, all, "k1")), got[fleet.Kiosk](t)(s.Kiosk(ctx, all, "k2"))
		if !k1.Seen.Equal(noon.Add(time.Minute)) || !k2.Seen.Equal(noon) || !k1.Copied.Equal(noon) {
			t.Errorf("%+v %+v", k1, k2)
		}
		must(t, s.Copied(ctx, "k1", time.Time{}))
		if k := got[fleet.Kiosk](t)(s.Kiosk(ctx, all, "k1")); !k.Copied.IsZero() {
			t.Errorf("put right: %+v", k)
		}
	})
}
