package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
)

// Enrol makes a kiosk for each label, by a one-time code each, as a technician
// does at the server itself: POST /enrol lets one address try five times a
// minute. The keys are in memory only; credentials are good for life.
func Enrol(ctx context.Context, s *store.Store, r *keys.Ring, structure string, labels []string, life time.Duration) ([]enrol.Pair, error) {
	var pairs []enrol.Pair
	for _, label := range labels {
		p, err := enrolOne(ctx, s, r, structure, label, time.Now().Add(life))
		if err != nil {
			return pairs, fmt.Errorf("simulate: enrol: %w", err)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

func enrolOne(ctx context.Context, s *store.Store, r *keys.Ring, structure, label string, expires time.Time) (enrol.Pair, error) {
	code, err := fleetserver.NewCode(ctx, s, r, structure, label)
	if err != nil {
		return enrol.Pair{}, err
	}
	key, err := enrol.New()
	if err != nil {
		return enrol.Pair{}, err
	}
	public, err := key.Public()
	if err != nil {
		return enrol.Pair{}, err
	}
	k, err := s.Enrol(ctx, r.CodeHash(code), r.KioskID(code, public), public, expires)
	if err != nil {
		return enrol.Pair{}, err
	}
	token, err := r.Token(k, public, expires)
	if err != nil {
		return enrol.Pair{}, err
	}
	return enrol.Pair{Key: key, Credential: provisioning.Credential{
		Structure: k.Structure, Kiosk: k.ID, Label: k.Label, Token: token, Expires: expires.Unix(),
		Keys: r.CommandKeys(), Clock: time.Now().UnixMicro(),
	}}, nil
}

// Revoke ends the identities of simulated kiosks: the console shows them no
// more. It goes on after an error, and returns all of them.
func Revoke(ctx context.Context, s *store.Store, pairs []enrol.Pair) error {
	var errs []error
	for _, p := range pairs {
		_, err := s.Revoke(ctx, fleet.Scope{Structure: p.Credential.Structure}, p.Credential.Kiosk)
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}
