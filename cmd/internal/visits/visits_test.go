package visits_test

import (
	"testing"

	"pointnum/cmd/internal/visits"
)

// Five visits in a row leave no more processes, descriptors, goroutines, memory
// and files than two do. make bench makes fifty.
func TestVisitsLeaveNothingBehind(t *testing.T) {
	k, err := visits.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	var early visits.Figures
	for n := 1; n <= 5; n++ {
		times, err := k.Visit(t.Context())
		if err != nil {
			t.Fatalf("visit %d: %v", n, err)
		}
		t.Logf("visit %d: painted after %v, erased after %v", n, times.Paint, times.Wipe)
		if n == 2 {
			if early, err = k.Figures(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	late, err := k.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("after 2 visits %+v, after 5 %+v", early, late)
	if err := late.Grown(early); err != nil {
		t.Error(err)
	}
}
