package legible_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pointnum/cmd/internal/benchengine/legible"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		want       int
	}{
		{"nothing against nothing", "", "", 0},
		{"nothing against something", "", "abc", 3},
		{"the same", "élève", "élève", 0},
		{"a letter changed, one added, one missing", "kitten", "sitting", 3},
		{"turned round", "ab", "ba", 2},
		{"all others", strings.Repeat("a", 500), strings.Repeat("b", 300), 500},
		{"far from the diagonal", strings.Repeat("x", 200) + "abc", "abc" + strings.Repeat("x", 200), 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := legible.Distance([]rune(c.a), []rune(c.b)); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
			if got := legible.Distance([]rune(c.b), []rune(c.a)); got != c.want {
				t.Errorf("the other way round: got %d, want %d", got, c.want)
			}
		})
	}
}

// whole is the distance as the textbook has it.
func whole(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		before := row[0]
		row[0] = i + 1
		for j, y := range b {
			d := before
			if x != y {
				d = min(before, row[j], row[j+1]) + 1
			}
			before, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

func TestTheBandGivesTheWholeDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func(n int) []rune {
		out := make([]rune, n)
		for i := range out {
			out[i] = rune('a' + r.IntN(3))
		}
		return out
	}
	for range 200 {
		a := text(r.IntN(200))
		b := text(r.IntN(200))
		if r.IntN(2) == 0 { // a reading of the same page
			b = append([]rune(nil), a...)
			for range r.IntN(30) {
				if len(b) > 0 {
					i := r.IntN(len(b))
					b = append(b[:i], b[min(len(b), i+r.IntN(3)):]...)
				}
			}
		}
		if got, want := legible.Distance(a, b), whole(a, b); got != want {
			t.Fatalf("%q, %q: got %d, want %d", string(a), string(b), got, want)
		}
	}
}

func TestBlanksAndPunctuationDoNotCount(t *testing.T) {
	if got := legible.Errors("Nom : ........ Prénom", "NOM _____ prénom|"); got != 0 {
		t.Errorf("got %.2f errors", got)
	}
	if got := legible.Errors("abcd", "abxd"); got != 0.25 {
		t.Errorf("got %.2f errors, want 0.25", got)
	}
	if got := legible.Errors("", "ab"); got != 2 {
		t.Errorf("nothing to read: got %.2f errors, want 2", got)
	}
}

func TestWordsAreFoundAsOftenAsTheyAreThere(t *testing.T) {
	part, ok := legible.Found("le chat, le CHAT et un chien", "Chat chien")
	if want := 2.0 / 3; !ok || math.Abs(part-want) > 1e-9 {
		t.Errorf("got %.3f %v, want %.3f", part, ok, want)
	}
	if _, ok := legible.Found("à un", "chat"); ok {
		t.Error("a text without words of three letters has words")
	}
}
