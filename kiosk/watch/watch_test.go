package watch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"pointnum/kiosk/watch"
)

func TestZeroValueHoldsNothingYet(t *testing.T) {
	var w watch.Value[string]
	if v, seq := w.Load(); v != "" || seq != 0 {
		t.Errorf("got %q at %d, want nothing at 0", v, seq)
	}
}

func TestWaitReturnsAtOnceWhenTheReaderIsBehind(t *testing.T) {
	var w watch.Value[int]
	w.Set(1)
	w.Set(2)
	v, seq, err := w.Wait(t.Context(), 0)
	if v != 2 || seq != 2 || err != nil {
		t.Errorf("got %d at %d, %v, want the latest value", v, seq, err)
	}
}

func TestWaitWakesEveryReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch.Value[int]
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if v, seq, err := w.Wait(t.Context(), 0); v != 7 || seq != 1 || err != nil {
					t.Errorf("got %d at %d, %v", v, seq, err)
				}
			})
		}
		synctest.Wait() // all ten wait
		w.Set(7)
		wg.Wait()
	})
}

func TestWaitEndsWithTheContextsCause(t *testing.T) {
	var w watch.Value[int]
	cause := errors.New("screen gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, _, err := w.Wait(ctx, 0); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestASlowReaderMissesSomeButNeverTheLast(t *testing.T) {
	const last = 10_000
	var w watch.Value[int]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var seq uint64
			seen := -1
			for seen != last {
				v, n, err := w.Wait(t.Context(), seq)
				if err != nil || v <= seen || n <= seq {
					t.Errorf("after %d at %d came %d at %d, %v", seen, seq, v, n, err)
					return
				}
				seen, seq = v, n
			}
		})
	}
	for i := range last + 1 {
		w.Set(i)
	}
	wg.Wait()
}

func BenchmarkSetWithAReader(b *testing.B) {
	var w watch.Value[int]
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		var seq uint64
		for {
			var err error
			if _, seq, err = w.Wait(ctx, seq); err != nil {
				return
			}
		}
	})
	for b.Loop() {
		w.Set(1)
	}
	cancel()
	wg.Wait()
}
