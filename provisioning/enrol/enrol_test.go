package enrol_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
)

const code = "QRTV-6YYE-63PX"

func credential(kiosk string) provisioning.Credential {
	return provisioning.Credential{Structure: "mairie", Kiosk: kiosk, Label: "Hall", Token: "token", Expires: 1_800_000_000, Keys: []string{"k"}, Clock: 1}
}

// desk answers POST /enrol as the fleet's server does.
func desk(t *testing.T, answer func(a provisioning.EnrolAsk) (int, any)) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/fleet-of-us/enrol" {
			http.NotFound(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a, err := provisioning.DecodeEnrolAsk(body)
		if err != nil {
			t.Error(err)
		}
		key, err := nkeys.FromPublicKey(a.Key)
		if err != nil {
			t.Error(err)
			return
		}
		sig, err := base64.RawURLEncoding.DecodeString(a.Signature)
		if err != nil || key.Verify([]byte(provisioning.NormalCode(a.Code)+a.Key), sig) != nil {
			t.Error("the signature is not right")
		}
		status, v := answer(a)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	ca := x509.NewCertPool()
	ca.AddCert(s.Certificate())
	return s, ca
}

func TestACodeBuysAnIdentity(t *testing.T) {
	var asked provisioning.EnrolAsk
	s, ca := desk(t, func(a provisioning.EnrolAsk) (int, any) { asked = a; return 200, credential("kiosk-1") })
	key, err := enrol.New()
	if err != nil {
		t.Fatal(err)
	}
	id, err := enrol.Ask(t.Context(), enrol.Options{Server: s.URL + "/fleet-of-us", Code: " qrtv 6yye 63px ", Version: "1.2", CA: ca, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil || asked.Key != public || asked.Words != provisioning.Version || asked.Version != "1.2" {
		t.Errorf("asked %+v, %v", asked, err)
	}
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := enrol.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	if err := id.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := enrol.Load(path)
	if err != nil || again.Present.Key != key || again.Kiosk() != "kiosk-1" || again.Structure() != "mairie" || again.Server != s.URL+"/fleet-of-us" {
		t.Errorf("loaded %+v, %v", again, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if key.String() == string(key) {
		t.Error("the key shows itself")
	}
}

func TestWhatIsWrongHasACode(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, c := range []struct {
		name   string
		status int
		answer any
		server string
		noCA   bool
		want   kiosk.Code
	}{
		{name: "a used code", status: 403, want: enrol.CodeWrong},
		{name: "too many tries", status: 429, want: enrol.CodeOften},
		{name: "words it does not know", status: 400, want: enrol.CodeRefuse},
		{name: "a server that is broken", status: 500, want: route.CodeServer},
		{name: "something else that answers", status: 200, answer: "hello", want: route.CodeServer},
		{name: "a credential without a kiosk", status: 200, answer: credential(""), want: route.CodeServer},
		{name: "an authority that is not known", noCA: true, want: route.CodeCertificate},
		{name: "nobody there", server: nobody, want: kiosk.CodeNoNetwork},
		{name: "no such name", server: "https://nobody.invalid", want: kiosk.CodeNoNetwork},
		{name: "no TLS there", server: strings.Replace(plain.URL, "http:", "https:", 1), want: route.CodeServer},
		{name: "an address without TLS", server: plain.URL, want: kiosk.CodeBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ca := desk(t, func(provisioning.EnrolAsk) (int, any) { return c.status, c.answer })
			o := enrol.Options{Server: s.URL + "/fleet-of-us", Code: code, CA: ca}
			if c.server != "" {
				o.Server = c.server
			}
			if c.noCA {
				o.CA = x509.NewCertPool()
			}
			id, err := enrol.Ask(t.Context(), o)
			if kiosk.CodeOf(err) != c.want || id != nil {
				t.Errorf("got %q (%v), want %q", kiosk.CodeOf(err), err, c.want)
			}
		})
	}
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	var keys []string
	s, ca := desk(t, func(a provisioning.EnrolAsk) (int, any) {
		if keys = append(keys, a.Key); len(keys) == 1 {
			panic(http.ErrAbortHandler)
		}
		return 200, credential("kiosk-1")
	})
	id, err := enrol.Ask(t.Context(), enrol.Options{Server: s.URL + "/fleet-of-us", Code: code, CA: ca})
	if err != nil || id.Kiosk() != "kiosk-1" || len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("%v, asked with %v", err, keys)
	}
}

func TestAChangeOfKeysKeepsBothUntilTheNewOneWorked(t *testing.T) {
	s, ca := desk(t, func(provisioning.EnrolAsk) (int, any) { return 200, credential("kiosk-1") })
	id, err := enrol.Ask(t.Context(), enrol.Options{Server: s.URL + "/fleet-of-us", Code: code, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	asked, ask, err := id.Renew()
	if err != nil || len(asked.Pairs()) != 1 || asked.Promote() != asked {
		t.Fatalf("asked: %v", err)
	}
	if again, ask2, err := asked.Renew(); err != nil || ask2.Key != ask.Key || again.Next.Key != asked.Next.Key {
		t.Error("asked again with another key")
	}
	if _, err := id.Granted(credential("kiosk-1")); err == nil {
		t.Error("a credential that nobody asked for was taken")
	}
	if _, err := asked.Granted(credential("kiosk-2")); err == nil {
		t.Error("another kiosk's credential was taken")
	}
	granted, err := asked.Granted(credential("kiosk-1"))
	if err != nil {
		t.Fatal(err)
	}
	pairs := granted.Pairs()
	if len(pairs) != 2 || pairs[0].Key != asked.Next.Key || pairs[1].Key != id.Present.Key {
		t.Errorf("pairs %v", pairs)
	}
	if next := granted.Promote(); next.Present.Key != asked.Next.Key || next.Next != nil || next.Server != id.Server {
		t.Error("the new pair is not the present one")
	}
	if back := granted.Forget(); back.Present.Key != id.Present.Key || back.Next != nil {
		t.Error("the old pair is not there any more")
	}
	for _, id := range []*enrol.Identity{id, asked, granted, granted.Promote(), granted.Forget()} {
		path := filepath.Join(t.TempDir(), "identity")
		if err := id.Save(path); err != nil {
			t.Fatal(err)
		}
		if got, err := enrol.Load(path); err != nil || len(got.Pairs()) != len(id.Pairs()) || got.Pairs()[0].Key != id.Pairs()[0].Key {
			t.Errorf("loaded %v", err)
		}
	}
}

func TestAFileThatIsNoIdentityIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", "nothing", `{"server":"https://x","present":{"key":"SU","credential":{"structure":"a","kiosk":"b","token":"t"}}}`, strings.Repeat(" ", 1<<20)} {
		path := filepath.Join(t.TempDir(), "identity")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := enrol.Load(path); err == nil {
			t.Errorf("%.40q was taken", text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	key, err := enrol.New()
	if err != nil {
		f.Fatal(err)
	}
	b, err := json.Marshal(enrol.Identity{Server: "https://x", Present: enrol.Pair{Key: key, Credential: credential("kiosk-1")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := enrol.Decode(b)
		if err != nil {
			return
		}
		if id.Kiosk() == "" || len(id.Pairs()) == 0 {
			t.Error("an identity of nobody")
		}
		if _, _, err := id.Renew(); err != nil {
			t.Error(err)
		}
	})
}
