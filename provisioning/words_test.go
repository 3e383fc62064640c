package provisioning_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

func TestNamesThatWouldChangeASubjectAreRefused(t *testing.T) {
	for _, id := range []string{"k7f", "mairie-de-lyon-3", "a"} {
		if !provisioning.ValidID(id) {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range []string{"", "a.b", "*", ">", "A", "é", "-a", "a-", "a b", strings.Repeat("a", 41)} {
		if provisioning.ValidID(id) {
			t.Errorf("%q is taken", id)
		}
	}
	s, k, ok := provisioning.Who(provisioning.Up("s1", "k1", provisioning.UpEvents))
	if !ok || s != "s1" || k != "k1" {
		t.Errorf("got %q %q %v", s, k, ok)
	}
	for _, subject := range []string{"kiosk.s1.k1.up", "other.s1.k1.up.ev", "kiosk.*.k1.up.ev"} {
		if _, _, ok := provisioning.Who(subject); ok {
			t.Errorf("%q says who speaks", subject)
		}
	}
}

func TestEventsAreCheckedBeforeTheyAreStored(t *testing.T) {
	slot := time.Date(2026, 11, 22, 9, 15, 0, 0, time.UTC).Unix()
	counts := func(n map[string]int64) provisioning.Event {
		return provisioning.Event{Epoch: 7, Seq: 1, At: 1, Kind: provisioning.EventCounts, Counts: &provisioning.Counts{Slot: slot, N: n}}
	}
	for name, c := range map[string]struct {
		events []provisioning.Event
		ok     bool
	}{
		"counters of the list":            {[]provisioning.Event{counts(map[string]int64{"visits": 2, "attached/caf": 1, "language/fr": 2})}, true},
		"a counter that nobody knows":     {[]provisioning.Event{counts(map[string]int64{"name/dupont": 1})}, false},
		"a value that is a sentence":      {[]provisioning.Event{counts(map[string]int64{"paper/carte de Mme": 1})}, false},
		"a count of nothing":              {[]provisioning.Event{counts(map[string]int64{"visits": 0})}, false},
		"a slot finer than a quarter":     {[]provisioning.Event{{Epoch: 7, Seq: 1, At: 1, Kind: provisioning.EventCounts, Counts: &provisioning.Counts{Slot: slot + 60, N: map[string]int64{"visits": 1}}}}, false},
		"two kinds at once":               {[]provisioning.Event{{Epoch: 7, Seq: 1, At: 1, Kind: provisioning.EventState, State: &provisioning.State{}, Result: &provisioning.Result{}}}, false},
		"no event":                        {[]provisioning.Event{}, false},
		"numbers that go back":            {[]provisioning.Event{state(2), state(1)}, false},
		"numbers that leave holes":        {[]provisioning.Event{state(2), state(9)}, true},
		"a sentence with control letters": {[]provisioning.Event{{Epoch: 7, Seq: 1, At: 1, Kind: provisioning.EventState, State: &provisioning.State{Paused: "a\x1b[2Jb"}}}, false},
	} {
		b, err := json.Marshal(c.events)
		if err != nil {
			t.Fatal(err)
		}
		_, err = provisioning.DecodeEvents(b)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, provisioning.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func state(seq int64) provisioning.Event {
	return provisioning.Event{Epoch: 7, Seq: seq, At: 1, Kind: provisioning.EventState, State: &provisioning.State{Version: "1"}}
}

func TestACommandIsDoneOnlyWhereAndWhenItIsMeant(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{base64.RawURLEncoding.EncodeToString(public)}
	now := time.Unix(1_800_000_000, 0)
	c := provisioning.Command{ID: "c1", Structure: "s1", Kiosk: "k1", Kind: provisioning.CommandReboot, Issued: now.Unix(), Expires: now.Add(time.Hour).Unix()}
	signed, err := provisioning.Sign(key, c)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := provisioning.Open(keys, "s1", "k1", now, signed); err != nil || got.ID != "c1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := provisioning.Open(keys, "s1", "k2", now, signed); !errors.Is(err, provisioning.ErrOthers) {
		t.Errorf("another kiosk: %v", err)
	}
	if got, err := provisioning.Open(keys, "s1", "k1", now.Add(time.Hour), signed); !errors.Is(err, provisioning.ErrExpired) || got.ID != "c1" {
		t.Errorf("late: %+v, %v", got, err)
	}
	forged := signed
	forged.Body = []byte(strings.Replace(string(signed.Body), "k1", "k2", 1))
	if _, err := provisioning.Open(keys, "s1", "k2", now, forged); !errors.Is(err, provisioning.ErrForged) {
		t.Errorf("altered: %v", err)
	}
	if _, err := provisioning.Open(nil, "s1", "k1", now, signed); !errors.Is(err, provisioning.ErrForged) {
		t.Errorf("without keys: %v", err)
	}
	c.Kind = "shell"
	if _, err := provisioning.Sign(key, c); !errors.Is(err, provisioning.ErrInvalid) {
		t.Errorf("a command that is not in the list: %v", err)
	}
	c.Kind, c.Settings = provisioning.CommandSettings, &kiosk.Settings{Opening: []kiosk.Opening{{From: 60, To: 30}}}
	if _, err := provisioning.Sign(key, c); !errors.Is(err, provisioning.ErrInvalid) {
		t.Errorf("settings that make no sense: %v", err)
	}
}

func TestACodeIsReadHoweverItIsTyped(t *testing.T) {
	for _, s := range []string{"QRTV-6YYE-10PX", "qrtv6yyeiopx", " QRTV 6YYE lOPX "} {
		if got := provisioning.NormalCode(s); got != "QRTV6YYE10PX" {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func FuzzWhatComesFromOutside(f *testing.F) {
	f.Add([]byte(`[{"e":7,"q":1,"t":1,"k":"counts","c":{"slot":1800000000,"n":{"visits":1}}}]`))
	f.Add([]byte(`{"words":1,"version":"0.1.0","clock":1,"beat":{"use":"free","e":7,"run":"x"}}`))
	f.Add([]byte(`{"id":"c1","status":"done"}`))
	f.Add([]byte(`{"structure":"s1","kiosk":"k1","label":"Hall","token":"t","expires":1,"keys":["k"],"clock":1}`))
	f.Add([]byte(`[{"e":7,"q":1,"t":1,"k":"state","s":{"version":"1","update":{"version":"1.0.0","wanted":"2.0.0","phase":"fetching","percent":40}}}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if evs, err := provisioning.DecodeEvents(b); err == nil {
			again, err := json.Marshal(evs)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := provisioning.DecodeEvents(again); err != nil && len(again) <= provisioning.MaxMessage {
				t.Errorf("taken once and refused then: %v", err)
			}
		}
		_, _ = provisioning.DecodeBeat(b)
		_, _ = provisioning.DecodeHello(b)
		_, _ = provisioning.DecodeWelcome(b)
		_, _ = provisioning.DecodeSync(b)
		_, _ = provisioning.DecodeEnrolAsk(b)
		_, _ = provisioning.DecodeCredential(b)
		_, _ = provisioning.DecodeResult(b)
		_, _ = provisioning.Open(nil, "s1", "k1", time.Unix(1, 0), provisioning.Signed{Body: b})
	})
}
