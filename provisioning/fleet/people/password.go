package people

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people/totp"
)

// The lengths of a password, in letters and in bytes: what is chosen with a
// one-time code beside it need not have signs of all kinds.
const (
	minPassword = 12
	maxPassword = 512
)

// cleanPassword is a password as it is hashed: the same letters are the same
// bytes on every keyboard.
func cleanPassword(s string, near ...string) (string, error) {
	if !utf8.ValidString(s) || len(s) > maxPassword {
		return "", fmt.Errorf("%w: the password", ErrInput)
	}
	s = norm.NFKC.String(s)
	letters := map[rune]bool{}
	for _, r := range s {
		letters[r] = true
	}
	if utf8.RuneCountInString(s) < minPassword || len(letters) < 6 {
		return "", fmt.Errorf("%w: the password is too short", ErrInput)
	}
	for _, n := range near {
		if len(n) > 5 && strings.Contains(strings.ToLower(s), strings.ToLower(n)) {
			return "", fmt.Errorf("%w: the password says who it is of", ErrInput)
		}
	}
	return s, nil
}

// Setup of a one-time code, to be put into an application on a phone.
type Setup struct {
	Secret string // to be typed
	URI    string // for a QR picture
	Token  string // goes back with the first code, within Options.Answer
}

// choosing is the ceremony of somebody who chooses a password.
type choosing struct {
	Joining joining
	Secret  string // base64
}

// BeginPassword starts for somebody whose invitation allows a password; else
// it is fleet.ErrForbidden.
func (p *People) BeginPassword(ctx context.Context, token string, n Newcomer) (Setup, error) {
	j, i, err := p.arrive(ctx, token, n)
	if err != nil {
		return Setup{}, err
	}
	if !i.Password {
		return Setup{}, fleet.ErrForbidden
	}
	s := totp.Secret()
	back, err := sealCeremony(p.seal, forPassword, choosing{j, base64.StdEncoding.EncodeToString(s)}, 3*p.o.Answer)
	if err != nil {
		return Setup{}, err
	}
	return Setup{Secret: totp.Text(s), URI: totp.URI(p.o.Name, j.Email, s), Token: back}, nil
}

// JoinPassword checks the first code, lets the person in and logs them in. A
// code or password that cannot be taken may be tried again with the same
// token: ErrInput for the password, ErrRefused for the code.
func (p *People) JoinPassword(ctx context.Context, token, password, code, from string) (Login, []string, error) {
	if ok, first := p.tries.take(network(from)); !ok {
		return Login{}, nil, p.limited(ctx, fleet.ByPassword, from, first)
	}
	c, err := openCeremony[choosing](p.seal, forPassword, token)
	if err != nil {
		return Login{}, nil, p.refuse(ctx, fleet.ByPassword, fleet.Person{}, from, "challenge")
	}
	j := c.Data.Joining
	clean, err := cleanPassword(password, j.Name, j.Email)
	if err != nil {
		p.tries.undo(network(from))
		return Login{}, nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(c.Data.Secret)
	if err != nil {
		return Login{}, nil, fmt.Errorf("people: the secret: %w", err)
	}
	if ok, err := p.code(ctx, j.Person, secret, code); err != nil {
		return Login{}, nil, err
	} else if !ok {
		return Login{}, nil, p.refuse(ctx, fleet.ByPassword, fleet.Person{}, from, "code")
	}
	sealed, err := p.seal.bytes(forTOTP, j.Person, secret)
	if err != nil {
		return Login{}, nil, err
	}
	kept, err := p.hasher.hash(ctx, clean)
	if err != nil {
		return Login{}, nil, fmt.Errorf("people: hash: %w", err)
	}
	w := fleet.Password{Person: j.Person, Hash: kept, TOTP: sealed, Changed: p.o.Now().UTC()}
	codes, hashes := recoveryCodes(j.Person)
	l, err := p.letIn(ctx, j, fleet.Joined{Password: &w, Recovery: hashes}, fleet.ByPassword, from, nil)
	if err != nil {
		return Login{}, nil, err
	}
	p.tries.undo(network(from))
	return l, codes, nil
}

// code checks a one-time code and uses up its step.
func (p *People) code(ctx context.Context, person string, secret []byte, code string) (bool, error) {
	code = strings.ReplaceAll(code, " ", "") // applications show "123 456"
	step, ok := totp.Find(secret, code, p.o.Now())
	if !ok {
		return false, nil
	}
	mark := hash("totp " + person + " " + strconv.FormatInt(step, 10))
	err := p.o.Store.Spend(ctx, mark, p.o.Now().UTC().Add(4*totp.Period+time.Minute))
	if errors.Is(err, fleet.ErrCode) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("people: use a code: %w", err)
	}
	return true, nil
}

// LoginPassword logs in with an address, a password and a one-time code. All
// that can be wrong is ErrRefused after the same time.
func (p *People) LoginPassword(ctx context.Context, email, password, code, from string) (Login, error) {
	account, place := accountKey(email), network(from)
	if ok, first := p.tries.take(account, place); !ok {
		return Login{}, p.limited(ctx, fleet.ByPassword, from, first)
	}
	who, why, err := p.byEmail(ctx, email)
	if err != nil {
		return Login{}, err
	}
	bad, err := p.password(ctx, who, password, code)
	if err != nil {
		return Login{}, err
	}
	if why == "" {
		why = bad
	}
	if why != "" {
		return Login{}, p.refuse(ctx, fleet.ByPassword, who, from, why)
	}
	p.tries.forget(account)
	p.tries.undo(place)
	return p.start(ctx, who, fleet.ByPassword, from, p.o.Now().UTC(), nil)
}

// ProvePassword makes the session's proof fresh; it has a new cookie
// from then on.
func (p *People) ProvePassword(ctx context.Context, w Who, password, code string) (Login, error) {
	account, place := accountKey(w.Person.Email), network(w.From)
	if ok, first := p.tries.take(account, place); !ok {
		return Login{}, p.limited(ctx, fleet.ByPassword, w.From, first)
	}
	why, err := p.password(ctx, w.Person, password, code)
	if err != nil {
		return Login{}, err
	}
	if why != "" {
		return Login{}, p.refuse(ctx, fleet.ByPassword, w.Person, w.From, why)
	}
	p.tries.forget(account)
	p.tries.undo(place)
	return p.renew(ctx, w, fleet.ByPassword)
}

// ChangePassword replaces the password of somebody who has one, after a fresh
// proof; the one-time code stays, all other sessions end.
func (p *People) ChangePassword(ctx context.Context, w Who, password string) error {
	if !p.Fresh(w) {
		return ErrProof
	}
	old, err := p.o.Store.Password(ctx, w.Person.ID)
	if err != nil {
		return fmt.Errorf("people: read the password: %w", err)
	}
	clean, err := cleanPassword(password, w.Person.Name, w.Person.Email)
	if err != nil {
		return err
	}
	if old.Hash, err = p.hasher.hash(ctx, clean); err != nil {
		return fmt.Errorf("people: hash: %w", err)
	}
	old.Changed = p.o.Now().UTC()
	if err := p.o.Store.SetPassword(ctx, old); err != nil {
		return fmt.Errorf("people: keep the password: %w", err)
	}
	if err := p.o.Store.EndSessions(ctx, w.Person.ID); err != nil {
		return fmt.Errorf("people: end the sessions: %w", err)
	}
	if err := p.o.Store.AddSession(ctx, w.Session); err != nil {
		return fmt.Errorf("people: keep this session: %w", err)
	}
	return p.did(ctx, w, w.Person.Structure, "password", "changed")
}

// HasPassword says whether somebody logs in with a password.
func (p *People) HasPassword(ctx context.Context, w Who) (bool, error) {
	k, err := p.o.Store.Password(ctx, w.Person.ID)
	if errors.Is(err, fleet.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("people: read the password: %w", err)
	}
	return k.Hash != "", nil
}

// password checks both factors, always both and for nobody too. why is a
// constant word when they are refused.
func (p *People) password(ctx context.Context, who fleet.Person, password, code string) (why string, err error) {
	k, err := p.o.Store.Password(ctx, who.ID)
	if err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return "", fmt.Errorf("people: read the password: %w", err)
	}
	if len(password) > maxPassword {
		password = password[:maxPassword]
	}
	same, err := p.hasher.check(ctx, k.Hash, norm.NFKC.String(password))
	if err != nil {
		return "", fmt.Errorf("people: hash: %w", err)
	}
	secret, err := p.seal.open(forTOTP, who.ID, k.TOTP)
	if err != nil {
		secret, same = totp.Secret(), false
	}
	if !same {
		// The code is not used up: whoever guesses passwords does not keep
		// its owner out.
		_, _ = totp.Find(secret, code, p.o.Now())
		return "password", nil
	}
	ok, err := p.code(ctx, who.ID, secret, code)
	if err != nil || ok {
		return "", err
	}
	return "code", nil
}

// byEmail is somebody who may log in, or nobody with the reason.
func (p *People) byEmail(ctx context.Context, email string) (who fleet.Person, why string, err error) {
	clean, err := cleanEmail(email)
	if err != nil {
		clean = "nobody"
	}
	who, err = p.o.Store.PersonByEmail(ctx, clean)
	if errors.Is(err, fleet.ErrNotFound) {
		return fleet.Person{}, "unknown", nil
	}
	if err != nil {
		return who, "", fmt.Errorf("people: read the person: %w", err)
	}
	if !who.Disabled.IsZero() || !who.Confirmed {
		return who, "disabled", nil
	}
	return who, "", nil
}

// accountKey names an account in the limiter, whether it is there or not.
func accountKey(email string) string {
	return "account " + hash(strings.ToLower(strings.TrimSpace(email)))
}
