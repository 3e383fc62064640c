package fleetserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// How often the server looks after its data.
const (
	pruneEvery  = 6 * time.Hour
	backupEvery = 24 * time.Hour
	keepBackups = 14
	// lookEvery is how often it is looked whether one of them is due.
	lookEvery = time.Minute
)

// upkeep forgets what is too old and copies the database, until ctx ends. A
// fault of either is told and tried again; it stops nothing else.
func (s *server) upkeep(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var pruned, copied time.Time
	for {
		now := time.Now()
		if now.Sub(pruned) >= pruneEvery {
			pruned = now
			if n, err := s.store.Prune(ctx, s.o.Keep); err != nil && ctx.Err() == nil {
				s.log.Error("what is too old is still there", "err", err)
			} else if n > 0 {
				s.log.Info("what is too old is forgotten", "rows", n)
			}
		}
		if every := s.every(); s.o.Backup.Dir != "" && now.Sub(copied) >= every {
			copied = now
			if err := s.backup(ctx, now); err != nil && ctx.Err() == nil {
				s.log.Error("no backup", "err", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *server) every() time.Duration {
	if s.o.Backup.Every > 0 {
		return s.o.Backup.Every
	}
	return backupEvery
}

// backupName is that of a copy: names sort by time.
const backupName = "fleet-20060102-150405.db"

// backup copies the database and forgets the oldest copies.
func (s *server) backup(ctx context.Context, now time.Time) error {
	b := s.o.Backup
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := s.store.Backup(ctx, filepath.Join(b.Dir, now.UTC().Format(backupName))); err != nil {
		return err
	}
	s.backups.Set(float64(now.Unix()))
	keep := b.Keep
	if keep <= 0 {
		keep = keepBackups
	}
	entries, err := os.ReadDir(b.Dir)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	var copies []string
	for _, e := range entries {
		if _, err := time.Parse(backupName, e.Name()); err == nil && !e.IsDir() {
			copies = append(copies, e.Name())
		}
	}
	slices.SortFunc(copies, strings.Compare)
	var errs []error
	for len(copies) > keep {
		errs = append(errs, os.Remove(filepath.Join(b.Dir, copies[0])))
		copies = copies[1:]
	}
	return errors.Join(errs...)
}

// inner answers those who look after the server.
func (s *server) inner() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if err := errors.Join(s.store.Ready(ctx), s.engine.Ready()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
