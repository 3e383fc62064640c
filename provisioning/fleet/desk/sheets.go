package desk

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

// maxDays is the longest period of a sheet.
const maxDays = 800

// Usage counts what funders ask for.
func (d *Desk) Usage(ctx context.Context, w console.Who, a console.Ask) (console.Sheet, error) {
	pw, err := d.may(ctx, w, fleet.MayExport) // on a screen, too: who sees it can keep it
	if err != nil {
		return console.Sheet{}, err
	}
	if !validDays(a.From, a.To) {
		return console.Sheet{}, console.ErrInvalid
	}
	labels, sc, sheet, err := d.subject(ctx, pw, a)
	if err != nil {
		return console.Sheet{}, err
	}
	rows, err := d.o.Store.Usage(ctx, sc, a.From, a.To)
	if err != nil {
		return console.Sheet{}, said(err)
	}
	sheet.Rows, sheet.Total = cells(rows, a, labels)
	if d.o.Kept > 0 {
		sheet.Kept = d.o.Now().Add(-d.o.Kept)
	}
	if a.Export {
		err = d.did(ctx, pw, a.Structure, a.Kiosk, "export", "usage "+a.From+" "+a.To, true)
	}
	return sheet, err
}

func validDays(from, to string) bool {
	f, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return false
	}
	t, err := time.Parse(time.DateOnly, to)
	return err == nil && !t.Before(f) && t.Sub(f) < maxDays*24*time.Hour
}

// subject is what a sheet is about: the labels of its rows and its scope.
func (d *Desk) subject(ctx context.Context, pw people.Who, a console.Ask) (map[string]string, fleet.Scope, console.Sheet, error) {
	labels, sheet := map[string]string{}, console.Sheet{}
	if a.Structure == "" {
		if a.By != console.ByStructure {
			return nil, fleet.Scope{}, sheet, console.ErrInvalid
		}
		all, err := d.o.Store.Structures(ctx, pw.Scope())
		for _, s := range all {
			labels[s.ID] = s.Name
		}
		return labels, pw.Scope(), sheet, said(err)
	}
	s, err := d.place(ctx, pw, fleet.MaySee, a.Structure)
	if err != nil {
		return nil, fleet.Scope{}, sheet, err
	}
	sc := fleet.Scope{Structure: s.ID}
	kiosks, err := d.o.Store.Kiosks(ctx, sc)
	if err != nil {
		return nil, sc, sheet, said(err)
	}
	sheet.Name, sheet.Zone = s.Name, zone(s).String()
	labels[s.ID] = s.Name
	found := a.Kiosk == ""
	for _, k := range kiosks {
		labels[k.ID] = k.Label
		sheet.Kiosks = append(sheet.Kiosks, console.Named{ID: k.ID, Label: k.Label})
		found = found || k.ID == a.Kiosk
	}
	if !found {
		return nil, sc, sheet, d.refused(ctx, pw, string(fleet.MaySee), fleet.ErrNotFound)
	}
	return labels, sc, sheet, nil
}

// cells adds counts up to the sheet's rows and hides the small ones.
func cells(rows []fleet.Usage, a console.Ask, labels map[string]string) ([]console.Row, []console.Count) {
	type cell struct{ key, counter string }
	sum, total := map[cell]int64{}, map[string]int64{}
	for _, r := range rows {
		if a.Kiosk != "" && r.Kiosk != a.Kiosk {
			continue
		}
		sum[cell{keyOf(r, a.By), r.Counter}] += r.N
		total[r.Counter] += r.N
	}
	// The total is hidden with the rows, as one more of them: it must tell none
	// of what they hide, nor they what it hides.
	for counter, n := range total {
		sum[cell{totalKey, counter}] = n
	}
	var flat []fleet.Usage // a row of the sheet is a day there, whatever it is here
	for c, n := range sum {
		flat = append(flat, fleet.Usage{Day: c.key, Counter: c.counter, N: n})
	}
	slices.SortFunc(flat, func(x, y fleet.Usage) int { // the same is hidden each time
		return cmp.Or(strings.Compare(x.Day, y.Day), strings.Compare(x.Counter, y.Counter))
	})
	byKey := map[string][]console.Count{}
	for _, u := range fleet.Hide(flat, fleet.K) {
		byKey[u.Day] = append(byKey[u.Day], count(u))
	}
	sums := byKey[totalKey]
	delete(byKey, totalKey)
	list := make([]console.Row, 0, len(byKey))
	for key, counts := range byKey {
		list = append(list, console.Row{Key: key, Label: cmp.Or(labels[key], key), Counts: counts})
	}
	slices.SortFunc(list, func(x, y console.Row) int {
		return cmp.Or(strings.Compare(x.Label, y.Label), strings.Compare(x.Key, y.Key))
	})
	return list, sums
}

// totalKey is no day and no ID.
const totalKey = "*"

// keyOf is the row of a count.
func keyOf(u fleet.Usage, by console.By) string {
	switch by {
	case console.ByKiosk:
		return u.Kiosk
	case console.ByStructure:
		return u.Structure
	}
	return u.Day
}

func count(u fleet.Usage) console.Count {
	if u.Hidden {
		return console.Count{Counter: u.Counter, Hidden: true}
	}
	return console.Count{Counter: u.Counter, N: u.N}
}

// Audit is who did what.
func (d *Desk) Audit(ctx context.Context, w console.Who, structure string, before int64, limit int, export bool) ([]console.AuditLine, error) {
	pw, err := d.may(ctx, w, fleet.MayAudit)
	if err != nil {
		return nil, err
	}
	sc := pw.Scope()
	if structure != "" {
		s, err := d.place(ctx, pw, fleet.MayAudit, structure)
		if err != nil {
			return nil, err
		}
		sc = fleet.Scope{Structure: s.ID}
	}
	lines, err := d.o.Store.Audits(ctx, sc, before, limit)
	if err != nil {
		return nil, said(err)
	}
	kiosks, err := d.o.Store.Kiosks(ctx, sc)
	if err != nil {
		return nil, said(err)
	}
	labels := map[string]string{}
	for _, k := range kiosks {
		labels[k.ID] = k.Label
	}
	out := make([]console.AuditLine, 0, len(lines))
	for _, a := range lines {
		v := console.AuditLine{N: a.N, At: a.At, Name: a.Name, From: a.From, Kiosk: cmp.Or(labels[a.Kiosk], a.Kiosk), Action: a.Action, Detail: a.Detail, OK: a.OK}
		if a.Person == "server" {
			v.Name = ""
		}
		out = append(out, v)
	}
	if export {
		err = d.did(ctx, pw, structure, "", "export", "audit", true)
	}
	return out, err
}
