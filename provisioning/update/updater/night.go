package updater

import (
	"time"

	"pointnum/kiosk"
)

// quiet is how long a place has to stay closed from now on: a release is
// written, started, and in the worst case left again.
const quiet = time.Hour

// nightStep is how finely opening hours are looked at.
const nightStep = 15 * time.Minute

// Night says whether a place is closed now, by its local time, and stays so
// for an hour. A place that says no hours, or is never closed for so long, is
// taken to sleep between 2 and 5.
func Night(s kiosk.Settings, now time.Time) bool {
	sleeps := false
	if len(s.Opening) > 0 {
		for t := now; t.Before(now.Add(7 * 24 * time.Hour)); t = t.Add(nightStep) {
			if sleeps = closed(s, t); sleeps {
				break
			}
		}
	}
	if !sleeps {
		return now.Hour() >= 2 && now.Hour() < 5
	}
	return closed(s, now)
}

func closed(s kiosk.Settings, t time.Time) bool {
	for d := time.Duration(0); d <= quiet; d += nightStep {
		if s.OpenAt(t.Add(d)) {
			return false
		}
	}
	return true
}
