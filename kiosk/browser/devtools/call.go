package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Call sends a call and waits for its answer. session is "" for the browser
// itself; params and result may be nil. Errors: *Error when the browser
// refuses, ErrClosed when it is gone, context.Cause(ctx) when ctx ends first.
func (b *Browser) Call(ctx context.Context, session, method string, params, result any) error {
	a, err := b.Send(session, method, params)
	if err != nil {
		return err
	}
	return a.Wait(ctx, result)
}

// Answer is that of a call which was sent and not waited for.
type Answer struct {
	b      *Browser
	id     int64
	method string
	answer chan message
}

// Send sends a call without waiting for its answer: calls sent one after the
// other by one goroutine reach the browser in that order. The caller may drop
// the answer.
func (b *Browser) Send(session, method string, params any) (*Answer, error) {
	if params == nil {
		params = struct{}{}
	}
	p, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("devtools: %s: encode: %w", method, err)
	}
	a := &Answer{b: b, method: method, answer: make(chan message, 1)}
	if a.id, err = b.expect(a.answer); err != nil {
		return nil, fmt.Errorf("%w: %s", err, method)
	}
	if err := b.send(message{ID: a.id, Method: method, Session: session, Params: p}); err != nil {
		b.forget(a.id)
		return nil, fmt.Errorf("%w: %s: %w", ErrClosed, method, err)
	}
	return a, nil
}

// Wait waits for the answer, once, and decodes it into result, which may be
// nil. Its errors are those of Call.
func (a *Answer) Wait(ctx context.Context, result any) error {
	defer a.b.forget(a.id)
	var m message
	select {
	case m = <-a.answer:
	case <-ctx.Done():
		return fmt.Errorf("devtools: %s: %w", a.method, context.Cause(ctx))
	case <-a.b.gone:
		select {
		case m = <-a.answer: // it came just before the end
		default:
			return fmt.Errorf("%w: %s", ErrClosed, a.method)
		}
	}
	if m.Error != nil {
		m.Error.Method = a.method
		return m.Error
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("devtools: %s: decode: %w", a.method, err)
	}
	return nil
}

func (b *Browser) expect(answer chan message) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, ErrClosed
	}
	b.lastID++
	b.pending[b.lastID] = answer
	return b.lastID, nil
}

func (b *Browser) forget(id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, id)
}

func (b *Browser) send(m message) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	if err := b.w.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err = b.w.Write(append(raw, 0)); errors.Is(err, os.ErrDeadlineExceeded) {
		// It does not read any more, and half of a message may be on the way.
		b.Kill()
	}
	return err
}

// Kill ends the browser at once, without its good-bye. Everything else of
// Close is still to be done by Close.
func (b *Browser) Kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.reaped { // its number may be somebody else's after that
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) // no such process: it is gone
	}
}
