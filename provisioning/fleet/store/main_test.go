package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/fleet/store/storetest"
)

// postgres is one server for all tests of this package; each test has a
// database of its own.
var postgres = sharedServer{}

type sharedServer struct{ *storetest.Server }

func TestMain(m *testing.M) {
	if dsn := os.Getenv(serverFile); dsn != "" {
		os.Exit(serve(dsn))
	}
	os.Exit(withPostgres(m))
}

func withPostgres(m *testing.M) int {
	s, err := storetest.Start(context.Background(), storetest.Fast)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	postgres.Server = s
	code := m.Run()
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// databases are the addresses of empty ones, by kind.
func databases(t testing.TB) map[string]string {
	t.Helper()
	dsn, err := postgres.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"sqlite": filepath.Join(t.TempDir(), "fleet.db"), "postgres": dsn}
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	for name, dsn := range databases(t) {
		t.Run(name, func(t *testing.T) { f(t, dsn) })
	}
}

// noon is the time of the tests' servers: a Sunday, 13:00 in Paris.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var all = fleet.Scope{All: true}

func of(structure string) fleet.Scope { return fleet.Scope{Structure: structure} }

// open opens a store at noon, for the time of the test.
func open(t testing.TB, dsn string) *store.Store {
	t.Helper()
	return openWith(t, dsn, store.Options{Now: func() time.Time { return noon }})
}

func openWith(t testing.TB, dsn string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got fails the test unless there is no error.
func got[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// settle adds a structure with kiosks.
func settle(t testing.TB, s *store.Store, structure string, kiosks ...string) {
	t.Helper()
	must(t, s.AddStructure(t.Context(), fleet.Structure{ID: structure, Name: "Centre " + structure}))
	for _, k := range kiosks {
		enrol(t, s, structure, k, "")
	}
}

func enrol(t testing.TB, s *store.Store, structure, kiosk, replaces string) fleet.Kiosk {
	t.Helper()
	must(t, s.AddCode(t.Context(), fleet.Code{ID: "code-" + kiosk, Structure: structure, Label: "Place " + kiosk, Replaces: replaces, Created: noon, Expires: noon.Add(time.Hour)}, "hash-"+kiosk))
	k, err := s.Enrol(t.Context(), "hash-"+kiosk, kiosk, "KEY-"+kiosk, noon.Add(90*24*time.Hour))
	must(t, err)
	return k
}

// settleNow does the same for a store whose time is the present.
func settleNow(t testing.TB, s *store.Store, structure string, kiosks ...string) {
	t.Helper()
	must(t, s.AddStructure(t.Context(), fleet.Structure{ID: structure, Name: structure}))
	for _, k := range kiosks {
		must(t, s.AddCode(t.Context(), fleet.Code{ID: "code-" + k, Structure: structure, Expires: time.Now().Add(time.Hour)}, "hash-"+k))
		_, err := s.Enrol(t.Context(), "hash-"+k, k, "KEY-"+k, time.Now().Add(time.Hour))
		must(t, err)
	}
}

// ownPostgres is a server that the test may kill.
func ownPostgres(t testing.TB) *storetest.Server { return storetest.New(t) }

func queue(t testing.TB, s *store.Store, structure, kiosk, id string, expires time.Time) {
	t.Helper()
	c := provisioning.Command{ID: id, Structure: structure, Kiosk: kiosk, Kind: provisioning.CommandRecheck, Issued: noon.Unix(), Expires: expires.Unix()}
	body, err := json.Marshal(c)
	must(t, err)
	must(t, s.Queue(t.Context(), of(structure), fleet.Queued{Command: c, By: "p1"}, provisioning.Signed{Body: body, Signature: []byte{1, 2}}))
}

// counts is an event that counts one visit and n pages in the slot at a time.
func counts(epoch, seq int64, at time.Time, pages int64) provisioning.Event {
	return provisioning.Event{Epoch: epoch, Seq: seq, At: at.UnixMicro(), Kind: provisioning.EventCounts,
		Counts: &provisioning.Counts{Slot: at.Truncate(provisioning.Slot).Unix(), N: map[string]int64{"visits": 1, "pages": pages}}}
}

func ingest(t testing.TB, s *store.Store, structure, kiosk string, evs ...provisioning.Event) int {
	t.Helper()
	n, err := s.Ingest(t.Context(), structure, kiosk, evs)
	must(t, err)
	return n
}
