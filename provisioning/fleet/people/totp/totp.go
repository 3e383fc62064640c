// Package totp has the one-time codes of RFC 6238 that phones' authenticator
// applications show: HMAC-SHA-1, 30 seconds, 6 digits, the only parameters
// that all of them know.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// The parameters.
const (
	Period  = 30 * time.Second
	Digits  = 6
	KeySize = 20 // bytes of a secret: SHA-1's, RFC 4226 §4 R6
)

// Step is the number of the period that a time is in (RFC 6238 §4.2).
func Step(at time.Time) int64 { return at.Unix() / int64(Period/time.Second) }

// Code is the code of a step, of that many digits (RFC 4226 §5.3).
func Code(secret []byte, step int64, digits int) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(step))
	m := hmac.New(sha1.New, secret)
	m.Write(b[:])
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := uint64(binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff)
	mod := uint64(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

// Find says which step a code is of: this one, the one before or the one
// after (RFC 6238 §5.2). It takes the same time whichever it is. The caller
// lets no step be used twice.
func Find(secret []byte, code string, at time.Time) (step int64, ok bool) {
	now := Step(at)
	for s := now - 1; s <= now+1; s++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, s, Digits)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// Secret is a new secret.
func Secret() []byte {
	b := make([]byte, KeySize)
	rand.Read(b) // never fails
	return b
}

// Text is a secret as people type it into an application.
func Text(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// URI is what the picture for an application says: otpauth://totp/….
func URI(service, account string, secret []byte) string {
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + service + ":" + account}
	// No "+" for spaces: some applications show it.
	u.RawQuery = "secret=" + Text(secret) + "&issuer=" + url.PathEscape(service) + "&algorithm=SHA1&digits=6&period=30"
	return u.String()
}
