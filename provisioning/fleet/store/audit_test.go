package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

func TestTheAuditsChainTellsTheLineThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		n         int64
		why       string
	}{
		{"another action", "UPDATE audit SET action = 'nothing' WHERE n = 7", 7, "was changed"},
		{"another time", "UPDATE audit SET at = at + 1 WHERE n = 3", 3, "was changed"},
		{"a failure made a success", "UPDATE audit SET ok = 1 WHERE n = 4", 4, "was changed"},
		{"a hash made to fit nothing", "UPDATE audit SET hash = 'x' WHERE n = 9", 9, "was changed"},
		{"a line taken out", "DELETE FROM audit WHERE n = 5", 5, "is missing"},
		{"a line put in the place of another", "UPDATE audit SET n = 100 WHERE n = 5", 5, "is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, dsn string) {
				s := open(t, dsn)
				write(t, s, 10)
				db := raw(t, dsn)
				if _, err := db.Exec(c.sql); err == nil {
					t.Fatal("the triggers let it through")
				}
				// Somebody who may drop the triggers.
				for _, drop := range []string{"DROP TRIGGER audit_update", "DROP TRIGGER audit_delete", "DROP TRIGGER audit_rows ON audit"} {
					_, _ = db.Exec(drop) // each database has its own
				}
				if _, err := db.Exec(c.sql); err != nil {
					t.Fatal(err)
				}
				n, err := s.CheckAudit(t.Context())
				var wrong *store.AuditError
				if !errors.As(err, &wrong) || wrong.N != c.n || wrong.Why != c.why || n != c.n-1 {
					t.Errorf("%d lines, %v", n, err)
				}
			})
		})
	}
}

func write(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		must(t, s.Audit(t.Context(), fleet.Audit{At: noon.Add(time.Duration(i) * time.Hour), Person: "p1", Name: "Ana", Structure: []string{"town", "village"}[i%2], Action: "login", From: "192.0.2.1"}))
	}
}

func TestTheAuditIsAppendOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		write(t, s, 5)
		db := raw(t, dsn)
		for _, bad := range []string{
			"DELETE FROM audit", "DELETE FROM audit WHERE n = 5", "UPDATE audit SET detail = 'x'", "TRUNCATE audit", "TRUNCATE audit_anchor",
			"DELETE FROM audit_anchor", "UPDATE audit_anchor SET n = 3", "UPDATE audit_anchor SET n = 3, hash = 'x'", "INSERT INTO audit_anchor (id, n, hash) VALUES (2, 9, '')",
			"INSERT INTO audit SELECT * FROM audit WHERE n = 1",
		} {
			if _, err := db.Exec(bad); err == nil {
				t.Errorf("%s was done", bad)
			}
		}
		if n, err := s.CheckAudit(t.Context()); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		page := got[[]fleet.Audit](t)(s.Audits(t.Context(), of("town"), 5, 1))
		if len(page) != 1 || page[0].N != 3 || page[0].Name != "Ana" || !page[0].At.Equal(noon.Add(2*time.Hour)) {
			t.Errorf("the page before line 5: %+v", page)
		}
	})
}

func TestAPrunedAuditIsStillAChain(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		clock := &later{noon}
		s := openWith(t, dsn, store.Options{Now: clock.time})
		write(t, s, 10)
		clock.now = noon.Add(365*24*time.Hour + 4*time.Hour)
		if n, err := s.Prune(t.Context(), store.Retention{}); n != 4 || err != nil {
			t.Errorf("%d pruned, %v", n, err)
		}
		if n, err := s.CheckAudit(t.Context()); n != 6 || err != nil {
			t.Errorf("%d lines, %v", n, err)
		}
		if n, err := s.Prune(t.Context(), store.Retention{}); n != 0 || err != nil {
			t.Errorf("%d pruned again, %v", n, err)
		}
	})
}

func TestLinesOfManyAtOnceAreOneChain(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s, other := open(t, dsn), open(t, dsn)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for _, s := range []*store.Store{s, other} {
					if err := s.Audit(t.Context(), fleet.Audit{Action: fmt.Sprint("a", i), Detail: "é \xff\x00 <&>"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n, err := s.CheckAudit(t.Context()); n != 40 || err != nil {
			t.Errorf("%d lines, %v", n, err)
		}
	})
}
