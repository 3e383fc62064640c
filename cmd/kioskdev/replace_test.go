package main_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
)

// joined starts a kiosk that enrols with a code; "" starts one with the
// identity that is in its folder.
func (s *supervision) joined(t *testing.T, dir, code string) control.Client {
	t.Helper()
	args := []string{"-json", "-fleet", s.url, "-fleet-ca", filepath.Join(s.conf, "lieu.pem"), "-fleet-dir", dir,
		"-browser=false", "-phone=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0"}
	if code != "" {
		args = append(args, "-code", code)
	}
	return control.Client{Path: start(t, "kioskdev", args...).told(t).Control}
}

// linked waits until a kiosk's tie is as wanted: "" for a fault of that code.
func linked(t *testing.T, c control.Client, fault kiosk.Code) (f control.Fleet) {
	t.Helper()
	eventually(t, fmt.Sprintf("the tie, with fault %q", fault), func() bool {
		st, err := c.Status(t.Context())
		if err != nil || st.Fleet == nil {
			return false
		}
		f = *st.Fleet
		return fault == "" && f.Link == "websocket" || fault != "" && f.Fault == fault
	})
	return f
}

// A new device takes an old one's place with a code: its name, its place's
// settings and its structure's counts go on; the old one is out for ever, says
// so, and so is a copy of its key. At its end the new one leaves by itself.
func TestANewKioskTakesTheOldOnesPlace(t *testing.T) {
	s := startSupervision(t)
	oldDir, newDir, copyDir := t.TempDir(), t.TempDir(), t.TempDir()
	first := s.joined(t, oldDir, s.code(t))
	old := linked(t, first, "")

	db, err := store.Open(t.Context(), fleetserver.Database(s.dir, ""), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := fleet.Scope{All: true}
	counted := func(id string) {
		t.Helper()
		now := time.Now().Add(-time.Hour)
		_, err := db.Ingest(t.Context(), "tilleuls", id, []provisioning.Event{{Epoch: 7, Seq: 1000, At: now.UnixMicro(), Kind: provisioning.EventCounts,
			Counts: &provisioning.Counts{Slot: now.Truncate(provisioning.Slot).Unix(), N: map[string]int64{provisioning.CountVisits: 20}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	counted(old.Kiosk)
	if _, err := db.SaveSettings(t.Context(), all, "tilleuls", kiosk.Settings{Place: kiosk.Place{Name: "Centre des Tilleuls, rez-de-chaussée"}}); err != nil {
		t.Fatal(err)
	}
	code := s.replacement(t, db, old.Kiosk)
	second := s.joined(t, newDir, code)
	now := linked(t, second, "")
	if now.Kiosk == old.Kiosk || now.Label != "Hall d’accueil" || now.Structure != "tilleuls" {
		t.Errorf("the new kiosk is %+v", now)
	}
	eventually(t, "the place's settings on the new kiosk", func() bool {
		b, err := os.ReadFile(filepath.Join(newDir, "host.json"))
		return err == nil && strings.Contains(string(b), "rez-de-chaussée")
	})

	// The old one is refused, and tells its technician what to do.
	linked(t, first, "identity_refused")
	said := run(t, filepath.Join(bin, "kioskctl"), "status", "--control", first.Path)
	for _, want := range []string{"remplacée ou révoquée", "nouveau code", "kioskctl dispose"} {
		if !strings.Contains(said, want) {
			t.Errorf("the old kiosk does not say %q:\n%s", want, said)
		}
	}
	if k, err := db.Kiosk(t.Context(), all, old.Kiosk); err != nil || k.Revoked.IsZero() {
		t.Errorf("the old kiosk is %+v, %v", k, err)
	}
	// So is a copy of its key on another machine.
	b, err := os.ReadFile(filepath.Join(oldDir, "identity.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(copyDir, "identity.json"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	linked(t, s.joined(t, copyDir, ""), "identity_refused")
	// The code was for one.
	if third, err := control.Client.Enrol(first, t.Context(), control.Enrolment{Code: code}); kiosk.CodeOf(err) != "enrol_code" {
		t.Errorf("the code again: %+v, %v", third, err)
	}
	counted(now.Kiosk)
	if n := visits(t, db); n != 40 {
		t.Errorf("the structure counts %d visits, want both kiosks' 40", n)
	}
	s.resigns(t, db, newDir, now.Kiosk)
	linked(t, second, "identity_refused")
}

// replacement makes a code that takes a kiosk's place, as the console does.
func (s *supervision) replacement(t *testing.T, db *store.Store, id string) string {
	t.Helper()
	ring, err := keys.Open(filepath.Join(s.dir, fleetserver.RingFile))
	if err != nil {
		t.Fatal(err)
	}
	code, err := keys.NewCode()
	if err != nil {
		t.Fatal(err)
	}
	c := fleet.Code{ID: "replaces", Structure: "tilleuls", Replaces: id, Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	if err := db.AddCode(t.Context(), c, ring.CodeHash(code)); err != nil {
		t.Fatal(err)
	}
	return code
}

func visits(t *testing.T, db *store.Store) (n int64) {
	t.Helper()
	list, err := db.Usage(t.Context(), fleet.Scope{Structure: "tilleuls"}, "2000-01-01", "2100-01-01")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list {
		if u.Counter == provisioning.CountVisits {
			n += u.N
		}
	}
	return n
}

// resigns disposes of a kiosk whose partitions are files, while it runs.
func (s *supervision) resigns(t *testing.T, db *store.Store, dir, id string) {
	t.Helper()
	config, data := filepath.Join(t.TempDir(), "kiosk.yaml"), filepath.Join(t.TempDir(), "data")
	text := "place: {name: x}\nfleet:\n  server: " + s.url + "\n  ca: " + filepath.Join(s.conf, "lieu.pem") + "\n  dir: " + dir + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	// What is not its own word is refused.
	ca, err := os.ReadFile(filepath.Join(s.conf, "lieu.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	res, err := client.Post(s.url+"/resign", "application/json", strings.NewReader(`{"words":1,"resign":"`+id+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
		t.Errorf("anybody ends a kiosk: %s", res.Status)
	}
	proof := run(t, filepath.Join(bin, "kioskctl"), "dispose", "--config", config, "--data", data, "--yes")
	if !strings.Contains(proof, "la borne y est révoquée") || !strings.Contains(proof, id) {
		t.Errorf("the proof says:\n%s", proof)
	}
	if k, err := db.Kiosk(t.Context(), fleet.Scope{All: true}, id); err != nil || k.Revoked.IsZero() {
		t.Errorf("the kiosk is %+v, %v", k, err)
	}
	// A second time nobody knows it any more, and the proof says so.
	if again := run(t, filepath.Join(bin, "kioskctl"), "dispose", "--config", config, "--data", data, "--yes"); !strings.Contains(again, "NON révoquée") {
		t.Errorf("the second proof says:\n%s", again)
	}
}
