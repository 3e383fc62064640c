package escl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

var (
	errSlow   = errors.New("no progress in time")
	errAnswer = errors.New("not an eSCL answer")
	// errDropped stands for the io.EOF of a connection that ended without an
	// answer. A fault must not wrap io.EOF: it would pass for the last page.
	errDropped = errors.New("the connection ended without an answer")
)

// statusError is an answer of HTTP that is no success.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("http status %d", e.status) }

// busy is what devices answer while another client, the panel or a print job
// has them.
func (e *statusError) busy() bool {
	return e.status == http.StatusServiceUnavailable || e.status == http.StatusTooManyRequests
}

type httpClient struct{ http.Client }

// newClient makes a client that uses each connection once. Asking for a page
// moves paper, and net/http repeats a GET by itself when a kept connection
// breaks: that would lose the page in between. Some devices also close kept
// connections without a word.
func newClient(c config) *httpClient {
	tr := &http.Transport{
		Proxy:                  nil, // a scanner is never behind one
		DialContext:            (&net.Dialer{Timeout: answerTimeout}).DialContext,
		TLSHandshakeTimeout:    answerTimeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaders,
	}
	if c.certSHA256 != "" {
		tr.TLSClientConfig = &tls.Config{
			InsecureSkipVerify: true, // the certificate itself is known
			VerifyConnection: func(cs tls.ConnectionState) error {
				sum := sha256.Sum256(cs.PeerCertificates[0].Raw)
				if hex.EncodeToString(sum[:]) != c.certSHA256 {
					return errors.New("the certificate is not the one configured")
				}
				return nil
			},
		}
	}
	return &httpClient{http.Client{Transport: tr, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirect || r.URL.Hostname() != c.root.Hostname() {
			return fmt.Errorf("%w: redirected elsewhere", errAnswer)
		}
		return nil
	}}}
}

// do sends a request; the caller closes the body of the answer. An answer that
// is no success is a *statusError, and its body is closed.
func (d *scanner) do(ctx context.Context, method string, u *url.URL, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "text/xml")
	}
	resp, err := d.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return nil, errDropped
		}
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		_ = resp.Body.Close() // nothing of it is used
		return nil, &statusError{resp.StatusCode}
	}
	return resp, nil
}

// getXML reads a resource below the device's root.
func (d *scanner) getXML(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, errSlow)
	defer cancel()
	resp, err := d.do(ctx, http.MethodGet, d.conf.root.JoinPath(path), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxXML+1))
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return parseXML(data, v)
}

// parseXML reads what a device says of itself. Names are matched without
// their namespaces: some devices use none, or their own.
func parseXML(data []byte, v any) error {
	if len(data) > maxXML {
		return fmt.Errorf("%w: more than %d bytes", errAnswer, maxXML)
	}
	if err := xml.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %v", errAnswer, err) // not wrapped: it may be io.EOF
	}
	return nil
}
