package devices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// kernelGroup is the multicast group of the kernel's own events; group 2 is
// what udev sends on.
const kernelGroup = 1

// listen calls poke for the kernel's events of things a kiosk's devices hang
// on, until ctx ends.
func listen(ctx context.Context, poke func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK,
		unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return fmt.Errorf("devices: uevents: %w", err)
	}
	f := os.NewFile(uintptr(fd), "uevents")
	defer f.Close()
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup}); err != nil {
		return fmt.Errorf("devices: uevents: %w", err)
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("devices: uevents: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	defer stop()
	buf := make([]byte, 16<<10)
	for {
		n, kernel, err := receive(conn, buf)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, unix.ENOBUFS): // some were lost: look
			poke()
		case err != nil:
			return fmt.Errorf("devices: uevents: %w", err)
		case kernel && relevant(buf[:n]):
			poke()
		}
	}
}

type rawReader interface {
	Read(func(fd uintptr) bool) error
}

// receive waits for one event. Only the kernel's count: any user may send to
// the group's members.
func receive(conn rawReader, buf []byte) (n int, kernel bool, err error) {
	var from unix.Sockaddr
	var rerr error
	err = conn.Read(func(fd uintptr) bool {
		n, from, rerr = unix.Recvfrom(int(fd), buf, 0)
		return rerr != unix.EAGAIN && rerr != unix.EINTR
	})
	if nl, ok := from.(*unix.SockaddrNetlink); ok {
		kernel = nl.Pid == 0
	}
	return n, kernel, errors.Join(err, rerr)
}

// relevant says whether a kernel event ("add@/devices/…" and KEY=value fields,
// each ended by a NUL) tells of something that a kiosk's device hangs on
// coming, going or changing.
func relevant(event []byte) bool {
	head, fields, ok := bytes.Cut(event, []byte{0})
	if !ok {
		return false
	}
	action, _, ok := bytes.Cut(head, []byte("@"))
	if !ok {
		return false
	}
	switch string(action) {
	case "add", "remove", "change", "bind", "unbind":
	default:
		return false
	}
	for f := range bytes.SplitSeq(fields, []byte{0}) {
		key, value, _ := bytes.Cut(f, []byte("="))
		if string(key) != "SUBSYSTEM" {
			continue
		}
		switch string(value) {
		case "usb", "usbmisc", "tty", "block", "gpio", "net":
			return true
		}
	}
	return false
}
