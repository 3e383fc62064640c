package update

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
)

// KeysFile is where a kiosk's system holds the keys of releases.
const KeysFile = "/usr/share/pointnum/release.pub"

const maxKeys = 8

// ParseKeys reads the public halves of the keys that sign releases: one a
// line, the base64 of its 32 bytes. Lines that begin with "#" are comments.
// More than one is for the time in which a new key takes over.
func ParseKeys(text []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("update: keys: line %d is no key", i+1)
		}
		keys = append(keys, raw)
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("update: keys: there are %d, between 1 and %d are possible", len(keys), maxKeys)
	}
	return keys, nil
}

// LoadKeys reads a file of ParseKeys; "" is KeysFile.
func LoadKeys(path string) ([]ed25519.PublicKey, error) {
	if path == "" {
		path = KeysFile
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("update: keys: %w", err)
	}
	return ParseKeys(b)
}

// PublicLine is a key's line for ParseKeys, without its end.
func PublicLine(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// NewKey makes a pair and puts the private half into a new file that only its
// owner may read. A file that is there already is not touched.
func NewKey(path string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("update: key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("update: key: %w", err)
	}
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(private.Seed()))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("update: key: %w", err)
	}
	return public, nil
}

// LoadPrivateKey reads a file of NewKey. One that others may read is refused.
func LoadPrivateKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("update: key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("update: key: others may read %s: chmod 600", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("update: key: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(b)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("update: key: %s holds no private key", path) // no word of what it holds
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
