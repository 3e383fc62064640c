package phone

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// what a message says.
type what string

const (
	// From the phone.
	sayOffer what = "offer" // it has a file: name, size
	sayDrop  what = "drop"  // it has not, after all
	sayGot   what = "got"   // it has the kiosk's file whole
	// From the kiosk.
	sayAccept what = "accept" // the visitor accepted the digits: files may be offered
	sayGo     what = "go"     // send the file now
	sayTaken  what = "taken"  // the file became pages
	sayRefuse what = "refuse" // it did not; code says why, "canceled" that it may be offered again
	sayDoc    what = "doc"    // a file comes: name, size
	sayStop   what = "stop"   // it does not, after all
	sayEnd    what = "end"    // the link ends: code says why
)

// message is what one side tells the other beside the bytes of files. The file
// that it is about is in the body's head.
type message struct {
	Say  what   `json:"say"`
	Name string `json:"name,omitempty"`
	Size int64  `json:"size,omitempty"`
	Code string `json:"code,omitempty"`
}

const (
	maxMessage = 4 << 10
	maxName    = 255
)

func (m message) bytes() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and a number
	}
	return b
}

// parseMessage reads what a phone may say.
func parseMessage(b body) (message, error) {
	var m message
	if b.kind != kindMessage || b.file == 0 || len(b.content) > maxMessage {
		return message{}, errBody
	}
	d := json.NewDecoder(bytes.NewReader(b.content))
	d.DisallowUnknownFields()
	if d.Decode(&m) != nil {
		return message{}, errBody
	}
	if _, err := d.Token(); err != io.EOF {
		return message{}, errBody
	}
	switch m.Say {
	case sayOffer:
		if m.Size < 0 || len(m.Name) > maxName || !utf8.ValidString(m.Name) || m.Code != "" {
			return message{}, errBody
		}
		m.Name = safeName(m.Name)
		return m, nil
	case sayDrop, sayGot:
		if m.Name != "" || m.Size != 0 || m.Code != "" {
			return message{}, errBody
		}
		return m, nil
	}
	return message{}, errBody
}

// safeName is the last part of a name, without what could change how it is
// shown.
func safeName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) { // letters, marks, numbers, signs and the space
			return -1
		}
		return r
	}, s))
}
