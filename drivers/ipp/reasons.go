package ipp

import (
	"slices"
	"strings"

	"pointnum/kiosk"
)

// reason is what one printer-state-reasons keyword means to us.
type reason struct {
	code   kiosk.Code
	blocks bool // a job sent now would not come out
}

// reasonOf is the meaning of a keyword of RFC 8011 §5.4.12 and PWG 5100.9,
// without its suffix: ippeveprinter and several real printers say -warning or
// -report for what stops them, so that the suffix says nothing. Keywords that
// ask for no act of ours are not here.
func reasonOf(keyword string) (reason, bool) {
	switch keyword {
	case "media-jam":
		return reason{kiosk.CodePaperJam, true}, true
	case "cover-open", "door-open", "interlock-open":
		return reason{kiosk.CodeCoverOpen, true}, true
	case "media-empty", "media-needed", "input-tray-missing":
		return reason{kiosk.CodePaperEmpty, true}, true
	case "media-low":
		return reason{kiosk.CodePaperLow, false}, true
	case "toner-empty", "marker-supply-empty", "developer-empty",
		"marker-waste-full", "opc-life-over", "marker-supply-missing":
		return reason{kiosk.CodeMarkerEmpty, true}, true
	case "toner-low", "marker-supply-low", "developer-low",
		"marker-waste-almost-full", "opc-near-eol":
		return reason{kiosk.CodeMarkerLow, false}, true
	case "fuser-over-temp":
		return reason{kiosk.CodeOverheated, true}, true
	case "paused", "moving-to-paused", "shutdown", "output-area-full", "output-tray-missing":
		return reason{kiosk.CodeDevicePaused, true}, true
	case "spool-area-full":
		return reason{kiosk.CodeDeviceBusy, true}, true
	case "offline", "timed-out": // a CUPS queue whose printer is gone
		return reason{kiosk.CodeUnplugged, true}, true
	}
	return reason{}, false
}

// bare strips a keyword's severity.
func bare(keyword string) string {
	for _, suffix := range []string{"-report", "-warning", "-error"} {
		if s, ok := strings.CutSuffix(keyword, suffix); ok {
			return s
		}
	}
	return keyword
}

// worst orders conditions for a Status: what a person must do first.
var worst = [...]kiosk.Code{
	kiosk.CodeUnplugged, kiosk.CodePaperJam, kiosk.CodeCoverOpen, kiosk.CodePaperEmpty,
	kiosk.CodeMarkerEmpty, kiosk.CodeOverheated, kiosk.CodeDevicePaused, kiosk.CodeDeviceBusy,
	kiosk.CodePaperLow, kiosk.CodeMarkerLow,
}

// state is how the printer feels.
type state struct {
	conditions []kiosk.Code // worst first, no doubles
	blocking   []kiosk.Code // those that keep a new job from coming out
	detail     string
}

// Values of printer-state, RFC 8011 §5.4.11.
const printerStopped = 5

// stateOf reads a printer's state and its reasons.
func stateOf(a attrs) state {
	var s state
	stopped := a.int("printer-state", 3) == printerStopped
	var words []string
	for _, k := range a.strings("printer-state-reasons") {
		k = clean(k)
		if k == "none" || k == "" {
			continue
		}
		words = append(words, k)
		r, ok := reasonOf(bare(k))
		if !ok {
			continue
		}
		if bare(k) == "media-empty" && !stopped && otherTray(a) {
			// One tray of several is empty: the printer takes the other.
			r = reason{kiosk.CodePaperLow, false}
		}
		s.add(r)
	}
	if !a.bool("printer-is-accepting-jobs", true) || (stopped && len(s.blocking) == 0) {
		s.add(reason{kiosk.CodeDevicePaused, true})
	}
	if a.has("media-ready") && !slices.ContainsFunc(a.strings("media-ready"), isA4) {
		// The printer would take the job and wait for somebody to load A4.
		words = append(words, "no-a4-ready")
		s.add(reason{kiosk.CodePaperEmpty, true})
	}
	slices.SortStableFunc(s.conditions, byWorst)
	slices.SortStableFunc(s.blocking, byWorst)
	if len(words) > maxReasons {
		words = words[:maxReasons]
	}
	s.detail = strings.TrimSpace(a.text("printer-state-message") + " " + strings.Join(words, " "))
	return s
}

// maxReasons bounds what is kept of a list for the technician.
const maxReasons = 16

func (s *state) add(r reason) {
	if !slices.Contains(s.conditions, r.code) {
		s.conditions = append(s.conditions, r.code)
	}
	if r.blocks && !slices.Contains(s.blocking, r.code) {
		s.blocking = append(s.blocking, r.code)
	}
}

func byWorst(a, b kiosk.Code) int {
	return slices.Index(worst[:], a) - slices.Index(worst[:], b)
}

// waitsFor is what a job that is under way waits for: what blocks, once.
func (s state) waitsFor() []kiosk.Code { return slices.Clone(s.blocking) }

// isA4 also knows trays that hold one of several sizes, such as
// choice_iso_a4_210x297mm_na_letter_8.5x11in.
func isA4(media string) bool { return strings.Contains(media, mediaA4) }
