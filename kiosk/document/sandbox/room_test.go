package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/document/sandbox"
)

// lookAroundRoom runs as the first process of a room and says what holds.
func lookAroundRoom() {
	runtime.LockOSThread()
	got, err := sandbox.Room{Work: 4 << 20, Limits: sandbox.Limits{
		CPUSeconds: 20, Data: 256 << 20, Files: 64, FileSize: 8 << 20, Processes: 64,
	}}.Enter()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("locks", strings.Join(got, " "))
	for _, c := range []struct {
		what  string
		holds func() bool
	}{
		{"first process", func() bool { return os.Getpid() == 1 }},
		{"only the system", onlySystem},
		{"nothing of the machine", func() bool {
			return gone("/etc/passwd") && gone("/etc/hostname") && gone("/proc/self") && gone("/sys/kernel") && gone("/root") && gone(os.Getenv("SECRET"))
		}},
		{"way back is closed", func() bool { return gone("/../../../../.." + os.Getenv("SECRET")) }},
		{"system is read only", func() bool {
			return errors.Is(os.WriteFile("/usr/share/x", nil, 0o600), unix.EROFS) && errors.Is(os.WriteFile("/x", nil, 0o600), unix.EROFS)
		}},
		{"work folder", func() bool {
			return os.WriteFile(sandbox.WorkFolder+"/a", []byte("a"), 0o600) == nil && !gone("/tmp/a")
		}},
		{"work is small", func() bool {
			return errors.Is(os.WriteFile(sandbox.WorkFolder+"/b", make([]byte, 5<<20), 0o600), unix.ENOSPC)
		}},
		{"no network", noNetwork},
		{"no mounts", func() bool { return errors.Is(unix.Mount("tmpfs", sandbox.WorkFolder, "tmpfs", 0, ""), unix.EPERM) }},
		{"no namespaces", func() bool {
			return errors.Is(unix.Unshare(unix.CLONE_NEWUSER), unix.EPERM) && exec.Command("/usr/bin/unshare", "-U", "/usr/bin/true").Run() != nil
		}},
		{"no rights", noRights},
		{"programs", func() bool { return exec.Command("/bin/sh", "-c", "exit 0").Run() == nil }},
		{"null device", func() bool { return os.WriteFile("/dev/null", []byte("x"), 0) == nil }},
		{"sockets within", func() bool {
			l, err := net.Listen("unix", sandbox.WorkFolder+"/s")
			return err == nil && l.Close() == nil
		}},
	} {
		fmt.Println(c.what, c.holds())
	}
}

func gone(name string) bool {
	_, err := os.Stat(name)
	return errors.Is(err, os.ErrNotExist)
}

// onlySystem looks at the root: nothing but what a room shows is there.
func onlySystem() bool {
	entries, err := os.ReadDir("/")
	for _, e := range entries {
		if !slices.Contains(strings.Fields("bin dev etc lib lib64 sbin tmp usr var room"), e.Name()) {
			fmt.Println("there is", e.Name())
			return false
		}
	}
	return err == nil && gone("/usr/local/bin")
}

func noNetwork() bool {
	_, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	_, err6 := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)
	_, errLink := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)
	return errors.Is(err, unix.EAFNOSUPPORT) && errors.Is(err6, unix.EAFNOSUPPORT) && errors.Is(errLink, unix.EAFNOSUPPORT)
}

// noRights looks at this thread: programs get their rights from it.
func noRights() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	ambient, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, unix.CAP_SYS_ADMIN, 0, 0)
	return unix.Capget(&header, &caps[0]) == nil && caps == [2]unix.CapUserData{} && err == nil && ambient == 0
}

func TestARoomShowsTheSystemAndNothingElse(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	out, err := inRoom(t, secret).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 15 {
		t.Errorf("%d answers", len(lines))
	}
	for _, l := range lines[1:] {
		if !strings.HasSuffix(l, " true") {
			t.Error(l)
		}
	}
	locks := strings.Fields(lines[0])
	for _, want := range []string{sandbox.Namespaces, sandbox.OwnRoot, sandbox.NoRights, sandbox.NoNewPrivs, sandbox.NoDump, sandbox.RLimits, sandbox.Seccomp} {
		if !slices.Contains(locks, want) {
			t.Errorf("%q is not among the %s", want, locks)
		}
	}
	after, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if string(after) != string(mounts) {
		t.Errorf("mounts of the machine changed:\n%s", after)
	}
}

func inRoom(t *testing.T, secret string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{inside + "=room", "SECRET=" + secret}
	cmd.SysProcAttr = sandbox.RoomAttr()
	return cmd
}

// A process that was not started for it must not go on in the open.
func TestWithoutNamespacesThereIsNoRoom(t *testing.T) {
	cmd := inRoom(t, "/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER} // not those of files
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.HasPrefix(string(out), "sandbox: ") {
		t.Errorf("got a room: %s", out)
	}
}
