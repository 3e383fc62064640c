package provisioning_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pointnum/provisioning"
)

func TestVersionsAreComparedAsNumbers(t *testing.T) {
	rising := []string{"none", "0.0.1", "0.1.0", "0.9.9", "0.10.0", "1.0.0", "1.0.2", "1.0.10", "2.0.0", "999999.0.0"}
	for i, a := range rising {
		for j, b := range rising {
			if got := provisioning.CompareVersions(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
	for _, s := range []string{"", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.+1", "1.0.-1", "1.0.0\n", "1.0.1000000", "v1.0.0", "1.0.0-rc1", "../1.0.0", "1..0"} {
		if provisioning.ValidVersion(s) {
			t.Errorf("%q is a version", s)
		}
	}
}

func TestAnUpdateIsOrderedByASignedCommand(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		order *provisioning.UpdateOrder
		good  bool
	}{
		"the server's own files":  {&provisioning.UpdateOrder{Version: "2.0.0"}, true},
		"files elsewhere, later":  {&provisioning.UpdateOrder{Version: "2.0.0", URL: "https://releases.exemple.fr/2.0.0/", NotBefore: 1_800_000_100, Again: true}, true},
		"taken back":              {&provisioning.UpdateOrder{}, true},
		"no order":                {nil, false},
		"no version":              {&provisioning.UpdateOrder{Version: "newest"}, false},
		"a path":                  {&provisioning.UpdateOrder{Version: "../2"}, false},
		"a way that anybody read": {&provisioning.UpdateOrder{Version: "2.0.0", URL: "http://releases.exemple.fr/"}, false},
		"a file of the kiosk":     {&provisioning.UpdateOrder{Version: "2.0.0", URL: "file:///etc"}, false},
		"a password":              {&provisioning.UpdateOrder{Version: "2.0.0", URL: "https://a:b@x/"}, false},
		"a time before all times": {&provisioning.UpdateOrder{Version: "2.0.0", NotBefore: -1}, false},
	} {
		cmd := provisioning.Command{
			ID: "c1", Structure: "s1", Kiosk: "k1", Kind: provisioning.CommandUpdate,
			Issued: now.Unix(), Expires: now.Add(time.Hour).Unix(), Update: c.order,
		}
		signed, err := provisioning.Sign(key, cmd)
		if (err == nil) != c.good || err != nil && !errors.Is(err, provisioning.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		got, err := provisioning.Open([]string{base64.RawURLEncoding.EncodeToString(public)}, "s1", "k1", now, signed)
		if err != nil || got.Update == nil || *got.Update != *c.order {
			t.Errorf("%s: opened as %+v, %v", name, got.Update, err)
		}
	}
	if provisioning.CommandUpdate.Disturbs() {
		t.Error("a visit keeps a kiosk from fetching")
	}
}

func TestHowAnUpdateStandsIsPartOfTheState(t *testing.T) {
	for name, c := range map[string]struct {
		state string
		good  bool
	}{
		"none":                   {`{"version":"1.0.0"}`, true},
		"fetching":               {`{"update":{"version":"1.0.0","wanted":"2.0.0","phase":"fetching","percent":40}}`, true},
		"came back":              {`{"update":{"version":"1.0.0","phase":"returned","code":"update_unhealthy","returned":"2.0.0"}}`, true},
		"a phase of later words": {`{"update":{"version":"1.0.0","phase":"sealing","sealed":true}}`, true},
		"no phase":               {`{"update":{"version":"1.0.0"}}`, false},
		"more than all":          {`{"update":{"version":"1.0.0","phase":"fetching","percent":101}}`, false},
		"a version that is none": {`{"update":{"version":"1.0.0","phase":"fetching","wanted":"x"}}`, false},
		"a text that is none":    {`{"update":{"version":"1.0.0","phase":"failed","code":"a\u001bb"}}`, false},
	} {
		b := []byte(`[{"e":7,"q":1,"t":1,"k":"state","s":` + c.state + `}]`)
		evs, err := provisioning.DecodeEvents(b)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if again, err := json.Marshal(evs); err != nil || len(again) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
