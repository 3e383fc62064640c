package provisioning

import "time"

// Hello is what a kiosk says first on each connection.
type Hello struct {
	Words    int    `json:"words"`   // Version of the kiosk
	Version  string `json:"version"` // of the agent
	Clock    int64  `json:"clock"`   // its own clock, µs since 1970
	Settings int64  `json:"settings,omitempty"`
	Beat     Beat   `json:"beat"`
	// Key is the public half of the command-signing key that it trusts, so
	// that a server notices that it has to tell the next one.
	Key string `json:"key,omitempty"`
}

// Welcome answers it.
type Welcome struct {
	Clock int64 `json:"clock"` // the server's, µs since 1970
	// Commands are those that wait for the kiosk, the oldest first.
	Commands []Signed `json:"commands,omitempty"`
	// Beat is the time between two beats, Backoff the longest wait before
	// another try to connect, both in seconds.
	Beat    int `json:"beat"`
	Backoff int `json:"backoff"`
	// Renew asks for a new key: see UpRenew.
	Renew bool `json:"renew,omitempty"`
}

// What Welcome's times may be; the kiosk keeps its own outside of these.
const (
	MinBeat    = 5 * time.Second
	MaxBeat    = 5 * time.Minute
	MinBackoff = 5 * time.Second
	MaxBackoff = 10 * time.Minute
)

// DecodeHello reads a Hello. The error is ErrInvalid.
func DecodeHello(b []byte) (Hello, error) {
	var h Hello
	if err := decode(b, &h); err != nil {
		return Hello{}, err
	}
	if !h.valid() {
		return Hello{}, invalid("hello")
	}
	return h, nil
}

func (h *Hello) valid() bool {
	return h.Words >= 1 && short(h.Version) && short(h.Key) && short(h.Beat.Run) && h.Settings >= 0
}

// DecodeWelcome reads a Welcome. Its commands are not verified yet: Open does.
func DecodeWelcome(b []byte) (Welcome, error) {
	var w Welcome
	if err := decode(b, &w); err != nil {
		return Welcome{}, err
	}
	if w.Clock <= 0 {
		return Welcome{}, invalid("welcome")
	}
	return w, nil
}

// Sync is one message of POST /sync, the way where a proxy breaks WebSocket:
// everything a kiosk has to say, once a minute. Its answer is SyncAnswer.
//
// The request says who it is in its header "Authorization: Kiosk CREDENTIAL
// SECONDS SIGNATURE": the credential, the kiosk's clock in s since 1970, and
// the raw URL base64 of the kiosk's signature over "SECONDS\n" and the body.
// The server takes clocks that are wrong by 5 minutes at the most; for others
// it answers 401 with its own in the header "Date", and the kiosk tries again
// with that.
type Sync struct {
	Hello  Hello   `json:"hello"`
	Events []Event `json:"events,omitempty"`
	// Results are the answers of commands that came with the answer before.
	Results []Result  `json:"results,omitempty"`
	Renew   *RenewAsk `json:"renew,omitempty"`
}

// SyncAnswer answers Sync.
type SyncAnswer struct {
	Ack        Ack         `json:"ack"` // of the events
	Welcome    Welcome     `json:"welcome"`
	Credential *Credential `json:"credential,omitempty"` // of Sync.Renew
}

// DecodeSync reads a Sync. The error is ErrInvalid.
func DecodeSync(b []byte) (Sync, error) {
	var s Sync
	if err := decode(b, &s); err != nil {
		return Sync{}, err
	}
	if err := checkEvents(s.Events); err != nil {
		return Sync{}, err
	}
	if len(s.Results) > MaxBatch {
		return Sync{}, invalid("number of results")
	}
	for i := range s.Results {
		if !s.Results[i].valid() {
			return Sync{}, invalid("result")
		}
	}
	if !s.Hello.valid() {
		return Sync{}, invalid("hello")
	}
	return s, nil
}

// EnrolAsk is the body of POST /enrol: a one-time code buys a credential for a
// key that was born on the kiosk.
type EnrolAsk struct {
	Words int    `json:"words"`
	Code  string `json:"code"` // as typed; case, spaces and hyphens do not count
	Key   string `json:"key"`  // nkey public user key, "U…"
	// Signature is the raw URL base64 of the key's signature over NormalCode
	// of the code and the key, one after the other: whoever asks has the key.
	Signature string `json:"signature"`
	Version   string `json:"version"` // of the agent
}

// DecodeEnrolAsk reads an EnrolAsk. The error is ErrInvalid.
func DecodeEnrolAsk(b []byte) (EnrolAsk, error) {
	var a EnrolAsk
	if err := decode(b, &a); err != nil {
		return EnrolAsk{}, err
	}
	if a.Words < 1 || !short(a.Code) || !short(a.Key) || !short(a.Signature) || !short(a.Version) {
		return EnrolAsk{}, invalid("enrolment")
	}
	return a, nil
}

// RenewAsk asks for a credential for a new key, over a connection that the
// present one opened. The present one is refused once the new one was used.
type RenewAsk struct {
	Key       string `json:"key"`
	Signature string `json:"signature"` // raw URL base64 of the new key's signature over the kiosk's ID and the key
}

// Credential is what a kiosk may do and as whom. It is no secret without the
// kiosk's key.
type Credential struct {
	Structure string `json:"structure"`
	Kiosk     string `json:"kiosk"`
	Label     string `json:"label"`   // where it stands, as the host named it
	Token     string `json:"token"`   // JWT of the transport
	Expires   int64  `json:"expires"` // s since 1970
	// Keys are the public halves of the keys that sign commands, raw URL
	// base64 of Ed25519, the present one first.
	Keys  []string `json:"keys"`
	Clock int64    `json:"clock"` // the server's, µs since 1970
}

// DecodeCredential reads a Credential. The error is ErrInvalid.
func DecodeCredential(b []byte) (Credential, error) {
	var c Credential
	if err := decode(b, &c); err != nil {
		return Credential{}, err
	}
	if !ValidID(c.Structure) || !ValidID(c.Kiosk) || c.Token == "" || len(c.Keys) == 0 || !short(c.Label) {
		return Credential{}, invalid("credential")
	}
	return c, nil
}
