package virtual

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal: what is written to one end is read at the
// other, and closing it hangs up whoever opened Path.
type Terminal struct {
	*os.File        // our end
	Path     string // of the other end
	held     *os.File
}

// OpenTerminal makes a pseudo-terminal that passes all bytes unchanged.
func OpenTerminal() (*Terminal, error) {
	// Non-blocking, so that Close ends a Read under way.
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("virtual: terminal: %w", err)
	}
	t := &Terminal{File: os.NewFile(uintptr(fd), "/dev/ptmx")}
	if err := t.join(fd); err != nil {
		t.Close()
		return nil, fmt.Errorf("virtual: terminal: %w", err)
	}
	return t, nil
}

// join unlocks the other end and keeps it open: without anybody there, our end
// would read errors.
func (t *Terminal) join(fd int) error {
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	t.Path = "/dev/pts/" + strconv.Itoa(n)
	held, err := unix.Open(t.Path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	t.held = os.NewFile(uintptr(held), t.Path)
	settings, err := unix.IoctlGetTermios(held, unix.TCGETS)
	if err != nil {
		return err
	}
	settings.Iflag, settings.Oflag, settings.Lflag = 0, 0, 0
	settings.Cflag = settings.Cflag&^unix.CSIZE | unix.CS8
	settings.Cc[unix.VMIN], settings.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(held, unix.TCSETS, settings)
}

// Close hangs up.
func (t *Terminal) Close() error {
	err := t.File.Close()
	if t.held != nil {
		t.held.Close()
	}
	return err
}
