package people_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// authenticator is a virtual one: WebAuthn Level 2 §6, one discoverable ES256
// credential, attestation "none". Its fields can be turned to lie.
type authenticator struct {
	t      *testing.T
	origin string
	rp     string
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte // of the user it was made for
	count  uint32
	steps  uint32 // that the counter goes up by at each use
	flags  byte   // user present 1, user verified 4, backup eligible 8, backed up 16
	cross  bool   // from inside another page
}

const (
	present  = 1
	verified = 4
)

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authenticator{t: t, origin: origin, rp: "bornes.example", key: key, id: make([]byte, 32), steps: 1, flags: present | verified}
	rand.Read(a.id)
	return a
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) json(v any) []byte {
	a.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// clientData is that of §5.8.1.
func (a *authenticator) clientData(kind, challenge string) []byte {
	return a.json(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": a.cross})
}

// data is the authenticator data of §6.1, with the credential when made.
func (a *authenticator) data(made bool) []byte {
	rp := sha256.Sum256([]byte(a.rp))
	a.count += a.steps
	flags := a.flags
	if made {
		flags |= 0x40
	}
	d := binary.BigEndian.AppendUint32(append(rp[:], flags), a.count)
	if !made {
		return d
	}
	d = append(d, make([]byte, 16)...) // AAGUID
	d = binary.BigEndian.AppendUint16(d, uint16(len(a.id)))
	d = append(d, a.id...)
	pub, err := a.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		a.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: pub[1:33], -3: pub[33:]})
	if err != nil {
		a.t.Fatal(err)
	}
	return append(d, cose...)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(options json.RawMessage) []byte {
	a.t.Helper()
	var o struct {
		PublicKey struct {
			Challenge string
			User      struct{ ID string }
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		a.t.Fatal(err)
	}
	var err error
	if a.handle, err = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID); err != nil {
		a.t.Fatal(err)
	}
	att, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": a.data(true)})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.json(map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}},
		"response": map[string]any{"clientDataJSON": b64(a.clientData("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64(att), "transports": []string{"internal"}},
	})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options json.RawMessage) []byte {
	a.t.Helper()
	var o struct {
		PublicKey struct{ Challenge string } `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		a.t.Fatal(err)
	}
	data, client := a.data(false), a.clientData("webauthn.get", o.PublicKey.Challenge)
	h := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], h[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.json(map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(sig), "userHandle": b64(a.handle)},
	})
}
