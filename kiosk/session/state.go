// Package session is one visitor's visit as a state machine. One goroutine
// owns the visit; actions are handed over to it; the whole state of the screen
// is one small value that anybody can follow and that never waits for a scan.
package session

import (
	"time"

	"pointnum/kiosk"
)

// Screen is what the visitor sees.
type Screen string

// The screens, in the order of a visit.
const (
	ScreenWelcome Screen = "welcome" // nobody's visit; one touch starts one
	ScreenScan    Screen = "scan"    // lay the paper; scan, or bring from a key
	ScreenReview  Screen = "review"  // the pages: turn, move, delete, undo, add
	ScreenPortal  Screen = "portal"  // where it goes, and what kind of paper it is
	ScreenResult  Screen = "result"  // the file is ready: key, print, receipt, another paper
	ScreenBrowse  Screen = "browse"  // a portal in the locked browser, beside the kiosk's own bar
	ScreenGoodbye Screen = "goodbye" // "tout est effacé": take your papers; then welcome again
	ScreenBroken  Screen = "broken"  // out of order, with a sentence and a code
)

// TaskKind is work longer than half a second.
type TaskKind string

// The kinds of tasks.
const (
	TaskScan    TaskKind = "scan"
	TaskImport  TaskKind = "import"
	TaskAsIs    TaskKind = "as_is" // a page is read again as it came
	TaskConvert TaskKind = "convert"
	TaskSave    TaskKind = "save"
	TaskPrint   TaskKind = "print"
	TaskReceipt TaskKind = "receipt"
	TaskOpen    TaskKind = "open"    // a portal is opened
	TaskAttach  TaskKind = "attach"  // a document is made to fit a portal's field and given to it
	TaskTake    TaskKind = "take"    // a portal's download becomes a document
	TaskReceive TaskKind = "receive" // a file comes from the visitor's phone and becomes pages
	TaskSend    TaskKind = "send"    // a document goes to the visitor's phone
	TaskWipe    TaskKind = "wipe"
)

// Task is the work in hand. There is at most one.
type Task struct {
	Kind  TaskKind
	Done  int // pages, steps or sheets done
	Total int // 0 when nobody knows
	// Waiting is what the device waits for while the task goes on (a printer
	// out of paper); "" when nothing.
	Waiting   kiosk.Code
	Started   time.Time
	CanCancel bool
}

// Fault is what went wrong with the last task: a state with a picture, shown
// until the visitor retries, does something else or puts it away.
type Fault struct {
	Code  kiosk.Code
	Kind  kiosk.Kind // of the device; "" when it is about a file
	Task  TaskKind   // what was tried; Retry tries it again
	Sheet int        // of CodePaperJam and others: the sheet to feed again; 0 unknown
	Kept  int        // good pages that were kept from the task
	Retry bool       // trying again makes sense
}

// Page is one page of a document.
type Page struct {
	ID       string // random
	Picture  string // names its pictures: one name as it came, another as it was made ready
	Turn     int    // degrees clockwise
	Findings []kiosk.Finding
	Ready    bool // false while it is being made ready; it has no picture yet
	// Changes were made to it on its way in and can be taken back with AsIs;
	// none when there is no way back.
	Changes []kiosk.Change
	AsIs    bool // it shows and is used as it came
}

// Document is one paper of the visit: its pages and what became of them.
type Document struct {
	ID     string
	Kind   string // id of the catalogue's kind of paper; "" until chosen
	Portal string // id of the catalogue's portal; "" until chosen
	Pages  []Page
	Result *Result // nil until converted, and again after a change
	// Attached says where it was given to, the oldest first; it is kept when
	// Result is made again.
	Attached []Attached
	// From is the id of the portal that gave it as a download; "" when the
	// visitor brought it.
	From string
}

// Attached is a document that a portal's page took. Whether the portal kept
// it, its page says.
type Attached struct {
	Portal string // id
	At     time.Time
	Format kiosk.Format
	Bytes  int64
	Files  int
}

// Browse is a portal in use, on the browse screen and, in the background, on
// those of papers that are added meanwhile.
type Browse struct {
	Portal string // id
	kiosk.BrowserState
	// Asking is what stands over the page; AskNothing when the page is free.
	Asking Ask
	// Target is what the field of BrowserState.Choice takes, the stricter of
	// what it says and what the catalogue does; Known when it was read in the
	// page or is the portal's own published rule.
	Target kiosk.Target
	Known  bool
	// Lighter says that the last attached document can be made lighter, or
	// of another format, for a portal that refused it.
	Lighter bool
	// Others are the formats that its field takes instead, the best first; all
	// that make sense when the field said nothing.
	Others []kiosk.Format
	// Elsewhere is the portal whose page was not shown because it is not this
	// portal's; "" for pages of sites that are not in the catalogue. OpenPortal
	// leads there.
	Elsewhere string
	// Waiting says that the visitor waits for a code: idle time is longer.
	Waiting bool
}

// Ask is what the kiosk asks over a portal's page.
type Ask string

// What is asked.
const (
	AskNothing Ask = ""
	AskFile    Ask = "file"    // which document the field gets
	AskPrint   Ask = "print"   // to print the page
	AskMailbox Ask = "mailbox" // whose mailbox to open
	AskTaken   Ask = "taken"   // a download became a document: print, key, or go on
	AskRefused Ask = "refused" // what the portal did not like: too large, or its format
)

// Result is a document as the portal takes it.
type Result struct {
	Format    kiosk.Format
	Files     int
	Pages     int
	Bytes     int64 // all files together
	MaxBytes  int64 // the field's limit; the kiosk's own cap when Known is false
	Known     bool  // the limit is the portal's own published rule
	Passed    bool  // handed on as it was brought
	Name      string
	OnKey     []string // names saved on the key; empty when not saved
	Printed   bool
	OnPhone   bool // the visitor's phone has it
	Delivered bool // saved, printed or sent at least once
}

// Slot says how a kind of device is doing.
type Slot struct {
	Present    bool // the kiosk has one
	Ready      bool
	Busy       bool // lent to this visit
	Conditions []kiosk.Code
}

// KeyListing is what lies on the visitor's key while they choose from it.
type KeyListing struct {
	Files []kiosk.KeyFile
	Added []string // IDs already brought in
}

// Phone is the visitor's phone while its screen is shown, without what it
// offers.
type Phone struct {
	kiosk.PhoneState
	Giving bool // the current document goes to it, once it was accepted
	Added  int  // its files that became pages since the screen was opened
}

// State is everything a screen shows. It is a value: it is never changed
// after it was published.
type State struct {
	Screen Screen
	Visit  string // random, new for each visit, "" on the welcome screen; never leaves the kiosk
	Lang   string // BCP 47; "fr" at first

	Documents []Document // the papers of the visit, the oldest first
	Current   int        // the one being worked on; valid when Documents is not empty

	CanUndo bool
	CanRedo bool

	Task  *Task
	Fault *Fault

	Browse *Browse // not nil while a portal is open

	Phone  *Phone // not nil while the phone's screen is shown
	Phones bool   // phones can be reached

	Keys    *KeyListing // not nil while the visitor chooses from their key
	Receipt bool        // a receipt was printed for what was done so far

	// IdleWarning is the time at which the visit ends by itself; the zero
	// time while no warning is shown. StillHere puts it off, any number of
	// times.
	IdleWarning time.Time

	Help   bool // help was asked for and nobody put it away
	Coming bool // and somebody said that they are on their way
	// Message is the host's line for all visitors; Paused its reason why no
	// visit can begin, Closed that the place is closed. "" and false: none.
	Message, Paused string
	Closed          bool
	Wiped           bool // on the goodbye screen: everything was erased and that was checked
	Restore         bool // the kiosk restarted in mid-visit and has its pages again

	Scanner, Printer, ReceiptPrinter, Key Slot
	// Voice says that the kiosk can be heard: portals' pages can be read aloud;
	// Speaks that it can read Lang, and so its own screens. Reading says that
	// it reads.
	Voice, Speaks, Reading bool
	// Browser says that portals can be opened: the kiosk has the browser, and
	// its last wipe held.
	Browser bool
}

// Doc returns the current document; nil when there is none.
func (s State) Doc() *Document {
	if s.Current < 0 || s.Current >= len(s.Documents) {
		return nil
	}
	return &s.Documents[s.Current]
}

// PageCount is the number of pages of all documents.
func (s State) PageCount() int {
	n := 0
	for _, d := range s.Documents {
		n += len(d.Pages)
	}
	return n
}
