package keys_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

func open(t testing.TB) (*keys.Ring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := keys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

func user(t testing.TB) (nkeys.KeyPair, string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	key, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return pair, key
}

func TestARingIsTheSameWhenOpenedAgain(t *testing.T) {
	r, path := open(t)
	again, err := keys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, same := range map[string]bool{
		"account": r.AccountID() == again.AccountID(), "system": r.SystemID() == again.SystemID(), "signer": r.KioskSigner() == again.KioskSigner(),
		"command key": r.CommandKeys()[0] == again.CommandKeys()[0], "routes": r.RoutePassword() == again.RoutePassword(),
		"codes": r.CodeHash("a") == again.CodeHash("a"), "operator": r.Operator() != "" && r.System() != "",
	} {
		if !same {
			t.Errorf("%s differs", what)
		}
	}
	if other, _ := open(t); other.AccountID() == r.AccountID() || other.CodeHash("a") == r.CodeHash("a") {
		t.Error("two rings are the same")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestADamagedOrReadableFileIsRefused(t *testing.T) {
	_, path := open(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty": "", "no JSON": "x", "no keys": "{}", "half": string(good[:len(good)/2]),
		"changed": strings.Replace(string(good), `"operator": "SO`, `"operator": "SA`, 1),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Open(path); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "SU") {
			t.Errorf("%s: the error quotes a key: %v", name, err)
		}
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open(path); err == nil {
		t.Error("others may read it, and it is taken")
	}
}

func TestATokenNamesItsBearer(t *testing.T) {
	r, _ := open(t)
	other, _ := open(t)
	_, key := user(t)
	k := fleet.Kiosk{ID: "k1", Structure: "mairie"}
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	token, err := r.Token(k, key, end)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := r.Read(token); err != nil || b.Kiosk != "k1" || b.Structure != "mairie" || b.Key != key || !b.Expires.Equal(end) {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := other.Read(token); !errors.Is(err, keys.ErrToken) {
		t.Errorf("another fleet takes it: %v", err)
	}
	if _, err := r.Read(token[:len(token)-4] + "AAAA"); !errors.Is(err, keys.ErrToken) {
		t.Errorf("another signature is taken: %v", err)
	}
	_, service, err := r.Service(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(service); !errors.Is(err, keys.ErrToken) {
		t.Errorf("a server passes for a kiosk: %v", err)
	}
	for _, bad := range []fleet.Kiosk{{ID: "k.1", Structure: "mairie"}, {ID: "k1", Structure: "*"}, {ID: "K1", Structure: "mairie"}, {ID: "k1"}} {
		if _, err := r.Token(bad, key, end); err == nil {
			t.Errorf("a token for %+v", bad)
		}
	}
	if _, err := r.Token(k, r.AccountID(), end); err == nil {
		t.Error("a token for a key that is no user's")
	}
}

// A kiosk that makes a token for itself with its own key is nobody's.
func TestAKioskCannotSignForItself(t *testing.T) {
	r, _ := open(t)
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	_, key := user(t)
	u := jwt.NewUserClaims(key)
	u.Name, u.IssuerAccount, u.Expires = "k1", r.AccountID(), time.Now().Add(time.Hour).Unix()
	u.Tags.Add("structure:mairie")
	u.SetScoped(true)
	token, err := u.Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(token); !errors.Is(err, keys.ErrToken) {
		t.Errorf("taken: %v", err)
	}
}

func TestAnAccountRefusesRevokedKeys(t *testing.T) {
	r, _ := open(t)
	_, key := user(t)
	at := time.Now()
	token, err := r.Account(map[string]time.Time{key: at})
	if err != nil {
		t.Fatal(err)
	}
	a, err := jwt.DecodeAccountClaims(token)
	if err != nil || !a.Revocations.IsRevoked(key, at) || a.Revocations.IsRevoked(key, at.Add(2*time.Second)) || a.Subject != r.AccountID() {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestCommandsAreSignedForTheirKiosk(t *testing.T) {
	r, _ := open(t)
	now := time.Now()
	s, err := r.Sign(provisioning.Command{ID: "c1", Structure: "mairie", Kiosk: "k1", Kind: provisioning.CommandRecheck, Issued: now.Unix(), Expires: now.Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := provisioning.Open(r.CommandKeys(), "mairie", "k1", now, s); err != nil || c.ID != "c1" {
		t.Errorf("%+v, %v", c, err)
	}
	other, _ := open(t)
	if _, err := provisioning.Open(other.CommandKeys(), "mairie", "k1", now, s); !errors.Is(err, provisioning.ErrForged) {
		t.Errorf("another fleet's command is taken: %v", err)
	}
}

func TestCodesAreReadHoweverTheyAreTyped(t *testing.T) {
	r, _ := open(t)
	seen := map[string]bool{}
	for range 100 {
		code, err := keys.NewCode()
		if err != nil || len(code) != 14 || code[4] != '-' || code[9] != '-' || strings.ContainsAny(code, "ILOU") || seen[code] {
			t.Fatalf("%q, %v", code, err)
		}
		seen[code] = true
		typed := strings.ReplaceAll(strings.ToLower(strings.ReplaceAll(code, "-", " ")), "0", "o")
		if r.CodeHash(code) != r.CodeHash(typed) || r.CodeHash(code) == r.CodeHash(code[1:]) {
			t.Errorf("%q and %q differ", code, typed)
		}
		id := r.KioskID(code, "key")
		if !provisioning.ValidID(id) || id != r.KioskID(typed, "key") || id == r.KioskID(code, "other") {
			t.Errorf("kiosk %q", id)
		}
	}
}

func TestOnlyTheHolderOfAKeyPossessesIt(t *testing.T) {
	pair, key := user(t)
	_, other := user(t)
	b, err := pair.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	sig := base64.RawURLEncoding.EncodeToString(b)
	if !keys.Possesses(key, sig, []byte("message")) {
		t.Error("its own signature is refused")
	}
	if keys.Possesses(other, sig, []byte("message")) || keys.Possesses(key, sig, []byte("other")) || keys.Possesses(key, "", []byte("message")) || keys.Possesses("", sig, nil) {
		t.Error("another one's signature is taken")
	}
}

func FuzzRead(f *testing.F) {
	r, _ := open(f)
	_, key := user(f)
	token, err := r.Token(fleet.Kiosk{ID: "k1", Structure: "mairie"}, key, time.Now().Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("a.b.c")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := r.Read(s)
		if err == nil && (!provisioning.ValidID(b.Kiosk) || !provisioning.ValidID(b.Structure) || b.Key != key) {
			t.Errorf("%q names %+v", s, b)
		}
	})
}
