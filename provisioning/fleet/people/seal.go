package people

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What is sealed, so that a token of one use is nothing in another.
const (
	forLogin    = "login"
	forProof    = "proof"
	forJoin     = "join"
	forPasskey  = "passkey"
	forPassword = "password"
	forProvider = "provider"
	forTOTP     = "totp"
	forHint     = "hint"
)

// maxToken bounds what is opened: an ID token of a provider is the longest.
const maxToken = 32 << 10

var errToken = errors.New("people: the token is not ours or too old")

// sealer hides and authenticates what is left with a browser or the store
// (AES-256-GCM, a key for each use from the fleet's).
type sealer struct {
	key []byte
	now func() time.Time
}

func (s sealer) aead(use string) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, s.key, nil, "pointnum people "+use, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bytes seals plain; bound is authenticated with it and must be said again to
// open it: whose secret it is.
func (s sealer) bytes(use, bound string, plain []byte) ([]byte, error) {
	a, err := s.aead(use)
	if err != nil {
		return nil, fmt.Errorf("people: seal: %w", err)
	}
	return a.Seal(nil, nil, plain, []byte(bound)), nil
}

func (s sealer) open(use, bound string, sealed []byte) ([]byte, error) {
	a, err := s.aead(use)
	if err != nil {
		return nil, fmt.Errorf("people: open: %w", err)
	}
	plain, err := a.Open(nil, nil, sealed, []byte(bound))
	if err != nil {
		return nil, errToken
	}
	return plain, nil
}

// ceremony is what the server must remember between a challenge and its
// answer; the browser carries it, sealed.
type ceremony[T any] struct {
	ID      string    `json:"i"` // spent with the answer
	Expires time.Time `json:"e"`
	Data    T         `json:"d"`
}

func sealCeremony[T any](s sealer, use string, d T, life time.Duration) (string, error) {
	b, err := json.Marshal(ceremony[T]{ID: random(16), Expires: s.now().Add(life), Data: d})
	if err != nil {
		return "", fmt.Errorf("people: seal: %w", err)
	}
	sealed, err := s.bytes(use, "", b)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openCeremony is errToken for everything that is not a living token of that
// use.
func openCeremony[T any](s sealer, use, token string) (c ceremony[T], err error) {
	if len(token) > maxToken {
		return c, errToken
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return c, errToken
	}
	plain, err := s.open(use, "", sealed)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(plain, &c); err != nil {
		return c, errToken
	}
	if !s.now().Before(c.Expires) {
		return c, errToken
	}
	return c, nil
}

// random is n random bytes in hex: an ID.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// secret is a token of 256 bits for a cookie or a link.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// hash is what is kept of a token.
func hash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}
