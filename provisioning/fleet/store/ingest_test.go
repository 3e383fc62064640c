package store_test

import (
	"errors"
	"testing"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

func TestWhatIsSentTwiceIsCountedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town", "k1")
		evs := []provisioning.Event{counts(7, 1, noon, 2), counts(7, 2, noon, 3)}
		if n := ingest(t, s, "town", "k1", evs...); n != 2 {
			t.Errorf("%d were fresh the first time", n)
		}
		evs = append(evs, counts(7, 3, noon, 4))
		if n := ingest(t, s, "town", "k1", evs...); n != 1 {
			t.Errorf("%d were fresh the second time", n)
		}
		if n, err := s.Ingest(t.Context(), "other", "k1", evs); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("a kiosk of another structure: %d, %v", n, err)
		}
		k := got[fleet.Kiosk](t)(s.Kiosk(t.Context(), of("town"), "k1"))
		if k.Epoch != 7 {
			t.Errorf("epoch %d", k.Epoch)
		}
	})
}
