package fleet

import "time"

// What a person leaves with the server to be known again. No secret is in
// here: tokens and codes are kept as SHA-256 (hex) of what was given out, a
// password as argon2id, what must be read again sealed with the server's key.

// Session is one login of a person in one browser.
type Session struct {
	Hash    string // SHA-256 of the cookie's value, hex
	Person  string
	Created time.Time
	Seen    time.Time // of the newest request, to the minute
	Expires time.Time // whatever happens; it may end sooner by being idle
	// Proved is when the person last showed a passkey or a password with its
	// code in this session; sensitive actions want it fresh. Zero: never.
	Proved time.Time
	Method Method
	From   string // address of the client that logged in
	// Hint is what an OpenID Connect provider wants at logout (its ID
	// token), sealed; nil without.
	Hint []byte
}

// Method is how somebody logged in.
type Method string

// The methods.
const (
	ByPasskey  Method = "passkey"
	ByPassword Method = "password" // with a one-time code
	ByRecovery Method = "recovery" // a recovery code: good for making a passkey
	ByProvider Method = "oidc"     // an OpenID Connect provider
)

// Passkey is one WebAuthn credential of a person.
type Passkey struct {
	ID      []byte // the credential's, unique among all
	Person  string
	Name    string // given by the person: "Ordinateur de l’accueil"
	Data    []byte // JSON of webauthn.Credential: public key, counter, flags
	Created time.Time
	Used    time.Time // zero: not since it was made
}

// Password is for posts that have no authenticator: a password and a one-time
// code of RFC 6238, never the password alone.
type Password struct {
	Person  string
	Hash    string // argon2id, in the PHC string format, with its salt
	TOTP    []byte // the shared secret, sealed
	Changed time.Time
}

// Invitation lets one person in, once, by the link of an e-mail.
type Invitation struct {
	Hash      string // SHA-256 of the token in the link, hex
	Structure string // "" for RoleFleet
	Email     string // lower case
	Name      string
	Role      Role
	// Person is somebody who is there already and lost their passkeys: the
	// link gives them a new one. "" for somebody new.
	Person string
	// Password says that a password and a one-time code may be chosen instead
	// of a passkey: there is no authenticator at their post.
	Password bool
	By       string // person, or "server" for the first administrator
	Created  time.Time
	Expires  time.Time
	Used     time.Time // zero: not yet; withdrawn ones are used too
}

// Joined is what an invitation was used for: all of it is kept, or nothing.
// The zero Joined withdraws the invitation.
type Joined struct {
	Person   Person    // ID "" for nobody; an ID that is there already is saved over
	Passkey  *Passkey  // nil for none
	Password *Password // nil for none
	Recovery []string  // hashes of recovery codes that replace the old ones; nil leaves those
}
