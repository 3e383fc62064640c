package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"pointnum/kiosk"
)

// thanks is how long a phone may take to say that it has a file whose last
// piece the relay has.
const thanks = 3 * time.Minute

// incoming is a file on its way from the phone.
type incoming struct {
	p      *pairing
	ctx    context.Context // of Receive
	file   uint32
	size   int64
	pieces chan piece
	gone   chan struct{} // closed when nobody reads any more
	once   sync.Once
	err    error // why; set before gone is closed

	left []byte // of the piece that is being read
	read int64
	end  bool
}

type piece struct {
	data []byte
	last bool
}

// hand gives a piece to whoever reads the file. What nobody reads is thrown
// away: the phone is told, and it may be on its way already.
func (in *incoming) hand(ctx context.Context, b body, last bool) error {
	if in == nil || in.file != b.file {
		return nil
	}
	select {
	case in.pieces <- piece{b.content, last}:
	case <-in.gone:
	case <-ctx.Done():
	}
	return nil
}

// fail ends a file that will not come.
func (in *incoming) fail(err error) {
	in.once.Do(func() {
		in.err = err
		close(in.gone)
	})
}

// Receive takes a file that the phone offers.
func (l *link) Receive(ctx context.Context, file string) (io.ReadCloser, error) {
	p, err := l.paired()
	if err != nil {
		return nil, err
	}
	id := uint32(number(file))
	l.mu.Lock()
	o := l.offers[id]
	switch {
	case o == nil || p.in != nil:
		err = &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "phone: receive"}
	case p.total+o.size > MaxTotal:
		err = &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "phone: receive"}
	}
	if err != nil {
		l.mu.Unlock()
		return nil, err
	}
	p.total += o.size
	in := &incoming{p: p, ctx: ctx, file: id, size: o.size, pieces: make(chan piece), gone: make(chan struct{})}
	p.in = in
	l.mu.Unlock()
	if err := p.say(ctx, id, message{Say: sayGo}); err != nil {
		_ = in.Close() // returns nil
		return nil, err
	}
	return in, nil
}

// Read reads what the phone sends; see kiosk.PhoneLink. A file that is not as
// long as it was offered is none.
func (in *incoming) Read(b []byte) (int, error) {
	for len(in.left) == 0 {
		if in.end {
			if in.read != in.size {
				return 0, errLost
			}
			return 0, io.EOF
		}
		if err := in.more(); err != nil {
			return 0, err
		}
	}
	n := copy(b, in.left)
	in.left = in.left[n:]
	in.read += int64(n)
	if in.read > in.size {
		return 0, errLost
	}
	return n, nil
}

// more waits for the next piece.
func (in *incoming) more() error {
	late := time.NewTimer(quiet)
	defer late.Stop()
	select {
	case p := <-in.pieces:
		in.left, in.end = p.data, p.last
		in.p.l.set(func(s *kiosk.PhoneState) { s.Signs++ })
		return nil
	case <-in.gone:
		return in.err
	case <-late.C:
		return errLost
	case <-in.p.ctx.Done():
		return errLost
	case <-in.ctx.Done():
		return context.Cause(in.ctx)
	}
}

// Close ends the reading. It returns nil.
func (in *incoming) Close() error {
	in.fail(errClosed)
	in.p.l.mu.Lock()
	defer in.p.l.mu.Unlock()
	if in.p.in == in {
		in.p.in = nil
	}
	return nil
}

// Answer tells the phone what became of a file.
func (l *link) Answer(ctx context.Context, file string, c kiosk.Code) error {
	p, err := l.paired()
	if err != nil {
		return err
	}
	id := uint32(number(file))
	l.mu.Lock()
	o := l.offers[id]
	delete(l.offers, id)
	l.setLocked(l.tell)
	l.mu.Unlock()
	switch {
	case o == nil:
		return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "phone: answer"}
	case c == "":
		return p.say(ctx, id, message{Say: sayTaken})
	}
	return p.say(ctx, id, message{Say: sayRefuse, Code: string(c)})
}

// Send gives files to the phone.
func (l *link) Send(ctx context.Context, files []kiosk.Attachment, progress func(done, total int)) error {
	p, err := l.paired()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(p.ctx, func() { cancel(errLost) })
	defer stop()
	for i, f := range files {
		if progress != nil {
			progress(i, len(files))
		}
		if err := p.give(ctx, f); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
	return nil
}

// give sends one file and waits until the phone has it.
func (p *pairing) give(ctx context.Context, f kiosk.Attachment) error {
	p.l.mu.Lock()
	if p.given += f.Size; p.given > MaxTotal {
		p.l.mu.Unlock()
		return &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "phone: send"}
	}
	p.docs++
	id, got := p.docs, make(chan struct{})
	p.got[id] = got
	p.l.mu.Unlock()
	defer func() {
		p.l.mu.Lock()
		defer p.l.mu.Unlock()
		delete(p.got, id)
	}()
	if err := p.say(ctx, id, message{Say: sayDoc, Name: f.Name, Size: f.Size}); err != nil {
		return err
	}
	if err := p.stream(ctx, id, f); err != nil {
		// Told in what time is left: the phone throws away what it has.
		late, cancel := context.WithTimeout(p.ctx, 3*time.Second)
		defer cancel()
		_ = p.say(late, id, message{Say: sayStop})
		return err
	}
	late := time.NewTimer(thanks)
	defer late.Stop()
	select {
	case <-got:
		return nil
	case <-late.C:
		return errLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stream sends a file's bytes. The last piece says that it is.
func (p *pairing) stream(ctx context.Context, id uint32, f kiosk.Attachment) error {
	rc, err := f.Open()
	if err != nil {
		return fmt.Errorf("phone: send: %w", err)
	}
	defer rc.Close()
	buf := make([]byte, MaxContent)
	defer clear(buf)
	for left := f.Size; ; {
		n, err := io.ReadFull(rc, buf[:min(left, MaxContent)])
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("phone: send: %w", err)
		}
		left -= int64(n)
		if err := p.put(ctx, left == 0, body{kind: kindData, file: id, content: buf[:n]}); err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		if n == 0 {
			return fmt.Errorf("phone: send: %w", io.ErrUnexpectedEOF)
		}
	}
}
