package sane

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pointnum/kiosk"
)

// options are a device's options as scanimage --all-options lists them, by
// name: "resolution", "x".
type options map[string]option

type option struct {
	flag    string // "--resolution", "-x"
	active  bool   // can be set now
	value   string // "" when the device does not say
	choices []string
	ranged  bool
	min     float64
	max     float64
	step    float64
	pixels  bool // a length in pixels, not millimetres
}

var (
	rangeForm = regexp.MustCompile(`^(?:auto\|)?(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)([a-z%]*)(?:,\.\.\.)?(?: \(in steps of (\d+(?:\.\d+)?)\))?$`)
	unitForm  = regexp.MustCompile(`^(-?\d+(?:\.\d+)?)(dpi|mm|us|pel|bits?|%)?$`)
)

// parseOptions reads the list. An option is a line of four spaces, its flag,
// what it takes, and groups in brackets: its value and its state.
func parseOptions(text string) options {
	all := options{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "    -") {
			continue // a heading or a description
		}
		if name, o := parseOption(line[4:]); name != "" {
			if _, twice := all[name]; !twice {
				all[name] = o
			}
		}
	}
	return all
}

func parseOption(s string) (string, option) {
	end := strings.IndexAny(s, " [")
	if end < 0 {
		end = len(s)
	}
	o := option{flag: s[:end], active: true}
	name := strings.TrimLeft(o.flag, "-")
	rest := s[end:]
	if after, ok := strings.CutPrefix(rest, "[=("); ok {
		inner, tail, _ := strings.Cut(after, ")]")
		o.choices, rest = strings.Split(inner, "|"), tail
	}
	for {
		i := strings.LastIndex(rest, " [")
		if i < 0 || !strings.HasSuffix(rest, "]") {
			break
		}
		switch group := rest[i+2 : len(rest)-1]; group {
		case "inactive", "read-only", "hardware":
			o.active = false
		case "advanced", "emulated":
		default:
			o.value = group
		}
		rest = rest[:i]
	}
	o.constrain(strings.TrimSpace(rest))
	return name, o
}

// constrain reads what an option takes: a range, or words or numbers to choose
// from.
func (o *option) constrain(s string) {
	if m := rangeForm.FindStringSubmatch(s); m != nil {
		o.min, _ = strconv.ParseFloat(m[1], 64) // the pattern lets numbers through only
		o.max, _ = strconv.ParseFloat(m[2], 64)
		o.step, _ = strconv.ParseFloat(m[4], 64)
		o.ranged, o.pixels = o.min <= o.max, m[3] == "pel"
		return
	}
	if s == "" || strings.HasPrefix(s, "<") || len(o.choices) > 0 {
		return
	}
	o.choices = strings.Split(strings.TrimSuffix(s, ",..."), "|")
}

// nearest gives the value nearest to v that the option takes.
func (o option) nearest(v float64) (float64, bool) {
	if o.ranged {
		r := min(max(v, o.min), o.max)
		if o.step > 0 {
			r = o.min + math.Floor((r-o.min)/o.step)*o.step
		}
		return r, true
	}
	best, found := 0.0, false
	for _, c := range o.choices {
		m := unitForm.FindStringSubmatch(c)
		if m == nil {
			continue
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err == nil && (!found || math.Abs(n-v) < math.Abs(best-v)) {
			best, found = n, true
		}
	}
	return best, found
}

// choose gives the first choice that one of the tests likes, the tests in
// order.
func (o option) choose(likes ...func(string) bool) (string, bool) {
	for _, like := range likes {
		for _, c := range o.choices {
			if like(strings.ToLower(c)) {
				return c, true
			}
		}
	}
	return "", false
}

func is(word string) func(string) bool {
	return func(s string) bool { return s == word }
}

func has(words ...string) func(string) bool {
	return func(s string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
	}
}

// feeder and glass are the words backends use for their sources.
func feeder(duplex bool) func(string) bool {
	return func(s string) bool {
		return has("adf", "feeder", "duplex")(s) && has("duplex", "both")(s) == duplex && !has("back")(s)
	}
}

var glass = has("flatbed", "platen", "glass", "fb")

// hasFeeder and hasGlass: a device that lists no sources has the one it is
// built for, which only a feeder's own options give away.
func (all options) hasFeeder() bool {
	src := all["source"]
	if len(src.choices) == 0 {
		_, sensor := all["page-loaded"]
		return sensor
	}
	_, ok := src.choose(feeder(false), feeder(true))
	return ok
}

func (all options) hasGlass() bool {
	src := all["source"]
	if len(src.choices) == 0 {
		return !all.hasFeeder()
	}
	_, ok := src.choose(glass)
	return ok
}

// status tells what the sensors say, where the backend has them as options
// (fujitsu, canon_dr).
func (all options) status() kiosk.Status {
	st := kiosk.Status{Ready: true, Detail: "idle"}
	if all["cover-open"].value == "yes" {
		st.Ready = false
		st.Conditions = append(st.Conditions, kiosk.CodeCoverOpen)
	}
	if all["page-loaded"].value == "no" {
		st.Ready = st.Ready && all.hasGlass()
		st.Conditions = append(st.Conditions, kiosk.CodeFeederEmpty)
	}
	return st
}
