// Package steward is how the agent, which is not root, asks root for the few
// things that only root can do: a network's settings, a restart, an update.
//
// Each thing is a socket of the system's manager in Dir that only the agent's
// user may open; a connection starts a process of root's for one request
// (systemd.socket(5), Accept=yes). One JSON value goes over, and one comes
// back. What root is asked comes from a program that reads strangers' bytes:
// whoever answers checks all of it.
package steward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"pointnum/kiosk"
)

// Dir is where the sockets are.
const Dir = "/run/pointnum-steward"

// MaxRequest and MaxAnswer bound what goes over, in bytes.
const (
	MaxRequest = 256 << 10
	MaxAnswer  = 1 << 20
)

// dialTimeout is for a socket of this machine.
const dialTimeout = 5 * time.Second

// Do is what root does for one request. An *kiosk.Error keeps its code on its
// way to the asker; any other error's text arrives as kiosk.CodeInternal.
// ctx ends when the asker goes away.
type Do func(ctx context.Context, request []byte) (answer any, err error)

// reply is what comes back.
type reply struct {
	Answer json.RawMessage `json:"answer,omitempty"`
	Code   kiosk.Code      `json:"code,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Ask hands a request over to the socket name in dir, "" for Dir, and waits
// for the answer, which is decoded into answer unless that is nil. Ending ctx
// takes the request back; what root had done by then stays done. It is
// kiosk.CodeNotResponding when nobody serves it, as on a machine that is
// managed by somebody else.
func Ask(ctx context.Context, dir, name string, request, answer any) error {
	if dir == "" {
		dir = Dir
	}
	raw, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("steward: %s: %w", name, err)
	}
	if len(raw) > MaxRequest {
		return fmt.Errorf("steward: %s: the request is too long", name)
	}
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, "unix", filepath.Join(dir, name+".sock"))
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "steward: " + name, Err: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	r, err := exchange(c, raw)
	if stop() {
		err = errors.Join(err, c.Close())
	} else {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("steward: %s: %w", name, err)
	}
	if r.Error != "" || r.Code != "" {
		return &kiosk.Error{Code: r.Code, Op: "steward: " + name, Err: errors.New(r.Error)}
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(r.Answer, answer); err != nil {
		return fmt.Errorf("steward: %s: the answer: %w", name, err)
	}
	return nil
}

func exchange(c net.Conn, raw []byte) (reply, error) {
	if _, err := c.Write(append(raw, '\n')); err != nil {
		return reply{}, err
	}
	var r reply
	err := json.NewDecoder(io.LimitReader(c, MaxAnswer)).Decode(&r)
	if errors.Is(err, io.EOF) {
		err = &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "steward", Err: io.ErrUnexpectedEOF}
	}
	return r, err
}

// Answer reads one request, one line of JSON, has it done and writes what
// came of it. The asker's own mistake is no error here; not being able to
// read or to answer is.
func Answer(ctx context.Context, in io.Reader, out io.Writer, do Do) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	raw, rest, err := line(in)
	if err != nil {
		return fmt.Errorf("steward: read the request: %w", err)
	}
	go func() { // ends with in: the process, or the connection, is for one request
		_, _ = io.Copy(io.Discard, rest)
		cancel()
	}()
	answer, err := do(ctx, raw)
	var r reply
	if err != nil {
		r = reply{Code: kiosk.CodeOf(err), Error: err.Error()}
	} else if r.Answer, err = json.Marshal(answer); err != nil {
		return fmt.Errorf("steward: the answer: %w", err)
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return fmt.Errorf("steward: answer: %w", err)
	}
	return nil
}

// line reads the one value of a request, and returns what is behind it.
func line(in io.Reader) (json.RawMessage, io.Reader, error) {
	d := json.NewDecoder(io.LimitReader(in, MaxRequest))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, nil, err
	}
	return raw, in, nil
}

// Serve answers on the socket name in dir, one request after the other, until
// ctx ends. It is for machines without a manager that does it, and for tests.
func Serve(ctx context.Context, dir, name string, do Do) error {
	path := filepath.Join(dir, name+".sock")
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("steward: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("steward: %w", err), l.Close())
	}
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("steward: %w", err)
		}
		// An asker that went away is no reason to serve nobody else.
		_ = Answer(ctx, c, c, do)
		_ = c.Close()
	}
}
