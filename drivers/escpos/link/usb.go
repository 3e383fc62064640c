package link

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of the kernel's usblp driver (drivers/usb/class/usblp.c).
const (
	lpGetStatus   = 0x060b
	lpGetDeviceID = 0x84005001 // _IOC(_IOC_READ, 'P', 1, 1024)
	deviceIDSize  = 1024
)

// Bits of LPGETSTATUS, as on a parallel port.
const (
	lpPaperOut = 0x20
	lpNotError = 0x08
)

// usbPort is a printer's device file. usblp writes one buffer at a time, and
// its POLLOUT says that the one before was taken by the printer.
type usbPort struct {
	fd int
}

func openUSB(path string) (Port, Identity, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, Identity{}, cause("open device", err)
	}
	// usblp lets one program in; other device files need the lock.
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		return nil, Identity{}, cause("lock device", err)
	}
	p := &usbPort{fd: fd}
	return p, p.identity(), nil
}

func (p *usbPort) identity() Identity {
	var id [deviceIDSize]byte
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd), lpGetDeviceID, uintptr(unsafe.Pointer(&id[0]))); errno != 0 {
		return Identity{}
	}
	return ParseDeviceID(id[:])
}

// ParseDeviceID reads an IEEE 1284 device ID: two bytes of length, then
// "MFG:EPSON;MDL:TM-T20III;SN:…;". Damaged ones give what could be read.
func ParseDeviceID(b []byte) Identity {
	if len(b) < 2 {
		return Identity{}
	}
	// The length counts its own two bytes, except where it does not.
	n := int(b[0])<<8 | int(b[1])
	text := string(b[2:max(2, min(n+2, len(b)))])
	text, _, _ = strings.Cut(text, "\x00")
	var id Identity
	for field := range strings.SplitSeq(text, ";") {
		key, value, _ := strings.Cut(field, ":")
		value = printable(value)
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "MFG", "MANUFACTURER":
			id.Make = value
		case "MDL", "MODEL":
			id.Model = value
		case "SN", "SERN", "SERIALNUMBER":
			id.Serial = value
		}
	}
	return id
}

// printable keeps what may be logged of a device's words: 64 ASCII characters.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s[:min(len(s), 64)])
}

func (p *usbPort) Read(b []byte, wait time.Duration) (int, error) {
	events, err := ready(p.fd, unix.POLLIN, wait)
	if err != nil {
		return 0, err
	}
	if events&unix.POLLIN == 0 {
		if events&hungUp != 0 {
			return 0, fmt.Errorf("link: read device: %w", ErrGone)
		}
		return 0, ErrTimeout
	}
	n, err := unix.Read(p.fd, b)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), err == nil && n == 0:
		return 0, ErrTimeout
	case err != nil:
		return 0, cause("read device", err)
	}
	return n, nil
}

func (p *usbPort) Write(b []byte, wait time.Duration) (int, error) {
	events, err := ready(p.fd, unix.POLLOUT, wait)
	switch {
	case err != nil:
		return 0, err
	case events&hungUp != 0:
		return 0, fmt.Errorf("link: write device: %w", ErrGone)
	case events&unix.POLLOUT == 0:
		return 0, ErrTimeout
	}
	n, err := unix.Write(p.fd, b)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOSPC), err == nil && n == 0:
		return 0, ErrTimeout // ENOSPC: usblp's word for "out of paper"
	case err != nil:
		return 0, cause("write device", err)
	}
	return n, nil
}

// Discard reads at most a few buffers: a printer that talks without end must
// not hold us.
func (p *usbPort) Discard() error {
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

// Abandon does nothing: only closing takes a buffer back from usblp.
func (p *usbPort) Abandon() {}

// Unsent tells whether usblp still holds a buffer the printer did not take.
func (p *usbPort) Unsent() int {
	events, err := ready(p.fd, unix.POLLOUT, 0)
	if err == nil && events == 0 {
		return 1
	}
	return 0
}

func (p *usbPort) Signals() Signals {
	bits, err := unix.IoctlGetInt(p.fd, lpGetStatus)
	if err != nil {
		return Signals{}
	}
	return Signals{
		Known:    true,
		PaperOut: bits&lpPaperOut != 0,
		Fault:    bits&lpNotError == 0,
		Detail:   fmt.Sprintf("usb status %#02x", bits),
	}
}

func (p *usbPort) Close() error {
	if p.fd < 0 {
		return nil
	}
	err := unix.Close(p.fd)
	p.fd = -1
	return err
}
