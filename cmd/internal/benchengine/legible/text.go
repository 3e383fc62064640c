// Package legible measures how much of a page is left: letters and words of
// two readings of it, and how alike two pictures of it are.
package legible

import (
	"strings"
	"unicode"
)

// Letters gives what counts when two readings are compared: letters and
// digits in lower case. Blanks, punctuation and rules differ from reading to
// reading (dotted leaders, boxes of forms).
func Letters(s string) []rune {
	out := make([]rune, 0, len(s))
	for _, r := range strings.ToLower(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, r)
		}
	}
	return out
}

// Words gives the words of three letters or more, in lower case, with how
// often each is there.
func Words(s string) map[string]int {
	out := map[string]int{}
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		if len([]rune(w)) >= 3 {
			out[w]++
		}
	}
	return out
}

// Errors is the character error rate: how many letters must be changed, added
// or taken out of got to make want, for each letter of want. It can exceed 1.
func Errors(want, got string) float64 {
	a, b := Letters(want), Letters(got)
	return float64(Distance(a, b)) / float64(max(1, len(a)))
}

// Found is the part of want's words that are in got too, each as often as it
// is there. ok is false when want has no word.
func Found(want, got string) (part float64, ok bool) {
	a, b := Words(want), Words(got)
	n, hit := 0, 0
	for w, k := range a {
		n += k
		hit += min(k, b[w])
	}
	if n == 0 {
		return 0, false
	}
	return float64(hit) / float64(n), true
}

// Distance is the Levenshtein distance of two texts: within a band around the
// diagonal that is widened until it holds the answer, so that readings that
// are nearly the same cost little.
func Distance(a, b []rune) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	for band := max(32, len(b)-len(a)+1); ; band *= 4 {
		d := banded(a, b, band)
		if d <= band || band > len(b) {
			return d
		}
	}
}

// banded computes the distance with no cell further than band from the
// diagonal. What it returns is right when it is at most band.
func banded(a, b []rune, band int) int {
	const far = 1 << 30
	prev, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
		if j > band {
			prev[j] = far
		}
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-band), min(len(b), i+band)
		row[from-1] = far
		if from == 1 {
			row[0] = i
		}
		for j := from; j <= to; j++ {
			d := prev[j-1]
			if a[i-1] != b[j-1] {
				d = min(d, prev[j], row[j-1]) + 1
			}
			row[j] = d
		}
		if to < len(b) {
			row[to+1] = far
		}
		prev, row = row, prev
	}
	return prev[len(b)]
}
