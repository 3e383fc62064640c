package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"

	"pointnum/kiosk"
)

// Client asks the agent. It keeps no connection open and may be used from any
// goroutine.
type Client struct {
	Path string // of the socket
}

// Status asks how the kiosk is. Errors: ErrNotRunning; *kiosk.Error with the
// agent's code.
func (c Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.do(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

// Leave ends the visit on the screen and returns when it is wiped. Errors as
// for Status.
func (c Client) Leave(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/leave", nil, &struct{}{})
}

// Enrol gets the kiosk an identity at the supervision. Errors as for Status.
func (c Client) Enrol(ctx context.Context, e Enrolment) (Fleet, error) {
	var f Fleet
	err := c.do(ctx, http.MethodPost, "/enrol", e, &f)
	return f, err
}

func (c Client) do(ctx context.Context, method, what string, send, into any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var sent io.Reader
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			return fmt.Errorf("control: %w", err)
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://kioskd"+what, sent)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", c.Path)
		},
		DisableKeepAlives: true,
	}}
	resp, err := client.Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("control: %s: %w", c.Path, ErrNotRunning)
	}
	if err != nil {
		return fmt.Errorf("control: %s %s: %w", method, what, err)
	}
	defer resp.Body.Close()
	body := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode != http.StatusOK {
		var f fault
		if err := body.Decode(&f); err != nil || f.Code == "" {
			return fmt.Errorf("control: %s %s: status %d", method, what, resp.StatusCode)
		}
		return &kiosk.Error{Code: f.Code, Op: "control: " + method + " " + what, Err: errors.New(f.Text)}
	}
	if err := body.Decode(into); err != nil {
		return fmt.Errorf("control: %s %s: answer: %w", method, what, err)
	}
	return nil
}
