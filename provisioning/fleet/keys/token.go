package keys

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// What one kiosk's connection may hold.
const (
	maxSubscriptions = 16
	structureTag     = "structure:"
)

// Account is the JWT of the kiosks' account: the template of what kiosks may
// do, and the keys that are refused with the time when that began. Tokens
// given before that time are refused; connections that used them are closed
// by the servers that get this JWT.
func (r *Ring) Account(revoked map[string]time.Time) (string, error) {
	a := jwt.NewAccountClaims(r.AccountID())
	a.Name = "fleet"
	scope := jwt.NewUserScope()
	scope.Key = r.KioskSigner()
	scope.Role = "kiosk"
	const me = "kiosk.{{tag(structure)}}.{{name()}}."
	scope.Template.Pub.Allow.Add(me + "up.>")
	scope.Template.Sub.Allow.Add(me+"down.>", "_INBOX_{{name()}}.>")
	scope.Template.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: time.Minute}
	scope.Template.Payload = provisioning.MaxMessage
	scope.Template.Subs = maxSubscriptions
	a.SigningKeys.AddScopedSigner(scope)
	for key, at := range revoked {
		a.RevokeAt(key, at)
	}
	token, err := a.Encode(r.operator)
	if err != nil {
		return "", fmt.Errorf("keys: account: %w", err)
	}
	return token, nil
}

// Token signs what lets a kiosk in with one of its keys until expires.
func (r *Ring) Token(k fleet.Kiosk, key string, expires time.Time) (string, error) {
	if !provisioning.ValidID(k.ID) || !provisioning.ValidID(k.Structure) || !nkeys.IsValidPublicUserKey(key) {
		return "", errors.New("keys: token: the name or the key is none")
	}
	u := jwt.NewUserClaims(key)
	u.Name = k.ID
	u.IssuerAccount = r.AccountID()
	u.Tags.Add(structureTag + k.Structure)
	u.Expires = expires.Unix()
	u.SetScoped(true)
	token, err := u.Encode(r.kiosk)
	if err != nil {
		return "", fmt.Errorf("keys: token: %w", err)
	}
	return token, nil
}

// Bearer is who a token names.
type Bearer struct {
	Structure string
	Kiosk     string
	Key       string // public
	Expires   time.Time
}

// ErrToken is what Read returns for a token that is not this fleet's.
var ErrToken = errors.New("keys: not a token of this fleet")

// Read reads a kiosk's token and verifies that this fleet gave it. It does not
// look at its age, nor whether its key was revoked. The error is ErrToken.
func (r *Ring) Read(token string) (Bearer, error) {
	u, err := jwt.DecodeUserClaims(token) // verifies the signature of the issuer that is named inside
	if err != nil || u.Issuer != r.KioskSigner() || u.IssuerAccount != r.AccountID() || !u.HasEmptyPermissions() {
		return Bearer{}, ErrToken
	}
	b := Bearer{Kiosk: u.Name, Key: u.Subject, Expires: time.Unix(u.Expires, 0).UTC()}
	for _, tag := range u.Tags {
		if s, ok := strings.CutPrefix(tag, structureTag); ok && b.Structure == "" {
			b.Structure = s
		}
	}
	if !provisioning.ValidID(b.Structure) || !provisioning.ValidID(b.Kiosk) || u.Expires == 0 {
		return Bearer{}, ErrToken
	}
	return b, nil
}

// Service makes a user for a server itself, in the kiosks' account or in the
// system account, with all rights there. Nothing of it is kept.
func (r *Ring) Service(system bool) (seed []byte, token string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, "", fmt.Errorf("keys: service: %w", err)
	}
	u := jwt.NewUserClaims(public(pair))
	u.Name = "fleetd"
	signer := r.account
	if system {
		signer = r.system
	}
	if token, err = u.Encode(signer); err != nil {
		return nil, "", fmt.Errorf("keys: service: %w", err)
	}
	if seed, err = pair.Seed(); err != nil {
		return nil, "", fmt.Errorf("keys: service: %w", err)
	}
	return seed, token, nil
}
