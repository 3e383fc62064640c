package fetch_test

import (
	"crypto/ed25519"
	"net/http"
	"path/filepath"
	"testing"

	"pointnum/provisioning/fleet/release"
	"pointnum/provisioning/update/fetch"
)

// What fleetd serves is what a kiosk goes on from after a cut.
func TestAKioskFetchesWhatItsServerGives(t *testing.T) {
	s := open(t)
	shelf := release.Open(t.TempDir(), []ed25519.PublicKey{s.public})
	if _, err := shelf.Add(t.Context(), s.dir); err != nil {
		t.Fatal(err)
	}
	handler := shelf.Handler()
	meddle := meddler(func(w http.ResponseWriter, r *http.Request) bool {
		handler.ServeHTTP(&counter{ResponseWriter: w, n: &s.served, max: 150_000}, r)
		return true
	})
	s.meddle.Store(&meddle)
	into := filepath.Join(t.TempDir(), "2.0.0")
	for cuts := 0; ; cuts++ {
		_, err := fetch.Fetch(t.Context(), s.options(t, into))
		n := s.check(t, into)
		if err == nil {
			if n != whole || cuts < 3 {
				t.Errorf("%d files after %d cuts", n, cuts)
			}
			break
		}
		if cuts > 8 {
			t.Fatal(err)
		}
	}
	if n := s.served.Load(); n > size+200_000 {
		t.Errorf("%d bytes for a release of %d", n, size+75_000)
	}
}
