package enrol

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"pointnum/kiosk/atomicfile"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol/seal"
)

// Identity is who a kiosk is and whose. It is a value that does not change:
// methods return the next one.
type Identity struct {
	Server  string `json:"server"` // https URL
	Present Pair   `json:"present"`
	// Next is the key that is to follow; nil none. Until its credential has
	// come, Next.Credential is zero.
	Next *Pair `json:"next,omitempty"`
}

// Pair is a key and what it may do.
type Pair struct {
	Key        Key                     `json:"key"`
	Credential provisioning.Credential `json:"credential"`
}

// Structure is the host's ID.
func (id *Identity) Structure() string { return id.Present.Credential.Structure }

// Kiosk is the kiosk's ID.
func (id *Identity) Kiosk() string { return id.Present.Credential.Kiosk }

// Pairs are those that may be let in, the one to try first before.
func (id *Identity) Pairs() []Pair {
	if id.Next != nil && id.Next.Credential.Token != "" {
		return []Pair{*id.Next, id.Present}
	}
	return []Pair{id.Present}
}

// Renew begins a change of keys: the identity that it returns has a next key.
// It is saved before the words are sent, so that an answer that is lost with
// the power can be asked for again.
func (id *Identity) Renew() (*Identity, provisioning.RenewAsk, error) {
	next := *id
	if next.Next == nil {
		key, err := New()
		if err != nil {
			return nil, provisioning.RenewAsk{}, err
		}
		next.Next = &Pair{Key: key}
	}
	public, err := next.Next.Key.Public()
	if err != nil {
		return nil, provisioning.RenewAsk{}, err
	}
	sig, err := next.Next.Key.Sign([]byte(id.Kiosk() + public))
	if err != nil {
		return nil, provisioning.RenewAsk{}, err
	}
	return &next, provisioning.RenewAsk{Key: public, Signature: base64.RawURLEncoding.EncodeToString(sig)}, nil
}

// Granted is the identity with the credential of the next key.
func (id *Identity) Granted(c provisioning.Credential) (*Identity, error) {
	if id.Next == nil {
		return nil, errors.New("enrol: a credential that nobody asked for")
	}
	if c.Structure != id.Structure() || c.Kiosk != id.Kiosk() || c.Token == "" || len(c.Keys) == 0 {
		return nil, errors.New("enrol: a credential for another kiosk")
	}
	next := *id
	next.Next = &Pair{Key: id.Next.Key, Credential: c}
	return &next, nil
}

// Promote is the identity after the next key has been let in: the one before
// is gone.
func (id *Identity) Promote() *Identity {
	if id.Next == nil || id.Next.Credential.Token == "" {
		return id
	}
	return &Identity{Server: id.Server, Present: *id.Next}
}

// Forget is the identity without the next key, which the server does not know.
func (id *Identity) Forget() *Identity { return &Identity{Server: id.Server, Present: id.Present} }

// Save puts the identity into a file that only its owner can read, sealed by
// the machine's TPM where there is one. After a power cut there is the old one
// or the new one.
func (id *Identity) Save(path string) error { return id.SaveBy(path, seal.Machine) }

// SaveBy is Save with another TPM. A TPM that cannot seal, or does not give
// back what it has sealed, is done without: a kiosk that keeps its identity in
// a plain file is worth more than one that loses it. Sealed tells which it is.
func (id *Identity) SaveBy(path string, tpm seal.TPM) error {
	b, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	if sealed, err := tpm.Seal(b); err == nil {
		b = sealed
	}
	if err := atomicfile.Write(path, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	return nil
}

// maxFile bounds an identity's file in bytes; a sealed one is longer.
const (
	maxFile   = 64 << 10
	maxSealed = 2 * maxFile
)

// Load reads what Save wrote. The error is fs.ErrNotExist for a kiosk that was
// never enrolled, seal.CodeBroken for one whose TPM does not open its file any
// more (it is enrolled again), kiosk.CodeNotResponding when the TPM could not
// be asked now.
func Load(path string) (*Identity, error) { return LoadBy(path, seal.Machine) }

// LoadBy is Load with another TPM.
func LoadBy(path string, tpm seal.TPM) (*Identity, error) {
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	if seal.Is(b) {
		if b, err = tpm.Open(b); err != nil {
			return nil, fmt.Errorf("enrol: identity: %w", err)
		}
	}
	return Decode(b)
}

// Sealed says whether an identity's file is sealed.
func Sealed(path string) (bool, error) {
	b, err := read(path)
	return err == nil && seal.Is(b), err
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSealed+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return b, nil
}

// Decode reads an identity and checks it.
func Decode(b []byte) (*Identity, error) {
	if len(b) > maxFile {
		return nil, errors.New("enrol: identity: too long")
	}
	var id Identity
	if err := json.Unmarshal(b, &id); err != nil {
		return nil, fmt.Errorf("enrol: identity: %w", err)
	}
	if err := id.check(); err != nil {
		return nil, fmt.Errorf("enrol: identity: %w", err)
	}
	return &id, nil
}

func (id *Identity) check() error {
	c := id.Present.Credential
	if id.Server == "" || !provisioning.ValidID(c.Structure) || !provisioning.ValidID(c.Kiosk) || c.Token == "" {
		return errors.New("not complete")
	}
	if _, err := id.Present.Key.Public(); err != nil {
		return err
	}
	if id.Next == nil {
		return nil
	}
	if _, err := id.Next.Key.Public(); err != nil {
		return err
	}
	if n := id.Next.Credential; n.Token != "" && (n.Kiosk != c.Kiosk || n.Structure != c.Structure) {
		return errors.New("two kiosks")
	}
	return nil
}
