package simulate

import (
	random "math/rand/v2"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

// The day of a place, in minutes after midnight. The night is left out: the
// minute after dusk is dawn.
const (
	dawn   = 8*60 + 50
	opens  = 9 * 60
	closes = 18 * 60
	dusk   = closes + 10
)

// visitsOfHour is how many visits begin in each hour from nine: mornings and
// afternoons, few at lunch.
var visitsOfHour = [...]float64{1.2, 2.4, 2.6, 0.7, 0.9, 2.3, 2.5, 2.0, 0.9}

// What goes wrong in a day of a kiosk, with faults 1.
const (
	jamsOfDay = 0.4
	helpOfDay = 1.2
	cutsOfDay = 0.2
	sheets    = 500 // of a full tray
	lowAt     = 15  // percent
	dayLength = closes - opens
)

// chance is something that happens so many times in a day of the place, asked
// once a minute.
func (l *life) chance(ofDay float64) bool { return l.random.Float64() < ofDay/dayLength }

// life is what happens at one kiosk, minute by minute of the simulated time.
type life struct {
	a       *Agent
	random  *random.Rand
	faults  float64
	portals []string

	before bool // the past is told, devices are as they are now
	visit  int  // minutes left; 0 nobody is there
	portal string
	lang   string
	counts map[string]int64
	paper  float64 // sheets
	toner  float64 // percent
	jammed int     // minutes until somebody opens the lid
	low    int     // minutes until somebody brings paper
	calls  int     // minutes until somebody comes
	cut    int     // minutes without network
	bad    bool    // it is not well with any release but its own
}

func newLife(a *Agent, r *random.Rand, faults float64, portals []string) *life {
	l := &life{a: a, random: r, faults: faults, portals: portals, counts: map[string]int64{},
		paper: 50 + 450*r.Float64(), toner: 10 + 90*r.Float64()}
	a.Change(l.tell)
	return l
}

// tell is the part of the state that belongs to devices.
func (l *life) tell(s *provisioning.State) {
	s.Supplies = []provisioning.Supply{
		{Kind: kiosk.KindPrinter, Name: "A4", Percent: int(100 * l.paper / sheets)},
		{Kind: kiosk.KindPrinter, Name: "toner", Percent: int(l.toner)},
	}
	set := func(on bool, name string, kind kiosk.Kind, code kiosk.Code) {
		i := slices.IndexFunc(s.Conditions, func(c provisioning.Condition) bool { return c.Name == name })
		switch {
		case on && i < 0:
			s.Conditions = append(s.Conditions, provisioning.Condition{Name: name, Kind: kind, Code: code, Since: time.Now().UnixMicro()})
		case on:
			s.Conditions[i].Code = code
		case i >= 0:
			s.Conditions = slices.Delete(s.Conditions, i, i+1)
		}
	}
	set(l.jammed > 0, "scanner", kiosk.KindScanner, kiosk.CodePaperJam)
	code := kiosk.CodePaperLow
	if l.paper < 1 {
		code = kiosk.CodePaperEmpty
	}
	set(l.low > 0, "printer", kiosk.KindPrinter, code)
}

// minute lets one minute pass; day is the minute of the day.
func (l *life) minute(day int) {
	s := l.a.State()
	l.obey(s)
	open := day >= opens && day < closes
	l.network()
	l.devices(open)
	l.call(s, open)
	l.update(open)
	switch {
	case l.visit > 0:
		if l.visit--; l.visit == 0 {
			l.leave()
		}
	case open && s.Paused == "" && l.jammed == 0 && l.random.Float64() < visitsOfHour[(day-opens)/60]/60:
		l.come()
	}
	l.a.Use(l.use(s, open))
	if day%15 == 14 && len(l.counts) > 0 {
		l.a.Count(time.Now(), l.counts)
		l.counts = map[string]int64{}
	}
}

func (l *life) use(s provisioning.State, open bool) provisioning.Use {
	switch {
	case s.Paused != "":
		return provisioning.UsePaused
	case l.visit > 0:
		return provisioning.UseBusy
	case l.jammed > 0:
		return provisioning.UseBroken
	case !open:
		return provisioning.UseClosed
	}
	return provisioning.UseFree
}

// obey sees what the host has put right: "C'est fait".
func (l *life) obey(s provisioning.State) {
	if l.jammed == 0 && l.low == 0 || len(s.Conditions) > 0 {
		return
	}
	if l.low > 0 {
		l.paper = sheets
	}
	l.jammed, l.low = 0, 0
	l.a.Change(l.tell)
}

func (l *life) network() {
	switch {
	case l.cut > 1:
		l.cut--
	case l.cut == 1:
		l.cut = 0
		l.a.Cut(false)
	case l.chance(cutsOfDay * l.faults):
		l.cut = 10 + l.random.IntN(50)
		l.a.Cut(true)
	}
}

func (l *life) devices(open bool) {
	was := [2]bool{l.jammed > 0, l.low > 0}
	l.jammed, l.low = max(0, l.jammed-1), max(0, l.low-1)
	if was[1] && l.low == 0 {
		l.paper = sheets
	}
	if open && l.jammed == 0 && l.chance(jamsOfDay*l.faults) {
		l.jammed = 10 + l.random.IntN(40)
		l.counts[provisioning.CountFault+string(kiosk.CodePaperJam)]++
	}
	if l.low == 0 && l.paper < sheets*lowAt/100 && l.faults > 0 {
		l.low = 30 + l.random.IntN(90)
	}
	if was != [2]bool{l.jammed > 0, l.low > 0} {
		l.a.Change(l.tell)
	}
}

// call is somebody who needs a person, and the person who comes.
func (l *life) call(s provisioning.State, open bool) {
	switch {
	case s.Help == 0:
		l.calls = 0
		if open && l.visit > 0 && l.chance(3*helpOfDay*l.faults) { // a third of the day somebody is there
			l.calls = 4 + l.random.IntN(8)
			l.counts[provisioning.CountHelp]++
			l.a.Change(func(s *provisioning.State) { s.Help, s.Taken = time.Now().UnixMicro(), false })
		}
	case l.calls > 1:
		l.calls--
	default:
		l.a.Change(func(s *provisioning.State) { s.Help, s.Taken = 0, false })
	}
}

func pick[T any](r *random.Rand, list []T) T { return list[r.IntN(len(list))] }

func (l *life) come() {
	l.visit = 4 + l.random.IntN(14)
	l.lang = pick(l.random, []string{"fr", "fr", "fr", "fr", "fr", "fr", "en", "ar", "ar", "ru", "uk", "pt"})
	l.portal = pick(l.random, l.portals)
	l.counts[provisioning.CountVisits]++
	l.counts[provisioning.CountOpened+l.portal]++
}

func (l *life) leave() {
	pages := int64(1 + l.random.IntN(6))
	l.counts[provisioning.CountPages] += pages
	l.counts[provisioning.CountLanguage+l.lang]++
	l.counts[provisioning.CountMinutes] += 4 + l.random.Int64N(14)
	end := pick(l.random, []string{"delivered", "delivered", "delivered", "left", "idle"})
	l.counts[provisioning.CountEnd+end]++
	if end == "delivered" {
		l.counts[provisioning.CountDocuments]++
		l.counts[provisioning.CountAttached+l.portal]++
		l.counts[pick(l.random, []string{provisioning.CountSaved, provisioning.CountPhoned, provisioning.CountReceipts})]++
	}
	if l.random.IntN(2) == 0 && l.paper >= 1 {
		sides := min(pages, int64(l.paper))
		l.counts[provisioning.CountPrinted] += sides
		l.paper -= float64(sides)
		l.toner = max(0, l.toner-0.05*float64(sides))
		if !l.before {
			l.a.Change(l.tell)
		}
	}
	l.visit = 0
}

// past tells of days that have gone by, one event each hour of them.
func (l *life) past(now time.Time, days int) {
	paper, toner := l.paper, l.toner
	l.before = true
	for d := days; d > 0; d-- {
		day := now.AddDate(0, 0, -d)
		if day.Weekday() == time.Sunday {
			continue
		}
		for h, visits := range visitsOfHour {
			for n := visits * (0.5 + l.random.Float64()); n > l.random.Float64(); n-- {
				l.come()
				l.leave()
				l.paper = sheets
			}
			if len(l.counts) > 0 {
				l.a.Count(time.Date(day.Year(), day.Month(), day.Day(), opens/60+h, 0, 0, 0, now.Location()), l.counts)
				l.counts = map[string]int64{}
			}
		}
	}
	l.visit, l.paper, l.toner, l.before = 0, paper, toner, false
}
