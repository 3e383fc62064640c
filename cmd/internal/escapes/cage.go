package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/portal"
)

// insideVar says in the environment that the mount namespace is ours: "root",
// or "user" when we are root in a user namespace only.
const insideVar = "POINTNUM_ESCAPES_INSIDE"

// cage is the machine as the browser finds it.
type cage struct {
	user   string // the browser's; "" is our own
	uid    int
	home   string
	places []string // empty at the start: where the browser could write
}

// inside says whether we are in our own mount namespace.
func inside() bool { return os.Getenv(insideVar) != "" }

// enter starts this program anew in a mount namespace of its own, and
// furnishes it there: memory where files could be written, the managed
// policies, and a user for the browser.
func enter() (*cage, error) {
	switch os.Getenv(insideVar) {
	case "":
		return nil, again()
	case "root":
		return furnish(true)
	}
	return furnish(false)
}

// again replaces this process; it returns only when it can't.
func again() error {
	path, err := exec.LookPath("unshare")
	if err != nil {
		return fmt.Errorf("%w: run 'make deps' first", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	who, args := "root", []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		who, args = "user", append(args, "--map-root-user")
	}
	args = append(append(args, self), os.Args[1:]...)
	return syscall.Exec(path, args, append(os.Environ(), insideVar+"="+who))
}

func furnish(root bool) (*cage, error) {
	c := &cage{places: []string{"/tmp", "/var/tmp", "/dev/shm"}, home: "/tmp/pointnum-escapes"}
	if root {
		c.user, c.uid = "pointnum-escapes", 59000+os.Getpid()%500*2 // odd ones are for the other user
	}
	if _, err := os.Stat(c.home); err == nil {
		return c, nil // a test before this one did it
	}
	for _, dir := range c.places {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=1777"); err != nil {
			return nil, fmt.Errorf("empty %s: %w", dir, err)
		}
	}
	const config = "/etc/chromium"
	if err := unix.Mount("tmpfs", config, "tmpfs", 0, "mode=755"); err != nil {
		return nil, fmt.Errorf("empty %s, chromium's: %w", config, err)
	}
	if err := os.MkdirAll(filepath.Dir(policy.Path), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(policy.Path, policies().JSON(), 0o644); err != nil {
		return nil, err
	}
	if err := os.Mkdir(c.home, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Unsetenv("TMPDIR"), os.Setenv("HOME", c.home)); err != nil {
		return nil, err
	}
	if !root {
		return c, nil
	}
	return c, c.addUser(config)
}

// addUser gives the browser a user that is nobody's on this machine.
func (c *cage) addUser(dir string) error {
	all, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	id := strconv.Itoa(c.uid)
	all = append(all, (c.user + ":x:" + id + ":" + id + "::" + c.home + ":/usr/sbin/nologin\n")...)
	ours := filepath.Join(dir, "passwd")
	if err := os.WriteFile(ours, all, 0o644); err != nil {
		return err
	}
	if err := unix.Mount(ours, "/etc/passwd", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("add a user: %w", err)
	}
	return os.Chown(c.home, c.uid, c.uid)
}

// portalHosts are those of the portal that is visited.
func portalHosts() []string {
	return []string{testportal.HostPortal, testportal.HostSameSite, testportal.HostOther, testportal.HostIdentity, testportal.HostMail}
}

// policies are the kiosk's, for a catalogue of the test portal only.
func policies() policy.Policies {
	return policy.Make(&portal.Catalogue{Portals: []portal.Portal{{ID: portalID, Hosts: portalHosts()}}}, nil)
}
