package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/update"
)

func (t *trial) releaseDir(version string) string {
	return filepath.Join(t.image, "releases", version)
}

// trick makes a folder that looks like a release: small files under the right
// names, signed by key.
func (t *trial) trick(ctx context.Context, name, version string, key ed25519.PrivateKey) (string, error) {
	dir := filepath.Join(t.dir, "tricks", name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return "", err
	}
	id := "11111111-2222-4333-8444-555555555555"
	for _, f := range []string{"_" + id + ".root", "_" + id + ".verity", ".efi"} {
		if err := os.WriteFile(filepath.Join(dir, "pointnum_"+version+f), []byte(name+f), 0o644); err != nil {
			return "", err
		}
	}
	if _, err := update.WriteManifest(ctx, dir, update.Manifest{Arch: "amd64", Version: version, Minimum: "0.1.0", Created: time.Now().Unix()}); err != nil {
		return "", err
	}
	return dir, update.SignFolder(dir, key)
}

// refusals: releases that must not get in, on a stick, with the system's own
// keys and with others.
func (t *trial) refusals(ctx context.Context) error {
	key, err := update.LoadPrivateKey(filepath.Join(t.image, "keys", "release.key"))
	if err != nil {
		return err
	}
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	folders := map[string]string{}
	for name, how := range map[string]struct {
		version string
		key     ed25519.PrivateKey
	}{"foreign": {"2.0.0", foreign}, "unsigned": {"2.0.0", key}, "altered": {"2.0.0", key}, "flipped": {"2.0.0", key}, "older": {"0.9.0", key}, "same": {"1.0.0", key}} {
		if folders[name], err = t.trick(ctx, name, how.version, how.key); err != nil {
			return err
		}
	}
	manifest := filepath.Join(folders["altered"], "manifest.json")
	text, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	if err := errors.Join(
		os.Remove(filepath.Join(folders["unsigned"], "manifest.json.sig")),
		os.WriteFile(manifest, []byte(strings.Replace(string(text), `"2.0.0"`, `"2.0.1"`, 1)), 0o644),
		os.WriteFile(filepath.Join(folders["flipped"], "pointnum_2.0.0.efi"), []byte("flipped.efj"), 0o644),
	); err != nil {
		return err
	}
	stick, err := t.stick(ctx, folders)
	if err != nil {
		return err
	}
	m, err := start(ctx, options{name: "refuse", dir: t.dir, disk: raw(t.lifeDisk()), screen: true, shell: true, verbose: true, extra: stick})
	if err != nil {
		return err
	}
	defer m.off()
	if err := m.ready(bootLimit); err != nil {
		return err
	}
	if err := t.until(m, "the agent answers", func(s status) bool { return s.Version != "" }); err != nil {
		return err
	}
	if _, err := m.run("mkdir -p /run/stick && mount -o ro,uid=970,gid=970 /dev/vdb /run/stick", time.Minute); err != nil {
		return err
	}
	for _, name := range []string{"foreign", "unsigned", "altered", "flipped", "older"} {
		began := time.Now()
		out, err := m.run("kioskctl update --from /run/stick/"+name, 3*time.Minute)
		if err == nil {
			return fmt.Errorf("imagetest: %s was taken: %s", name, out)
		}
		t.note("refused: "+name, "ok", seconds(time.Since(began))+": "+lastLine(out))
	}
	if out, err := m.run("kioskctl update --from /run/stick/same", 3*time.Minute); err != nil || !strings.Contains(out, "à jour") {
		return fmt.Errorf("imagetest: the version that runs: %s, %w", out, err)
	}
	t.note("nothing to do: the version that runs", "ok", "")
	// And by root itself, whatever the agent thinks.
	out, err := m.run("rm -rf /var/lib/pointnum/update; cp -r /run/stick/foreign /var/lib/pointnum/update; chown -R pointnum: /var/lib/pointnum/update; "+
		`printf '{"version":"2.0.0"}\n' | kioskctl update --steward; ls /efi/EFI/Linux; ls -A /data/update/staged; rm -rf /var/lib/pointnum/update`, 3*time.Minute)
	if err != nil || strings.Contains(out, "2.0.0.efi") || !strings.Contains(out, `"code"`) {
		return fmt.Errorf("imagetest: root takes what nobody signed: %s, %w", out, err)
	}
	t.note("refused by root, too: foreign", "ok", "")
	return m.power()
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// ordered brings the running machine to a release through the supervision, up
// to the moment that it starts anew.
func (t *trial) ordered(ctx context.Context, m *machine, version string) error {
	began := time.Now()
	if err := t.rollOut(ctx, t.releaseDir(version)); err != nil {
		return err
	}
	if err := t.until(m, version+" is ordered", func(s status) bool {
		return s.Update != nil && (s.Update.Phase == "fetching" || s.Update.Phase == "waiting")
	}); err != nil {
		return err
	}
	t.note(version+": ordered by fleetd", "ok", seconds(time.Since(began)))
	began = time.Now()
	if out, err := m.run("kioskctl update now", bootLimit); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if !m.wait(2 * bootLimit) {
		out, _ := m.run("kioskctl update; journalctl -b --no-pager -o cat -u 'pointnum-update@*' -u kioskd | tail -30", time.Minute)
		return fmt.Errorf("imagetest: %s: no new start: %s", version, out)
	}
	t.note(version+": fetched, checked, written to the other slot, start asked for", "ok", seconds(time.Since(began)))
	return nil
}

// goodUpdate: fleetd rolls 2.0.0 out; the kiosk goes to it and stays there.
func (t *trial) goodUpdate(ctx context.Context) error {
	m, _, err := t.boot(ctx, t.lifeDisk(), "before")
	if err != nil {
		return err
	}
	defer func() { m.off() }()
	if err := t.until(m, "the link", func(s status) bool { return s.Fleet != nil && s.Fleet.Link != "down" }); err != nil {
		return err
	}
	if err := t.ordered(ctx, m, "2.0.0"); err != nil {
		return err
	}
	var took time.Duration
	if m, took, err = t.boot(ctx, t.lifeDisk(), "after"); err != nil {
		return err
	}
	if version, err := m.version(); err != nil || version != "2.0.0" {
		return fmt.Errorf("imagetest: %q runs, not 2.0.0: %w", version, err)
	}
	t.note("2.0.0 runs", "ok", "agent after "+seconds(took))
	if out, err := m.run("timeout 400 sh -c 'until ls /efi/EFI/Linux/pointnum_2.0.0.efi; do sleep 2; done'; ls /efi/EFI/Linux", bootLimit); err != nil {
		return fmt.Errorf("imagetest: never confirmed: %s, %w", out, err)
	}
	t.note("2.0.0 is confirmed: it serves", "ok", seconds(m.up()))
	if err := t.until(m, "2.0.0 told as done", func(s status) bool {
		return s.Fleet != nil && s.Fleet.Link != "down" && s.Update != nil && s.Update.Version == "2.0.0"
	}); err != nil {
		return err
	}
	if err := t.rolled(ctx, fleet.RolloutDone); err != nil {
		return err
	}
	t.note("the rollout of 2.0.0 is done at fleetd", "ok", "")
	return m.power()
}

func (t *trial) rolled(ctx context.Context, want fleet.RolloutState) error {
	var r fleet.Rollout
	var err error
	for deadline := time.Now().Add(bootLimit); time.Now().Before(deadline); time.Sleep(2 * time.Second) {
		if r, err = t.rollout(ctx); err == nil && r.State == want {
			return nil
		}
	}
	return fmt.Errorf("imagetest: the rollout is %+v, %w", r, err)
}

// badUpdate: 3.0.0 starts, but its agent does not; nobody touches anything.
func (t *trial) badUpdate(ctx context.Context) error {
	m, _, err := t.boot(ctx, t.lifeDisk(), "good")
	if err != nil {
		return err
	}
	defer func() { m.off() }()
	if err := t.until(m, "the link", func(s status) bool { return s.Fleet != nil && s.Fleet.Link != "down" }); err != nil {
		return err
	}
	if err := t.ordered(ctx, m, "3.0.0"); err != nil {
		return err
	}
	began := time.Now()
	for try := 1; ; try++ {
		if try > 4 {
			return errors.New("imagetest: it never comes back")
		}
		if m, err = start(ctx, options{name: "try", dir: t.dir, disk: raw(t.lifeDisk()), screen: true, shell: true, verbose: true}); err != nil {
			return err
		}
		if err := m.ready(bootLimit); err != nil {
			return err
		}
		version, err := m.version()
		if err != nil {
			return err
		}
		t.say("start %d: %s", try, version)
		if version == "2.0.0" {
			t.note("3.0.0 does not serve: 2.0.0 is back by itself", "ok", fmt.Sprintf("%s, %d tries of 3.0.0", seconds(time.Since(began)), try-1))
			break
		}
		if !m.wait(3 * bootLimit) {
			return errors.New("imagetest: 3.0.0 neither serves nor goes")
		}
	}
	if err := t.until(m, "3.0.0 told as returned", func(s status) bool {
		return s.Fleet != nil && s.Fleet.Link != "down" && s.Update != nil && (s.Update.Phase == "returned" || s.Update.Returned == "3.0.0")
	}); err != nil {
		return err
	}
	if err := t.rolled(ctx, fleet.RolloutStopped); err != nil {
		return err
	}
	t.note("the rollout of 3.0.0 stopped by itself at fleetd", "ok", "")
	return m.power()
}
