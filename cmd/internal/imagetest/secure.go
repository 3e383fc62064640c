package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// secureBoot: a machine whose firmware checks what it starts. It takes our keys
// from the image; after that nothing else starts.
func (t *trial) secureBoot(ctx context.Context) error {
	disk, err := t.newDisk(ctx, "1.0.0", "secure.img")
	if err != nil {
		return err
	}
	defer os.Remove(disk)
	m, err := start(ctx, options{name: "secure", dir: t.dir, disk: raw(disk), secure: true})
	if err != nil {
		return err
	}
	if !m.wait(4 * time.Minute) {
		m.off()
		return errors.New("imagetest: the machine does not take the image's keys")
	}
	if m, err = start(ctx, options{name: "secure", dir: t.dir, disk: raw(disk), secure: true, shell: true}); err != nil {
		return err
	}
	defer m.off()
	if err := m.ready(2 * bootLimit); err != nil {
		return err
	}
	out, err := m.run("bootctl status --no-pager 2>&1 | grep -E 'Secure Boot|TPM2'; cat /sys/kernel/security/lockdown; ls /dev/tpmrm0", time.Minute)
	if err != nil {
		return err
	}
	t.say("%s", out)
	t.note("Secure Boot with the image's keys: starts, with a TPM", "ok", lastLine(out))
	if err := m.power(); err != nil {
		return err
	}
	// Another kernel in its place, signed by nobody.
	parts, err := partitions(ctx, disk)
	if err != nil {
		return err
	}
	esp, err := find(parts, "esp")
	if err != nil {
		return err
	}
	kernel := filepath.Join(t.dir, "unsigned.efi")
	raw2, err := os.ReadFile(filepath.Join(t.releaseDir("1.0.0"), "pointnum_1.0.0.efi"))
	if err != nil {
		return err
	}
	raw2[len(raw2)/2] ^= 1
	if err := os.WriteFile(kernel, raw2, 0o600); err != nil {
		return err
	}
	defer os.Remove(kernel)
	if _, err := output(ctx, "mcopy", "-o", "-i", fmt.Sprintf("%s@@%d", disk, esp.Start*512), kernel, "::/EFI/Linux/pointnum_1.0.0.efi"); err != nil {
		return err
	}
	if m, err = start(ctx, options{name: "secure", dir: t.dir, disk: snapshot(disk), secure: true, shell: true}); err != nil {
		return err
	}
	defer m.off()
	if err := m.ready(3 * time.Minute); err == nil {
		return errors.New("imagetest: an altered kernel starts under Secure Boot")
	}
	t.note("Secure Boot refuses an altered kernel", "ok", "")
	return nil
}
