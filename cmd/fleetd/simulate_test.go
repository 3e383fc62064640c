package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// said is what a command prints while it runs.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

// configured writes a configuration with a certificate of its own.
func configured(t *testing.T) (file, dir string) {
	t.Helper()
	dir = t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err1 := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	secret, err2 := x509.MarshalPKCS8PrivateKey(key)
	ln, err3 := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	if err := ln.Close(); err != nil { // for the server, in a moment
		t.Fatal(err)
	}
	file = filepath.Join(dir, "fleetd.yaml")
	text := fmt.Sprintf("url: https://localhost%s\nlisten: %s\nmetrics: \"\"\ndir: %s\ntls:\n  certificate: %s\n  key: %s\n",
		at[strings.LastIndexByte(at, ':'):], at, filepath.Join(dir, "data"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	err = errors.Join(os.WriteFile(file, []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return file, dir
}

// begin runs a command; end stops it and returns its exit code.
func begin(t *testing.T, out *said, args ...string) (end func() int) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		p := cli.Program("fleetd", "", serveCommand(), simulateCommand())
		code <- cli.Run(ctx, p, args, strings.NewReader(""), out, out, func(string) string { return "" })
	}()
	end = sync.OnceValue(func() int { stop(); return <-code })
	t.Cleanup(func() { end() })
	return end
}

func TestSimulatedKiosksComeAndGo(t *testing.T) {
	file, dir := configured(t)
	var none said
	begin(t, &none, "simulate", "-config", file)
	eventually(t, "no server", func() bool { return strings.Contains(none.String(), "start it first") })

	var server, kiosks said
	begin(t, &server, "serve", "-config", file, "-admin-email", "claire@exemple.fr")
	eventually(t, "server", func() bool { return strings.Contains(server.String(), "Pour entrer") })
	end := begin(t, &kiosks, "simulate", "-config", file, "-kiosks", "22", "-speed", "600", "-past", "2")
	eventually(t, "kiosks", func() bool { return strings.Contains(kiosks.String(), "22 bornes reliées sur 22") })
	if code := end(); code != cli.ExitDone {
		t.Errorf("exit %d\n%s", code, kiosks.String())
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "data", "fleet.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Kiosks(t.Context(), fleet.Scope{All: true})
	if err != nil || len(all) != 22 {
		t.Fatalf("%d kiosks, %v", len(all), err)
	}
	for _, k := range all {
		if k.Revoked.IsZero() {
			t.Errorf("%s is still in service", k.ID)
		}
	}
	if n, err := s.Events(t.Context(), fleet.Scope{Structure: "simulation-2"}); err != nil || len(n) == 0 {
		t.Errorf("no event of the second structure: %v", err)
	}
}
