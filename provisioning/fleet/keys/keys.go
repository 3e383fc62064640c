// Package keys holds the keys with which the fleet's server says who is who:
//
//	operator ─ signs ─ account "fleet" ─ names ─ kiosk signer ─ signs ─ kiosks' tokens
//	command key ─ signs ─ commands
//
// The kiosk signer is a scoped signing key of NATS: what a kiosk may do follows
// from its name and its structure by a template in the account, so that no
// token can hold more. All servers of one fleet have the same file.
package keys

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// Ring is the keys of one fleet. Its methods may be called at the same time.
type Ring struct {
	operator, account, system, kiosk nkeys.KeyPair
	commands                         []ed25519.PrivateKey // the present one first
	secret                           []byte               // of hashes and of the routes between servers
	operatorJWT, systemJWT           string
}

// file is a Ring on the disk.
type file struct {
	Operator string   `json:"operator"` // seeds of nkeys
	Account  string   `json:"account"`
	System   string   `json:"system"`
	Kiosk    string   `json:"kiosk"`
	Commands [][]byte `json:"commands"` // seeds of Ed25519
	Secret   []byte   `json:"secret"`
}

const secretSize = 32

// Open reads the keys at path, which only the server's user may read. Where
// there is no file, it makes new keys and writes it: whoever loses it has to
// enrol every kiosk again.
func Open(path string) (*Ring, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = create(path); err != nil {
			return nil, fmt.Errorf("keys: make: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keys: others may read %s: chmod 600", path)
	}
	r, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", path, err)
	}
	return r, nil
}

func create(path string) ([]byte, error) {
	var f file
	for _, k := range []struct {
		into *string
		make func() (nkeys.KeyPair, error)
	}{{&f.Operator, nkeys.CreateOperator}, {&f.Account, nkeys.CreateAccount}, {&f.System, nkeys.CreateAccount}, {&f.Kiosk, nkeys.CreateAccount}} {
		pair, err := k.make()
		if err != nil {
			return nil, err
		}
		seed, err := pair.Seed()
		if err != nil {
			return nil, err
		}
		*k.into = string(seed)
	}
	command := make([]byte, ed25519.SeedSize)
	f.Secret = make([]byte, secretSize)
	for _, b := range [][]byte{command, f.Secret} {
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
	}
	f.Commands = [][]byte{command}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	return b, atomicfile.Write(path, b, 0o600)
}

func parse(b []byte) (*Ring, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, errors.New("not a file of keys") // the error could quote a key
	}
	r := &Ring{secret: f.Secret}
	for _, k := range []struct {
		seed   string
		prefix nkeys.PrefixByte
		into   *nkeys.KeyPair
	}{
		{f.Operator, nkeys.PrefixByteOperator, &r.operator}, {f.Account, nkeys.PrefixByteAccount, &r.account},
		{f.System, nkeys.PrefixByteAccount, &r.system}, {f.Kiosk, nkeys.PrefixByteAccount, &r.kiosk},
	} {
		if prefix, _, err := nkeys.DecodeSeed([]byte(k.seed)); err != nil || prefix != k.prefix {
			return nil, errors.New("a key is damaged")
		}
		pair, err := nkeys.FromSeed([]byte(k.seed))
		if err != nil {
			return nil, errors.New("a key is damaged")
		}
		*k.into = pair
	}
	if len(f.Secret) < secretSize || len(f.Commands) == 0 {
		return nil, errors.New("a key is missing")
	}
	for _, seed := range f.Commands {
		if len(seed) != ed25519.SeedSize {
			return nil, errors.New("a key is damaged")
		}
		r.commands = append(r.commands, ed25519.NewKeyFromSeed(seed))
	}
	return r, r.claims()
}

// claims signs what never changes.
func (r *Ring) claims() error {
	operator := jwt.NewOperatorClaims(public(r.operator))
	operator.SystemAccount = public(r.system)
	var err error
	if r.operatorJWT, err = operator.Encode(r.operator); err != nil {
		return fmt.Errorf("operator: %w", err)
	}
	system := jwt.NewAccountClaims(public(r.system))
	system.Name = "system"
	if r.systemJWT, err = system.Encode(r.operator); err != nil {
		return fmt.Errorf("system account: %w", err)
	}
	return nil
}

// public is the public half of a key that was made from its seed, which
// cannot fail.
func public(k nkeys.KeyPair) string {
	p, err := k.PublicKey()
	if err != nil {
		return ""
	}
	return p
}

// Operator is the operator's JWT: what NATS servers trust.
func (r *Ring) Operator() string { return r.operatorJWT }

// System is the JWT of the account in which NATS servers tell of themselves.
func (r *Ring) System() string { return r.systemJWT }

// SystemID is its public key.
func (r *Ring) SystemID() string { return public(r.system) }

// AccountID is the public key of the kiosks' account.
func (r *Ring) AccountID() string { return public(r.account) }

// KioskSigner is the public key of whoever signs kiosks' tokens.
func (r *Ring) KioskSigner() string { return public(r.kiosk) }

// RoutePassword is what NATS servers of one fleet tell each other.
func (r *Ring) RoutePassword() string { return hex.EncodeToString(r.mac("routes")) }

// Secret is 32 bytes for one use, the same on all servers that share the ring:
// what is sealed with it opens on each of them.
func (r *Ring) Secret(use string) []byte { return r.mac("secret", use) }

func (r *Ring) mac(words ...string) []byte {
	h := hmac.New(sha256.New, r.secret)
	for _, w := range words {
		// lengths keep ("a", "bc") apart from ("ab", "c")
		_, _ = fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return h.Sum(nil)
}

// Sign signs a command with the present command key. The error is
// provisioning.ErrInvalid.
func (r *Ring) Sign(c provisioning.Command) (provisioning.Signed, error) {
	return provisioning.Sign(r.commands[0], c)
}

// CommandKeys are the public halves of the command keys, the present one
// first, as in provisioning.Credential.
func (r *Ring) CommandKeys() []string {
	out := make([]string, len(r.commands))
	for i, k := range r.commands {
		out[i] = base64.RawURLEncoding.EncodeToString(k[ed25519.SeedSize:])
	}
	return out
}
