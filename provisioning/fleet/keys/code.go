package keys

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"pointnum/provisioning"

	"github.com/nats-io/nkeys"
)

// alphabet is Crockford's: no I, L, O and U, which are mistaken for others.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const symbols = 12 // of a code: 60 bits

func spell(b []byte) string {
	return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding).EncodeToString(b)[:symbols]
}

// NewCode makes a one-time code, such as "7K3M-PX9Q-2D4T".
func NewCode() (string, error) {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("keys: code: %w", err)
	}
	c := spell(b)
	return c[:4] + "-" + c[4:8] + "-" + c[8:], nil
}

// CodeHash is what is kept of a one-time code, however it was typed. Without
// the ring nobody can try codes against it.
func (r *Ring) CodeHash(code string) string {
	return hex.EncodeToString(r.mac("code", provisioning.NormalCode(code)))
}

// KioskID names the kiosk that a code and a key make: always the same, so that
// a kiosk whose answer was lost is not enrolled twice.
func (r *Ring) KioskID(code, key string) string {
	return "k" + strings.ToLower(spell(r.mac("kiosk", provisioning.NormalCode(code), key)))
}

// Possesses says whether signature, as raw URL base64, is that of the public
// user key over message: whoever sent it has the key's secret half.
func Possesses(key, signature string, message []byte) bool {
	if !nkeys.IsValidPublicUserKey(key) {
		return false
	}
	pair, err := nkeys.FromPublicKey(key)
	if err != nil {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && pair.Verify(message, b) == nil
}
