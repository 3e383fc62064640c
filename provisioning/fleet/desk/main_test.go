package desk_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/desk"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/people"
	"pointnum/provisioning/fleet/store"
	"pointnum/ui/console"
)

// patience is for a machine that does much else.
const patience = 40 * time.Second

// The two structures: who asks is of the first.
const mairie, musee = "mairie", "musee"

var (
	everything = fleet.Scope{All: true}
	roles      = []fleet.Role{fleet.RoleDesk, fleet.RoleReferent, fleet.RoleTechnician, fleet.RoleAdmin, fleet.RoleFleet}
)

// site is a desk on a real store, a real engine with NATS inside, real people.
type site struct {
	t      testing.TB
	store  *store.Store
	engine *engine.Engine
	desk   *desk.Desk
	tried  atomic.Int32 // tries of alerts
	n      atomic.Int64
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t}
	ring, err := keys.Open(filepath.Join(t.TempDir(), "keys"))
	s.must(err)
	s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "fleet.db"), store.Options{})
	s.must(err)
	t.Cleanup(func() { s.must(s.store.Close()) })
	for id, name := range map[string]string{mairie: "Mairie de Vif", musee: "Petit Musée"} {
		s.must(s.store.AddStructure(t.Context(), fleet.Structure{ID: id, Name: name, Created: time.Now(),
			Settings: kiosk.Settings{Place: kiosk.Place{Name: name}}, Alerts: fleet.AlertSettings{DigestAt: -1, Emails: []string{"alerte@" + id + ".example"}}}))
	}
	s.must(s.store.AddRelease(t.Context(), fleet.Release{Version: "2.0.0", Notes: "Plus rapide.", Added: time.Now()}))
	s.engine, err = engine.New(t.Context(), engine.Options{Store: s.store, Ring: ring})
	s.must(err)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.engine.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	who, err := people.New(people.Options{Store: s.store, Origins: []string{"https://bornes.example"}, Key: ring.Secret("people")})
	s.must(err)
	s.desk, err = desk.New(desk.Options{Store: s.store, Engine: s.engine, People: who, Kept: 396 * 24 * time.Hour,
		Try: func(context.Context, string) error { s.tried.Add(1); return nil }})
	s.must(err)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) next() int64 { return s.n.Add(1) }

// person adds somebody.
func (s *site) person(structure string, role fleet.Role) fleet.Person {
	s.t.Helper()
	n := s.next()
	if role == fleet.RoleFleet {
		structure = ""
	}
	p := fleet.Person{ID: fmt.Sprintf("p%d", n), Structure: structure, Name: fmt.Sprintf("%s %s %d", role, structure, n),
		Email: fmt.Sprintf("%s%d@%s.example", role, n, structure), Role: role, Created: time.Now().UTC(), Confirmed: true}
	s.must(s.store.AddPerson(s.t.Context(), p))
	return p
}

// login is a session of somebody; proved is how long ago they showed who they
// are.
func (s *site) login(p fleet.Person, m fleet.Method, proved time.Duration) console.Who {
	s.t.Helper()
	now := time.Now().UTC()
	in := fleet.Session{Hash: fmt.Sprintf("%064x", s.next()), Person: p.ID, Created: now, Seen: now, Expires: now.Add(time.Hour),
		Proved: now.Add(-proved), Method: m, From: "192.0.2.7"}
	s.must(s.store.AddSession(s.t.Context(), in))
	return console.Who{Person: p.ID, Name: p.Name, Role: console.Role(p.Role), Structure: p.Structure, Session: in.Hash, From: "192.0.2.7"}
}

// fresh is somebody of a structure with a role who has just logged in.
func (s *site) fresh(structure string, role fleet.Role) console.Who {
	s.t.Helper()
	return s.login(s.person(structure, role), fleet.ByPasskey, 0)
}

// kiosk enrols one on which somebody waits for help.
func (s *site) kiosk(structure, label string) (id, call string) {
	s.t.Helper()
	pair, err := nkeys.CreateUser()
	s.must(err)
	public, err := pair.PublicKey()
	s.must(err)
	hash, now := strings.ToLower(rand.Text()), time.Now().UTC()
	id = "k" + strings.ToLower(rand.Text())[:19]
	s.must(s.store.AddCode(s.t.Context(), fleet.Code{ID: strings.ToLower(rand.Text()), Structure: structure, Label: label, Created: now, Expires: now.Add(time.Hour)}, hash))
	if _, err = s.store.Enrol(s.t.Context(), hash, id, public, now.Add(time.Hour)); err != nil {
		s.t.Fatal(err)
	}
	help := now.UnixMicro()
	s.tells(structure, id, provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Version: "1", Help: help, Update: &provisioning.UpdateState{Version: "1.0.0", Phase: provisioning.UpdateIdle}}})
	return id, strconv.FormatInt(help, 10)
}

// tells stores an event of a kiosk.
func (s *site) tells(structure, id string, e provisioning.Event) {
	s.t.Helper()
	e.Epoch, e.Seq, e.At = 7, s.next(), time.Now().UnixMicro()
	n, err := s.store.Ingest(s.t.Context(), structure, id, []provisioning.Event{e})
	s.must(err)
	if n != 1 {
		s.t.Fatalf("%d events stored", n)
	}
}

// counts are what a kiosk counted at noon of a day, "2026-11-02".
func (s *site) counts(structure, id, day string, n map[string]int64) {
	s.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	s.must(err)
	s.tells(structure, id, provisioning.Event{Kind: provisioning.EventCounts, Counts: &provisioning.Counts{Slot: at.Add(12 * time.Hour).Unix(), N: n}})
}

// invitation is one that is open.
func (s *site) invitation(structure string) string {
	s.t.Helper()
	n, now := s.next(), time.Now().UTC()
	i := fleet.Invitation{Hash: fmt.Sprintf("%064x", n), Structure: structure, Email: fmt.Sprintf("i%d@%s.example", n, structure), Name: "Invité " + structure,
		Role: fleet.RoleDesk, By: "server", Created: now, Expires: now.Add(time.Hour)}
	s.must(s.store.AddInvitation(s.t.Context(), i))
	return i.Hash
}

// audits are the newest lines of all structures.
func (s *site) audits(n int) []fleet.Audit {
	s.t.Helper()
	lines, err := s.store.Audits(s.t.Context(), everything, 0, n)
	s.must(err)
	return lines
}
