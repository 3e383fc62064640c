package fleet_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pointnum/provisioning/fleet"
)

// rows makes a day of one kiosk from "counter=n" words.
func rows(words string) (out []fleet.Usage) {
	for w := range strings.FieldsSeq(words) {
		u := fleet.Usage{Day: "2026-11-22", Structure: "town", Kiosk: "k1"}
		name, n, _ := strings.Cut(w, "=")
		u.Counter = name
		fmt.Sscan(n, &u.N)
		out = append(out, u)
	}
	return out
}

// words writes them back, "?" for a hidden count.
func words(rows []fleet.Usage) string {
	var out []string
	for _, u := range rows {
		n := fmt.Sprint(u.N)
		if u.Hidden {
			n = strings.Repeat("?", 1+int(u.N)) // a hidden count is 0
		}
		out = append(out, u.Counter+"="+n)
	}
	return strings.Join(out, " ")
}

func TestSmallCountsOfPartsAreHidden(t *testing.T) {
	for _, c := range []struct{ name, rows, want string }{
		{"totals are shown, however small", "visits=2 pages=1", "visits=2 pages=1"},
		{"five and more are shown", "visits=11 language/fr=6 language/en=5", "visits=11 language/fr=6 language/en=5"},
		{"two that are hidden cover each other", "visits=13 language/fr=9 language/en=2 language/ar=2", "visits=13 language/fr=9 language/en=? language/ar=?"},
		{"one alone takes the smallest other with it", "visits=21 language/fr=11 language/en=6 language/ar=4", "visits=21 language/fr=11 language/en=? language/ar=?"},
		{"each kind of parts has its own total", "visits=16 language/fr=16 end/delivered=9 end/left=1 end/idle=6", "visits=16 language/fr=16 end/delivered=9 end/left=? end/idle=?"},
		{"a part that is the total is left out", "visits=3 language/fr=3", "visits=3"},
		{"one alone without a total stays", "attached/caf=3", "attached/caf=?"},
		{"nothing is nothing", "visits=0 language/fr=0", "visits=0 language/fr=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := rows(c.rows)
			if got := words(fleet.Hide(in, fleet.K)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if words(in) != c.rows {
				t.Error("the rows themselves were changed")
			}
		})
	}
}

// Whoever knows every sum over parts, days, kiosks and structures subtracts
// what is shown from it wherever one count is missing, again and again.
func TestNoHiddenCountIsATotalMinusTheOthers(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		in := randomUsage(r)
		out := fleet.Hide(in, fleet.K)
		shown := map[string]bool{}
		for _, u := range out {
			if strings.Contains(u.Counter, "/") && !u.Hidden {
				shown[key(u)] = true
				if u.N < fleet.K {
					t.Fatalf("seed %d: %+v is shown", seed, u)
				}
			} else if u.Hidden && u.N != 0 {
				t.Fatalf("seed %d: a hidden row holds its count", seed)
			}
		}
		if found := attack(in, shown); len(found) > 0 {
			t.Errorf("seed %d: found out %v", seed, found)
		}
	}
}

func key(u fleet.Usage) string {
	return strings.Join([]string{u.Day, u.Structure, u.Kiosk, u.Counter}, "|")
}

func randomUsage(r *rand.Rand) (out []fleet.Usage) {
	for d := range 1 + r.IntN(5) {
		for k := range 1 + r.IntN(5) {
			u := fleet.Usage{Day: fmt.Sprintf("2026-11-%02d", d+1), Structure: fmt.Sprint("s", k%2), Kiosk: fmt.Sprint("k", k)}
			visits := int64(0)
			for _, lang := range []string{"fr", "en", "ar", "tr"} {
				if n := int64(r.ExpFloat64() * 6); n > 0 {
					v := u
					v.Counter, v.N = "language/"+lang, n
					out = append(out, v)
					visits += n
				}
			}
			u.Counter, u.N = "visits", visits
			out = append(out, u)
		}
	}
	return out
}

// attack names the small counts that subtraction finds.
func attack(in []fleet.Usage, known map[string]bool) (found []string) {
	sums := map[string][]fleet.Usage{}
	for _, u := range in {
		if stem, _, part := strings.Cut(u.Counter, "/"); part {
			for _, l := range []string{"p" + u.Day + u.Kiosk + stem, "d" + u.Kiosk + u.Counter, "k" + u.Day + u.Structure + u.Counter, "a" + u.Day + u.Counter} {
				sums[l] = append(sums[l], u)
			}
		}
	}
	for more := true; more; {
		more = false
		for _, l := range sums {
			unknown := slices.DeleteFunc(slices.Clone(l), func(u fleet.Usage) bool { return known[key(u)] })
			// A sum of one count is that count: it is hidden as a row of its
			// own sheet.
			if len(unknown) == 1 && len(l) > 1 {
				known[key(unknown[0])] = true
				more = true
				if unknown[0].N < fleet.K {
					found = append(found, key(unknown[0]))
				}
			}
		}
	}
	return found
}
