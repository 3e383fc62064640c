package console_test

import (
	"context"
	"slices"
	"strconv"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/console"
)

func (f *fleet) Usage(_ context.Context, who console.Who, a console.Ask) (console.Sheet, error) {
	if err := sees(who, a.Structure, console.MayExport); err != nil && a.By != console.ByStructure {
		return console.Sheet{}, err
	}
	s := console.Sheet{Name: "Centre social des Tilleuls" + f.label, Kiosks: []console.Named{{ID: "h1", Label: "Hall d’accueil" + f.label}, {ID: "h2", Label: "Premier étage"}}}
	if a.From < "2026-01-01" {
		return s, nil
	}
	counts := func(n int64) []console.Count {
		return []console.Count{
			{Counter: "visits", N: n}, {Counter: "pages", N: n * 4}, {Counter: "documents", N: n * 2}, {Counter: "printed", N: n / 2}, {Counter: "help", N: n / 16},
			{Counter: "paper/identity", N: n}, {Counter: "paper/tax_notice", N: n / 2}, {Counter: "paper/rib", Hidden: true},
			{Counter: "opened/caf", N: n}, {Counter: "attached/caf", N: n / 2}, {Counter: "end/delivered", N: n - 6}, {Counter: "end/idle", N: 6},
			{Counter: "language/fr", N: n - 20}, {Counter: "language/ar", N: 15}, {Counter: "language/en", Hidden: true}, {Counter: "fault/paper_empty", N: 7},
		}
	}
	s.Total = counts(1312)
	for day := range 21 {
		if day%7 != 6 && day%7 != 5 {
			s.Rows = append(s.Rows, console.Row{Key: "2026-11-" + twoDigits(day+2), Counts: counts(int64(40 + day*7%31))})
		}
	}
	if a.By != console.ByDay {
		s.Rows = []console.Row{{Key: "h1", Label: "Hall d’accueil" + f.label, Counts: counts(800)}, {Key: "h2", Label: "=Premier étage", Counts: counts(512)}}
	}
	f.note("usage " + a.Structure + " " + a.Kiosk + " " + a.From + " " + a.To + " " + string(a.By) + " " + strconv.FormatBool(a.Export))
	return s, nil
}

func twoDigits(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }

func (f *fleet) Settings(_ context.Context, who console.Who, structure string) (console.Settings, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return console.Settings{Name: "Centre social des Tilleuls", Current: f.settings, By: "Samia" + f.label, At: now.Add(-time.Hour), Waiting: []string{"Médiathèque"}}, sees(who, structure, console.MaySettings)
}

func (f *fleet) SaveSettings(_ context.Context, who console.Who, structure string, s kiosk.Settings) (kiosk.Settings, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := sees(who, structure, console.MaySettings); err != nil {
		return s, err
	}
	if s.Revision != f.settings.Revision {
		return s, console.ErrConflict
	}
	s.Revision++
	f.settings = s
	f.done = append(f.done, "settings")
	return s, nil
}

func (f *fleet) Alerts(_ context.Context, who console.Who, structure string) (console.Alerts, error) {
	return f.alerts, sees(who, structure, console.MayAlerts)
}

func (f *fleet) SaveAlerts(_ context.Context, who console.Who, structure string, a console.Alerts) (string, error) {
	if err := sees(who, structure, console.MayAlerts); err != nil {
		return "", err
	}
	if a.Version != "v1" {
		return "", console.ErrConflict
	}
	f.alerts = a
	f.alerts.Version = "v1"
	f.note("alerts")
	if a.NewSecret {
		return "s3cr3t-de-signature", nil
	}
	return "", nil
}

func (f *fleet) TryAlerts(_ context.Context, who console.Who, structure string) error {
	if err := sees(who, structure, console.MayAlerts); err != nil {
		return err
	}
	f.note("try")
	return nil
}

func (f *fleet) AddStructure(_ context.Context, who console.Who, name, siret string) (string, error) {
	if !who.May(console.MayStructure) {
		return "", console.ErrForbidden
	}
	f.note("structure " + name + " " + siret)
	return "neuve", nil
}

func (f *fleet) People(_ context.Context, who console.Who, structure string) (console.Team, error) {
	return console.Team{
		Name: "Centre social des Tilleuls", Mail: true, Roles: []console.Role{console.RoleDesk, console.RoleReferent, console.RoleTechnician, console.RoleAdmin},
		People: []console.Person{
			{ID: "p1", Name: "Samia Benali", Email: "samia@exemple.fr", Role: console.RoleAdmin, Confirmed: true, Self: true},
			{ID: "p2", Name: "Paul Durand" + f.label, Email: "paul@exemple.fr", Role: console.RoleDesk, Confirmed: true},
			{ID: "p3", Name: "Inès Martin", Email: "ines.martin-de-la-fontaine@mediatheque.exemple.fr", Role: console.RoleReferent, Confirmed: true, Disabled: true},
			{ID: "p4", Name: "Luc Petit", Email: "luc@exemple.fr", Role: console.RoleDesk},
		},
		Invited: []console.Invitation{{ID: "i1", Name: "Zoé Roux", Email: "zoe@exemple.fr", Role: console.RoleDesk, Expires: now.AddDate(0, 0, 3)}},
	}, sees(who, structure, console.MayPeople)
}

func (f *fleet) person(who console.Who, id, what string) error {
	if !slices.Contains([]string{"p1", "p2", "p3", "p4", "i1"}, id) {
		return console.ErrNotFound
	}
	if !who.May(console.MayPeople) {
		return console.ErrForbidden
	}
	if id == "p1" {
		return console.ErrInvalid
	}
	f.note(what + " " + id)
	return nil
}

func (f *fleet) Invite(_ context.Context, who console.Who, structure string, i console.Invite) (console.Invited, error) {
	if err := sees(who, structure, console.MayPeople); err != nil {
		return console.Invited{}, err
	}
	if i.Email == "paul@exemple.fr" {
		return console.Invited{}, console.ErrConflict
	}
	f.note("invite " + i.Name + " " + i.Email + " " + string(i.Role) + " " + strconv.FormatBool(i.Password))
	return console.Invited{Email: i.Email, Link: "https://bornes.exemple.fr/join/JETON"}, nil
}

func (f *fleet) Reinvite(_ context.Context, who console.Who, id string) (console.Invited, error) {
	return console.Invited{Email: "paul@exemple.fr"}, f.person(who, id, "reinvite")
}

func (f *fleet) Withdraw(_ context.Context, who console.Who, id string) error {
	return f.person(who, id, "withdraw")
}

func (f *fleet) SetRole(_ context.Context, who console.Who, id string, r console.Role) error {
	return f.person(who, id, "role "+string(r))
}

func (f *fleet) Disable(_ context.Context, who console.Who, id string, disabled bool) error {
	return f.person(who, id, "disable "+strconv.FormatBool(disabled))
}

func (f *fleet) Confirm(_ context.Context, who console.Who, id string) error {
	return f.person(who, id, "confirm")
}

func (f *fleet) Codes(_ context.Context, who console.Who, structure string) ([]console.Code, error) {
	return []console.Code{
		{ID: "k1", Label: "Hall" + f.label, By: "Samia", Created: now.Add(-time.Hour), Expires: now.Add(71 * time.Hour)},
		{ID: "k2", Label: "Étage", Replaces: "Premier étage", By: "Samia", Created: now.AddDate(0, 0, -5), Expires: now.AddDate(0, 0, -2)},
		{ID: "k3", Label: "Annexe", By: "Samia", Created: now.AddDate(0, -3, 0), Expires: now.AddDate(0, -3, 3), Used: now.AddDate(0, -3, 1)},
	}, sees(who, structure, console.MayCode)
}

func (f *fleet) NewCode(_ context.Context, who console.Who, structure, label, replaces string) (console.NewCode, error) {
	if err := sees(who, structure, console.MayCode); err != nil {
		return console.NewCode{}, err
	}
	f.note("code " + label + " " + replaces)
	return console.NewCode{Code: console.Code{Label: label, Expires: now.Add(72 * time.Hour)}, Text: "QRTV-6YYE-63PX"}, nil
}

func (f *fleet) Audit(_ context.Context, who console.Who, structure string, before int64, limit int, export bool) ([]console.AuditLine, error) {
	if err := sees(who, structure, console.MayAudit); err != nil {
		return nil, err
	}
	var out []console.AuditLine
	first := int64(620)
	if before > 0 {
		first = before - 1
	}
	for n := first; n > 0 && len(out) < limit; n-- {
		a := console.AuditLine{N: n, At: now.Add(-time.Duration(620-n) * time.Hour), Name: "Samia Benali" + f.label, From: "192.0.2.7", Kiosk: "Hall d’accueil", Action: []string{"command/reboot", "login", "export", "other"}[n%4], Detail: "done", OK: n%7 != 0}
		out = append(out, a)
	}
	return out, nil
}
