package kiosk

import (
	"context"
	"image"
	"io"
)

// Browser is the locked browser in which visitors use a portal. It keeps a
// fresh process ready, so that a visit never waits for one.
type Browser interface {
	// Open shows a portal. It returns once its first page is there, or with
	// CodeNoNetwork, CodeBrowserBroken or ctx's cause. There is one Browsing at
	// a time: an open one makes it fail with CodeDeviceBusy. Whoever opens it
	// closes it.
	Open(ctx context.Context, o BrowseOptions) (Browsing, error)
}

// BrowseOptions say what is opened.
type BrowseOptions struct {
	Portal  string // id of the catalogue's portal: its hosts and its services' are allowed, and those of mailboxes
	Address string // https; "" is the portal's own
	Lang    string // BCP 47: what pages are asked for in
	// Follow gets the state whenever it changed, from one goroutine; it must
	// not wait.
	Follow func(BrowserState)
}

// Browsing is a portal in use. Its methods may be called from any goroutine.
// Nothing that it hands out, of the page or of the visitor, may be logged.
type Browsing interface {
	// Attach answers BrowserState.Choice with files, which the page then has.
	// They are copied to where only the browser reads them, and checked there.
	// CodeBadRequest when the choice is not open any more.
	Attach(ctx context.Context, choice string, files []Attachment) error
	// Refuse answers it with nothing: the page is told that the visitor
	// changed their mind.
	Refuse(ctx context.Context, choice string) error
	// Do moves through pages and tabs.
	Do(ctx context.Context, c BrowserCommand) error
	// OpenMailbox shows an address in the mailbox's tab, which it makes: the portal
	// stays as it is in its own.
	OpenMailbox(ctx context.Context, address string) error
	// Type puts text where the page's cursor is, in whatever frame.
	Type(ctx context.Context, text string) error
	// Press presses a key there: "Backspace", "Enter", "Tab", "ArrowLeft",
	// "ArrowRight", "ArrowUp", "ArrowDown". Others are refused.
	Press(ctx context.Context, key string) error
	// Print gives the page in front as a PDF of A4.
	Print(ctx context.Context) ([]byte, error)
	// Text gives what the page in front shows now, or what is selected in it,
	// to be read aloud: a block a line, its frames' included, at most 16 kB.
	// Nothing that was typed is in it. lang is what the page says it is
	// written in, a BCP 47 tag if it is right; "" when it says nothing.
	Text(ctx context.Context) (text, lang string, err error)
	// Take gives what was downloaded, once: it is gone from the browser then.
	Take(ctx context.Context, download string) (io.ReadCloser, error)
	// Place puts the window on the screen, in pixels, over the hole that the
	// kiosk's own screen leaves for it. The empty rectangle takes it off while
	// the kiosk asks something.
	Place(ctx context.Context, r image.Rectangle) error
	// Close ends the browser and erases all it had. It returns nil only when
	// that was verified, else CodeOutOfOrder; no Browsing can be opened then.
	Close(ctx context.Context) error
}

// Attachment is a file for a page.
type Attachment struct {
	Name string // as the portal sees it: ASCII, with extension
	Size int64  // bytes
	Open func() (io.ReadCloser, error)
}

// BrowserCommand is a move of the visitor's.
type BrowserCommand string

// The commands.
const (
	BrowserBack    BrowserCommand = "back"
	BrowserReload  BrowserCommand = "reload"
	BrowserHome    BrowserCommand = "home"   // the portal's first page
	BrowserPortal  BrowserCommand = "portal" // its tab in front
	BrowserMailbox BrowserCommand = "mailbox"
	BrowserLarger  BrowserCommand = "larger"
	BrowserSmaller BrowserCommand = "smaller"
)

// BrowserState is what the kiosk's own screen shows of a portal in use. It is
// a value: it is not changed after it was handed on.
type BrowserState struct {
	Loading bool
	Host    string // of the page in front
	Mailbox bool   // the mailbox's tab is in front
	Tabs    int    // 2 with a mailbox
	CanBack bool
	Zoom    int // percent
	// Stopped is why the visitor was brought back to the page before: an
	// address that is not allowed here. "" again with the next page.
	Stopped BrowserStop
	// StoppedAt is the host that StopForeign is about.
	StoppedAt string
	// Restarted counts how often the browser broke and was started again.
	Restarted int
	// Choice is a file that a page asks for; nil when none does.
	Choice *FileChoice
	// Typing says that the page's cursor is in a field.
	Typing FieldKind
	// Downloads wait to be taken, the oldest first.
	Downloads []Download
	// Print counts how often pages asked to be printed.
	Print int
	// Touches changes when pages are touched, scrolled or typed on, at most
	// every few seconds: somebody is there. It says nothing of what was done.
	Touches int
}

// BrowserStop is a reason for which a page was not shown.
type BrowserStop string

// The reasons.
const (
	StopForeign BrowserStop = "foreign" // no host of this portal
	StopScheme  BrowserStop = "scheme"  // mailto:, tel: and others
	StopNetwork BrowserStop = "network" // no answer
	StopCrash   BrowserStop = "crash"   // the page broke
)

// FieldKind is a kind of field to type in; "" none.
type FieldKind string

// The kinds of fields.
const (
	FieldText     FieldKind = "text"
	FieldNumber   FieldKind = "number"
	FieldEmail    FieldKind = "email"
	FieldPhone    FieldKind = "phone"
	FieldPassword FieldKind = "password" // what is typed is not shown
)

// FileChoice is a field of a page that asks for a file, as it says so itself.
type FileChoice struct {
	ID       string
	Multiple bool
	Folder   bool     // it asks for a whole folder, which no visitor has
	Drop     bool     // a zone to drop files on, not a field
	Formats  []Format // that it takes, the best first; empty when it does not say
	MaxBytes int64    // of a file, the strict reading of what is written near it; 0 when nothing is
	MaxTotal int64    // of all its files; 0
	MaxFiles int      // 0
}

// Download is a file that a portal gave.
type Download struct {
	ID   string
	Name string // as the portal calls it; only a suggestion
	Size int64  // bytes
	Done bool   // it can be taken
}
