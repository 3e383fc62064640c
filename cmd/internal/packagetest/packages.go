package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// edited is what a technician writes into the configuration.
const edited = "\n# de la technicienne\nvoice: non\n"

// accounts have the same numbers on every kiosk.
var accounts = map[string]string{"pointnum": "970", "pointnum-web": "971", "pointnum-screen": "972"}

func (t *trial) install(ctx context.Context) error {
	if err := t.bring(t.debs); err != nil {
		return err
	}
	if _, err := t.chroot(ctx, "sh", "-c", "dpkg -i /mnt/debs/*.deb"); err != nil {
		return err
	}
	t.say("installed")
	out, err := t.chroot(ctx, "dpkg", "-V")
	t.check("dpkg -V finds every file as it was packed", err == nil && out == "", out)
	for name, number := range accounts {
		out, err := t.chroot(ctx, "id", "-u", name)
		t.check(name+" is "+number, err == nil && out == number, out)
	}
	for _, unit := range []string{"kioskd.service", "pointnum-firewall.service", "pointnum-policies.service",
		"pointnum-display.service", "pointnum-screen.service", "pointnum-power.socket"} {
		out, err := t.chroot(ctx, "systemctl", "is-enabled", unit)
		t.check(unit+" starts with the machine", err == nil && out == "enabled", out)
	}
	return nil
}

// bring puts packages into the tree, and no others.
func (t *trial) bring(debs []string) error {
	dir := filepath.Join(t.tree, "mnt/debs")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, d := range debs {
		if strings.Contains(filepath.Base(d), "fleetd") {
			continue // a server's: not beside a kiosk
		}
		b, err := os.ReadFile(d)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(d)), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// upgrade installs a later version, whose configuration differs from the one
// before, over one that a technician changed.
func (t *trial) upgrade(ctx context.Context) error {
	path := filepath.Join(t.tree, "etc/pointnum/kiosk.yaml")
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(before, edited...), 0o640); err != nil {
		return err
	}
	identity := filepath.Join(t.tree, "var/lib/pointnum/trial")
	if err := os.WriteFile(identity, nil, 0o600); err != nil {
		return err
	}
	var later []string
	for _, d := range t.debs {
		if strings.Contains(filepath.Base(d), "fleetd") {
			continue
		}
		l, err := t.later(ctx, d)
		if err != nil {
			return err
		}
		later = append(later, l)
	}
	if err := t.bring(later); err != nil {
		return err
	}
	if _, err := t.chroot(ctx, "sh", "-c", "dpkg --force-confold -i /mnt/debs/*.deb"); err != nil {
		return err
	}
	out, err := t.chroot(ctx, "dpkg-query", "-W", "-f", "${Version}", "pointnum-kioskd")
	t.check("upgraded", err == nil && out == "99.0.0", out)
	after, err := os.ReadFile(path)
	t.check("what the technician wrote is kept", err == nil && string(after) == string(before)+edited, string(after))
	_, err = os.Stat(path + ".dpkg-dist")
	t.check("the new version's configuration is beside it", err == nil, "")
	_, err = os.Stat(identity)
	t.check("what the agent keeps is kept", err == nil, "")
	return nil
}

// later is a package again, as version 99.0.0 and with another configuration.
func (t *trial) later(ctx context.Context, deb string) (string, error) {
	dir := filepath.Join(t.dir, "later")
	defer os.RemoveAll(dir)
	out := filepath.Join(t.dir, "99-"+filepath.Base(deb))
	script := `set -e
dpkg-deb -R "$1" "$2"
v=$(sed -n 's/^Version: //p' "$2/DEBIAN/control")
sed -i "s/^Version: .*/Version: 99.0.0/; s/(= $v)/(= 99.0.0)/g" "$2/DEBIAN/control"
f="$2/etc/pointnum/kiosk.yaml"
[ ! -e "$f" ] || echo '# version 99' >>"$f"
dpkg-deb -Z none -b "$2" "$3"`
	if o, err := exec.CommandContext(ctx, "sh", "-c", script, "later", deb, dir, out).CombinedOutput(); err != nil {
		return "", fmt.Errorf("a later %s: %w\n%s", deb, err, o)
	}
	return out, nil
}

func (t *trial) purge(ctx context.Context) error {
	out, err := t.chroot(ctx, "dpkg", "-P", "pointnum-screen", "pointnum-kioskd", "pointnum-kioskctl")
	if err != nil {
		return err
	}
	t.check("purging says what is gone for good", strings.Contains(out, "/var/lib/pointnum"), out)
	for name := range accounts {
		_, err := t.chroot(ctx, "id", name)
		t.check("the account "+name+" is gone", err != nil, "")
	}
	return os.RemoveAll(filepath.Join(t.tree, "mnt/debs"))
}

// passing are files that any running Debian changes.
var passing = []string{"var/log/", "var/lib/dpkg/", "var/lib/systemd/", "var/cache/", "var/tmp/", "var/lib/private", "var/lib/xkb",
	"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/machine-id", "etc/.pwd.lock", "etc/.updated", "var/.updated", "var/lib/dbus",
	"etc/resolv.conf", "etc/systemd/system/pointnum-display.service.d", "etc/systemd/system/trial", "dev/", "run/", "tmp/", "proc/", "sys/", "mnt/"}

// files are all names of the tree.
func (t *trial) files() ([]string, error) {
	var all []string
	err := filepath.WalkDir(t.tree, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(t.tree, path)
		if !slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(name, p) }) {
			all = append(all, name)
		}
		return nil
	})
	slices.Sort(all)
	return all, err
}

func (t *trial) compare(before []string) error {
	after, err := t.files()
	if err != nil {
		return err
	}
	var left []string
	for _, name := range after {
		if _, found := slices.BinarySearch(before, name); !found {
			left = append(left, name)
		}
	}
	t.check("purging leaves nothing", len(left) == 0, strings.Join(left, " "))
	return nil
}
