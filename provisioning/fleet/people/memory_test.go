package people_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/provisioning/fleet"
)

// memory is a people.Store for tests of time, which a database cannot take
// part in, and of a store that fails.
type memory struct {
	mu          sync.Mutex
	fail        error // of everything
	persons     map[string]fleet.Person
	keys        []fleet.Passkey
	recovery    map[string]map[string]bool
	passwords   map[string]fleet.Password
	sessions    map[string]fleet.Session
	invitations map[string]fleet.Invitation
	spent       map[string]bool
	structures  []fleet.Structure
	audits      []fleet.Audit
}

func newMemory() *memory {
	return &memory{
		persons: map[string]fleet.Person{}, recovery: map[string]map[string]bool{}, passwords: map[string]fleet.Password{},
		sessions: map[string]fleet.Session{}, invitations: map[string]fleet.Invitation{}, spent: map[string]bool{},
	}
}

func (m *memory) lock() func() { m.mu.Lock(); return m.mu.Unlock }

func one[T any](m *memory, ok bool, v T) (T, error) {
	var zero T
	if m.fail != nil {
		return zero, m.fail
	}
	if !ok {
		return zero, fleet.ErrNotFound
	}
	return v, nil
}

func (m *memory) taken(p fleet.Person) bool {
	for _, o := range m.persons {
		if o.ID != p.ID && (o.Email == p.Email || p.Subject != "" && o.Subject == p.Subject && o.Issuer == p.Issuer) {
			return true
		}
	}
	return false
}

func (m *memory) AddPerson(_ context.Context, p fleet.Person) error {
	defer m.lock()()
	if _, there := m.persons[p.ID]; there || m.taken(p) {
		return fleet.ErrExists
	}
	m.persons[p.ID] = p
	return m.fail
}

func (m *memory) Person(_ context.Context, id string) (fleet.Person, error) {
	defer m.lock()()
	p, ok := m.persons[id]
	return one(m, ok, p)
}

func (m *memory) find(f func(fleet.Person) bool) (fleet.Person, error) {
	defer m.lock()()
	for _, p := range m.persons {
		if f(p) {
			return one(m, true, p)
		}
	}
	return one(m, false, fleet.Person{})
}

func (m *memory) PersonByEmail(_ context.Context, email string) (fleet.Person, error) {
	return m.find(func(p fleet.Person) bool { return p.Email == email })
}

func (m *memory) PersonBySubject(_ context.Context, issuer, subject string) (fleet.Person, error) {
	return m.find(func(p fleet.Person) bool { return p.Issuer == issuer && p.Subject == subject })
}

func (m *memory) People(_ context.Context, sc fleet.Scope) (out []fleet.Person, err error) {
	defer m.lock()()
	for _, p := range m.persons {
		if sc.Sees(p.Structure) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b fleet.Person) int { return strings.Compare(a.Name, b.Name) })
	return out, m.fail
}

func (m *memory) SavePerson(_ context.Context, sc fleet.Scope, p fleet.Person) error {
	defer m.lock()()
	old, ok := m.persons[p.ID]
	if !ok || !sc.Sees(old.Structure) || !sc.Sees(p.Structure) {
		return fleet.ErrNotFound
	}
	m.persons[p.ID] = p
	return m.fail
}

func (m *memory) AddPasskey(_ context.Context, k fleet.Passkey) error {
	defer m.lock()()
	for _, o := range m.keys {
		if string(o.ID) == string(k.ID) {
			return fleet.ErrExists
		}
	}
	m.keys = append(m.keys, k)
	return m.fail
}

func (m *memory) Passkeys(_ context.Context, person string) (out []fleet.Passkey, err error) {
	defer m.lock()()
	for _, k := range m.keys {
		if k.Person == person {
			out = append(out, k)
		}
	}
	return out, m.fail
}

func (m *memory) PasskeyOwner(_ context.Context, id []byte) (string, error) {
	defer m.lock()()
	i := slices.IndexFunc(m.keys, func(k fleet.Passkey) bool { return string(k.ID) == string(id) })
	if i < 0 {
		return one(m, false, "")
	}
	return one(m, true, m.keys[i].Person)
}

func (m *memory) SavePasskey(_ context.Context, k fleet.Passkey) error {
	defer m.lock()()
	for i, o := range m.keys {
		if string(o.ID) == string(k.ID) && o.Person == k.Person {
			m.keys[i].Name, m.keys[i].Data, m.keys[i].Used = k.Name, k.Data, k.Used
			return m.fail
		}
	}
	return fleet.ErrNotFound
}

func (m *memory) RemovePasskey(_ context.Context, person string, id []byte) error {
	defer m.lock()()
	n := len(m.keys)
	m.keys = slices.DeleteFunc(m.keys, func(k fleet.Passkey) bool { return k.Person == person && string(k.ID) == string(id) })
	_, err := one(m, len(m.keys) < n, 0)
	return err
}

func (m *memory) SetRecovery(_ context.Context, person string, hashes []string) error {
	defer m.lock()()
	m.recovery[person] = map[string]bool{}
	for _, h := range hashes {
		m.recovery[person][h] = true
	}
	return m.fail
}

func (m *memory) UseRecovery(_ context.Context, person, hash string) error {
	defer m.lock()()
	if !m.recovery[person][hash] {
		return fleet.ErrCode
	}
	delete(m.recovery[person], hash)
	return m.fail
}

func (m *memory) RecoveryLeft(_ context.Context, person string) (int, error) {
	defer m.lock()()
	return len(m.recovery[person]), m.fail
}

func (m *memory) SetPassword(_ context.Context, p fleet.Password) error {
	defer m.lock()()
	m.passwords[p.Person] = p
	return m.fail
}

func (m *memory) Password(_ context.Context, person string) (fleet.Password, error) {
	defer m.lock()()
	p, ok := m.passwords[person]
	return one(m, ok, p)
}

func (m *memory) AddSession(_ context.Context, s fleet.Session) error {
	defer m.lock()()
	m.sessions[s.Hash] = s
	return m.fail
}

func (m *memory) Session(_ context.Context, hash string) (fleet.Session, error) {
	defer m.lock()()
	s, ok := m.sessions[hash]
	return one(m, ok, s)
}

func (m *memory) TouchSession(_ context.Context, hash string, seen, proved time.Time) error {
	defer m.lock()()
	s, ok := m.sessions[hash]
	if !seen.IsZero() {
		s.Seen = seen
	}
	if !proved.IsZero() {
		s.Proved = proved
	}
	if ok {
		m.sessions[hash] = s
	}
	return m.fail
}

func (m *memory) EndSession(_ context.Context, hash string) error {
	defer m.lock()()
	delete(m.sessions, hash)
	return m.fail
}

func (m *memory) EndSessions(_ context.Context, person string) error {
	defer m.lock()()
	maps.DeleteFunc(m.sessions, func(_ string, s fleet.Session) bool { return s.Person == person })
	return m.fail
}

func (m *memory) AddInvitation(_ context.Context, i fleet.Invitation) error {
	defer m.lock()()
	m.invitations[i.Hash] = i
	return m.fail
}

func (m *memory) Invitation(_ context.Context, hash string) (fleet.Invitation, error) {
	defer m.lock()()
	i, ok := m.invitations[hash]
	return one(m, ok, i)
}

func (m *memory) Invitations(_ context.Context, sc fleet.Scope, at time.Time) (out []fleet.Invitation, err error) {
	defer m.lock()()
	for _, i := range m.invitations {
		if sc.Sees(i.Structure) && i.Used.IsZero() && at.Before(i.Expires) {
			out = append(out, i)
		}
	}
	return out, m.fail
}

func (m *memory) UseInvitation(_ context.Context, hash string, at time.Time, j fleet.Joined) error {
	defer m.lock()()
	i, ok := m.invitations[hash]
	if !ok || !i.Used.IsZero() || !at.Before(i.Expires) {
		return fleet.ErrCode
	}
	if j.Person.ID != "" && m.taken(j.Person) {
		return fleet.ErrExists
	}
	i.Used = at
	m.invitations[hash] = i
	if j.Person.ID != "" {
		m.persons[j.Person.ID] = j.Person
	}
	if j.Passkey != nil {
		m.keys = append(m.keys, *j.Passkey)
	}
	if j.Password != nil {
		m.passwords[j.Password.Person] = *j.Password
	}
	if j.Recovery != nil {
		m.recovery[j.Person.ID] = map[string]bool{}
		for _, h := range j.Recovery {
			m.recovery[j.Person.ID][h] = true
		}
	}
	return m.fail
}

func (m *memory) Spend(_ context.Context, hash string, _ time.Time) error {
	defer m.lock()()
	if m.spent[hash] {
		return fleet.ErrCode
	}
	m.spent[hash] = true
	return m.fail
}

func (m *memory) AddStructure(_ context.Context, s fleet.Structure) error {
	defer m.lock()()
	m.structures = append(m.structures, s)
	return m.fail
}

func (m *memory) Structures(_ context.Context, sc fleet.Scope) (out []fleet.Structure, err error) {
	defer m.lock()()
	for _, s := range m.structures {
		if sc.Sees(s.ID) {
			out = append(out, s)
		}
	}
	return out, m.fail
}

func (m *memory) Audit(_ context.Context, a fleet.Audit) error {
	defer m.lock()()
	m.audits = append(m.audits, a)
	return m.fail
}

func (m *memory) Audits(context.Context, fleet.Scope, int64, int) ([]fleet.Audit, error) {
	defer m.lock()()
	out := slices.Clone(m.audits)
	slices.Reverse(out)
	return out, m.fail
}
