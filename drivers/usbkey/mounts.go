package usbkey

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountTable is where the kernel lists what this process sees mounted.
const mountTable = "/proc/self/mountinfo"

// mount is one line of proc_pid_mountinfo(5).
type mount struct {
	id    uint64
	point string
}

// parseMounts reads mountinfo: "36 35 98:0 /root /mnt/key rw,noatime - vfat …".
// Lines it can't read are left out.
func parseMounts(table string) []mount {
	var all []mount
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		id, err := strconv.ParseUint(f[0], 10, 64)
		if err != nil {
			continue
		}
		all = append(all, mount{id: id, point: unescape(f[4])})
	}
	return all
}

// unescape undoes the kernel's \040 for a space and the like.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// find returns the mount directly below dir, else the one on dir itself; the
// latest when there are several.
func find(all []mount, dir string) (mount, bool) {
	var below, on *mount
	for i, m := range all {
		switch {
		case m.point == dir:
			on = &all[i]
		case filepath.Dir(m.point) == dir:
			below = &all[i]
		}
	}
	switch {
	case below != nil:
		return *below, true
	case on != nil:
		return *on, true
	}
	return mount{}, false
}

func readMounts() ([]mount, error) {
	data, err := os.ReadFile(mountTable)
	if err != nil {
		return nil, err
	}
	return parseMounts(string(data)), nil
}

// mountSocket is a Socket for keys mounted below a folder.
type mountSocket struct{ dir string }

// Volume implements Socket.
func (s mountSocket) Volume() (Volume, error) {
	// The kernel's table holds real paths.
	dir, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return nil, err
	}
	all, err := readMounts()
	if err != nil {
		return nil, err
	}
	m, ok := find(all, dir)
	if !ok {
		return nil, fs.ErrNotExist
	}
	v, err := openFolder(m.point)
	if err != nil {
		return nil, err
	}
	// A key pulled between the table and the opening leaves its bare mount
	// point, on the kiosk's own disk: nothing may be saved there.
	var st unix.Statx_t
	err = unix.Statx(int(v.top.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	if err != nil || st.Mnt_id != m.id {
		_ = v.Close()
		return nil, fs.ErrNotExist
	}
	v.id = identity(v, st)
	v.present = func() bool {
		// The kernel gives a mount's number again, though not while v holds
		// the mount open.
		all, err := readMounts()
		now, ok := find(all, dir)
		return err == nil && ok && now.id == m.id
	}
	return v, nil
}

// folderSocket is a Socket that always holds the same folder.
type folderSocket struct{ dir string }

// Volume implements Socket.
func (s folderSocket) Volume() (Volume, error) { return Folder(s.dir) }

// identity names a mount as well as the kernel can: its numbers are given
// again, those of Linux 6.8 and later are not.
func identity(v *folder, st unix.Statx_t) string {
	var unique unix.Statx_t
	err := unix.Statx(int(v.top.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID_UNIQUE, &unique)
	if err == nil && unique.Mask&unix.STATX_MNT_ID_UNIQUE != 0 {
		return fmt.Sprint("mount ", unique.Mnt_id)
	}
	return fmt.Sprint("mount ", st.Mnt_id, " device ", st.Dev_major, ":", st.Dev_minor)
}
