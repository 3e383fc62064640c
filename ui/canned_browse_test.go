package ui_test

import (
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
)

// browsing is a state on a portal that the change was made to.
func browsing(change func(*session.State)) session.State {
	return visit(session.ScreenBrowse, func(st *session.State) {
		st.Documents[0] = finished(true)
		st.Browser = true
		st.Browse = &session.Browse{Portal: portal.Default().Portals[0].ID, BrowserState: kiosk.BrowserState{
			Host: "connect.caf.fr", Tabs: 1, CanBack: true, Zoom: 100,
		}}
		if change != nil {
			change(st)
		}
	})
}

func typing(kind kiosk.FieldKind) session.State {
	return browsing(func(st *session.State) { st.Browse.Typing = kind })
}

func asking(ask session.Ask, change func(*session.State)) session.State {
	return browsing(func(st *session.State) {
		st.Browse.Asking = ask
		if change != nil {
			change(st)
		}
	})
}

// closed is a portal that can't be opened.
func closed() string {
	for _, p := range portal.Default().Portals {
		if p.Address == "" {
			return p.ID
		}
	}
	return ""
}

// heard is a kiosk that reads aloud.
func heard(st *session.State) { st.Voice, st.Speaks = true, true }

// elsewhere is a link to another portal of the catalogue.
func elsewhere(st *session.State) {
	st.Browse.Stopped, st.Browse.StoppedAt, st.Browse.Elsewhere = kiosk.StopForeign, "www.francetravail.fr", "france-travail"
}

func attached() []session.Attached {
	return []session.Attached{{Portal: portal.Default().Portals[0].ID, At: noon, Format: kiosk.FormatPDF, Bytes: 480_000, Files: 1}}
}

// tray is a field that asks for a file, with papers of every kind.
func tray(st *session.State) {
	kinds := portal.Default().Kinds
	light, heavy, given := finished(true), finished(true), finished(true)
	light.ID, light.Result.Bytes, light.Kind = "d1", 380_000, kinds[1].ID
	heavy.ID, heavy.Pages, heavy.Kind = "d2", pages(12), kinds[2].ID
	given.ID, given.Result.Bytes, given.Attached = "d4", 210_000, attached()
	st.Documents = []session.Document{light, heavy, {ID: "d3", Pages: pages(1), From: "ameli"}, given, {ID: "d5"}}
	st.Documents[2].Pages[0].Turn = 90
	st.Browse.Choice = &kiosk.FileChoice{ID: "c"}
	st.Browse.Target, st.Browse.Known = kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 500_000, MaxFiles: 1}, true
}

func browseScreens() []canned {
	return append(append(barScreens(), askScreens()...), openScreensOf()...)
}

// barScreens are the bar, what the kiosk says above the page, and the keyboard.
func barScreens() []canned {
	return []canned{
		{name: "browse", state: browsing(nil)},
		{name: "browse-attached", state: browsing(func(st *session.State) {
			st.Documents[0].Attached, st.Browse.Lighter = attached(), true
		})},
		{name: "opening", like: true, state: visit(session.ScreenResult, func(st *session.State) {
			st.Task = &session.Task{Kind: session.TaskOpen, CanCancel: true}
		})},
		{name: "browse-loading", state: browsing(func(st *session.State) {
			st.Browse.Loading, st.Browse.CanBack, st.Browse.Waiting, st.Help = true, false, true, true
			st.Browse.Host = "authentification.franceconnect.gouv.fr"
		})},
		{name: "browse-code", state: browsing(nil), touch: `document.querySelector('[data-do="code"]').click()`},
		{name: "browse-mailbox", like: true, state: browsing(func(st *session.State) {
			st.Browse.Host, st.Browse.BrowserState.Mailbox, st.Browse.Tabs = "mail.google.com", true, 2
		}), touch: `document.querySelector('#told [data-do="understood"]').click()`},
		{name: "browse-stopped", state: browsing(func(st *session.State) { st.Browse.Stopped = kiosk.StopScheme })},
		{name: "browse-network", like: true, state: browsing(func(st *session.State) { st.Browse.Stopped = kiosk.StopNetwork })},
		{name: "browse-foreign", like: true, state: browsing(func(st *session.State) { st.Browse.Stopped = kiosk.StopForeign; st.Browse.Restarted = 1 })},
		{name: "browse-elsewhere", state: browsing(elsewhere)},
		{name: "browse-voice", state: browsing(func(st *session.State) { heard(st); st.Documents[0].Attached, st.Browse.Lighter = attached(), true })},
		{name: "browse-reading", like: true, state: browsing(func(st *session.State) { heard(st); st.Reading = true })},
		{name: "ask-file-voice", like: true, state: asking(session.AskFile, func(st *session.State) { tray(st); heard(st) })},
		{name: "result-reading", state: visit(session.ScreenResult, func(st *session.State) { st.Documents[0] = finished(true); heard(st); st.Reading = true })},
		{name: "welcome-voice", like: true, state: session.State{Screen: session.ScreenWelcome, Lang: "fr", Voice: true, Speaks: true}},
		{name: "browse-far", like: true, state: browsing(func(st *session.State) { // the longest names
			st.Browse.Stopped, st.Browse.Portal, st.Browse.Elsewhere = kiosk.StopForeign, "demarche-numerique", "ameli"
		})},
		{name: "typing-text", state: typing(kiosk.FieldText), touch: `document.querySelector('#told [data-do="understood"]').click()`},
		{name: "typing-email", like: true, state: typing(kiosk.FieldEmail)},
		{name: "typing-number", state: typing(kiosk.FieldNumber)},
		{name: "typing-phone", like: true, state: typing(kiosk.FieldPhone)},
		{name: "typing-password", like: true, state: typing(kiosk.FieldPassword)},
		{name: "typing-signs", state: typing(kiosk.FieldText), touch: `document.querySelector('[data-key="signs"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))`},
	}
}

// askScreens are the questions over a portal's page.
func askScreens() []canned {
	return []canned{
		{name: "ask-file", state: asking(session.AskFile, tray)},
		{name: "ask-file-unknown", state: asking(session.AskFile, func(st *session.State) {
			tray(st)
			st.Documents = []session.Document{{ID: "d1"}}
			st.Browse.Target, st.Browse.Known = kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 2_000_000}, false
		})},
		{name: "attaching", like: true, state: asking(session.AskFile, func(st *session.State) {
			tray(st)
			st.Task = &session.Task{Kind: session.TaskAttach, CanCancel: true}
		})},
		{name: "ask-print", state: asking(session.AskPrint, nil)},
		{name: "ask-print-empty", like: true, state: asking(session.AskPrint, func(st *session.State) {
			st.Printer = session.Slot{Present: true, Conditions: []kiosk.Code{kiosk.CodePaperEmpty}}
		})},
		{name: "ask-mailbox", state: asking(session.AskMailbox, nil)},
		{name: "taking", like: true, state: browsing(func(st *session.State) { st.Task = &session.Task{Kind: session.TaskTake} })},
		{name: "ask-taken", state: asking(session.AskTaken, func(st *session.State) {
			st.Documents = append(st.Documents, session.Document{ID: "d2", Pages: pages(1), From: st.Browse.Portal})
			st.Current = 1
		})},
		{name: "ask-refused", state: asking(session.AskRefused, func(st *session.State) {
			st.Documents[0].Attached, st.Browse.Lighter = attached(), true
			st.Browse.Others = []kiosk.Format{kiosk.FormatJPEG, kiosk.FormatPNG}
		})},
		{name: "ask-refused-light", like: true, state: asking(session.AskRefused, func(st *session.State) {
			st.Documents[0].Attached, st.Browse.Lighter = attached(), true
		})},
		{name: "ask-refused-none", like: true, state: asking(session.AskRefused, nil)},
	}
}

// openScreensOf are the other screens while portals can be opened, or one is.
func openScreensOf() []canned {
	return []canned{
		{name: "result-site", state: visit(session.ScreenResult, func(st *session.State) {
			st.Documents[0], st.Browser = finished(true), true
		})},
		{name: "scan-site", like: true, state: visit(session.ScreenScan, func(st *session.State) { st.Browser = true })},
		{name: "sites", state: visit(session.ScreenScan, func(st *session.State) { st.Browser = true }),
			touch: `document.querySelector('[data-section="scan"] [data-open="sites"]').click()`},
		{name: "result-opened", like: true, state: func() session.State {
			st := browsing(func(st *session.State) { st.Documents[0].Attached = attached() })
			st.Screen = session.ScreenResult
			return st
		}()},
		{name: "review-site", like: true, state: visit(session.ScreenReview, func(st *session.State) { st.Browser = true })},
		{name: "result-sites", like: true, state: visit(session.ScreenResult, func(st *session.State) {
			st.Documents[0], st.Browser = finished(false), true
			st.Documents[0].Portal = closed()
		})},
		{name: "review-opened", state: func() session.State {
			st := asking(session.AskFile, tray)
			st.Screen, st.Current = session.ScreenReview, 2
			return st
		}()},
		{name: "leave-opened", state: browsing(nil), touch: `document.querySelector('.command.leave').click()`},
		{name: "browse-idle", like: true, state: browsing(func(st *session.State) { st.IdleWarning = time.Now().Add(42 * time.Second) })},
		{name: "fault-network", like: true, state: browsing(func(st *session.State) {
			st.Fault = &session.Fault{Code: kiosk.CodeNoNetwork, Task: session.TaskOpen, Retry: true}
		})},
	}
}
