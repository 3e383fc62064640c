package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// line is a serial line and its settings; always 8 data bits, no parity, one
// stop bit, which is what receipt printers are delivered with.
type line struct {
	path string
	baud int
	flow string
}

// serialChunk is how much is written after each poll: the line's buffer may
// have room for less than a long write, which would then block for ever when
// the printer stops taking bytes.
const serialChunk = 64

// serialPort is a line opened twice. The library reads and writes through a
// descriptor that blocks; control is a second descriptor of the same line on
// which we wait, so that the first is only used when it cannot block.
type serialPort struct {
	tty     *serial.Port
	control int
	closed  bool
}

func (l line) open(context.Context) (Port, Identity, error) {
	tty, err := serial.OpenPort(&serial.Config{Name: l.path, Baud: l.baud, ReadTimeout: 100 * time.Millisecond})
	if err != nil {
		return nil, Identity{}, cause("open line", err)
	}
	control, err := unix.Open(l.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		tty.Close()
		return nil, Identity{}, cause("open line", err)
	}
	p := &serialPort{tty: tty, control: control}
	if err := l.claim(control); err != nil {
		unix.Close(control)
		tty.Close()
		return nil, Identity{}, err
	}
	return p, Identity{}, p.Discard()
}

// claim takes the line for us alone and sets what the library cannot. The
// terminal settings belong to the line, not to the descriptor.
func (l line) claim(fd int) error {
	// TIOCEXCL does not stop root; the lock stops a second one of us.
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return cause("lock line", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
		return cause("claim line", err)
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return cause("line settings", err)
	}
	t.Cflag &^= unix.CRTSCTS
	t.Iflag &^= unix.IXON | unix.IXOFF | unix.IXANY
	switch l.flow {
	case "rtscts":
		t.Cflag |= unix.CRTSCTS
	case "xonxoff":
		t.Iflag |= unix.IXON
		t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = 0x11, 0x13
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return cause("line settings", err)
	}
	return nil
}

func (p *serialPort) Read(b []byte, wait time.Duration) (int, error) {
	events, err := ready(p.control, unix.POLLIN, wait)
	if err != nil {
		return 0, err
	}
	if events&unix.POLLIN == 0 {
		if events&hungUp != 0 {
			return 0, fmt.Errorf("link: read line: %w", ErrGone)
		}
		return 0, ErrTimeout
	}
	n, err := p.tty.Read(b)
	if n > 0 {
		return n, nil
	}
	// The library says io.EOF for "nothing came" as well as for "hung up".
	if err == nil || errors.Is(err, io.EOF) {
		if events, _ := ready(p.control, 0, 0); events&hungUp != 0 {
			return 0, fmt.Errorf("link: read line: %w", ErrGone)
		}
		return 0, ErrTimeout
	}
	return 0, cause("read line", err)
}

func (p *serialPort) Write(b []byte, wait time.Duration) (int, error) {
	events, err := ready(p.control, unix.POLLOUT, wait)
	switch {
	case err != nil:
		return 0, err
	case events&hungUp != 0:
		return 0, fmt.Errorf("link: write line: %w", ErrGone)
	case events&unix.POLLOUT == 0:
		return 0, ErrTimeout
	}
	n, err := p.tty.Write(b[:min(len(b), serialChunk)])
	if err != nil {
		return n, cause("write line", err)
	}
	return n, nil
}

func (p *serialPort) Discard() error {
	if err := unix.IoctlSetInt(p.control, unix.TCFLSH, unix.TCIFLUSH); err != nil {
		return cause("drop input", err)
	}
	return nil
}

func (p *serialPort) Abandon() { _ = unix.IoctlSetInt(p.control, unix.TCFLSH, unix.TCOFLUSH) }

func (p *serialPort) Unsent() int {
	n, err := unix.IoctlGetInt(p.control, unix.TIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}

// Signals tells the modem lines to the technician. A pseudo-terminal has none.
func (p *serialPort) Signals() Signals {
	bits, err := unix.IoctlGetInt(p.control, unix.TIOCMGET)
	if err != nil {
		return Signals{}
	}
	return Signals{Known: true, Detail: fmt.Sprintf("cts %t dsr %t", bits&unix.TIOCM_CTS != 0, bits&unix.TIOCM_DSR != 0)}
}

func (p *serialPort) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	// Closing waits up to 30 s for output that a stopped printer never takes.
	_ = unix.IoctlSetInt(p.control, unix.TCFLSH, unix.TCIOFLUSH)
	_ = unix.IoctlSetInt(p.control, unix.TIOCNXCL, 0)
	err := unix.Close(p.control)
	if e := p.tty.Close(); err == nil {
		err = e
	}
	return err
}
