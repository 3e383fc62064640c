package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet/store/storetest"
)

// BenchmarkIngest commits batches of 100 events, five counters each, of one
// kiosk alone and of 100 that wait together. Both databases write to the disk
// before they answer.
func BenchmarkIngest(b *testing.B) {
	server, err := storetest.Start(b.Context()) // with fsync
	must(b, err)
	defer func() { must(b, server.Close()) }()
	for _, kiosks := range []int{1, 100} {
		b.Run(fmt.Sprint("sqlite/kiosks=", kiosks), func(b *testing.B) {
			benchIngest(b, filepath.Join(b.TempDir(), "fleet.db"), kiosks)
		})
		b.Run(fmt.Sprint("postgres/kiosks=", kiosks), func(b *testing.B) {
			dsn, err := server.Database(context.Background())
			must(b, err)
			benchIngest(b, dsn, kiosks)
		})
	}
}

func benchIngest(b *testing.B, dsn string, kiosks int) {
	s := open(b, dsn)
	var ids []string
	for k := range kiosks {
		ids = append(ids, fmt.Sprint("k", k))
	}
	settle(b, s, "town", ids...)
	work := make(chan int64)
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			for n := range work {
				if _, err := s.Ingest(context.Background(), "town", id, hundred(n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	before := cpu(b)
	b.ResetTimer()
	for n := range int64(b.N) {
		work <- n
	}
	close(work)
	wg.Wait()
	events := float64(b.N) * provisioning.MaxBatch
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/events, "cpu-µs/event")
}

// cpu is what this process has used; PostgreSQL's is not in it.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// hundred is the n-th batch: a day of a kiosk.
func hundred(n int64) (evs []provisioning.Event) {
	for i := range int64(provisioning.MaxBatch) {
		at := noon.Add(-time.Duration(i) * provisioning.Slot)
		e := counts(1, n*provisioning.MaxBatch+i+1, at, 3)
		for _, name := range []string{"language/fr", "end/delivered", "documents"} {
			e.Counts.N[name] = 1
		}
		evs = append(evs, e)
	}
	return evs
}
