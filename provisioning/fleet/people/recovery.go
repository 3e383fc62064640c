package people

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"pointnum/provisioning/fleet"
)

// recoveryCount is how many recovery codes somebody gets.
const recoveryCount = 8

// alphabet of recovery codes: no I, L, O, U, which are read wrongly.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// recoveryCodes makes codes of 80 bits: too many to guess from their hashes.
func recoveryCodes(person string) (codes, hashes []string) {
	for range recoveryCount {
		b := make([]byte, 10)
		rand.Read(b) // never fails
		c := base32.NewEncoding(alphabet).EncodeToString(b)
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
		hashes = append(hashes, recoveryHash(person, c))
	}
	return codes, hashes
}

// recoveryHash is what is kept of a code, as somebody may type it.
func recoveryHash(person, code string) string {
	code = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
	return hash("recovery " + person + " " + code)
}

// NewRecovery replaces somebody's recovery codes, after a fresh proof or a
// login just now. They are shown once.
func (p *People) NewRecovery(ctx context.Context, w Who) ([]string, error) {
	if err := p.mayAddKey(w); err != nil {
		return nil, err
	}
	codes, hashes := recoveryCodes(w.Person.ID)
	if err := p.o.Store.SetRecovery(ctx, w.Person.ID, hashes); err != nil {
		return nil, fmt.Errorf("people: keep the recovery codes: %w", err)
	}
	return codes, p.did(ctx, w, w.Person.Structure, "recovery", "new codes")
}

// LoginRecovery logs in with one of the recovery codes, which is used up.
// The session is no fresh proof; it lets somebody add a passkey at once
// (BeginPasskey) and prove with that.
func (p *People) LoginRecovery(ctx context.Context, email, code, from string) (Login, error) {
	account, place := accountKey(email), network(from)
	if ok, first := p.tries.take(account, place); !ok {
		return Login{}, p.limited(ctx, fleet.ByRecovery, from, first)
	}
	who, why, err := p.byEmail(ctx, email)
	if err != nil {
		return Login{}, err
	}
	if why == "" {
		err = p.o.Store.UseRecovery(ctx, who.ID, recoveryHash(who.ID, code))
		if errors.Is(err, fleet.ErrCode) {
			why = "code"
		} else if err != nil {
			return Login{}, fmt.Errorf("people: use a recovery code: %w", err)
		}
	}
	if why != "" {
		return Login{}, p.refuse(ctx, fleet.ByRecovery, who, from, why)
	}
	p.tries.forget(account)
	p.tries.undo(place)
	return p.start(ctx, who, fleet.ByRecovery, from, time.Time{}, nil)
}

// RecoveryLeft is how many of somebody's recovery codes are not used.
func (p *People) RecoveryLeft(ctx context.Context, w Who) (int, error) {
	return p.o.Store.RecoveryLeft(ctx, w.Person.ID)
}
