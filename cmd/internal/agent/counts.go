package agent

import (
	"time"

	"pointnum/kiosk/session"
	"pointnum/provisioning"
)

// counters are what an event of a visit adds to the kiosk's counters. Nothing
// else of a visit ever leaves the kiosk.
func counters(e session.Event) map[string]int64 {
	n := map[string]int64{}
	many := func(name string) { n[name] = int64(max(e.Count, 0)) }
	of := func(stem, value string, by int) {
		if value != "" {
			n[stem+value] = int64(by)
		}
	}
	switch e.Kind {
	case session.EventStarted:
		n[provisioning.CountVisits] = 1
	case session.EventEnded:
		of(provisioning.CountEnd, outcome(e), 1)
		of(provisioning.CountLanguage, e.Lang, 1)
		n[provisioning.CountMinutes] = int64((e.Took + time.Minute - 1) / time.Minute)
	case session.EventScanned, session.EventImported, session.EventTaken:
		many(provisioning.CountPages)
	case session.EventConverted:
		n[provisioning.CountDocuments] = 1
		of(provisioning.CountPaper, e.Paper, 1)
	case session.EventPortal:
		of(provisioning.CountOpened, e.Portal, 1)
	case session.EventAttached:
		of(provisioning.CountAttached, e.Portal, e.Count)
	case session.EventSaved:
		many(provisioning.CountSaved)
	case session.EventPhoned:
		many(provisioning.CountPhoned)
	case session.EventPrinted:
		many(provisioning.CountPrinted)
	case session.EventReceipt:
		n[provisioning.CountReceipts] = 1
	case session.EventFault:
		of(provisioning.CountFault, string(e.Code), 1)
	case session.EventHelp:
		n[provisioning.CountHelp] = 1
	}
	return n
}

// outcome is how a visit ended, for those who ask whether it was of use.
func outcome(e session.Event) string {
	if e.Delivered {
		return "delivered"
	}
	if e.Reason == session.ReasonStale { // nobody was there any more
		return string(session.ReasonIdle)
	}
	return string(e.Reason)
}
