package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// sendBuffer is small so that a printer that stops reading is felt at once
// instead of after a whole receipt; the kernel doubles it.
const sendBuffer = 4096

// lingerTime is how long Close waits for a printer to take what was sent. A
// connection closed with bytes unread is reset, and the printer may then
// forget what it had not printed.
const lingerTime = time.Second

type tcpPort struct {
	conn   *net.TCPConn
	closed bool
}

func dial(ctx context.Context, addr string) (Port, Identity, error) {
	d := net.Dialer{Timeout: 3 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		if c := context.Cause(ctx); c != nil {
			return nil, Identity{}, fmt.Errorf("link: connect: %w", c)
		}
		// Whatever kept us from it, refused, no such name or no route: the
		// printer is not on the network.
		return nil, Identity{}, fmt.Errorf("link: connect: %w: %w", ErrGone, err)
	}
	tcp := conn.(*net.TCPConn)
	_ = tcp.SetWriteBuffer(sendBuffer)
	return &tcpPort{conn: tcp}, Identity{}, nil
}

func (p *tcpPort) Read(b []byte, wait time.Duration) (int, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(max(wait, time.Millisecond))); err != nil {
		return 0, cause("read connection", err)
	}
	n, err := p.conn.Read(b)
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, ErrTimeout
	case errors.Is(err, io.EOF):
		return 0, fmt.Errorf("link: connection ended: %w", ErrGone)
	}
	return 0, cause("read connection", err)
}

func (p *tcpPort) Write(b []byte, wait time.Duration) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(max(wait, time.Millisecond))); err != nil {
		return 0, cause("write connection", err)
	}
	n, err := p.conn.Write(b)
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, ErrTimeout
	}
	return 0, cause("write connection", err)
}

func (p *tcpPort) Discard() error {
	var b [256]byte
	for range 16 {
		_, err := p.Read(b[:], 0)
		if errors.Is(err, ErrTimeout) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Abandon does nothing: only a reset takes bytes back from the network.
func (p *tcpPort) Abandon() {}

// Unsent counts what the printer did not acknowledge yet.
func (p *tcpPort) Unsent() int {
	raw, err := p.conn.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	_ = raw.Control(func(fd uintptr) {
		if v, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			n = v
		}
	})
	return n
}

func (p *tcpPort) Signals() Signals { return Signals{} }

func (p *tcpPort) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	if p.Unsent() == 0 && p.conn.CloseWrite() == nil {
		_ = p.conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.Copy(io.Discard, io.LimitReader(p.conn, 1<<16))
	} else {
		_ = p.conn.SetLinger(0) // dropped, not sent later
	}
	return p.conn.Close()
}
