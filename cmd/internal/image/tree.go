package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// suite is the Debian that kiosks run.
const (
	suite   = "trixie"
	archive = "http://deb.debian.org/debian"
)

// dracut makes the initrd where mmdebstrap has mounted what it needs. It does
// not know the machine that runs it, and is kept with the tree.
const dracut = `chroot "$1" sh -c 'rm -f /boot/initrd* && dracut --force --kver "$(ls /usr/lib/modules)" /boot/initrd.img'`

// base returns Debian's tree for the kiosk, with its initrd.
func (m *maker) base(ctx context.Context) (string, error) {
	conf := filepath.Join(m.source, "overlay/etc/dracut.conf.d")
	hooks := []string{
		"--essential-hook=mkdir -p \"$1/etc/dracut.conf.d\" && cp " + conf + "/*.conf \"$1/etc/dracut.conf.d/\"",
		"--customize-hook=" + dracut,
	}
	inputs, err := filepath.Glob(conf + "/*.conf")
	if err != nil {
		return "", err
	}
	return m.tree(ctx, "base", filepath.Join(m.source, "packages.txt"), inputs, hooks)
}

// tools returns the tree of what builds.
func (m *maker) tools(ctx context.Context) (string, error) {
	return m.tree(ctx, "tools", filepath.Join(m.source, "tools.txt"), nil, nil)
}

// tree returns a Debian tree with the packages of a list, made anew when the
// list or an input has changed.
func (m *maker) tree(ctx context.Context, name, list string, inputs, hooks []string) (string, error) {
	packages, err := lines(list)
	if err != nil {
		return "", err
	}
	key, err := digest(append([]string{list}, inputs...), append([]string{suite}, hooks...))
	if err != nil {
		return "", err
	}
	dir := filepath.Join(m.cache, name+"-"+key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	m.say("%s: %d packages of Debian %s", name, len(packages), suite)
	args := []string{
		"--mode=root", "--variant=minbase", "--format=directory", "--components=main,non-free-firmware",
		"--include=" + strings.Join(packages, ","), "--aptopt=APT::Install-Recommends \"false\"",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/info/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-include=/usr/share/locale/fr*",
	}
	half := dir + ".half"
	if err := os.RemoveAll(half); err != nil {
		return "", fmt.Errorf("image: %w", err)
	}
	if err := m.run(ctx, "mmdebstrap", append(append(args, hooks...), suite, half, archive)...); err != nil {
		return "", err
	}
	if err := os.Rename(half, dir); err != nil {
		return "", fmt.Errorf("image: %w", err)
	}
	return dir, nil
}

// lines reads a list: one name a line, "#" begins a remark.
func lines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		text, _, _ := strings.Cut(s.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, text)
		}
	}
	return out, nil
}

// digest names files' contents and words, in 12 hexadecimal digits.
func digest(paths, words []string) (string, error) {
	h := sha256.New()
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			return "", fmt.Errorf("image: %w", err)
		}
		fmt.Fprintf(h, "%d\n%s", len(raw), raw)
	}
	for _, w := range words {
		fmt.Fprintf(h, "%d\n%s", len(w), w)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// own are the project's packages that a kiosk has.
func own() []string { return []string{"pointnum-kioskctl", "pointnum-kioskd", "pointnum-screen"} }

// assemble copies a base tree, and puts the project's packages and the overlay
// into the copy.
func (m *maker) assemble(ctx context.Context, base, tree string) error {
	m.say("system %s: copy", m.version)
	if err := m.run(ctx, "cp", "-a", "--reflink=auto", base, tree); err != nil {
		return err
	}
	overlay := filepath.Join(m.source, "overlay") + "/."
	if err := m.run(ctx, "cp", "-r", "--no-preserve=ownership", overlay, tree); err != nil {
		return err
	}
	if err := m.install(ctx, tree); err != nil {
		return err
	}
	if err := m.name(tree); err != nil {
		return err
	}
	if err := m.run(ctx, "chroot", tree, "systemctl", "preset-all"); err != nil {
		return err
	}
	if err := m.mask(tree); err != nil {
		return err
	}
	if m.edit != "" {
		if err := m.run(ctx, m.edit, tree); err != nil {
			return err
		}
	}
	return m.clean(tree)
}

// install puts the project's packages in. All they depend on is in the base.
func (m *maker) install(ctx context.Context, tree string) error {
	m.say("system %s: packages of the project", m.version)
	args := []string{tree, "dpkg", "--install"}
	for _, name := range own() {
		found, err := filepath.Glob(filepath.Join(m.debs, name+"_*_amd64.deb"))
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("image: %d packages %s in %s, not one: make deb", len(found), name, m.debs)
		}
		inside := "/tmp/" + filepath.Base(found[0])
		if err := m.run(ctx, "cp", found[0], tree+inside); err != nil {
			return err
		}
		defer os.Remove(tree + inside)
		args = append(args, inside)
	}
	return m.run(ctx, "chroot", args...)
}

// name writes what the system is, and the key by which it knows its releases.
func (m *maker) name(tree string) error {
	path := filepath.Join(tree, "usr/lib/os-release")
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	raw = fmt.Appendf(raw, "IMAGE_ID=pointnum\nIMAGE_VERSION=%s\n", m.version)
	key, err := os.ReadFile(m.releasePublic())
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	files := map[string][]byte{
		"usr/lib/os-release":             raw,
		"usr/share/pointnum/release.pub": key,
		"etc/hostname":                   []byte("borne\n"),
		"etc/hosts":                      []byte("127.0.0.1 localhost borne\n::1 localhost\n"),
		"etc/machine-id":                 nil,
		"etc/fstab":                      []byte("# see system-generators/pointnum-mounts\n"),
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755); err != nil {
			return fmt.Errorf("image: %w", err)
		}
		if err := os.WriteFile(filepath.Join(tree, name), data, 0o644); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	for _, dir := range []string{"data", "efi", "conf", "media/cle"} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	stub := filepath.Join(tree, "etc/resolv.conf")
	return errors.Join(ignoreMissing(os.Remove(stub)), os.Symlink("../run/systemd/resolve/stub-resolv.conf", stub))
}

// mask takes away what a kiosk does not do: logins, Debian's own updates, and
// what an update's own way has in its place.
func (m *maker) mask(tree string) error {
	units := []string{
		"getty@.service", "serial-getty@.service", "console-getty.service", "getty-static.service", "debug-shell.service",
		"ctrl-alt-del.target", "systemd-firstboot.service", "systemd-repart.service",
		"systemd-sysupdate.timer", "systemd-sysupdate-reboot.timer", "systemd-boot-update.service", "systemd-networkd-wait-online.service",
		"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
	}
	for _, unit := range units {
		path := filepath.Join(tree, "etc/systemd/system", unit)
		if err := errors.Join(ignoreMissing(os.Remove(path)), os.Symlink("/dev/null", path)); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	return nil
}

// clean removes what differs from one run to the next, and what only installing needs.
func (m *maker) clean(tree string) error {
	remove := []string{
		"var/lib/dbus/machine-id", "var/lib/apt/lists", "var/cache/apt", "var/cache/debconf", "var/cache/ldconfig", "var/lib/systemd",
		"etc/apt/apt.conf.d/99mmdebstrap", "etc/.pwd.lock", "run", "tmp", "root/.bash_history",
	}
	for _, pattern := range []string{"var/log/*", "var/lib/dpkg/*-old", "var/backups/*", "etc/*-"} {
		found, err := filepath.Glob(filepath.Join(tree, pattern))
		if err != nil {
			return err
		}
		for _, f := range found {
			remove = append(remove, strings.TrimPrefix(f, tree+"/"))
		}
	}
	for _, name := range remove {
		if err := os.RemoveAll(filepath.Join(tree, name)); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	for _, name := range []string{"run", "tmp", "var/log/journal"} {
		if err := os.MkdirAll(filepath.Join(tree, name), 0o755); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	return os.Chmod(filepath.Join(tree, "tmp"), 0o777|fs.ModeSticky)
}

// installed lists the Debian packages of a tree, with their versions.
func (m *maker) installed(ctx context.Context, tree string) (string, error) {
	out, err := m.output(ctx, "dpkg-query", "--admindir="+filepath.Join(tree, "var/lib/dpkg"), "-W", "-f", "${Package} ${Version} ${Architecture}\n")
	if err != nil {
		return "", err
	}
	all := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(all)
	return strings.Join(all, "\n") + "\n", nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
