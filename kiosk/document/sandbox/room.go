package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Room is where a foreign program runs: a file system of its own with the
// system's programs to read and, if asked for, a work folder in memory; no
// network, no other processes, no rights. Nothing of it is seen from outside,
// and nothing of it is left when its first process ends.
//
// It is closed by namespaces and a system call filter. Landlock is not used:
// it would only say again what the file system of its own says.
type Room struct {
	// Work is how many bytes WorkFolder may hold; without one when 0.
	Work int64
	// System are further files and folders of the machine to read, besides
	// its programs, their data and fonts. Those that are missing are left out.
	System []string
	Limits Limits
}

// WorkFolder is the only folder of a room that can be written to.
const WorkFolder = "/room"

// The names of a room's locks in a report, besides the others.
const (
	Namespaces = "namespaces"
	OwnRoot    = "own_root"
	NoRights   = "no_capabilities"
)

const nobody = 65534

// RoomAttr is what a process must be started with to make a room: namespaces
// of its own, and the right to mount in them. It is the first process of its
// namespace: when it ends, all others in there are killed. It ends with the
// thread that started it.
func RoomAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setpgid:   true,
		Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		// Not 0 inside: rights are those given here and end with the room made.
		UidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
}

// Enter makes the room and locks the process in, for good; it must have been
// started with RoomAttr. The rights are taken from the calling thread: lock
// the goroutine to it (runtime.LockOSThread) and start programs from it. All
// locks hold when the error is nil, but the memory limit, which is missing
// from the report where it can't be set.
func (r Room) Enter() ([]string, error) {
	if os.Getpid() != 1 || os.Getuid() != nobody {
		return nil, errors.New("sandbox: not started for a room") // its mounts would be the machine's
	}
	got := []string{Namespaces}
	if limitMemory(r.Limits.Data) == nil { // asks /proc, which a room has not
		got = append(got, MemLimit)
	}
	for _, lock := range []struct {
		name string
		set  func() error
	}{
		{OwnRoot, r.makeRoot},
		{NoRights, dropRights},
		{NoNewPrivs, func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
		{NoDump, func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }},
		{RLimits, func() error { return setLimits(r.Limits) }},
		{Seccomp, func() error { return filterCalls(roomProgram()) }},
	} {
		if err := lock.set(); err != nil {
			return got, fmt.Errorf("sandbox: %s: %w", lock.name, err)
		}
		got = append(got, lock.name)
	}
	return got, nil
}

// systemFolders are what programs of Debian packages need: code, data, fonts
// and their settings. /usr/local may hold settings of the kiosk: not it.
var systemFolders = []string{
	"/usr/bin", "/usr/lib", "/usr/lib64", "/usr/share", "/usr/local/share/fonts",
	"/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/var/cache/fontconfig",
}

var deviceFiles = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// links are the old names of folders that moved to /usr.
var links = []string{"/bin", "/sbin", "/lib", "/lib64"}

// makeRoot puts the room's file system in the place of the machine's.
func (r Room) makeRoot() error {
	// Nothing that is mounted here may reach the machine.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	const root = "/tmp" // any folder will do; what is in it is out of reach from here
	if err := mountMemory(root, "size=1m,nr_inodes=1000,mode=0755"); err != nil {
		return err
	}
	for _, f := range append(append([]string{}, systemFolders...), r.System...) {
		if err := bind(root, f, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV); err != nil {
			return err
		}
	}
	for _, f := range deviceFiles {
		if err := bind(root, f, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC); err != nil {
			return err
		}
	}
	for _, l := range links {
		if err := relink(root, l); err != nil {
			return err
		}
	}
	if err := r.makeWork(root); err != nil {
		return err
	}
	return changeRoot(root)
}

func (r Room) makeWork(root string) error {
	if r.Work == 0 {
		return nil
	}
	work := filepath.Join(root, WorkFolder)
	if err := os.Mkdir(work, 0o700); err != nil {
		return err
	}
	if err := mountMemory(work, "mode=0700,nr_inodes=20000,size="+strconv.FormatInt(r.Work, 10)); err != nil {
		return err
	}
	// Programs want a /tmp.
	return os.Symlink(WorkFolder, filepath.Join(root, "tmp"))
}

func mountMemory(dir, options string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		return fmt.Errorf("mount memory: %w", err)
	}
	return nil
}

// bind shows a file or folder of the machine, with all that is mounted in it,
// under the same name in root.
func bind(root, name string, attributes uint64) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	at := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if info.IsDir() {
		err = os.Mkdir(at, 0o755)
	} else {
		err = os.WriteFile(at, nil, 0o444)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(name, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s: %w", name, err)
	}
	attr := unix.MountAttr{Attr_set: attributes}
	if err := unix.MountSetattr(unix.AT_FDCWD, at, unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("protect %s: %w", name, err)
	}
	return nil
}

// relink makes /lib and its like what they are on the machine: links to /usr,
// or folders on systems that did not move them.
func relink(root, name string) error {
	target, err := os.Readlink(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil: // not a link
		return bind(root, name, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	}
	return os.Symlink(target, filepath.Join(root, name))
}

// changeRoot lets go of the machine's file system.
func changeRoot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	// Both at the same place: the old one lies on top and is taken away.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave old root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr); err != nil {
		return fmt.Errorf("protect root: %w", err)
	}
	return nil
}

// dropRights takes the right to mount from the calling thread.
func dropRights() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}
