package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

// structure is one that the person sees and where they have the right.
func (d *Desk) structure(ctx context.Context, w console.Who, id string, right fleet.Right) (people.Who, fleet.Structure, error) {
	pw, err := d.may(ctx, w, right)
	if err != nil {
		return pw, fleet.Structure{}, err
	}
	s, err := d.place(ctx, pw, right, id)
	return pw, s, err
}

// Settings are those of a place.
func (d *Desk) Settings(ctx context.Context, w console.Who, structure string) (console.Settings, error) {
	_, s, err := d.structure(ctx, w, structure, fleet.MaySettings)
	if err != nil {
		return console.Settings{}, err
	}
	kiosks, err := d.o.Store.Kiosks(ctx, fleet.Scope{Structure: s.ID})
	if err != nil {
		return console.Settings{}, said(err)
	}
	out := console.Settings{Name: s.Name, Current: s.Settings}
	for _, k := range kiosks {
		if k.Revoked.IsZero() && k.State.Settings < s.Settings.Revision {
			out.Waiting = append(out.Waiting, k.Label)
		}
	}
	lines, err := d.o.Store.Audits(ctx, fleet.Scope{Structure: s.ID}, 0, 500)
	if err != nil {
		return console.Settings{}, said(err)
	}
	if i := slices.IndexFunc(lines, func(a fleet.Audit) bool { return a.Action == "settings" && a.OK }); i >= 0 {
		out.By, out.At = lines[i].Name, lines[i].At.In(zone(s))
	}
	return out, nil
}

// SaveSettings replaces those of a revision, and sends them to the kiosks.
func (d *Desk) SaveSettings(ctx context.Context, w console.Who, structure string, n kiosk.Settings) (kiosk.Settings, error) {
	pw, s, err := d.structure(ctx, w, structure, fleet.MaySettings)
	if err != nil {
		return kiosk.Settings{}, err
	}
	if err := n.Check(); err != nil {
		return kiosk.Settings{}, fmt.Errorf("%w: %w", console.ErrInvalid, err)
	}
	saved, err := d.o.Store.SaveSettings(ctx, pw.Scope(), s.ID, n)
	if err != nil {
		return saved, said(err)
	}
	if err := d.did(ctx, pw, s.ID, "", "settings", fmt.Sprintf("revision %d", saved.Revision), true); err != nil {
		return saved, err
	}
	kiosks, err := d.o.Store.Kiosks(ctx, fleet.Scope{Structure: s.ID})
	if err != nil {
		return saved, said(err)
	}
	for _, k := range kiosks {
		if !k.Revoked.IsZero() {
			continue
		}
		c := provisioning.Command{Structure: s.ID, Kiosk: k.ID, Kind: provisioning.CommandSettings, Settings: &saved}
		if _, err := d.o.Engine.Command(ctx, fleet.Scope{Structure: s.ID}, pw.Person.ID, c); err != nil {
			// It gets them when it says hello with an older revision.
			d.o.Log.Warn("settings not queued", "kiosk", k.ID, "error", err)
		}
	}
	d.o.Engine.Tell(fleet.Change{Structure: s.ID, What: "settings"})
	return saved, nil
}

// version names what alert settings are, to notice that they have changed.
func version(a fleet.AlertSettings) string {
	b, err := json.Marshal(a)
	if err != nil { // texts and numbers only
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

// Alerts say whom a structure wants told.
func (d *Desk) Alerts(ctx context.Context, w console.Who, structure string) (console.Alerts, error) {
	_, s, err := d.structure(ctx, w, structure, fleet.MayAlerts)
	if err != nil {
		return console.Alerts{}, err
	}
	a := s.Alerts
	return console.Alerts{
		Name: s.Name, Emails: a.Emails, Webhook: a.Webhook, HasSecret: a.Secret != "",
		QuietFrom: a.QuietFrom, QuietTo: a.QuietTo, DigestAt: a.DigestAt, Version: version(a),
	}, nil
}

// maxEmails of one structure's alerts, as many as the console takes.
const maxEmails = 40

// SaveAlerts replaces them.
func (d *Desk) SaveAlerts(ctx context.Context, w console.Who, structure string, n console.Alerts) (secret string, err error) {
	d.alerts.Lock()
	defer d.alerts.Unlock()
	pw, s, err := d.structure(ctx, w, structure, fleet.MayAlerts)
	if err != nil {
		return "", err
	}
	if n.Version != version(s.Alerts) {
		return "", console.ErrConflict
	}
	if !validAlerts(n) {
		return "", console.ErrInvalid
	}
	a := s.Alerts
	a.Emails, a.Webhook = n.Emails, n.Webhook
	a.QuietFrom, a.QuietTo, a.DigestAt = n.QuietFrom, n.QuietTo, n.DigestAt
	switch {
	case a.Webhook == "":
		a.Secret = ""
	case n.NewSecret || a.Secret == "":
		b := make([]byte, 32)
		rand.Read(b)
		secret = base64.RawURLEncoding.EncodeToString(b)
		a.Secret = secret
	}
	if err := d.o.Store.SaveAlerts(ctx, pw.Scope(), s.ID, a); err != nil {
		return "", said(err)
	}
	return secret, d.did(ctx, pw, s.ID, "", "alerts", "", true)
}

func validAlerts(a console.Alerts) bool {
	if len(a.Emails) > maxEmails || !minute(a.QuietFrom) || !minute(a.QuietTo) || a.DigestAt >= 24*60 {
		return false
	}
	for _, e := range a.Emails {
		if p, err := mail.ParseAddress(e); err != nil || p.Address != e {
			return false
		}
	}
	if a.Webhook == "" {
		return true
	}
	u, err := url.Parse(a.Webhook)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(a.Webhook) <= 500
}

func minute(m int) bool { return m >= 0 && m < 24*60 }

// TryAlerts sends a message that says that it is only a try.
func (d *Desk) TryAlerts(ctx context.Context, w console.Who, structure string) error {
	pw, s, err := d.structure(ctx, w, structure, fleet.MayAlerts)
	if err != nil {
		return err
	}
	if d.o.Try == nil {
		return console.ErrInvalid
	}
	err = d.o.Try(ctx, s.ID)
	return errors.Join(err, d.did(ctx, pw, s.ID, "", "alerts/try", "", err == nil))
}

// AddStructure adds a host.
func (d *Desk) AddStructure(ctx context.Context, w console.Who, name, siret string) (string, error) {
	pw, err := d.may(ctx, w, fleet.MayStructure)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(name) == "" || kiosk.CheckLine(name) != nil || siret != "" && !validSIRET(siret) {
		return "", console.ErrInvalid
	}
	base := Slug(name)
	s := fleet.Structure{ID: base, Name: name, SIRET: siret, Created: d.o.Now().UTC(),
		Settings: kiosk.Settings{Place: kiosk.Place{Name: name}}, Alerts: fleet.AlertSettings{DigestAt: -1}}
	for n := 2; ; n++ {
		err := d.o.Store.AddStructure(ctx, s)
		if err == nil {
			return s.ID, d.did(ctx, pw, s.ID, "", "structure", "", true)
		}
		if !errors.Is(err, fleet.ErrExists) || n > 99 {
			return "", said(err)
		}
		s.ID = fmt.Sprintf("%s-%d", base, n)
	}
}

// Slug is a name as an ID: provisioning.ValidID with room for a number.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(strings.NewReplacer("œ", "oe", "æ", "ae", "Œ", "oe", "Æ", "ae").Replace(name))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '\'' || r == '’' || r == '.' || r == '/':
			if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
				b.WriteByte('-')
			}
		}
	}
	s := b.String()
	s = strings.Trim(s[:min(len(s), 36)], "-")
	if s == "" {
		return "structure"
	}
	return s
}

// validSIRET checks the 14 digits and their sum (Luhn), with La Poste's
// exception, whose digits add up to a multiple of 5.
func validSIRET(s string) bool {
	if len(s) != 14 || strings.Trim(s, "0123456789") != "" {
		return false
	}
	luhn, plain := 0, 0
	for i, c := range s {
		n := int(c - '0')
		plain += n
		if i%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		luhn += n
	}
	return luhn%10 == 0 || strings.HasPrefix(s, "356000000") && plain%5 == 0
}
