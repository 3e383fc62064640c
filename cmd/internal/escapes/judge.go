package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk"
)

// verdict is what came of a try.
type verdict string

// The verdicts.
const (
	holding  verdict = "hold"
	escaping verdict = "ESCAPE"
	untried  verdict = "not tried" // needs root, or a display
)

// result is one line of the table.
type result struct {
	Mode    mode     `json:"mode"`
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	What    string   `json:"what"`
	HeldBy  []string `json:"heldBy,omitempty"`
	Out     []string `json:"out,omitempty"` // what got out
	Verdict verdict  `json:"verdict"`
	// Away is how long after the touch no page of the portal was in front.
	Away time.Duration `json:"away"`
}

// escape notes what got out.
func (r *result) escape(format string, args ...any) {
	r.Verdict = escaping
	r.Out = append(r.Out, fmt.Sprintf(format, args...))
}

func (r *result) heldBy(who string) {
	if !slices.Contains(r.HeldBy, who) {
		r.HeldBy = append(r.HeldBy, who)
	}
}

// harmless are tries of which the page may say that they worked, and why.
var harmless = map[string]string{
	"device-clipboard-write": "it ends with the browser, which holds it",
	"device-wake":            "the kiosk's screen never sleeps during a visit",
	"device-service":         "it lies in the profile and goes with it",
	"device-persist":         "it lies in the profile and goes with it",
	"device-password":        "no store takes it, and it would go with the profile",
	"device-pointer":         "fingers have no pointer",
	"device-keyboard":        "it locks nothing without full screen",
	"hook-picker":            "",
}

// scanned is how many ports agent-scan asks.
const scanned = 20

// said judges the page's own word. It counts where nothing else sees what
// happened; hosts that were reached are counted by themselves.
func (r *result) said(text string) {
	if text == "" {
		return
	}
	r.heldBy("page: " + text)
	switch {
	case r.Kind == testportal.KindDevice, r.Kind == testportal.KindHook, r.Kind == testportal.KindAgent && r.ID == "agent-scan":
	default:
		return
	}
	worked := strings.HasPrefix(text, "réussi") || text == "droit : granted"
	switch {
	case r.ID == "agent-scan" && strings.Count(text, ",") == scanned-1:
		r.heldBy("all ports look the same: it is the proxy that answers")
	case worked && harmless[r.ID] == "" && text != "réussi : 0":
		r.escape("the page says: %s", text)
	case worked && harmless[r.ID] != "":
		r.heldBy(harmless[r.ID])
	case r.ID == "hook-names" && text != "ajoutés : rien":
		r.escape("the page sees what the kiosk put into it: %s", text)
	}
}

// seen notes what the kiosk did.
func (r *result) seen(before, after kiosk.BrowserState) {
	if after.Stopped != "" {
		r.heldBy("guard: " + string(after.Stopped))
	}
	if n := after.Restarted - before.Restarted; n > 0 {
		r.heldBy(fmt.Sprintf("watchdog: shown again ×%d", n))
	}
	if n := len(after.Downloads) - len(before.Downloads); n > 0 {
		r.heldBy(fmt.Sprintf("kiosk: %d downloads", n))
	}
	if after.Print > before.Print {
		r.heldBy("kiosk: its own print screen")
	}
	if after.Choice != nil {
		r.heldBy("kiosk: its own choice of papers")
	}
}

// reached notes what came where nothing may come.
func (r *result) reached(foreign map[string]int, agent int64) {
	for _, kind := range slices.Sorted(maps.Keys(foreign)) {
		r.escape("%s was reached: %s ×%d", testportal.HostForeign, kind, foreign[kind])
	}
	if agent > 0 {
		r.escape("the kiosk's own screen was reached: ×%d", agent)
	}
}

func count(results []result, v verdict) int {
	n := 0
	for _, r := range results {
		if r.Verdict == v {
			n++
		}
	}
	return n
}
