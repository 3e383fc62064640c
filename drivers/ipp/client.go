package ipp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/OpenPrinting/goipp"
)

// maxResponse bounds what a printer may answer; a complete
// Get-Printer-Attributes of a large printer is below 100 kB.
const maxResponse = 1 << 20

// client asks one printer.
type client struct {
	endpoint   string // http:// or https://, for the transport
	printerURI string // ipp:// or ipps://, for the printer-uri attribute
	http       *http.Client
	requestID  atomic.Uint32
}

// statusError is an answer that is not successful.
type statusError struct {
	op     goipp.Op
	status goipp.Status
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: %s", e.op, e.status)
}

// errNotIPP is an answer that is no IPP message: not a printer, or one that is
// starting.
var errNotIPP = errors.New("the answer is not IPP")

// newClient makes a client of a Spec's URI. fingerprint may be empty.
func newClient(raw, fingerprint string) (*client, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("URI: %w", err)
	}
	if u.Host == "" || u.Opaque != "" {
		return nil, errors.New("URI: no host")
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	wire, name := *u, *u
	switch u.Scheme {
	case "ipp", "http":
		wire.Scheme, name.Scheme = "http", "ipp"
		if u.Port() == "" && u.Scheme == "ipp" {
			wire.Host = net.JoinHostPort(u.Hostname(), "631")
		}
	case "ipps", "https":
		wire.Scheme, name.Scheme = "https", "ipps"
		if u.Port() == "" && u.Scheme == "ipps" {
			wire.Host = net.JoinHostPort(u.Hostname(), "631")
		}
	default:
		return nil, fmt.Errorf("URI: scheme %q is not ipp, ipps, http or https", u.Scheme)
	}
	tlsConfig, err := pinned(fingerprint)
	if err != nil {
		return nil, err
	}
	return &client{
		endpoint:   wire.String(),
		printerURI: name.String(),
		http: &http.Client{
			Transport: &http.Transport{
				// No proxy: the printer is ours, whatever the environment says.
				DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
				TLSHandshakeTimeout: dialTimeout,
				TLSClientConfig:     tlsConfig,
				// One question, one connection: what fails has not been sent
				// twice, and nothing stays open between visits.
				DisableKeepAlives:      true,
				DisableCompression:     true,
				MaxResponseHeaderBytes: 64 << 10,
			},
			// A printer that sends us elsewhere is not the one configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// pinned is the TLS configuration that trusts exactly one certificate, or nil
// for the system's authorities.
func pinned(fingerprint string) (*tls.Config, error) {
	if fingerprint == "" {
		return nil, nil
	}
	want, err := hex.DecodeString(strings.ReplaceAll(fingerprint, ":", ""))
	if err != nil || len(want) != sha256.Size {
		return nil, errors.New("fingerprint is not a SHA-256 in hex")
	}
	return &tls.Config{
		// Printers sign their certificate themselves and name it after an
		// address they had once: the pinned certificate is what we check.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			if !bytes.Equal(got[:], want) {
				return fmt.Errorf("certificate is %x, not the pinned one", got)
			}
			return nil
		},
	}, nil
}

// document is the part of a request after its attributes.
type document struct {
	body io.Reader
	size int64 // -1 when unknown
}

// ask sends one request and returns the answer. An answer that is not
// successful is a *statusError together with the message. doc may be nil; ctx
// is the only limit of time.
func (c *client) ask(ctx context.Context, op goipp.Op, operation, job goipp.Attributes, doc *document) (*goipp.Message, error) {
	req := goipp.NewRequest(goipp.DefaultVersion, op, c.requestID.Add(1))
	req.Operation.Add(goipp.MakeAttribute("attributes-charset", goipp.TagCharset, goipp.String("utf-8")))
	req.Operation.Add(goipp.MakeAttribute("attributes-natural-language", goipp.TagLanguage, goipp.String("fr")))
	req.Operation.Add(goipp.MakeAttribute("printer-uri", goipp.TagURI, goipp.String(c.printerURI)))
	// RFC 8011 asks for a job's id right after the printer's URI.
	req.Operation = append(req.Operation, operation...)
	req.Job = job
	head, err := req.EncodeBytes()
	if err != nil {
		return nil, fmt.Errorf("%s: encode: %w", op, err)
	}
	httpReq, err := c.request(ctx, head, doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	resp, err := c.http.Do(httpReq)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	defer resp.Body.Close()
	msg, err := readResponse(resp)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if status := goipp.Status(msg.Code); status >= 0x100 {
		return msg, &statusError{op: op, status: status}
	}
	return msg, nil
}

func (c *client) request(ctx context.Context, head []byte, doc *document) (*http.Request, error) {
	var body io.Reader = bytes.NewReader(head)
	size := int64(len(head))
	if doc != nil {
		body = io.MultiReader(body, doc.body)
		size += doc.size
		if doc.size < 0 {
			size = -1
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, body)
	if err != nil {
		return nil, err
	}
	r.ContentLength = size
	// A POST with a body we can't give again is never sent a second time by
	// net/http itself.
	r.GetBody = nil
	r.Header.Set("Content-Type", goipp.ContentType)
	r.Header.Set("Accept", goipp.ContentType)
	r.Header.Set("User-Agent", "pointnum")
	return r, nil
}

func readResponse(resp *http.Response) (*goipp.Message, error) {
	if resp.StatusCode == http.StatusServiceUnavailable {
		return nil, &statusError{status: goipp.StatusErrorBusy}
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d: %w", resp.StatusCode, errNotIPP)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(data) > maxResponse {
		return nil, fmt.Errorf("more than %d bytes: %w", maxResponse, errNotIPP)
	}
	msg, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotIPP, err)
	}
	return msg, nil
}

// decode reads an answer, with the mistakes of known printers allowed for.
func decode(data []byte) (*goipp.Message, error) {
	var msg goipp.Message
	if err := msg.DecodeBytesEx(data, goipp.DecoderOptions{EnableWorkarounds: true}); err != nil {
		return nil, err
	}
	return &msg, nil
}

// quick is ask for a question without a document, with its time limit.
func (c *client) quick(ctx context.Context, op goipp.Op, operation, job goipp.Attributes) (*goipp.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return c.ask(ctx, op, operation, job, nil)
}

func (c *client) close() { c.http.CloseIdleConnections() }
