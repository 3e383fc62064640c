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
	right := fleet.MaySee
	if a.Export {
		right = fleet.MayExport
	}
	pw, err := d.may(ctx, w, right)
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
	s, err := d.o.Store.Structure(ctx, pw.Scope(), a.Structure)
	if err != nil {
		return nil, fleet.Scope{}, sheet, said(err)
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
		return nil, sc, sheet, console.ErrNotFound
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
	// The sheet's total is one more day of its own: what is small there is
	// hidden, too.
	var flat, whole []fleet.Usage
	for c, n := range sum {
		u := fleet.Usage{Day: c.key, Counter: c.counter, N: n}
		if a.By != console.ByDay { // rows of one sum, as days are
			u.Day, u.Kiosk = "", c.key
		}
		flat = append(flat, u)
	}
	for counter, n := range total {
		whole = append(whole, fleet.Usage{Counter: counter, N: n})
	}
	out := map[string]*console.Row{}
	for _, u := range fleet.Hide(flat, fleet.K) {
		key := cmp.Or(u.Day, u.Kiosk)
		r := out[key]
		if r == nil {
			r = &console.Row{Key: key, Label: cmp.Or(labels[key], key)}
			out[key] = r
		}
		r.Counts = append(r.Counts, count(u))
	}
	list := make([]console.Row, 0, len(out))
	for _, r := range out {
		slices.SortFunc(r.Counts, byCounter)
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y console.Row) int {
		return cmp.Or(strings.Compare(x.Label, y.Label), strings.Compare(x.Key, y.Key))
	})
	var sums []console.Count
	for _, u := range fleet.Hide(whole, fleet.K) {
		sums = append(sums, count(u))
	}
	slices.SortFunc(sums, byCounter)
	return list, sums
}

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

func byCounter(a, b console.Count) int { return strings.Compare(a.Counter, b.Counter) }

// Audit is who did what.
func (d *Desk) Audit(ctx context.Context, w console.Who, structure string, before int64, limit int, export bool) ([]console.AuditLine, error) {
	pw, err := d.may(ctx, w, fleet.MayAudit)
	if err != nil {
		return nil, err
	}
	sc := pw.Scope()
	if structure != "" {
		s, err := d.o.Store.Structure(ctx, sc, structure)
		if err != nil {
			return nil, said(err)
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
