package people_test

import (
	"context"
	"path/filepath"
	"testing"

	"pointnum/provisioning/fleet/store"
)

// newStore is the real one, on SQLite.
func newStore(t *testing.T) kept {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "fleet.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.CheckAudit(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
