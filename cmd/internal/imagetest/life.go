package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lifeDisk is the disk of the kiosk that is enrolled, updated and updated again.
func (t *trial) lifeDisk() string { return filepath.Join(t.dir, "life.img") }

const borne = `language: fr
place:
  name: Centre d’essai
network:
  ca: lieu.pem
fleet:
  server: %s
  code: %s
`

// enrolment: a technician has written KIOSK-CONF on a PC; nobody touches the
// screen.
func (t *trial) enrolment(ctx context.Context) error {
	disk, code, err := t.newKiosk(ctx, filepath.Base(t.lifeDisk()))
	if err != nil {
		return err
	}
	m, took, err := t.boot(ctx, disk, "enrol")
	if err != nil {
		return err
	}
	defer m.off()
	if err := t.devices(m); err != nil {
		return err
	}
	if err := t.until(m, "the kiosk is enrolled and linked", func(s status) bool { return s.Fleet != nil && s.Fleet.Link != "down" }); err != nil {
		return err
	}
	t.note("enrolment from KIOSK-CONF, no touch: linked to fleetd", "ok", fmt.Sprintf("%s after the agent, %s after power on", seconds(m.up()-took), seconds(m.up())))
	if out, err := m.run("grep -E '^ *(code|password):' /conf/borne.txt", time.Minute); err == nil && strings.Contains(out, code) {
		return errors.New("imagetest: the code is still on KIOSK-CONF")
	}
	if out, err := m.run("kioskctl health --wait 6m", bootLimit); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	t.note("health: a page is read, fitted, erased; screen; identity", "ok", "")
	if err := t.until(m, "on the welcome screen", func(s status) bool { return s.Screen == "welcome" }); err != nil {
		return err
	}
	if err := t.shown(m, "welcome"); err != nil {
		return err
	}
	t.note("the screen shows the welcome page", "ok", "welcome.png")
	return m.power()
}

// status is what kioskctl says of the agent, as far as it is looked at.
type status struct {
	Version string `json:"version"`
	Screen  string `json:"screen"`
	Fleet   *struct {
		Link  string `json:"link"`
		Kiosk string `json:"kiosk"`
	} `json:"fleet"`
	Update *struct {
		Version  string `json:"version"`
		Phase    string `json:"phase"`
		Code     string `json:"code"`
		Returned string `json:"returned"`
	} `json:"update"`
}

func (m *machine) status() (status, error) {
	var s status
	out, err := m.run("kioskctl status --json", time.Minute)
	if err != nil {
		return s, err
	}
	at := strings.Index(out, "{")
	if at < 0 {
		return s, fmt.Errorf("imagetest: no status: %s", out)
	}
	return s, json.Unmarshal([]byte(out[at:]), &s)
}

// until waits for a state of the agent.
func (t *trial) until(m *machine, what string, is func(status) bool) error {
	deadline := time.Now().Add(bootLimit)
	var last status
	var lastErr error
	for time.Now().Before(deadline) {
		if last, lastErr = m.status(); lastErr == nil && is(last) {
			return nil
		}
		select {
		case <-m.ended:
			return fmt.Errorf("imagetest: the machine went off before %s", what)
		case <-time.After(2 * time.Second):
		}
	}
	// What can still be learned; it has failed already.
	_ = m.picture(filepath.Join(t.dir, "failed.png"))
	out, _ := m.run("journalctl -b --no-pager -o cat -u kioskd | tail -30; systemctl --failed --no-legend", time.Minute)
	return fmt.Errorf("imagetest: not %s: %+v, %w\n%s", what, last, lastErr, out)
}

// version is the system's, as it says itself.
func (m *machine) version() (string, error) {
	return m.run(". /usr/lib/os-release && echo $IMAGE_VERSION", time.Minute)
}

// stick makes a USB stick with folders of releases, and returns the arguments
// that plug it in.
func (t *trial) stick(ctx context.Context, folders map[string]string) ([]string, error) {
	path, err := t.fat(ctx, "stick.img", 3<<30)
	if err != nil {
		return nil, err
	}
	for name, from := range folders {
		if _, err := output(ctx, "mcopy", "-s", "-i", path, from, "::/"+name); err != nil {
			return nil, err
		}
	}
	return []string{"-drive", "if=none,id=stick,format=raw,readonly=on,file=" + path, "-device", "virtio-blk-pci,drive=stick"}, nil
}

// fat makes a disk that is one FAT file system, as small sticks are.
func (t *trial) fat(ctx context.Context, name string, size int64) (string, error) {
	path := filepath.Join(t.dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return "", err
	}
	_, err = output(ctx, "mkfs.vfat", "-F", "32", "-n", "CLE", path)
	return path, err
}
