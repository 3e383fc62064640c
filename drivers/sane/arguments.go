package sane

import (
	"strconv"

	"pointnum/kiosk"
)

// plan is what one run of scanimage scans.
type plan struct {
	args   []string
	feeder bool
	duplex bool
	dpi    int // granted; 0 when the device has no such option
}

// plans says what to run: the feeder, the glass, or for SourceAuto the feeder
// and, should it be empty, the glass.
func (all options) plans(o kiosk.ScanOptions, extra []setting) []plan {
	canFeed, canLay := all.hasFeeder(), all.hasGlass()
	var plans []plan
	if canFeed && (o.Source != kiosk.SourceGlass || !canLay) {
		plans = append(plans, all.plan(o, true, extra))
	}
	if canLay && o.Source != kiosk.SourceFeeder || !canFeed {
		plans = append(plans, all.plan(o, false, extra))
	}
	if o.Source == kiosk.SourceGlass && canLay {
		return plans[len(plans)-1:]
	}
	return plans
}

// plan chooses the values nearest to what is asked for, of the options the
// device lists. The source comes first: others depend on it.
func (all options) plan(o kiosk.ScanOptions, fromFeeder bool, extra []setting) plan {
	p := plan{feeder: fromFeeder}
	set := func(name, value string) {
		if opt, ok := all[name]; ok {
			if len(opt.flag) == 2 {
				p.args = append(p.args, opt.flag, value)
			} else {
				p.args = append(p.args, opt.flag+"="+value)
			}
		}
	}
	if v, ok := all.source(o.Duplex, fromFeeder); ok {
		set("source", v)
		p.duplex = feeder(true)(v)
	}
	if fromFeeder && o.Duplex && !p.duplex {
		p.duplex = all.setDuplex(set)
	}
	mode := all["mode"]
	likes := []func(string) bool{is("color"), has("color", "colour"), has("gray", "grey")}
	if o.Color == kiosk.Gray {
		likes = []func(string) bool{is("gray"), is("grayscale"), has("gray", "grey"), has("color", "colour")}
	}
	if v, ok := mode.choose(likes...); ok && mode.active {
		set("mode", v)
	}
	dpi := float64(o.DPI)
	if o.DPI <= 0 {
		dpi = 300
	}
	if v, ok := all["resolution"].nearest(dpi); ok && all["resolution"].active {
		set("resolution", number(v))
		p.dpi, dpi = int(v), v
	}
	all.setRegion(o, dpi, set)
	if v, ok := all["df-action"].choose(is("stop")); ok && all["df-action"].active {
		set("df-action", v)
	}
	for _, e := range extra {
		set(e.name, e.value) // also inactive ones: one may wake the next
	}
	return p
}

func (all options) source(duplex, fromFeeder bool) (string, bool) {
	src := all["source"]
	if !src.active {
		return "", false
	}
	if fromFeeder {
		return src.choose(feeder(duplex), feeder(!duplex))
	}
	return src.choose(glass)
}

// setDuplex turns both sides on where that is an option of its own.
func (all options) setDuplex(set func(name, value string)) bool {
	for _, name := range []string{"duplex", "adf-mode", "scan-mode"} {
		opt := all[name]
		if v, ok := opt.choose(is("yes"), is("duplex"), is("both")); ok && opt.active {
			set(name, v)
			return true
		}
	}
	return false
}

// setRegion always sets the region: what a device does by itself is letter,
// or all it has. The paper's size comes first where it is an option (fujitsu),
// as it bounds the region.
func (all options) setRegion(o kiosk.ScanOptions, dpi float64, set func(name, value string)) {
	width, height := 210.0, 297.0
	if o.Width > 0 {
		width = o.Width
	}
	if o.Height > 0 {
		height = o.Height
	}
	for _, e := range []struct {
		name string
		mm   float64
	}{{"page-width", width}, {"page-height", height}, {"l", 0}, {"t", 0}, {"x", width}, {"y", height}} {
		opt := all[e.name]
		if opt.pixels {
			e.mm *= dpi / 25.4
		}
		if v, ok := opt.nearest(e.mm); ok && opt.active {
			set(e.name, number(v))
		}
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
