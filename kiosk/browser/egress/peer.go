package egress

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// User returns an Options.Allowed that lets the processes of these users in,
// by their numbers. It fails closed: a connection whose owner can't be found
// is not let in.
func User(uids ...int) func(net.Conn) bool {
	return func(c net.Conn) bool {
		// The kernel writes its table in pieces, and a connection that comes
		// or ends meanwhile can hide another one.
		for range 3 {
			if uid, ok := owner(c); ok {
				return slices.Contains(uids, uid)
			}
		}
		return false
	}
}

// owner finds who made the other end of a connection over loopback.
func owner(c net.Conn) (uid int, ok bool) {
	theirs, ok1 := c.RemoteAddr().(*net.TCPAddr)
	ours, ok2 := c.LocalAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return 0, false
	}
	from, to := entry(theirs), entry(ours)
	f, err := os.Open("/proc/self/net/tcp")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
	// (proc_pid_net(5)); an inode of 0 is a socket that no process has any more.
	for lines := bufio.NewScanner(f); lines.Scan(); {
		row := strings.Fields(lines.Text())
		if len(row) < 10 || row[1] != from || row[2] != to || row[9] == "0" {
			continue
		}
		uid, err := strconv.Atoi(row[7])
		return uid, err == nil
	}
	return 0, false
}

// entry writes an address as the kernel's table does: the four bytes as one
// number of the machine's own byte order.
func entry(a *net.TCPAddr) string {
	ip := a.IP.To4()
	if ip == nil {
		return ""
	}
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip), a.Port)
}
