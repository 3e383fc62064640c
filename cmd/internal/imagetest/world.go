package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/cmd/internal/hardware"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/release"
	"pointnum/provisioning/fleet/store"
)

// host is this machine as the virtual ones see it, and the supervision's name
// there: a passkey's server needs one.
const (
	host = "10.0.2.2"
	name = "fleetd.test"
)

// world is what is around the kiosk, on loopback: its supervision, a scanner
// and printers.
type world struct {
	dir    string
	ca     []byte // PEM
	server string // its URL
	bench  *hardware.Bench
	shelf  *release.Shelf // of releases that the supervision serves

	stop context.CancelFunc
	work sync.WaitGroup
	mu   sync.Mutex
	errs []error
}

func newWorld(ctx context.Context, dir string, signers []ed25519.PublicKey) (*world, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &world{dir: filepath.Join(dir, "world"), stop: cancel}
	w.shelf = release.Open(filepath.Join(w.dir, "releases"), signers)
	if err := errors.Join(os.RemoveAll(w.dir), os.MkdirAll(w.dir, 0o700)); err != nil {
		cancel()
		return nil, err
	}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) start(ctx context.Context) error {
	certificate, err := w.certificate()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.server = fmt.Sprintf("https://%s:%d", name, l.Addr().(*net.TCPAddr).Port)
	logs, err := os.Create(filepath.Join(w.dir, "fleetd.log"))
	if err != nil {
		return err
	}
	ready := make(chan struct{})
	o := fleetserver.Options{
		URL: w.server, Dir: filepath.Join(w.dir, "fleetd"), Listener: l,
		TLS:       &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Releases:  w.shelf,
		AdminName: "Essai", AdminEmail: "essai@exemple.invalid",
		Ready: func(string) { close(ready) }, Log: slog.New(slog.NewTextHandler(logs, nil)),
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	w.part("fleetd", func() error { return errors.Join(fleetserver.Run(ctx, o), logs.Close()) })
	if w.bench, err = hardware.New(ctx, hardware.Options{Dir: filepath.Join(w.dir, "paper"), Sheets: 5}); err != nil {
		return err
	}
	w.part("hardware", func() error { return w.bench.Run(ctx) })
	select {
	case <-ready:
		return nil
	case <-time.After(time.Minute):
		return errors.New("imagetest: fleetd is not ready")
	}
}

func (w *world) part(name string, run func() error) {
	w.work.Go(func() {
		if err := run(); err != nil && !errors.Is(err, context.Canceled) {
			w.mu.Lock()
			w.errs = append(w.errs, fmt.Errorf("%s: %w", name, err))
			w.mu.Unlock()
		}
	})
}

func (w *world) close() error {
	w.stop()
	w.work.Wait()
	return errors.Join(w.errs...)
}

// certificate makes one for the server, which is its own authority.
func (w *world) certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "imagetest"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(365 * 24 * time.Hour), DNSNames: []string{name},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	w.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// fleet opens the supervision's own store, as its operator's commands do.
func (w *world) fleet(ctx context.Context) (*store.Store, *keys.Ring, error) {
	dir := filepath.Join(w.dir, "fleetd")
	s, err := store.Open(ctx, fleetserver.Database(dir, ""), store.Options{})
	if err != nil {
		return nil, nil, err
	}
	r, err := keys.Open(filepath.Join(dir, fleetserver.RingFile))
	return s, r, err
}

// code makes a kiosk's one-time code.
func (w *world) code(ctx context.Context) (_ string, err error) {
	s, r, err := w.fleet(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := fleetserver.AddStructure(ctx, s, "essai", "Centre d’essai", ""); err != nil && !errors.Is(err, fleet.ErrExists) {
		return "", err
	}
	return fleetserver.NewCode(ctx, s, r, "essai", "Hall")
}

// kiosks are the IDs that the supervision knows.
func (w *world) kiosks(ctx context.Context) (ids []string, err error) {
	s, _, err := w.fleet(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.Kiosks(ctx, fleet.Scope{All: true})
	for _, k := range all {
		ids = append(ids, k.ID)
	}
	return ids, err
}

// rollOut gives the supervision a release and brings all kiosks to it.
func (w *world) rollOut(ctx context.Context, dir string) (err error) {
	s, _, err := w.fleet(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m, err := w.shelf.Add(ctx, dir)
	if err != nil {
		return err
	}
	if err := s.AddRelease(ctx, release.Of(m)); err != nil {
		return err
	}
	_, err = s.StartRollout(ctx, fleet.Rollout{
		Version: m.Version, By: "essai", Stages: []fleet.Stage{{Percent: 100}}, Enough: 100, StopNumber: 1,
	})
	return err
}

// rollout is how the newest one stands.
func (w *world) rollout(ctx context.Context) (_ fleet.Rollout, err error) {
	s, _, err := w.fleet(ctx)
	if err != nil {
		return fleet.Rollout{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.Rollouts(ctx, 1)
	if err != nil || len(all) == 0 {
		return fleet.Rollout{}, errors.Join(errors.New("imagetest: no rollout"), err)
	}
	return all[0], nil
}
