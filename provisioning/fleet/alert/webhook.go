package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The headers of a webhook's call. Signature is "t=SECONDS,v1=HEX": the time
// of the call and the HMAC-SHA256 of "SECONDS.BODY" with the structure's
// secret. Notice names the message: one that comes twice is one.
const (
	SignatureHeader = "Pointnum-Signature"
	NoticeHeader    = "Pointnum-Notice"
)

// signatureAge is how old a signature may be for a receiver.
const signatureAge = 5 * time.Minute

// webhookTimeout is for one whole call.
const webhookTimeout = 20 * time.Second

// ErrSignature is what Verify returns.
var ErrSignature = errors.New("alert: the signature is not right")

// Sign is the value of SignatureHeader.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(t + "."))
	m.Write(body)
	return m.Sum(nil)
}

// Verify is for receivers: nil when the body was signed with the secret at
// most 5 minutes ago.
func Verify(secret, header string, body []byte, now time.Time) error {
	t, v, ok := strings.Cut(header, ",v1=")
	t, has := strings.CutPrefix(t, "t=")
	at, err := strconv.ParseInt(t, 10, 64)
	sum, hexErr := hex.DecodeString(v)
	if !ok || !has || err != nil || hexErr != nil || !hmac.Equal(sum, mac(secret, t, body)) {
		return ErrSignature
	}
	if age := now.Sub(time.Unix(at, 0)); age > signatureAge || age < -signatureAge {
		return ErrSignature
	}
	return nil
}

// client calls webhooks. Their addresses are written by people of structures:
// unless private is set, none inside the server's own network is called, and
// no redirect leads there.
func client(private bool) *http.Client {
	d := &net.Dialer{Timeout: 10 * time.Second}
	if !private {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !public(ap.Addr()) {
				return fmt.Errorf("%w: an address inside", errRefused)
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       webhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: d.DialContext, TLSHandshakeTimeout: 10 * time.Second, DisableKeepAlives: true,
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// public says whether an address is on the internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !netip.MustParsePrefix("100.64.0.0/10").Contains(a) &&
		!netip.MustParsePrefix("64:ff9b::/96").Contains(a)
}

// call sends one message to a webhook.
func call(ctx context.Context, c *http.Client, address, secret, id string, body []byte, now time.Time) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%w: the address", errRefused)
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(string(body)))
	if err != nil {
		return fmt.Errorf("%w: the address", errRefused)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "pointnum")
	req.Header.Set(NoticeHeader, id)
	req.Header.Set(SignatureHeader, Sign(secret, body, now))
	resp, err := c.Do(req)
	if err != nil {
		// The error of net/http says the address, which may hold a secret.
		if errors.Is(err, errRefused) {
			return fmt.Errorf("%w: an address inside", errRefused)
		}
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("alert: call a webhook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGone:
		return fmt.Errorf("%w: gone", errRefused)
	}
	return fmt.Errorf("alert: a webhook answers %d", resp.StatusCode)
}
