package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet/store"
)

func TestABackupFromARunningServerRestoresToTheSameCounts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "fleet.db"))
	settle(t, s, "town", "k1")
	ctx, cancel := context.WithCancel(t.Context())
	acked, done := make(chan int64, 1), make(chan int64)
	go func() { // a kiosk that goes on
		for b := int64(0); ; b++ {
			var evs []provisioning.Event
			for i := range int64(10) {
				evs = append(evs, counts(1, b*10+i+1, noon, 2))
			}
			if _, err := s.Ingest(ctx, "town", "k1", evs); err != nil {
				done <- b * 10
				return
			}
			select {
			case acked <- (b + 1) * 10:
			default:
			}
		}
	}()
	before := <-acked
	saved := filepath.Join(dir, "saved.db")
	must(t, s.Backup(t.Context(), saved))
	<-acked // of about then
	<-acked
	cancel()
	<-done

	back := filepath.Join(dir, "back.db")
	must(t, store.Restore(t.Context(), saved, back))
	r := open(t, back)
	visits, pages := total(t, r, "visits"), total(t, r, "pages")
	events := got[map[provisioning.EventKind]int64](t)(r.Events(t.Context(), all))[provisioning.EventCounts]
	if visits < before || visits%10 != 0 || pages != 2*visits || events != visits || visits > total(t, s, "visits") {
		t.Errorf("%d visits, %d pages, %d events; %d were acknowledged before", visits, pages, events, before)
	}
	// What it has is refused, what it has not is taken.
	evs := []provisioning.Event{counts(1, visits, noon, 2), counts(1, visits+1, noon, 2)}
	if n := ingest(t, r, "town", "k1", evs...); n != 1 {
		t.Errorf("%d were fresh after the restore", n)
	}
	if n, err := r.CheckAudit(t.Context()); err != nil {
		t.Errorf("audit: %d, %v", n, err)
	}
	info, err := os.Stat(saved)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's mode is %v", info.Mode())
	}
	parts, err := filepath.Glob(filepath.Join(dir, ".*"))
	if must(t, err); len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "fleet.db"))
	saved := filepath.Join(dir, "saved.db")
	must(t, s.Backup(t.Context(), saved))
	if err := s.Backup(t.Context(), saved); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second backup: %v", err)
	}
	if err := store.Restore(t.Context(), saved, filepath.Join(dir, "fleet.db")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a database: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "new.db-wal"), nil, 0o600))
	if err := store.Restore(t.Context(), saved, filepath.Join(dir, "new.db")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("beside what is left of one: %v", err)
	}
}

func TestWhatIsNoGoodBackupIsNotRestored(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "fleet.db"))
	settle(t, s, "town", "k1")
	for i := range int64(60) {
		ingest(t, s, "town", "k1", counts(1, i+1, noon, 1))
	}
	saved := filepath.Join(dir, "saved.db")
	must(t, s.Backup(t.Context(), saved))
	good, err := os.ReadFile(saved)
	must(t, err)
	damaged := []byte(strings.Replace(string(good), "counter_slot", "counter_slop", 1))
	for i := len(damaged) / 3; i < len(damaged)/3+4096; i++ {
		damaged[i] ^= 0x55
	}
	for name, content := range map[string][]byte{"nothing": nil, "a text": []byte("hello"), "half of one": good[:len(good)/2], "a damaged one": damaged} {
		bad, to := filepath.Join(dir, "bad.db"), filepath.Join(dir, "to.db")
		must(t, os.WriteFile(bad, content, 0o600))
		if err := store.Restore(t.Context(), bad, to); !errors.Is(err, store.ErrNoBackup) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*to.db*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
	if err := store.Restore(t.Context(), filepath.Join(dir, "none.db"), filepath.Join(dir, "to.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	other := filepath.Join(dir, "other.db")
	if _, err := raw(t, other).Exec("CREATE TABLE schema (version INT); INSERT INTO schema VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := store.Restore(t.Context(), other, filepath.Join(dir, "to.db")); !errors.Is(err, store.ErrNoBackup) {
		t.Errorf("another program's database: %v", err)
	}
}

func TestPostgreSQLHasItsOwnBackup(t *testing.T) {
	dsn := got[string](t)(postgres.Database(t.Context()))
	s := open(t, dsn)
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "x")); !errors.Is(err, store.ErrPostgres) {
		t.Errorf("got %v", err)
	}
	if err := store.Restore(t.Context(), "x", dsn); !errors.Is(err, store.ErrPostgres) {
		t.Errorf("got %v", err)
	}
	settle(t, s, "town", "k1")
	ingest(t, s, "town", "k1", counts(1, 1, noon, 2), counts(1, 2, noon, 2))
	write(t, s, 3)
	file, back := filepath.Join(t.TempDir(), "fleet.dump"), got[string](t)(postgres.Database(t.Context()))
	for _, args := range [][]string{{"pg_dump", "-Fc", "--file", file, dsn}, {"pg_restore", "--exit-on-error", "--dbname", back, file}} {
		if out, err := postgres.Tool(t.Context(), args[0], args[1:]...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	r := open(t, back)
	if n := ingest(t, r, "town", "k1", counts(1, 2, noon, 2), counts(1, 3, noon, 2)); n != 1 || total(t, r, "pages") != 6 {
		t.Errorf("%d were fresh, %d pages", n, total(t, r, "pages"))
	}
	if n, err := r.CheckAudit(t.Context()); n != 3 || err != nil {
		t.Errorf("audit: %d, %v", n, err)
	}
	if _, err := raw(t, back).Exec("DELETE FROM audit"); err == nil {
		t.Error("the audit is not append-only any more")
	}
}
