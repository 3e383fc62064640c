package desk_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pointnum/provisioning/fleet"
	"pointnum/ui/console"
)

// sheet is a November of a structure.
func (s *site) sheet(w console.Who, structure string, by console.By) console.Sheet {
	s.t.Helper()
	out, err := s.desk.Usage(s.t.Context(), w, console.Ask{Structure: structure, From: "2026-11-01", To: "2026-11-30", By: by, Export: true})
	s.must(err)
	return out
}

// shown are a sheet's rows as text, "?" for what is hidden.
func shown(counts []console.Count) string {
	var out []string
	for _, c := range counts {
		if c.Hidden {
			out = append(out, c.Counter+"=?")
		} else {
			out = append(out, fmt.Sprintf("%s=%d", c.Counter, c.N))
		}
	}
	return strings.Join(out, " ")
}

func TestSheetsCountAndHideFewPeople(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleReferent)
	hall, _ := s.kiosk(mairie, "Hall")
	salle, _ := s.kiosk(mairie, "Salle")
	s.counts(mairie, hall, "2026-11-02", map[string]int64{"visits": 17, "language/fr": 9, "language/ar": 6, "language/en": 2})
	s.counts(mairie, salle, "2026-11-03", map[string]int64{"visits": 13, "language/fr": 7, "language/ar": 6})
	for by, want := range map[console.By][]string{
		console.ByDay:   {"2026-11-02: language/ar=? language/en=? language/fr=9 visits=17", "2026-11-03: language/ar=6 language/fr=7 visits=13"},
		console.ByKiosk: {"Hall: language/ar=? language/en=? language/fr=9 visits=17", "Salle: language/ar=6 language/fr=7 visits=13"},
	} {
		sheet := s.sheet(w, mairie, by)
		if got := shown(sheet.Total); got != "language/ar=? language/en=? language/fr=16 visits=30" {
			t.Errorf("by %s in all: %s", by, got)
		}
		for i, r := range sheet.Rows {
			if line := r.Label + ": " + shown(r.Counts); line != want[i] {
				t.Errorf("by %s: %s", by, line)
			}
		}
		if sheet.Name != "Mairie de Vif" || sheet.Zone != "Europe/Paris" || len(sheet.Kiosks) != 2 || sheet.Kept.IsZero() {
			t.Errorf("%+v", sheet)
		}
	}
	if a := s.audits(1)[0]; a.Action != "export" || a.Person != w.Person || !a.OK {
		t.Errorf("no line for the export: %+v", a)
	}
}

// Whoever has the sheet subtracts whatever is shown from every sum that the
// sheet tells, again and again, and finds nobody.
func TestNoSheetTellsWhatItHides(t *testing.T) {
	s := newSite(t)
	w := s.fresh("", fleet.RoleFleet)
	for seed := range uint64(12) {
		id := fmt.Sprintf("lieu%d", seed)
		for _, structure := range []string{id, id + "-b"} {
			s.must(s.store.AddStructure(t.Context(), fleet.Structure{ID: structure, Name: structure}))
		}
		truth := map[string]int64{}
		r := rand.New(rand.NewPCG(seed, 7))
		for k := range 2 + r.IntN(3) {
			at := []string{id, id + "-b"}[k%2]
			kiosk, _ := s.kiosk(at, "Hall")
			for d := range 1 + r.IntN(4) {
				day, n := fmt.Sprintf("2026-11-%02d", d+1), map[string]int64{}
				for _, lang := range []string{"fr", "en", "ar", "tr"} {
					if c := int64(r.ExpFloat64() * 7); c > 0 {
						n["language/"+lang] = c
						n["visits"] += c
						if at == id {
							truth[day+"|language/"+lang] += c
							truth[kiosk+"|language/"+lang] += c
							truth["*|language/"+lang] += c
						}
					}
				}
				if len(n) > 0 {
					s.counts(at, kiosk, day, n)
				}
			}
		}
		for _, by := range []console.By{console.ByDay, console.ByKiosk} {
			found(t, fmt.Sprintf("seed %d by %s", seed, by), s.sheet(w, id, by), truth)
		}
		all, err := s.desk.Usage(t.Context(), w, console.Ask{From: "2026-11-01", To: "2026-11-30", By: console.ByStructure})
		s.must(err)
		structureRows(t, all)
	}
}

// found fails for each small count that subtraction finds.
func found(t *testing.T, what string, sheet console.Sheet, truth map[string]int64) {
	t.Helper()
	hidden := map[string]bool{}
	sums := map[string][]string{}
	add := func(key string, counts []console.Count) {
		for _, c := range counts {
			if c.Counter == "visits" {
				continue
			}
			at := key + "|" + c.Counter
			hidden[at] = c.Hidden
			if !c.Hidden && (c.N != truth[at] || c.N < fleet.K) {
				t.Errorf("%s: %s is %d, not %d", what, at, c.N, truth[at])
			}
			sums["row "+key] = append(sums["row "+key], at)
			sums["column "+c.Counter] = append(sums["column "+c.Counter], at)
		}
	}
	add("*", sheet.Total)
	for _, r := range sheet.Rows {
		add(r.Key, r.Counts)
	}
	for more := true; more; {
		more = false
		for _, in := range sums {
			last, n := "", 0
			for _, at := range in {
				if hidden[at] {
					last, n = at, n+1
				}
			}
			if n == 1 && len(in) > 1 {
				hidden[last], more = false, true
				if truth[last] < fleet.K {
					t.Errorf("%s: %s is found out", what, last)
				}
			}
		}
	}
}

func structureRows(t *testing.T, sheet console.Sheet) {
	t.Helper()
	if sheet.Name != "" || len(sheet.Rows) < 2 {
		t.Errorf("a sheet of several structures: %+v", sheet)
	}
	for _, r := range sheet.Rows {
		for _, c := range r.Counts {
			if !c.Hidden && c.N < fleet.K && strings.Contains(c.Counter, "/") {
				t.Errorf("%s: %+v", r.Label, c)
			}
		}
	}
}

func TestASheetIsOfDaysThatAre(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleReferent)
	for _, a := range []console.Ask{
		{Structure: mairie, By: console.ByDay, From: "2026-11-30", To: "2026-11-01"},
		{Structure: mairie, By: console.ByDay, From: "hier", To: "2026-11-01"},
		{Structure: mairie, By: console.ByDay, From: "2001-01-01", To: "2026-11-01"},
		{By: console.ByDay, From: "2026-11-01", To: "2026-11-01"},
	} {
		if _, err := s.desk.Usage(t.Context(), w, a); kind(err) != console.ErrInvalid {
			t.Errorf("%+v: %v", a, err)
		}
	}
}
