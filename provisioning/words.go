// Package provisioning is the vocabulary between kiosks and the fleet's
// server: what a kiosk tells (events, beats, its state), what it is told
// (commands, settings), how it is enrolled, and the subjects on which all that
// travels. It has no I/O.
//
// Nothing here can hold a page, a name, an address typed or a login: counters
// have closed names and no finer time than a quarter of an hour, states speak
// of devices.
//
// Both sides parse what the other sent with Decode functions that check every
// field; what they return is safe to store and to show as text.
package provisioning

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Version is the version of these words. A server speaks all versions from 1
// to its own; a kiosk says its own in Hello. Fields are only ever added, so
// that both sides ignore what they do not know.
const Version = 1

// Limits of what travels.
const (
	MaxBatch   = 100       // events of one message
	MaxMessage = 256 << 10 // bytes of one message
)

// ErrInvalid is what Decode functions return for bytes that are not these
// words.
var ErrInvalid = errors.New("provisioning: not understood")

func invalid(what string) error { return fmt.Errorf("%w: %s", ErrInvalid, what) }

// ValidID says whether a name can be that of a structure or a kiosk: 1 to 40
// of a to z, 0 to 9 and "-", not beginning or ending with "-". Dots and stars
// would change the meaning of a subject.
func ValidID(s string) bool {
	return len(s) > 0 && len(s) <= 40 && s[0] != '-' && s[len(s)-1] != '-' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && s == strings.ToLower(s)
}

// The last words of the subjects kiosk.STRUCTURE.KIOSK.up.* and .down.*.
const (
	UpEvents = "ev"    // request: []Event; answer: Ack, after the commit
	UpBeat   = "hb"    // publish: Beat
	UpHello  = "hello" // request at each connection: Hello; answer: Welcome
	UpRenew  = "renew" // request: RenewAsk; answer: Credential
	DownCmd  = "cmd"   // request to the kiosk: Signed; answer: Result
)

// Up is the subject on which a kiosk tells something; "*" for either name is
// all of them.
func Up(structure, kiosk, word string) string {
	return "kiosk." + structure + "." + kiosk + ".up." + word
}

// Down is the subject on which a kiosk is told something.
func Down(structure, kiosk, word string) string {
	return "kiosk." + structure + "." + kiosk + ".down." + word
}

// Live is the subject on which servers tell each other what has changed in a
// structure.
func Live(structure string) string { return "live." + structure }

// Who reads the structure and the kiosk in a subject of Up or Down.
func Who(subject string) (structure, kiosk string, ok bool) {
	f := strings.Split(subject, ".")
	if len(f) != 5 || f[0] != "kiosk" || !ValidID(f[1]) || !ValidID(f[2]) {
		return "", "", false
	}
	return f[1], f[2], true
}

// decode reads one JSON value and nothing behind it.
func decode(b []byte, into any) error {
	if len(b) > MaxMessage {
		return invalid("too long")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(into); err != nil {
		return invalid(err.Error())
	}
	if d.More() {
		return invalid("more than one value")
	}
	return nil
}
