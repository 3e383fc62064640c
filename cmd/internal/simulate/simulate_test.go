package simulate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/link/route"
)

// patience is for slow machines; nothing waits for it where all is well.
const patience = 40 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// site is a running server, with its database opened a second time.
type site struct {
	store *store.Store
	ring  *keys.Ring
	way   *route.Route
}

func newSite(t *testing.T) *site {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	dir, ready, ended := t.TempDir(), make(chan struct{}), make(chan error, 1)
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	url := "https://localhost:" + port
	go func() {
		ended <- fleetserver.Run(ctx, fleetserver.Options{URL: url, Dir: dir, Listener: ln, AdminName: "A", AdminEmail: "a@exemple.fr", Step: 50 * time.Millisecond,
			TLS:   &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}},
			Ready: func(string) { close(ready) }})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	s := &site{}
	if s.store, err = store.Open(t.Context(), fleetserver.Database(dir, ""), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.ring, err = keys.Open(filepath.Join(dir, fleetserver.RingFile)); err != nil {
		t.Fatal(err)
	}
	if s.way, err = route.New(url, nil, roots, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) enrol(t *testing.T, structure string, labels ...string) []enrol.Pair {
	t.Helper()
	if err := fleetserver.AddStructure(t.Context(), s.store, structure, "Essai", ""); err != nil {
		t.Fatal(err)
	}
	pairs, err := simulate.Enrol(t.Context(), s.store, s.ring, structure, labels, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

func (s *site) events(t *testing.T) (n int64) {
	t.Helper()
	all, err := s.store.Events(t.Context(), fleet.Scope{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		n += k
	}
	return n
}

func TestAnAgentTellsEverythingOnceAndObeys(t *testing.T) {
	s := newSite(t)
	p := s.enrol(t, "essai", "Hall")[0]
	a := simulate.New(simulate.Options{Pair: p, Routes: []*route.Route{s.way}, Backoff: time.Second})
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	work.Go(func() { a.Run(ctx) })
	eventually(t, "linked", a.Linked)
	a.Count(time.Now(), map[string]int64{provisioning.CountVisits: 2})
	eventually(t, "told", func() bool { return a.Waiting() == 0 })

	a.Cut(true)
	eventually(t, "cut", func() bool { return !a.Linked() })
	a.Count(time.Now(), map[string]int64{provisioning.CountVisits: 3})
	a.Change(func(s *provisioning.State) { s.Help = time.Now().UnixMicro() })
	c := provisioning.Command{ID: "c1", Structure: "essai", Kiosk: a.Kiosk(), Kind: provisioning.CommandHelpTaken, Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
	signed, err := s.ring.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Queue(t.Context(), fleet.Scope{All: true}, fleet.Queued{Command: c, Changed: time.Now()}, signed); err != nil {
		t.Fatal(err)
	}
	a.Cut(false)
	eventually(t, "obeyed", func() bool { return a.State().Taken && a.Waiting() == 0 })

	_, made := a.Made()
	if got := s.events(t); got != made || made < 5 {
		t.Errorf("%d events stored, %d made", got, made)
	}
	usage, err := s.store.Usage(t.Context(), fleet.Scope{All: true}, "2000-01-01", "2999-12-31")
	if err != nil || len(usage) != 1 || usage[0].N != 5 {
		t.Errorf("got %v, %v", usage, err)
	}
	q, err := s.store.Commands(t.Context(), fleet.Scope{All: true}, a.Kiosk(), 1)
	if err != nil || len(q) != 1 || !q[0].Status.Ended() {
		t.Errorf("got %v, %v", q, err)
	}
	k, err := s.store.Kiosk(t.Context(), fleet.Scope{All: true}, a.Kiosk())
	if err != nil || !k.State.Taken {
		t.Errorf("got %+v, %v", k.State, err)
	}
}

func TestAFleetLivesAndIsTakenAway(t *testing.T) {
	s := newSite(t)
	pairs := s.enrol(t, "essai", "Hall", "Couloir", "Guichet")
	ctx, stop := context.WithCancel(t.Context())
	totals := make(chan simulate.Totals, 1)
	f := simulate.Fleet{Pairs: pairs, Routes: []*route.Route{s.way}, Speed: 3000, Faults: 20, Past: 3, Seed: 1}
	go func() { totals <- f.Run(ctx) }()
	day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	eventually(t, "a life", func() bool {
		usage, err := s.store.Usage(t.Context(), fleet.Scope{All: true}, time.Now().AddDate(0, 0, -9).Format(time.DateOnly), day)
		if err != nil {
			t.Fatal(err)
		}
		had, days := map[string]bool{}, map[string]bool{}
		for _, u := range usage {
			had[u.Counter], days[u.Day] = true, true
		}
		return len(days) >= 3 && had[provisioning.CountVisits] && had[provisioning.CountHelp] && had[provisioning.CountFault+"paper_jam"] && had[provisioning.CountPrinted]
	})
	stop()
	if got := <-totals; got.Kiosks != 3 || s.events(t) > got.Events {
		t.Errorf("got %+v, %d events are stored", got, s.events(t))
	}
	if err := simulate.Revoke(t.Context(), s.store, pairs); err != nil {
		t.Fatal(err)
	}
	kiosks, err := s.store.Kiosks(t.Context(), fleet.Scope{All: true})
	if err != nil || len(kiosks) != 3 {
		t.Fatalf("got %v, %v", kiosks, err)
	}
	for _, k := range kiosks {
		if k.Revoked.IsZero() {
			t.Errorf("%s is still in service", k.ID)
		}
	}
}
