// Package link moves bytes to and from a receipt printer: over a serial line,
// a USB printer device file or TCP. No call of it blocks longer than it was
// told to wait, whatever the printer does.
package link

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The errors of a Port, matched with errors.Is.
var (
	// ErrGone says that the printer is not there (any more): no such device,
	// hung up, refused, reset.
	ErrGone = errors.New("not there")
	// ErrTimeout says that nothing could be moved in the time given. The port
	// stays good.
	ErrTimeout = errors.New("nothing moved in time")
	// ErrBusy says that another program uses the device.
	ErrBusy = errors.New("in use by another program")
)

// Port is an open link to a printer. It is used by one goroutine at a time,
// Close included.
type Port interface {
	// Read waits at most wait for bytes of the printer and returns those there
	// are. It fails with ErrTimeout or ErrGone.
	Read(b []byte, wait time.Duration) (int, error)
	// Write waits at most wait for room and sends as much of b as there is
	// room for, at least one byte. It fails with ErrTimeout or ErrGone.
	Write(b []byte, wait time.Duration) (int, error)
	// Discard drops what the printer said and nobody read.
	Discard() error
	// Abandon drops what waits on our side of the link, where that can be done
	// with the port open.
	Abandon()
	// Unsent returns how many bytes still wait on our side of the link; 0
	// where that cannot be known.
	Unsent() int
	// Signals returns what the link tells without asking the printer.
	Signals() Signals
	// Close drops what was not sent and frees the device.
	Close() error
}

// Signals is what a link itself tells of the printer.
type Signals struct {
	Known    bool   // false when the link tells nothing; the rest is then zero
	PaperOut bool   // USB printer class: paper empty
	Fault    bool   // USB printer class: the "not error" bit is down
	Detail   string // for the technician
}

// Identity is what a link knows of the device at its other end.
type Identity struct {
	Make, Model, Serial string
}

// Link is where a printer is. The zero Link is not usable.
type Link struct {
	// Keep is true when the port should stay open between jobs. A TCP printer
	// serves one connection and drops idle ones, so it is opened for each job.
	Keep bool
	open func(ctx context.Context) (Port, Identity, error)
}

// Open opens the port. It fails with ErrGone or ErrBusy; any other error is one
// of the configuration.
func (l Link) Open(ctx context.Context) (Port, Identity, error) { return l.open(ctx) }

// Parse reads the URI of a printer:
//
//	serial:/dev/ttyUSB0?baud=19200&flow=rtscts   flow: rtscts, xonxoff, none
//	usb:/dev/usb/lp0                             a usblp device file
//	tcp://192.0.2.7:9100                         port 9100 if none is given
func Parse(uri string) (Link, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return Link{}, fmt.Errorf("link: uri: %w", err)
	}
	path := u.Path
	if path == "" {
		path = u.Opaque
	}
	switch u.Scheme {
	case "serial":
		line, err := parseLine(path, u.Query())
		if err != nil {
			return Link{}, err
		}
		return Link{Keep: true, open: line.open}, nil
	case "usb":
		if !strings.HasPrefix(path, "/") {
			return Link{}, fmt.Errorf("link: usb uri without an absolute path")
		}
		return Link{Keep: true, open: func(context.Context) (Port, Identity, error) { return openUSB(path) }}, nil
	case "tcp":
		if u.Hostname() == "" {
			return Link{}, fmt.Errorf("link: tcp uri without a host")
		}
		addr := u.Host
		if u.Port() == "" {
			addr += ":9100"
		}
		return Link{open: func(ctx context.Context) (Port, Identity, error) { return dial(ctx, addr) }}, nil
	}
	return Link{}, fmt.Errorf("link: unknown scheme %q", u.Scheme)
}

// parseLine checks the settings of a serial line, because a wrong one would
// only show as a printer that prints rubbish.
func parseLine(path string, q url.Values) (line, error) {
	l := line{path: path, baud: 19200, flow: "none"}
	if !strings.HasPrefix(path, "/") {
		return l, fmt.Errorf("link: serial uri without an absolute path")
	}
	for key, values := range q {
		switch value := values[0]; key {
		case "baud":
			n, err := strconv.Atoi(value)
			if err != nil {
				return l, fmt.Errorf("link: baud: %w", err)
			}
			switch n {
			case 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400:
			default:
				return l, fmt.Errorf("link: no such baud rate: %d", n)
			}
			l.baud = n
		case "flow":
			if value != "rtscts" && value != "xonxoff" && value != "none" {
				return l, fmt.Errorf("link: no such flow control: %q", value)
			}
			l.flow = value
		default:
			return l, fmt.Errorf("link: unknown serial setting %q", key)
		}
	}
	return l, nil
}

// ready polls a file descriptor for events and returns those it has, with
// those nobody asks for (POLLHUP, POLLERR); 0 after wait.
func ready(fd int, events int16, wait time.Duration) (int16, error) {
	until := time.Now().Add(wait)
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		left := max(time.Until(until), 0)
		n, err := unix.Poll(fds, int((left+time.Millisecond-1)/time.Millisecond))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("link: poll: %w", err)
		}
		if n == 0 {
			return 0, nil
		}
		return fds[0].Revents, nil
	}
}

// hungUp are the events of a device that was pulled out.
const hungUp = unix.POLLHUP | unix.POLLERR | unix.POLLNVAL

// cause sorts the system's errors into the errors of this package.
func cause(op string, err error) error {
	for _, gone := range []unix.Errno{
		unix.ENOENT, unix.ENODEV, unix.ENXIO, unix.EIO, unix.EPIPE, unix.ECONNREFUSED, unix.ECONNRESET,
		unix.ECONNABORTED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.ETIMEDOUT,
		unix.ESHUTDOWN,
	} {
		if errors.Is(err, gone) {
			return fmt.Errorf("link: %s: %w: %w", op, ErrGone, err)
		}
	}
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("link: %s: %w: %w", op, ErrBusy, err)
	}
	return fmt.Errorf("link: %s: %w", op, err)
}
