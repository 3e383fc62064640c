package outbox_test

import (
	"os"
	"path/filepath"
	"testing"

	"pointnum/provisioning"
	"pointnum/provisioning/link/outbox"
)

// Whatever lies where the outbox should be, it works afterwards.
func FuzzAnyFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	b, err := outbox.Open(path, outbox.Options{})
	if err != nil {
		f.Fatal(err)
	}
	ok(f, b.Add(f.Context(), result("a")))
	ok(f, b.Close())
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:4096])
	f.Add([]byte("SQLite format 3\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "box")
		ok(t, os.WriteFile(path, data, 0o600))
		b := open(t, path, outbox.Options{})
		ok(t, b.Add(t.Context(), state("new")))
		found := false
		for _, e := range drain(t, b) {
			found = found || e.Kind == provisioning.EventState && e.State.Version == "new"
		}
		if !found {
			t.Error("the event is not there")
		}
	})
}
