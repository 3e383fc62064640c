package fleetserver

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
)

// AddStructure adds a host by the ID that its operator chose.
func AddStructure(ctx context.Context, s *store.Store, id, name, siret string) error {
	if !provisioning.ValidID(id) || kiosk.CheckLine(name) != nil {
		return fmt.Errorf("structure: %q: a to z, 0 to 9 and hyphens only", id)
	}
	return s.AddStructure(ctx, fleet.Structure{
		ID: id, Name: name, SIRET: siret, Created: time.Now().UTC(),
		Settings: kiosk.Settings{Place: kiosk.Place{Name: name}}, Alerts: fleet.AlertSettings{DigestAt: -1},
	})
}

// NewCode makes a one-time code for a kiosk of a structure, at the server
// itself. It is kept as a hash; the code is returned for once.
func NewCode(ctx context.Context, s *store.Store, r *keys.Ring, structure, label string) (string, error) {
	code, err := keys.NewCode()
	if err != nil {
		return "", err
	}
	now := time.Now().UTC()
	err = s.AddCode(ctx, fleet.Code{
		ID: strings.ToLower(rand.Text()), Structure: structure, Label: label, Created: now, Expires: now.Add(engine.CodeLife),
	}, r.CodeHash(code))
	return code, err
}

// lookCertificate is how often, at most, it is looked whether a certificate was
// renewed: two small questions to the disk.
const lookCertificate = time.Second

// Certificate serves the certificate in two PEM files, and the new one once
// they have changed.
func Certificate(cert, key string) (*tls.Config, error) {
	c := &files{cert: cert, key: key}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

// files are a certificate on the disk.
type files struct {
	cert, key string

	mu      sync.Mutex
	have    *tls.Certificate
	changed time.Time // of the files that have is from
	looked  time.Time
}

// get is tls.Config.GetCertificate. Files that are just being written leave the
// old certificate in force.
func (c *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have != nil && time.Since(c.looked) < lookCertificate {
		return c.have, nil
	}
	c.looked = time.Now()
	at, err := newest(c.cert, c.key)
	if err == nil && c.have != nil && at.Equal(c.changed) {
		return c.have, nil
	}
	if err == nil {
		var next tls.Certificate
		if next, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.have, c.changed = &next, at
		}
	}
	if c.have == nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return c.have, nil
}

func newest(paths ...string) (t time.Time, err error) {
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return t, err
		}
		if info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t, nil
}
