package console_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/ui/console"
	"pointnum/ui/safeweb"
)

// now is a Monday morning in Paris.
var now = time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC)

// nasty is what somebody wrote to get out of a page, a header or a cell.
const nasty = `"><script>window.hacked=1</script><img src=x onerror=hacked=1>'` + "`{{.}}${1}"

// fleet is two structures that remember what they were asked for. People of
// "tilleuls" see kiosks h1 to h7 and nothing else.
type fleet struct {
	mu       sync.Mutex
	done     []string
	cards    []console.Card
	settings kiosk.Settings
	alerts   console.Alerts
	changes  map[chan struct{}]bool
	stale    bool // sensitive actions want a proof
	label    string
	empty    bool
	pilot    bool
	board    console.UpdateBoard
}

func newFleet() *fleet {
	return &fleet{changes: map[chan struct{}]bool{}, cards: cards(), board: board(), settings: settings(), alerts: console.Alerts{
		Emails: []string{"accueil@exemple.fr"}, Webhook: "https://si.exemple.fr/alertes", HasSecret: true, QuietFrom: 20 * 60, QuietTo: 7 * 60, DigestAt: 8 * 60, Version: "v1",
	}}
}

func cards() []console.Card {
	return []console.Card{
		{ID: "h1", Number: "42-17", Structure: "tilleuls", Label: "Hall d’accueil", Use: console.UseBusy, Version: "1.4.0", Update: &console.Update{Version: "1.4.0", Wanted: "2.0.0", Phase: console.UpdateReturned, Code: "update_unhealthy"}, Call: &console.Call{ID: "c1", Since: now.Add(-2 * time.Minute)}},
		{ID: "h2", Number: "42-18", Structure: "tilleuls", Label: "Premier étage", Use: console.UseFree, Troubles: []console.Trouble{
			{Name: "device/p", Kind: kiosk.KindPrinter, Code: kiosk.CodePaperEmpty, Since: now.Add(-time.Hour)}}},
		{ID: "h3", Number: "42-19", Structure: "tilleuls", Label: "Médiathèque", Use: console.UseOff, Since: now.Add(-89 * time.Minute)},
		{ID: "h4", Number: "42-20", Structure: "tilleuls", Label: "Salle des démarches", Use: console.UseFree, Unused: now.AddDate(0, 0, -5), Version: "1.4.0", Update: &console.Update{Version: "1.4.0", Wanted: "2.0.0", Phase: console.UpdateWaiting, Percent: 100}},
		{ID: "h5", Number: "42-21", Structure: "tilleuls", Label: "Annexe", Use: console.UsePaused, Paused: "Cette borne est en réparation.", Message: "Nous fermons à midi."},
		{ID: "h6", Number: "42-22", Structure: "tilleuls", Label: "Mairie", Use: console.UseFree, Troubles: []console.Trouble{
			{Name: "device/s", Kind: kiosk.KindScanner, Code: kiosk.CodePaperJam, Since: now.Add(-time.Hour), Checking: true},
			{Name: "device/r", Kind: kiosk.KindReceipt, Code: kiosk.CodePaperLow, Since: now.Add(-time.Hour)}}},
		{ID: "h7", Number: "42-23", Structure: "tilleuls", Label: "Maison de quartier", Use: console.UseFree},
	}
}

func settings() kiosk.Settings {
	s := kiosk.Settings{
		Revision:   4,
		Place:      kiosk.Place{Name: "Centre social des Tilleuls", Address: []string{"12 rue des Écoles", "59000 Lille"}, Phone: "03 20 00 00 00", Hours: []string{"du lundi au vendredi, 9 h – 17 h"}},
		Quota:      kiosk.Quota{Sides: 20},
		Contacts:   []kiosk.Contact{{Name: "Accueil", Phone: "03 20 00 00 00", What: "toutes les démarches"}},
		Checklists: []kiosk.Checklist{{Title: "Demande de RSA", Items: []string{"Pièce d’identité", "RIB"}}},
	}
	for day := time.Monday; day <= time.Friday; day++ {
		s.Opening = append(s.Opening, kiosk.Opening{Day: day, From: 9 * 60, To: 12 * 60}, kiosk.Opening{Day: day, From: 13*60 + 30, To: 17 * 60})
	}
	return s
}

func (f *fleet) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, what)
}

func (f *fleet) doings() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.done)
}

// tell says that something has changed.
func (f *fleet) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.changes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// sees is the check that every method makes.
func sees(who console.Who, structure string, right console.Right) error {
	if structure != "tilleuls" && who.Structure != "" {
		return console.ErrNotFound
	}
	if !who.May(right) {
		return console.ErrForbidden
	}
	return nil
}

func (f *fleet) card(who console.Who, id string, right console.Right) (*console.Card, error) {
	for i := range f.cards {
		if f.cards[i].ID == id {
			return &f.cards[i], sees(who, f.cards[i].Structure, right)
		}
	}
	return nil, console.ErrNotFound
}

func (f *fleet) Structures(_ context.Context, who console.Who, find, _ string, _ int) ([]console.Structure, error) {
	if find == "rien" {
		return nil, nil
	}
	return []console.Structure{
		{ID: "tilleuls", Name: "Centre social des Tilleuls", Kiosks: 7, Calls: 1}, {ID: "mairie", Name: "Mairie de Roubaix", Kiosks: 3, Troubles: 2},
		{ID: "ccas", Name: "CCAS de Tourcoing", Kiosks: 4}, {ID: "neuve", Name: "Maison " + f.label, Kiosks: 0},
	}, nil
}

func (f *fleet) Home(_ context.Context, who console.Who, structure string) (console.Home, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := sees(who, structure, console.MaySee); err != nil {
		return console.Home{}, err
	}
	h := console.Home{Structure: console.Structure{ID: structure, Name: "Centre social des Tilleuls" + f.label}}
	if !f.empty {
		h.Cards = slices.Clone(f.cards)
	}
	return h, nil
}

func (f *fleet) Kiosk(_ context.Context, who console.Who, id string) (console.Detail, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.card(who, id, console.MaySee)
	if err != nil {
		return console.Detail{}, err
	}
	wiped := true
	return console.Detail{
		Card: *c, StructureName: "Centre social des Tilleuls", Pilot: f.pilot, Enrolled: now.AddDate(0, -3, 0), SettingsSent: true, Wiped: &wiped,
		Refused: []string{"pub.exemple.com"},
		Commands: []console.Command{
			{ID: "o3", Kind: console.OrderReboot, By: "Samia", At: now.Add(-time.Minute), Status: console.StatusWaiting},
			{ID: "o2", Kind: console.OrderMessage, Text: "Nous fermons à midi." + f.label, By: "Samia" + f.label, At: now.Add(-time.Hour), Status: console.StatusDone},
			{ID: "o1", Kind: console.OrderSelfTest, By: "", At: now.AddDate(0, 0, -1), Status: console.StatusFailed, Code: kiosk.CodePaperEmpty},
		},
	}, nil
}

func (f *fleet) Changes(ctx context.Context, who console.Who) (<-chan struct{}, error) {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes[c] = true
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.changes, c)
		close(c)
	})
	return c, nil
}

func (f *fleet) TakeCall(_ context.Context, who console.Who, id, call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.card(who, id, console.MayHelp)
	if err != nil {
		return err
	}
	if c.Call == nil || c.Call.ID != call || c.Call.Taken != "" && c.Call.Taken != who.Name {
		return console.ErrConflict
	}
	f.done = append(f.done, "take "+id+" "+call)
	c.Call = &console.Call{ID: call, Since: c.Call.Since, Taken: who.Name}
	return nil
}

func (f *fleet) EndCall(_ context.Context, who console.Who, id, call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.card(who, id, console.MayHelp)
	if err != nil {
		return err
	}
	f.done = append(f.done, "end "+id+" "+call)
	c.Call = nil
	return nil
}

// orderRights are what a server maps.
var orderRights = map[console.OrderKind]console.Right{
	console.OrderFixed: console.MayHelp, console.OrderMessage: console.MayMessage, console.OrderPause: console.MayPause, console.OrderResume: console.MayPause,
	console.OrderRestart: console.MayRestart, console.OrderReboot: console.MayRestart, console.OrderSelfTest: console.MayTest,
}

func (f *fleet) Order(_ context.Context, who console.Who, id string, o console.Order) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.card(who, id, orderRights[o.Kind]); err != nil {
		return err
	}
	if f.stale && (o.Kind == console.OrderReboot || o.Kind == console.OrderRestart) && who.Proved.IsZero() {
		return console.ErrStale
	}
	what := "order " + id + " " + string(o.Kind)
	if o.Text != "" {
		what += " " + o.Text
	}
	if !o.Until.IsZero() {
		what += " until " + o.Until.UTC().Format(time.RFC3339)
	}
	f.done = append(f.done, what)
	return nil
}

func (f *fleet) Rename(_ context.Context, who console.Who, id, label string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.card(who, id, console.MayRename)
	if err == nil {
		c.Label = label
		f.done = append(f.done, "rename "+id+" "+label)
	}
	return err
}

func (f *fleet) Revoke(_ context.Context, who console.Who, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.card(who, id, console.MayRevoke); err != nil {
		return err
	}
	f.done = append(f.done, "revoke "+id)
	return nil
}

// logins is a few people whose token is their name.
type logins struct {
	mu       sync.Mutex
	sessions map[string]console.Who
	ended    []string
	next     int
	webauthn *authenticators
	joining  console.Joining
	leave    string // where the provider wants people to go at logout
}

var allRights = []console.Right{
	console.MaySee, console.MayHelp, console.MayMessage, console.MayPause, console.MayRestart, console.MayExport, console.MaySettings, console.MayTest,
	console.MayRename, console.MayCode, console.MayRevoke, console.MayPeople, console.MayAudit, console.MayAlerts,
}

func newLogins() *logins {
	return &logins{
		joining: console.Joining{Name: "Zoé Roux", Email: "zoe@exemple.fr", Structure: "Centre social des Tilleuls", Role: console.RoleDesk, Password: true},
		sessions: map[string]console.Who{
			"samia": {Person: "p1", Name: "Samia Benali", Role: console.RoleAdmin, Structure: "tilleuls", Rights: allRights, Session: "s1"},
			"paul":  {Person: "p2", Name: "Paul Durand", Role: console.RoleDesk, Structure: "tilleuls", Rights: []console.Right{console.MaySee, console.MayHelp, console.MayMessage}, Session: "s2"},
			"fleet": {Person: "p9", Name: "Ada", Role: console.RoleFleet, Rights: append(slices.Clone(allRights), console.MayStructure, console.MayUpdate), Session: "s9"},
			"only":  {Person: "p5", Name: "Zoé Roux", Role: console.RoleDesk, Structure: "tilleuls", Only: true, Session: "s5"},
			"pass":  {Person: "p6", Name: "Max", Role: console.RoleAdmin, Structure: "tilleuls", Rights: allRights, Password: true, Session: "s6"},
		},
	}
}

var errBroken = errors.New("the database is gone")

func (l *logins) Ways() console.Ways { return console.Ways{Password: true, Provider: "ProConnect"} }

func (l *logins) Who(_ context.Context, token, from string) (console.Who, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if token == "broken" {
		return console.Who{}, errBroken
	}
	who, ok := l.sessions[token]
	if !ok {
		return console.Who{}, console.ErrRefused
	}
	return who, nil
}

func (l *logins) Logout(_ context.Context, token string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, token)
	l.ended = append(l.ended, token)
	return l.leave, nil
}

// enter makes a session of a new token.
func (l *logins) enter(who console.Who) console.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	token := "new" + strconv.Itoa(l.next)
	l.sessions[token] = who
	return console.Entry{Token: token, Expires: now.Add(8 * time.Hour)}
}

// options for kiosks' support.
var support = kiosk.Contact{Name: "Assistance des bornes", Phone: "09 70 00 00 00", What: "du lundi au vendredi, 8 h – 18 h"}

// names are for pages that are open at once: cookies do not know ports.
var names = []string{"fr1280.localhost", "en390.localhost", "fr320.localhost", "en640.localhost", "fr390.localhost", "en1280.localhost"}

// serve starts a console on a free port of this machine.
func serve(t testing.TB, f *fleet, l *logins) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := safeweb.Hosts(listener.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		hosts = append(hosts, net.JoinHostPort(name, port))
	}
	if l.webauthn == nil {
		l.webauthn = newAuthenticators(t, port)
	}
	s, err := console.New(console.Options{Fleet: f, Logins: l, Catalogue: portal.Default(), Hosts: hosts, Support: support, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	srv := safeweb.Server(s.Handler(), nil)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	t.Cleanup(func() {
		s.Close()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}
