package desk

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

const (
	// unusedAfter is how many days without a visit are worth a word.
	unusedAfter = 3
	// unusedLook is how far back the last visit is looked for.
	unusedLook = 60
	// lately is how long a call is shown of a kiosk that is not heard any more.
	lately = 30 * time.Minute
	// remembered is how many commands of a kiosk are looked at.
	remembered = 30
)

// Structures lists those that the person sees.
func (d *Desk) Structures(ctx context.Context, w console.Who, find, after string, limit int) ([]console.Structure, error) {
	pw, err := d.may(ctx, w, fleet.MaySee)
	if err != nil {
		return nil, err
	}
	all, err := d.o.Store.Structures(ctx, pw.Scope())
	if err != nil {
		return nil, said(err)
	}
	slices.SortFunc(all, func(a, b fleet.Structure) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	if i := slices.IndexFunc(all, func(s fleet.Structure) bool { return s.ID == after }); after != "" && i >= 0 {
		all = all[i+1:]
	}
	find = strings.ToLower(find)
	var out []console.Structure
	for _, s := range all {
		if len(out) == limit {
			break
		}
		if !strings.Contains(strings.ToLower(s.Name), find) {
			continue
		}
		home, err := d.home(ctx, pw, s, false)
		if err != nil {
			return nil, err
		}
		out = append(out, home.Structure)
	}
	return out, nil
}

// Home is the first page of a structure.
func (d *Desk) Home(ctx context.Context, w console.Who, structure string) (console.Home, error) {
	pw, err := d.may(ctx, w, fleet.MaySee)
	if err != nil {
		return console.Home{}, err
	}
	s, err := d.place(ctx, pw, fleet.MaySee, structure)
	if err != nil {
		return console.Home{}, err
	}
	return d.home(ctx, pw, s, true)
}

// home gathers a structure's cards; whole says that they are shown.
func (d *Desk) home(ctx context.Context, pw people.Who, s fleet.Structure, whole bool) (console.Home, error) {
	sc := fleet.Scope{Structure: s.ID}
	kiosks, err := d.o.Store.Kiosks(ctx, sc)
	if err != nil {
		return console.Home{}, said(err)
	}
	used := map[string]time.Time{}
	if whole {
		if used, err = d.lastUsed(ctx, s); err != nil {
			return console.Home{}, err
		}
	}
	h := console.Home{Structure: console.Structure{ID: s.ID, Name: s.Name}}
	for _, k := range kiosks {
		if !k.Revoked.IsZero() {
			continue
		}
		var commands []fleet.Queued
		if whole {
			if commands, err = d.o.Store.Commands(ctx, sc, k.ID, remembered); err != nil {
				return console.Home{}, said(err)
			}
		}
		c := d.card(ctx, pw, s, k, commands, used[k.ID])
		h.Structure.Kiosks++
		if worry(c) > 0 {
			h.Structure.Troubles++
		}
		if c.Call != nil {
			h.Structure.Calls++
		}
		h.Cards = append(h.Cards, c)
	}
	slices.SortStableFunc(h.Cards, func(a, b console.Card) int {
		return cmp.Or(-cmp.Compare(worry(a), worry(b)), strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)))
	})
	return h, nil
}

// worry says how much a kiosk wants somebody.
func worry(c console.Card) int {
	switch {
	case c.Call != nil && c.Call.Taken == "":
		return 4
	case c.Call != nil:
		return 3
	case c.Use == console.UseBroken || c.Use == console.UseOff || c.Copied:
		return 2
	case len(c.Troubles) > 0:
		return 1
	}
	return 0
}

// Kiosk is all that is known of one.
func (d *Desk) Kiosk(ctx context.Context, w console.Who, id string) (console.Detail, error) {
	pw, err := d.may(ctx, w, fleet.MaySee)
	if err != nil {
		return console.Detail{}, err
	}
	k, s, err := d.kiosk(ctx, pw, id)
	if err != nil {
		return console.Detail{}, err
	}
	commands, err := d.o.Store.Commands(ctx, pw.Scope(), id, remembered)
	if err != nil {
		return console.Detail{}, said(err)
	}
	used, err := d.lastUsed(ctx, s)
	if err != nil {
		return console.Detail{}, err
	}
	out := console.Detail{
		Card: d.card(ctx, pw, s, k, commands, used[id]), StructureName: s.Name, Pilot: k.Pilot, Enrolled: k.Enrolled, Revoked: k.Revoked,
		SettingsSent: k.State.Settings >= s.Settings.Revision,
	}
	if k.State.Wiped != nil {
		out.Wiped = &k.State.Wiped.OK
	}
	if pw.Person.Role.May(fleet.MayTest) {
		out.Refused = k.State.Refused
	}
	for _, q := range commands {
		kind, text := orderOf(q.Command.Kind), q.Command.Text
		if u := q.Command.Update; u != nil {
			if text = u.Version; text == "" {
				kind = console.OrderNoUpdate
			}
		}
		out.Commands = append(out.Commands, console.Command{
			ID: q.Command.ID, Kind: kind, Text: text, By: d.nameOf(ctx, q.By),
			At: time.Unix(q.Command.Issued, 0), Status: console.Status(q.Status), Code: q.Code,
		})
	}
	return out, nil
}

// kiosk is one that the person sees, with its structure.
func (d *Desk) kiosk(ctx context.Context, pw people.Who, id string) (fleet.Kiosk, fleet.Structure, error) {
	k, err := d.borne(ctx, pw, fleet.MaySee, id)
	if err != nil {
		return k, fleet.Structure{}, err
	}
	s, err := d.o.Store.Structure(ctx, pw.Scope(), k.Structure)
	return k, s, said(err)
}

// Changes wakes a page up when something that the person sees has changed.
func (d *Desk) Changes(ctx context.Context, w console.Who) (<-chan struct{}, error) {
	pw, err := d.may(ctx, w, fleet.MaySee)
	if err != nil {
		return nil, err
	}
	from, to := d.o.Engine.Changes(ctx, pw.Scope()), make(chan struct{}, 1)
	go func() { // ends with ctx, which closes from
		defer close(to)
		for range from {
			select {
			case to <- struct{}{}:
			default: // one is waiting to be read
			}
		}
	}()
	return to, nil
}

// card is one kiosk in short.
func (d *Desk) card(ctx context.Context, pw people.Who, s fleet.Structure, k fleet.Kiosk, commands []fleet.Queued, used time.Time) console.Card {
	p := d.o.Engine.Presence(k.ID)
	c := console.Card{
		ID: k.ID, Number: number(k.ID), Structure: k.Structure, Label: k.Label,
		Message: k.State.Message, Paused: k.State.Paused, Copied: !k.Copied.IsZero(),
		Version: versionOf(k), Update: updateOf(k),
	}
	switch {
	case p.Online:
		c.Use = console.Use(p.Use)
	case k.Seen.IsZero() && k.StateAt.IsZero():
		c.Use = console.UseNew
	default:
		c.Use, c.Since = console.UseOff, p.Since
		if c.Since.IsZero() {
			c.Since = k.Seen
		}
	}
	if at := k.State.Help; at != 0 && (p.Online || d.o.Now().Sub(k.StateAt) < lately) {
		c.Call = &console.Call{ID: strconv.FormatInt(at, 10), Since: time.UnixMicro(at)}
		if i := slices.IndexFunc(commands, func(q fleet.Queued) bool { return q.Command.ID == takeID(k.ID, c.Call.ID) }); i >= 0 {
			c.Call.Mine = commands[i].By == pw.Person.ID
			c.Call.Taken = cmp.Or(d.nameOf(ctx, commands[i].By), "?")
		} else if k.State.Taken {
			c.Call.Taken = "?"
		}
	}
	if p.Online {
		c.Troubles = troubles(k, commands)
	}
	for _, u := range k.State.Supplies {
		c.Supplies = append(c.Supplies, console.Supply{Kind: u.Kind, Name: u.Name, Percent: u.Percent})
	}
	last := used
	if last.IsZero() {
		last = k.Enrolled
	}
	if p.Online && p.Use == provisioning.UseFree && d.idleDays(s, last) >= unusedAfter {
		c.Unused = last
	}
	return c
}

// troubles are a kiosk's conditions, those that stop it first.
func troubles(k fleet.Kiosk, commands []fleet.Queued) []console.Trouble {
	checking := slices.ContainsFunc(commands, func(q fleet.Queued) bool {
		return q.Command.Kind == provisioning.CommandRecheck && !q.Status.Ended()
	})
	var out []console.Trouble
	for _, c := range k.State.Conditions {
		out = append(out, console.Trouble{Name: c.Name, Kind: c.Kind, Code: c.Code, Since: time.UnixMicro(c.Since), Checking: checking})
	}
	slices.SortStableFunc(out, func(a, b console.Trouble) int { return cmp.Compare(mild(a.Code), mild(b.Code)) })
	return out
}

// mild says that a condition lets the kiosk work on.
func mild(c kiosk.Code) int {
	if c == kiosk.CodePaperLow || c == kiosk.CodeMarkerLow {
		return 1
	}
	return 0
}

// lastUsed is the last day with a visit, by kiosk.
func (d *Desk) lastUsed(ctx context.Context, s fleet.Structure) (map[string]time.Time, error) {
	now := d.o.Now()
	rows, err := d.o.Store.Usage(ctx, fleet.Scope{Structure: s.ID}, now.AddDate(0, 0, -unusedLook).Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly))
	if err != nil {
		return nil, said(err)
	}
	last := map[string]time.Time{}
	for _, r := range rows {
		if r.Counter != provisioning.CountVisits || r.N == 0 {
			continue
		}
		if day, err := time.ParseInLocation(time.DateOnly, r.Day, zone(s)); err == nil && day.After(last[r.Kiosk]) {
			last[r.Kiosk] = day
		}
	}
	return last, nil
}

// idleDays is how many days on which the place was open have gone by since a
// day, today not counted.
func (d *Desk) idleDays(s fleet.Structure, since time.Time) int {
	n, today := 0, d.o.Now().In(zone(s))
	for day := since.In(zone(s)).AddDate(0, 0, 1); day.Before(today.AddDate(0, 0, -1)) && n < unusedAfter; day = day.AddDate(0, 0, 1) {
		if openOn(s.Settings, day.Weekday()) {
			n++
		}
	}
	return n
}

func openOn(s kiosk.Settings, day time.Weekday) bool {
	if len(s.Opening) == 0 {
		return day != time.Sunday
	}
	return slices.ContainsFunc(s.Opening, func(o kiosk.Opening) bool { return o.Day == day })
}

// zone is a structure's; Paris where it says none that is known.
func zone(s fleet.Structure) *time.Location {
	for _, name := range []string{s.Alerts.Zone, "Europe/Paris"} {
		if l, err := time.LoadLocation(name); err == nil && name != "" {
			return l
		}
	}
	return time.UTC
}

// number is a kiosk's ID as it is read out: eight letters and digits.
func number(id string) string {
	s := strings.ToUpper(strings.TrimPrefix(id, "k"))
	if len(s) < 8 {
		return s
	}
	return s[:4] + "-" + s[4:8]
}

// nameOf is a person's name; "" for the server and for those who are gone.
func (d *Desk) nameOf(ctx context.Context, person string) string {
	if person == "" {
		return ""
	}
	p, err := d.o.Store.Person(ctx, person)
	if err != nil {
		return ""
	}
	return p.Name
}
