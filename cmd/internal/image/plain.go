package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// plain makes what a kiosk often is without this project: the same Debian
// packages on a writable disk, an X server and Chromium on a page of its own.
// It is what the image's times are compared with.
func (m *maker) plain(ctx context.Context, base, tools, work, path string) error {
	m.say("plain Debian")
	tree := filepath.Join(work, "plain")
	if err := m.run(ctx, "cp", "-a", "--reflink=auto", base, tree); err != nil {
		return err
	}
	units := filepath.Join(tree, "etc/systemd/system")
	wants := filepath.Join(units, "multi-user.target.wants")
	page := filepath.Join(tree, "usr/share/plain.html")
	if err := errors.Join(
		os.MkdirAll(wants, 0o755),
		os.WriteFile(filepath.Join(units, "plain-display.service"), []byte(plainDisplay), 0o644),
		os.WriteFile(filepath.Join(units, "plain-screen.service"), []byte(plainScreen), 0o644),
		os.Symlink("../plain-screen.service", filepath.Join(wants, "plain-screen.service")),
		os.WriteFile(page, []byte(plainPage), 0o644),
		os.WriteFile(filepath.Join(tree, "etc/fstab"), []byte("PARTLABEL=plain / ext4 rw 0 1\n"), 0o644),
		os.WriteFile(filepath.Join(tree, "etc/hostname"), []byte("plain\n"), 0o644),
	); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	root := filepath.Join(work, "plain.root")
	f, err := os.Create(root)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := errors.Join(f.Truncate(plainSize*mib), f.Close()); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := m.run(ctx, "mke2fs", "-q", "-t", "ext4", "-d", tree, root); err != nil {
		return err
	}
	r := built{uki: filepath.Join(work, "plain.efi")}
	if err := m.kernel(ctx, tree, tools, "root=PARTLABEL=plain rw quiet loglevel=3 console=tty0", r.uki); err != nil {
		return err
	}
	esp := filepath.Join(work, "plain.esp")
	if err := m.esp(ctx, r, tools, work, esp); err != nil {
		return err
	}
	return m.write(ctx, path, []partition{
		{"esp", typeESP, named("plain esp"), esp, espSize},
		{"plain", typeLinux, named("plain"), root, plainSize},
	})
}

// plainSize is of its root, MiB.
const plainSize = 3072

const plainDisplay = `[Service]
ExecStart=/usr/bin/Xorg :0 vt7 -nolisten tcp -noreset -nocursor -ac
`

const plainScreen = `[Unit]
Requires=plain-display.service
After=plain-display.service
[Service]
Environment=DISPLAY=:0 HOME=/run/plain
RuntimeDirectory=plain
ExecStartPre=/bin/sh -c 'until xset -display :0 q >/dev/null 2>&1; do sleep 0.2; done'
ExecStart=/usr/bin/chromium --no-sandbox --kiosk --window-position=0,0 --window-size=1080,1920 --no-first-run --disable-gpu --user-data-dir=/run/plain/profile file:///usr/share/plain.html
`

const plainPage = `<!doctype html><html lang="fr"><meta charset="utf-8"><title>Bienvenue</title>
<h1 style="font-size:80px">Bienvenue</h1><p style="font-size:40px">Touchez l’écran pour commencer.</p></html>
`
