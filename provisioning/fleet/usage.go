package fleet

import (
	"cmp"
	"strings"

	"pointnum/provisioning"
)

// Hide returns the rows as they may be shown: counts of parts, those with a
// "/" in their name, from 1 to k-1 have N 0 and Hidden true, for so few could
// be somebody. Totals ("visits") are shown as they are.
//
// A hidden count must not come back as a total minus the others. So wherever
// just one count of a sum is hidden another one is hidden too, of k or more:
// one whose hiding calls for the fewest others, the smallest of these. The sums
// are those over the parts of one kiosk and day, over the days of one kiosk,
// over the kiosks of one structure and day, and over all kiosks of a day; Day
// may name a month, and Kiosk be "" where kiosks are added up already.
//
// A part that is the whole of its total (the only language of the day's visits)
// is left out when it is small: its count is that total, and its name alone
// would say of all of them what it is.
//
// Hide is to be given all rows of a sheet at once. rows are left as they are.
func Hide(rows []Usage, k int64) []Usage {
	h := hider{lines: map[line]*members{}, of: map[int][]*members{}, gone: map[int]bool{}}
	totals := map[line]int64{}
	for _, u := range rows {
		if !strings.Contains(u.Counter, "/") {
			totals[line{day: u.Day, structure: u.Structure, kiosk: u.Kiosk, counter: u.Counter}] = u.N
		}
	}
	for _, u := range rows {
		stem, _, part := strings.Cut(u.Counter, "/")
		small := part && u.N > 0 && u.N < k
		h.out = append(h.out, u)
		if !part || u.N == 0 {
			continue
		}
		i := len(h.out) - 1
		h.add(i, stem)
		if small {
			h.hide(i)
			total := whole(stem)
			h.gone[i] = total != "" && totals[line{day: u.Day, structure: u.Structure, kiosk: u.Kiosk, counter: total}] == u.N
		}
	}
	h.complete()
	return h.shown()
}

// whole is the counter whose count is the sum of the parts of a stem, "" for
// none: a visit ends in one language and in one way, and a document is made of
// one kind of paper.
func whole(stem string) string {
	switch stem + "/" {
	case provisioning.CountLanguage, provisioning.CountEnd:
		return provisioning.CountVisits
	case provisioning.CountPaper:
		return provisioning.CountDocuments
	}
	return ""
}

// line is a sum that somebody may know: the fields that its counts share.
type line struct{ day, structure, kiosk, counter, stem string }

// members are the counts of a line, as indices into the rows.
type members struct {
	rows   []int
	hidden int
}

// hider hides counts until no line has just one that is hidden.
type hider struct {
	out   []Usage
	lines map[line]*members
	of    map[int][]*members // the lines of each row of parts
	gone  map[int]bool       // rows that are hidden and left out
	todo  []*members         // lines that may have one hidden
}

func (h *hider) add(i int, stem string) {
	u := h.out[i]
	for _, l := range []line{
		{day: u.Day, structure: u.Structure, kiosk: u.Kiosk, stem: stem},
		{structure: u.Structure, kiosk: u.Kiosk, counter: u.Counter},
		{day: u.Day, structure: u.Structure, counter: u.Counter},
		{day: u.Day, counter: u.Counter},
	} {
		m := h.lines[l]
		if m == nil {
			m = &members{}
			h.lines[l] = m
		}
		m.rows = append(m.rows, i)
		h.of[i] = append(h.of[i], m)
	}
}

func (h *hider) hide(i int) {
	h.out[i].Hidden = true
	for _, m := range h.of[i] {
		m.hidden++
		h.todo = append(h.todo, m)
	}
}

func (h *hider) complete() {
	for len(h.todo) > 0 {
		m := h.todo[0]
		h.todo = h.todo[1:]
		if m.hidden != 1 {
			continue
		}
		best := -1
		for _, i := range m.rows {
			if !h.out[i].Hidden && (best < 0 || h.before(i, best)) {
				best = i
			}
		}
		if best >= 0 {
			h.hide(best)
		}
	}
}

func (h *hider) shown() []Usage {
	rows := make([]Usage, 0, len(h.out))
	for i, u := range h.out {
		if h.gone[i] {
			continue
		}
		if u.Hidden {
			u.N = 0
		}
		rows = append(rows, u)
	}
	return rows
}

// before says that one count is better hidden than another.
func (h *hider) before(i, j int) bool {
	return cmp.Or(cmp.Compare(h.calls(i), h.calls(j)), cmp.Compare(h.out[i].N, h.out[j].N)) < 0
}

// calls is how many lines would then have just that one hidden.
func (h *hider) calls(i int) (n int) {
	for _, m := range h.of[i] {
		if m.hidden == 0 && len(m.rows) > 1 {
			n++
		}
	}
	return n
}
