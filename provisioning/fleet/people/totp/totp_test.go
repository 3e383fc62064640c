package totp_test

import (
	"net/url"
	"testing"
	"time"

	"pointnum/provisioning/fleet/people/totp"
)

func TestCodesAreThoseOfTheRFC(t *testing.T) {
	secret := []byte("12345678901234567890")
	// RFC 6238, appendix B, the lines of SHA-1.
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := totp.Code(secret, totp.Step(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	// RFC 4226, appendix D.
	for n, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := totp.Code(secret, int64(n), 6); got != want {
			t.Errorf("count %d: %s, want %s", n, got, want)
		}
	}
}

func TestOneStepEarlyOrLateIsFoundAndNoMore(t *testing.T) {
	secret, at := totp.Secret(), time.Unix(1_800_000_015, 0)
	for d := int64(-3); d <= 3; d++ {
		step := totp.Step(at) + d
		got, ok := totp.Find(secret, totp.Code(secret, step, totp.Digits), at)
		if want := d >= -1 && d <= 1; ok != want || ok && got != step {
			t.Errorf("%d steps away: step %d, %v; want %v", d, got-totp.Step(at), ok, want)
		}
	}
	for _, code := range []string{"", "12345", "1234567", "abcdef", "１２３４５６"} {
		if _, ok := totp.Find(secret, code, at); ok {
			t.Errorf("%q was found", code)
		}
	}
}

func TestTheAddressForApplicationsIsReadBack(t *testing.T) {
	secret := []byte("12345678901234567890")
	u, err := url.Parse(totp.URI("Bornes de l’été", "ana+a@mairie.example", secret))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Bornes de l’été:ana+a@mairie.example" ||
		q.Get("issuer") != "Bornes de l’été" || q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Errorf("%s", u)
	}
}
