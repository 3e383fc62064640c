package session

import (
	"image"

	"pointnum/kiosk"
)

// Action is something a visitor (or a button of the kiosk) asks for. Actions
// that make no sense in the present state fail with kiosk.CodeBadRequest and
// change nothing: the screen that sent them was out of date.
type Action interface{ action() }

// The actions.
type (
	// Start begins a visit on the welcome screen, in a language, and opens
	// the scan screen.
	Start struct{ Lang string }
	// SetLanguage changes the language; on every screen.
	SetLanguage struct{ Lang string }
	// Go opens a screen the visitor may go back or on to: scan, review,
	// portal, result. Going on from scan or review needs a page.
	Go struct{ Screen Screen }
	// Scan scans what lies in the feeder or on the glass and adds its pages to
	// the current document; it opens review when pages came and nothing went
	// wrong. On the scan and review screens, as all actions on pages and keys.
	Scan struct{}
	// ListKey looks at the visitor's key and fills State.Keys; CloseKey puts
	// the list away.
	ListKey struct{}
	// CloseKey puts the list of the key's files away.
	CloseKey struct{}
	// Import adds the pages of a file of State.Keys to the current document.
	// The list stays open for more; CloseKey or Go end it.
	Import struct{ File string }
	// Cancel stops the task in hand. Pages that came before stay.
	Cancel struct{}
	// Retry does again what the fault on the screen stopped.
	Retry struct{}
	// Dismiss puts the fault on the screen away.
	Dismiss struct{}
	// Turn turns a page by 90 degrees clockwise.
	Turn struct{ Page string }
	// Move puts a page at a position, from 0.
	Move struct {
		Page string
		To   int
	}
	// AsIs shows and uses a page as it came, before the kiosk straightened or
	// cut it; with On false as the kiosk made it. Only pages with
	// Page.Changes can do so. The first time it takes a task; then both are
	// kept.
	AsIs struct {
		Page string
		On   bool
	}
	// Delete takes a page away; Undo brings it back.
	Delete struct{ Page string }
	// Undo takes the last change of the pages back, any number of times.
	Undo struct{}
	// Redo does again what Undo took back.
	Redo struct{}
	// Choose says, on the portal screen, where the current document goes and
	// what kind of paper it is, and makes the file. It opens the result screen
	// when it is ready.
	Choose struct{ Portal, Kind string }
	// AddDocument starts the next paper of the visit, on the scan screen. Go
	// to the result screen leads back while it has no page.
	AddDocument struct{}
	// SaveToKey puts the current document's files on the visitor's key.
	SaveToKey struct{}
	// Print prints the current document, each time as a new job; Retry after
	// a fault continues the last one.
	Print struct{}
	// PrintReceipt prints the visit's proof.
	PrintReceipt struct{}
	// CallHelp asks for a person; EndHelp says that it is settled.
	CallHelp struct{}
	// EndHelp puts the help call away.
	EndHelp struct{}
	// StillHere says that somebody is there: it puts the end of the visit off.
	// Screens send it for touches that ask for nothing else.
	StillHere struct{}
	// OpenPortal opens a portal in the locked browser, on every screen of a
	// visit but the question of a key; Go to the browse screen leads back to
	// one that is open.
	OpenPortal struct{ Portal string }
	// ClosePortal ends the browser, erases it and opens the result screen, or
	// scan where there is no result.
	ClosePortal struct{}
	// AttachDocument gives a document to the field that asks for a file: it
	// is made to fit first when its Result does not.
	AttachDocument struct{ Document string }
	// RefuseChoice gives the field nothing.
	RefuseChoice struct{}
	// AddForChoice opens the scan screen to add a paper while the field
	// waits; Go to the browse screen leads back to the question.
	AddForChoice struct{}
	// AskFor puts a question over the page, or AskNothing to put it away:
	// AskPrint, AskMailbox, AskRefused.
	AskFor struct{ Ask Ask }
	// Lighter makes the last attached document again after the portal refused
	// it: smaller, or of the other format; the visitor then touches the
	// portal's field again, which gets it.
	Lighter struct{ Format kiosk.Format } // "" keeps the format
	// BrowserDo moves through the portal's pages.
	BrowserDo struct{ Command kiosk.BrowserCommand }
	// OpenMailbox opens one of the catalogue's mailboxes in its own tab.
	OpenMailbox struct{ Mailbox string }
	// TypeText and PressKey are the kiosk's own keyboard.
	TypeText struct{ Text string }
	// PressKey presses a key; see kiosk.Browsing.
	PressKey struct{ Key string }
	// PrintPage prints the portal's page in front.
	PrintPage struct{}
	// PlaceBrowser says where on the screen the portal's window belongs, in
	// pixels; empty to take it off. The screen sends it whenever its hole for
	// the window moves.
	PlaceBrowser struct{ Rect image.Rectangle }
	// ReadAloud reads the text of the kiosk's own screen aloud, or, without
	// Text, what the portal's page shows. While something is being read it
	// ends it.
	ReadAloud struct{ Text string }
	// WaitForCode stretches the idle time while a code is on its way.
	WaitForCode struct{ On bool }
	// OpenPhone brings papers from the visitor's phone: it shows the phone's
	// screen, with State.Phone. On the screens of Import, and where a field
	// asks for a paper, which then is added as by AddForChoice.
	OpenPhone struct{}
	// SendToPhone sends the current document's files to the visitor's phone,
	// at once to one that was accepted before.
	SendToPhone struct{}
	// AcceptPhone says that the phone shows the same digits.
	AcceptPhone struct{ Code string }
	// OtherPhone sends the phone away that is there; a new code is shown.
	OtherPhone struct{}
	// ClosePhone puts the phone's screen away. A phone that was accepted can
	// be used again.
	ClosePhone struct{}
	// Leave ends the visit at once, whatever runs, and wipes it.
	Leave struct{}
)

func (Start) action()          {}
func (SetLanguage) action()    {}
func (Go) action()             {}
func (Scan) action()           {}
func (ListKey) action()        {}
func (CloseKey) action()       {}
func (Import) action()         {}
func (Cancel) action()         {}
func (Retry) action()          {}
func (Dismiss) action()        {}
func (Turn) action()           {}
func (Move) action()           {}
func (AsIs) action()           {}
func (Delete) action()         {}
func (Undo) action()           {}
func (Redo) action()           {}
func (Choose) action()         {}
func (AddDocument) action()    {}
func (SaveToKey) action()      {}
func (Print) action()          {}
func (PrintReceipt) action()   {}
func (CallHelp) action()       {}
func (EndHelp) action()        {}
func (StillHere) action()      {}
func (OpenPortal) action()     {}
func (ClosePortal) action()    {}
func (AttachDocument) action() {}
func (RefuseChoice) action()   {}
func (AddForChoice) action()   {}
func (AskFor) action()         {}
func (Lighter) action()        {}
func (BrowserDo) action()      {}
func (OpenMailbox) action()    {}
func (TypeText) action()       {}
func (PressKey) action()       {}
func (PrintPage) action()      {}
func (PlaceBrowser) action()   {}
func (ReadAloud) action()      {}
func (WaitForCode) action()    {}
func (Leave) action()          {}
func (OpenPhone) action()      {}
func (SendToPhone) action()    {}
func (AcceptPhone) action()    {}
func (OtherPhone) action()     {}
func (ClosePhone) action()     {}
