package people_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"pointnum/provisioning/fleet/store"
)

// newStore is the real one, on SQLite.
func newStore(t *testing.T) kept {
	t.Helper()
	// In memory: a slow disk would make the tests slow.
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-people-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(t.Context(), filepath.Join(dir, "fleet.db"), store.Options{})
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
