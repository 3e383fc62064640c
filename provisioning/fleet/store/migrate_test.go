package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// raw opens a database as anybody with SQL would.
func raw(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(dsn, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// atSchema makes a database as a former version left it, with rows in it.
func atSchema(t *testing.T, dsn string, version int) {
	t.Helper()
	name, words := "schema/1.sqlite.sql", strings.NewReplacer("BYTES", "BLOB", "CLUSTERED", "WITHOUT ROWID")
	if strings.HasPrefix(dsn, "postgres") {
		name, words = "schema/1.postgres.sql", strings.NewReplacer("BYTES", "BYTEA", "CLUSTERED", "")
	}
	db := raw(t, dsn)
	parts := []string{"schema/1.sql", name, "testdata/schema1.sql"}
	for n := 2; n <= version; n++ {
		parts = append(parts, fmt.Sprintf("schema/%d.sql", n), fmt.Sprintf("testdata/schema%d.sql", n))
	}
	for _, part := range parts {
		text, err := os.ReadFile(part)
		must(t, err)
		if _, err := db.Exec(words.Replace(string(text))); err != nil {
			t.Fatal(part, err)
		}
	}
}

func TestADatabaseOfAFormerVersionIsTakenOver(t *testing.T) {
	for version := 1; version < store.Schema; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			onBoth(t, func(t *testing.T, dsn string) { takenOver(t, dsn, version) })
		})
	}
}

func takenOver(t *testing.T, dsn string, version int) {
	t.Helper()
	atSchema(t, dsn, version)
	s := open(t, dsn)
	ctx := t.Context()
	k := got[fleet.Kiosk](t)(s.Kiosk(ctx, of("town"), "k1"))
	if k.Label != "Hall" || k.State.Message != "Bonjour" || k.Epoch != 7 || !k.Copied.IsZero() || !k.Seen.Equal(time.UnixMicro(1790000040000000)) || !k.Enrolled.Equal(time.UnixMicro(1790000000000000)) {
		t.Errorf("kiosk: %+v", k)
	}
	if n := total(t, s, "pages"); n != 12 {
		t.Errorf("%d pages", n)
	}
	// What was counted then is refused now, and the rest goes on.
	if n := ingest(t, s, "town", "k1", counts(7, 3, noon, 1), counts(7, 4, noon, 1), counts(7, 5, noon, 1)); n != 1 {
		t.Errorf("%d were fresh", n)
	}
	if n, err := s.CheckAudit(ctx); err != nil || n != 0 {
		t.Errorf("audit: %d, %v", n, err)
	}
	must(t, s.Audit(ctx, fleet.Audit{Action: "upgrade"}))
	must(t, s.Copied(ctx, "k1", noon))
	if !got[bool](t)(s.OpenAlert(ctx, fleet.Alert{ID: "a", Structure: "town", Kiosk: "k1", Name: "copied", Since: noon})) {
		t.Error("no alert")
	}
	if p := got[fleet.Person](t)(s.PersonByEmail(ctx, "A@example.org")); p.ID != "p1" || p.Role != fleet.RoleAdmin {
		t.Errorf("person: %+v", p)
	}
	if a := got[[]fleet.Alert](t)(s.Alerts(ctx, of("town"), false)); version >= 2 && (len(a) != 2 || a[1].Name != "offline" || a[1].Ended.IsZero()) {
		t.Errorf("alerts: %+v", a)
	}
	// What is new is there: the kiosk is no pilot, and can become one.
	must(t, s.SetPilot(ctx, of("town"), "k1", true))
	if k.Pilot || !got[fleet.Kiosk](t)(s.Kiosk(ctx, of("town"), "k1")).Pilot {
		t.Error("the kiosk's being a pilot is not kept")
	}
	must(t, s.AddRelease(ctx, fleet.Release{Version: "2.0.0", Minimum: "1.0.0"}))
	if r := got[[]fleet.Rollout](t)(s.Rollouts(ctx, 9)); len(r) != 0 {
		t.Errorf("rollouts: %+v", r)
	}
}

func TestServersThatStartTogetherDoNotRaceOnTheSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), dsn, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(s.Ready(t.Context()), s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestADatabaseOfANewerVersionIsLeftAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		must(t, open(t, dsn).Close())
		if _, err := raw(t, dsn).Exec("UPDATE schema SET version = 99"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(t.Context(), dsn, store.Options{}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("got %v", err)
		}
	})
}

func TestADatabaseThatIsNotThereIsAnError(t *testing.T) {
	for _, dsn := range []string{t.TempDir() + "/no/such/folder/fleet.db", "postgres://fleet@127.0.0.1:1/fleet?connect_timeout=5", "postgres://%zz"} {
		if s, err := store.Open(t.Context(), dsn, store.Options{}); err == nil {
			t.Errorf("%s was opened", dsn)
			must(t, s.Close())
		}
	}
}

func TestAFileIsReadableByItsOwnerOnlyWhateverItsName(t *testing.T) {
	for _, name := range []string{"fleet.db", "à l’accueil ?#%41&=1.db"} {
		dir := t.TempDir()
		s := open(t, dir+"/"+name)
		settle(t, s, "town", "k1")
		entries, err := os.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			info, err := e.Info()
			must(t, err)
			if info.Mode().Perm() != 0o600 || !strings.HasPrefix(e.Name(), name) {
				t.Errorf("%q has mode %v", e.Name(), info.Mode())
			}
		}
	}
}
