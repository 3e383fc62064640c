package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning/update"
)

// The keys' files. Secure Boot's three are those of UEFI 2.10, 32.3: who may
// change keys (PK, KEK), and whose programs start (db).
func (m *maker) releaseKey() string            { return filepath.Join(m.keys, "release.key") }
func (m *maker) releasePublic() string         { return filepath.Join(m.keys, "release.pub") }
func (m *maker) boot(name, kind string) string { return filepath.Join(m.keys, name+"."+kind) }

func bootKeys() []string { return []string{"PK", "KEK", "db"} }

// bootKeyYears is how long the certificates say that they hold. Firmware does
// not look at it, and a kiosk must start after years in a cupboard.
const bootKeyYears = 30

// ensureKeys makes the keys that are missing.
func (m *maker) ensureKeys(context.Context) error {
	if _, err := os.Stat(m.releaseKey()); errors.Is(err, fs.ErrNotExist) {
		m.say("keys: a release key of this laboratory's in %s", m.keys)
		public, err := update.NewKey(m.releaseKey())
		if err != nil {
			return err
		}
		if err := atomicfile.Write(m.releasePublic(), []byte(update.PublicLine(public)+"\n"), 0o644); err != nil {
			return err
		}
	}
	for _, name := range bootKeys() {
		if _, err := os.Stat(m.boot(name, "key")); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return fmt.Errorf("image: %w", err)
			}
			continue
		}
		m.say("keys: Secure Boot key %s", name)
		if err := m.makeBootKey(name); err != nil {
			return fmt.Errorf("image: Secure Boot key: %w", err)
		}
	}
	return nil
}

func (m *maker) makeBootKey(name string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // what every firmware takes
	if err != nil {
		return err
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "pointnum " + name},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(bootKeyYears, 0, 0),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		atomicfile.Write(m.boot(name, "crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
		atomicfile.Write(m.boot(name, "key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}

// enrolment makes the files from which systemd-boot gives a machine in set-up
// mode our keys: each list signed by the key above it.
func (m *maker) enrolment(ctx context.Context, tools, dir string) ([]string, error) {
	owner := named("owner")
	above := map[string]string{"PK": "PK", "KEK": "PK", "db": "KEK"}
	var out []string
	for _, name := range bootKeys() {
		list, auth := filepath.Join(dir, name+".esl"), filepath.Join(dir, name+".auth")
		if _, err := m.inside(ctx, tools, "cert-to-efi-sig-list", "-g", owner, m.boot(name, "crt"), list); err != nil {
			return nil, err
		}
		signer := above[name]
		if _, err := m.inside(ctx, tools, "sign-efi-sig-list", "-g", owner, "-t", "2026-01-01 00:00:00",
			"-k", m.boot(signer, "key"), "-c", m.boot(signer, "crt"), name, list, auth); err != nil {
			return nil, err
		}
		out = append(out, auth)
	}
	return out, nil
}
