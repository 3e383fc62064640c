package ipp

import (
	"strconv"
	"strings"

	"pointnum/kiosk"
)

// maxSupplies bounds how many levels are kept; the largest printers have about
// twelve.
const maxSupplies = 16

// suppliesOf reads the levels of toner and paper: marker-levels (PWG 5100.13)
// where the printer sends them, else printer-supply; then printer-input-tray.
func suppliesOf(a attrs) []kiosk.Level {
	levels := markersOf(a)
	if len(levels) == 0 {
		levels = supplyOf(a)
	}
	for _, tray := range a.strings("printer-input-tray") {
		t := parseSupply(tray)
		if t["name"] == "" || !automatic(t) {
			continue
		}
		levels = append(levels, kiosk.Level{Name: clean(t["name"]), Percent: percent(t)})
	}
	if len(levels) > maxSupplies {
		levels = levels[:maxSupplies]
	}
	return levels
}

func markersOf(a attrs) []kiosk.Level {
	var levels []kiosk.Level
	names, types := a.strings("marker-names"), a.strings("marker-types")
	for i, n := range a.ints("marker-levels") {
		level := kiosk.Level{Name: "marker-" + strconv.Itoa(i+1), Percent: -1}
		if i < len(names) && clean(names[i]) != "" {
			level.Name = clean(names[i])
		}
		if n >= 0 && n <= 100 {
			level.Percent = n
			if i < len(types) && strings.HasPrefix(types[i], "waste") {
				level.Percent = 100 - n // of a waste box the printer says how full it is
			}
		}
		levels = append(levels, level)
	}
	return levels
}

func supplyOf(a attrs) []kiosk.Level {
	var levels []kiosk.Level
	names := a.strings("printer-supply-description")
	for i, s := range a.strings("printer-supply") {
		m := parseSupply(s)
		level := kiosk.Level{Name: clean(m["type"]), Percent: percent(m)}
		if i < len(names) && clean(names[i]) != "" {
			level.Name = clean(names[i])
		}
		if level.Name == "" {
			level.Name = "supply-" + strconv.Itoa(i+1)
		}
		if level.Percent >= 0 && m["class"] == "receptacleThatIsFilled" {
			level.Percent = 100 - level.Percent
		}
		levels = append(levels, level)
	}
	return levels
}

// parseSupply reads the octet strings of PWG 5100.13 §5.6: key=value;key=value.
func parseSupply(s string) map[string]string {
	m := make(map[string]string)
	for part := range strings.SplitSeq(s, ";") {
		if k, v, ok := strings.Cut(part, "="); ok && len(m) < 32 {
			m[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return m
}

// percent is level of maxcapacity; -1 when either is not known (-2) or only
// known to be more than nothing (-3).
func percent(m map[string]string) int {
	level, err := strconv.Atoi(m["level"])
	if err != nil || level < 0 {
		return -1
	}
	if level == 0 {
		return 0
	}
	capacity, err := strconv.Atoi(m["maxcapacity"])
	if err != nil || capacity <= 0 {
		return -1
	}
	return int(min(100, int64(level)*100/int64(capacity)))
}

// automatic says whether a tray feeds without a hand and has a place of its
// own ("auto" is a choice among trays, not a tray).
func automatic(tray map[string]string) bool {
	return strings.HasPrefix(tray["type"], "sheetFeedAuto") && tray["name"] != "auto"
}

// otherTray says whether the empty tray a printer complains of is one of
// several, and another that feeds by itself holds A4.
func otherTray(a attrs) bool {
	empty, full := false, false
	for _, s := range a.strings("printer-input-tray") {
		t := parseSupply(s)
		level, err := strconv.Atoi(t["level"])
		if err != nil || !automatic(t) {
			continue
		}
		empty = empty || level == 0
		some := level > 0 || level == -3
		full = full || some && t["mediafeed"] == "29700" && t["mediaxfeed"] == "21000"
	}
	return empty && full
}
