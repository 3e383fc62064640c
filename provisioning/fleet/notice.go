package fleet

import "time"

// Notice is one message to people outside, in the store until it has gone: an
// e-mail to one address, or one call of a webhook. It speaks of kiosks, never
// of visitors.
type Notice struct {
	// ID is made from what it tells, so that the same notice added by two
	// servers is one.
	ID        string
	Structure string
	Channel   Channel
	To        string // address or https URL
	Subject   string // of an e-mail
	Body      string // plain text, or JSON for a webhook
	Created   time.Time
	Due       time.Time // not to be sent sooner
	Tries     int       // that failed
	Why       string    // the newest of them failed, in constant words
}

// Channel is how a notice goes out.
type Channel string

// The channels.
const (
	ByEmail   Channel = "email"
	ByWebhook Channel = "webhook"
)
