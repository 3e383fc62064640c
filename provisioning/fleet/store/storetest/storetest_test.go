package storetest_test

import (
	"database/sql"
	"testing"

	"pointnum/provisioning/fleet/store/storetest"
)

func TestAKilledServerComesBackWithItsRows(t *testing.T) {
	s := storetest.New(t)
	dsn, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE a (n int); INSERT INTO a VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(); err == nil {
		t.Fatal("a killed server answers")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow("SELECT n FROM a").Scan(&n); err != nil || n != 7 {
		t.Fatalf("got %d, %v", n, err)
	}
}

func TestTwoServersDoNotMeet(t *testing.T) {
	for _, dsn := range []string{storetest.PostgreSQL(t), storetest.PostgreSQL(t)} {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("CREATE TABLE a (n int)"); err != nil {
			t.Fatal(err)
		}
	}
}
