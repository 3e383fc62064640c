package kiosk

import (
	"context"
	"io"
)

// Phone reaches the phones that visitors hold in their hands: papers come from
// them and documents go to them.
type Phone interface {
	// Open begins to invite a phone and returns at once; what becomes of it is
	// told to PhoneOptions.Follow. Whoever opens a link closes it.
	Open(ctx context.Context, o PhoneOptions) (PhoneLink, error)
}

// PhoneOptions say how a phone is invited.
type PhoneOptions struct {
	Lang string // BCP 47: what the phone's page is shown in
	// Follow gets the state whenever it changed, from one goroutine at a time;
	// it must not wait.
	Follow func(PhoneState)
}

// PhoneLink is one phone, or the invitation of one. Its methods may be called
// from any goroutine. Nothing that it hands out may be logged.
type PhoneLink interface {
	// Accept says that the visitor saw this very PhoneState.Code on their
	// phone. Nothing is taken from a phone before. CodeBadRequest when it is
	// not the code any more.
	Accept(ctx context.Context, code string) error
	// Restart sends the phone away that is there, if one is, and invites
	// another.
	Restart(ctx context.Context) error
	// Receive takes a file of PhoneState.Offers. The caller reads it to its
	// end, closes it and answers it. Errors, of reading too: CodeBadRequest
	// when it is not offered any more, CodeFileTooBig, CodePhoneLost.
	Receive(ctx context.Context, file string) (io.ReadCloser, error)
	// Answer tells the phone what became of a file: "" when it became pages.
	// It is not offered any more then.
	Answer(ctx context.Context, file string, c Code) error
	// Send gives files to the phone. It returns once the phone has said that
	// it has them whole. Errors: CodeBadRequest while no phone is accepted,
	// CodeFileTooBig, CodePhoneLost.
	Send(ctx context.Context, files []Attachment, progress func(done, total int)) error
	// Close ends the link and erases its keys, and what the relay has of it. A
	// relay that does not answer (CodeNoNetwork) erases it by itself soon, and
	// could never read it.
	Close(ctx context.Context) error
}

// PhoneState is what the kiosk's screen shows of a phone. It is a value: it is
// not changed after it was handed on.
type PhoneState struct {
	Address  string      // what the QR code says; "" while there is none to show
	Code     string      // four digits that the phone shows, too; "" while there is no phone
	Accepted bool        // the visitor said that they are the same
	Offers   []PhoneFile // files that wait to be received, the oldest first
	Signs    int         // counts what came from the phone: somebody is there
	// Trouble is CodeNoNetwork while the relay does not answer,
	// CodeOutOfOrder while its page is not the one this kiosk knows,
	// CodePhoneLost when the phone before was lost; "" when all is well.
	Trouble Code
}

// PhoneFile is a file that a phone offers.
type PhoneFile struct {
	ID   string
	Name string // made safe to show (no control or direction characters)
	Size int64  // bytes, as the phone says
}
