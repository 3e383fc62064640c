package outbox_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pointnum/provisioning"
	"pointnum/provisioning/link/outbox"
)

// As FuzzAnyFile, without its slowness: damage of all kinds to a good file.
func TestAnyDamageIsSurvived(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seed")
	b := open(t, path, outbox.Options{})
	ok(t, b.Add(t.Context(), result("a")))
	ok(t, b.Close())
	seed, err := os.ReadFile(path)
	ok(t, err)
	r := rand.New(rand.NewPCG(4, 11))
	for i := range 60 {
		data := slices.Clone(seed)
		for range 1 + r.IntN(20) {
			at := r.IntN(len(data))
			switch i % 5 {
			case 0, 1: // the file's header
				at = r.IntN(120)
			case 2: // that of a page
				at = 4096*r.IntN(len(data)/4096) + r.IntN(60)
			}
			data[at] = byte(r.IntN(256))
		}
		if i%7 == 0 {
			data = data[:r.IntN(len(data))]
		}
		survives(t, data)
	}
	// a table without one of its columns
	survives(t, bytes.Replace(seed, []byte("token INTEGER"), []byte("tokem INTEGER"), 1))
}

// survives opens what lies where an outbox should be, and uses it.
func survives(t *testing.T, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "box")
	ok(t, os.WriteFile(path, data, 0o600))
	b := open(t, path, outbox.Options{})
	b.Put(state("new"))
	if b.Flush(t.Context()) != nil {
		ok(t, b.Flush(t.Context())) // damage may show itself in use
	}
	found := false
	for _, e := range drain(t, b) {
		found = found || e.Kind == provisioning.EventState && e.State.Version == "new"
	}
	if !found {
		t.Error("the event is not there")
	}
	ok(t, b.Close())
}

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
	f.Fuzz(survives)
}
