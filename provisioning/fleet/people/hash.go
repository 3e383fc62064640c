package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost is that of argon2id (RFC 9106); zero fields are three passes over
// 64 MiB on two threads, about 0.2 s.
type Cost struct {
	Passes  uint32
	Memory  uint32 // KiB
	Threads uint8
}

// atOnce bounds how many passwords are hashed at once, and so the memory:
// four times 64 MiB.
const atOnce = 4

// hasher hashes passwords.
type hasher struct {
	cost  Cost
	slots chan struct{}
	// nobody is the hash of a password that nobody has: what is checked for
	// accounts that are not there, so that they take as long.
	nobody string
}

func newHasher(c Cost) (*hasher, error) {
	if c.Passes == 0 {
		c.Passes = 3
	}
	if c.Memory == 0 {
		c.Memory = 64 << 10
	}
	if c.Threads == 0 {
		c.Threads = 2
	}
	if !c.sound() {
		return nil, errors.New("people: the cost of passwords is out of bounds")
	}
	h := &hasher{cost: c, slots: make(chan struct{}, atOnce)}
	b := make([]byte, 48)
	rand.Read(b) // never fails
	h.nobody = phc{c, b[:16], b[16:]}.String()
	return h, nil
}

// sound bounds what a stored hash may ask for.
func (c Cost) sound() bool {
	return c.Passes >= 1 && c.Passes <= 16 && c.Threads >= 1 && c.Threads <= 16 &&
		c.Memory >= 8*uint32(c.Threads) && c.Memory <= 1<<20
}

// phc is a hash in the PHC string format:
// $argon2id$v=19$m=65536,t=3,p=2$salt$sum, base64 without padding.
type phc struct {
	Cost
	salt, sum []byte
}

func (h phc) String() string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Passes, h.Threads, e.EncodeToString(h.salt), e.EncodeToString(h.sum))
}

func parsePHC(s string) (h phc, err error) {
	bad := errors.New("people: not an argon2id hash")
	f := strings.Split(s, "$")
	if len(s) > 300 || len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, bad
	}
	if n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &h.Memory, &h.Passes, &h.Threads); n != 3 || err != nil || !h.sound() {
		return h, bad
	}
	e := base64.RawStdEncoding.Strict()
	if h.salt, err = e.DecodeString(f[4]); err != nil || len(h.salt) < 8 {
		return h, bad
	}
	if h.sum, err = e.DecodeString(f[5]); err != nil || len(h.sum) < 16 {
		return h, bad
	}
	if h.String() != s {
		return h, bad // something behind the numbers
	}
	return h, nil
}

// hash makes the string to keep. It waits for a slot.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	sum, err := h.key(ctx, password, phc{h.cost, salt, make([]byte, 32)})
	if err != nil {
		return "", err
	}
	return phc{h.cost, salt, sum}.String(), nil
}

// check says whether it is the password of a kept string; a string that is
// none takes as long and is nobody's.
func (h *hasher) check(ctx context.Context, kept, password string) (bool, error) {
	real := true
	k, err := parsePHC(kept)
	if err != nil {
		real = false
		if k, err = parsePHC(h.nobody); err != nil {
			return false, err
		}
	}
	sum, err := h.key(ctx, password, k)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, k.sum) == 1 && real, nil
}

func (h *hasher) key(ctx context.Context, password string, k phc) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), k.salt, k.Passes, k.Memory, k.Threads, uint32(len(k.sum))), nil
}
