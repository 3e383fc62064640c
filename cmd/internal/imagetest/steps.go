package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bootLimit is for a start on a busy machine.
const bootLimit = 8 * time.Minute

// boot starts a disk with a screen and a shell, and waits until the agent
// serves; it is told how long that took.
func (t *trial) boot(ctx context.Context, disk, name string) (*machine, time.Duration, error) {
	m, err := start(ctx, options{name: name, dir: t.dir, disk: raw(disk), screen: true, shell: true, verbose: true})
	if err != nil {
		return nil, 0, err
	}
	if err := m.ready(bootLimit); err != nil {
		m.off()
		return nil, 0, err
	}
	t.say("shell after %s", seconds(m.up()))
	if err := m.serves(ctx, bootLimit); err != nil {
		out, _ := m.run("systemctl --failed --no-legend; systemctl status kioskd pointnum-screen pointnum-display --no-pager -n 20 | cut -c1-200", time.Minute)
		m.off()
		return nil, 0, fmt.Errorf("%w\n%s", err, out)
	}
	return m, m.up(), nil
}

// serves waits until the agent answers from outside of the machine.
func (m *machine) serves(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	var last error
	for time.Now().Before(deadline) {
		status, err := 0, m.outside()
		if err == nil {
			status, _, err = m.get(ctx, "/")
		}
		if err == nil && status == 200 {
			return nil
		}
		last = fmt.Errorf("imagetest: the agent does not answer: status %d, %w", status, errors.Join(err, ctx.Err()))
		select {
		case <-m.ended:
			return errors.New("imagetest: the machine went off")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return last
}

// shown waits until a page is on the screen, and saves its picture. What the
// screen shows is looked at, not what a program says of it.
func (t *trial) shown(m *machine, name string) error {
	path := filepath.Join(t.dir, name+".png")
	began := time.Now()
	deadline := began.Add(bootLimit)
	var before []byte
	for n := 0; time.Now().Before(deadline); {
		if err := m.picture(path); err != nil {
			return err
		}
		now, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(now, before) && time.Since(began) < settles {
			n = 0 // it still changes
		}
		before = now
		page, err := isPage(path)
		if err != nil {
			return err
		}
		if !page {
			n = 0
		} else if n++; n == 2 {
			return nil
		}
		select {
		case <-m.ended:
			return errors.New("imagetest: the machine went off")
		case <-time.After(2 * time.Second):
		}
	}
	return errors.New("imagetest: no page on the screen")
}

// settles is after how long a page that moves all the time is taken as it is.
const settles = 20 * time.Second

// pageColours is what a page has at least: text is drawn in shades.
const pageColours = 24

// isPage says whether a picture is one of a page: shades on light paper. The
// firmware's logo has shades on black.
func isPage(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		return false, fmt.Errorf("imagetest: %s: %w", path, err)
	}
	count := map[color.RGBA]int{}
	var paper color.RGBA
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 2 {
		for x := b.Min.X; x < b.Max.X; x += 2 {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			if count[c]++; count[c] > count[paper] {
				paper = c
			}
		}
	}
	return len(count) >= pageColours && color.GrayModel.Convert(paper).(color.Gray).Y > 127, nil
}

// firstStart: the image as it is flashed, without anything on KIOSK-CONF.
func (t *trial) firstStart(ctx context.Context) error {
	disk, err := t.newDisk(ctx, "1.0.0", "start.img")
	if err != nil {
		return err
	}
	if err := withoutKeys(ctx, disk); err != nil {
		return err
	}
	defer os.Remove(disk)
	m, took, err := t.boot(ctx, disk, "start")
	if err != nil {
		return err
	}
	defer m.off()
	t.note("first start: the agent answers from outside", "ok", seconds(took))
	if err := t.shown(m, "start"); err != nil {
		return err
	}
	t.note("first start: the technician's screen is there", "ok", seconds(m.up())+", start.png")
	out, err := m.run("systemctl --failed --no-legend; findmnt -rno TARGET,SOURCE,FSTYPE,OPTIONS /data /conf /efi /etc/pointnum /var/lib/pointnum /var/log/journal; cat /proc/swaps; df -m /data | tail -1; systemd-analyze | head -1", time.Minute)
	t.say("%s", out)
	if err != nil {
		return err
	}
	return t.diagnosed(ctx, m)
}

// diagnosed plugs a technician's stick in, which asks for the diagnostic, and
// reads it when the machine is off.
func (t *trial) diagnosed(ctx context.Context, m *machine) error {
	began := time.Now()
	path, err := t.fat(ctx, "key.img", 64<<20)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	if _, err := output(ctx, "mmd", "-i", path, "::/pointnum-diagnostic"); err != nil {
		return err
	}
	if err := errors.Join(
		m.ask("blockdev-add", map[string]any{"driver": "raw", "node-name": "key", "file": map[string]any{"driver": "file", "filename": path}}),
		m.ask("device_add", map[string]any{"driver": "usb-storage", "drive": "key", "id": "key"}),
	); err != nil {
		return err
	}
	if out, err := m.run("timeout 240 sh -c 'until ls /run/pointnum-keys/*/pointnum-diagnostic/*.zip && ! systemctl is-active -q \"pointnum-diag@*\"; do sleep 1; done'", bootLimit); err != nil {
		out2, _ := m.run("systemctl status --no-pager 'pointnum-diag@*' 'pointnum-key@*' | cut -c1-200; lsblk", time.Minute)
		return fmt.Errorf("%w: %s\n%s", err, out, out2)
	}
	took := time.Since(began)
	if err := m.power(); err != nil {
		return err
	}
	if _, err := output(ctx, "mcopy", "-o", "-i", path, "::/pointnum-diagnostic/*.zip", filepath.Join(t.dir, "diagnostic.zip")); err != nil {
		return err
	}
	z, err := zip.OpenReader(filepath.Join(t.dir, "diagnostic.zip"))
	if err != nil {
		return fmt.Errorf("imagetest: the diagnostic: %w", err)
	}
	n := len(z.File)
	if err := z.Close(); err != nil {
		return err
	}
	t.note("diagnostic on a stick that was plugged in", "ok", fmt.Sprintf("%s, %d files", seconds(took), n))
	return nil
}

// power turns a machine off in its own way.
func (m *machine) power() error {
	_, _ = fmt.Fprint(m.root.conn, "systemctl poweroff\n")
	if !m.wait(3 * time.Minute) {
		m.off()
		return errors.New("imagetest: it does not go off")
	}
	return nil
}

// devices tells the machine's network of a scanner and a printer, as they do
// themselves on a real one: their names come by mDNS.
func (t *trial) devices(m *machine) error {
	var script strings.Builder
	script.WriteString("echo '" + host + " materiel.local' >> /etc/avahi/hosts; ")
	for _, spec := range t.bench.Specs(false) {
		var kind, path string
		switch spec.Driver {
		case "escl":
			kind, path = "_uscan._tcp", "rs=eSCL"
		case "ipp":
			kind, path = "_ipp._tcp", "rp=ipp/print"
		default:
			continue
		}
		_, rest, _ := strings.Cut(spec.URI, "127.0.0.1:")
		port, _, _ := strings.Cut(rest, "/")
		fmt.Fprintf(&script, `cat > /etc/avahi/services/%s.service <<'X'
<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>Essai %s</name><service><type>%s</type><host-name>materiel.local</host-name><port>%s</port><txt-record>%s</txt-record><txt-record>ty=Essai %s</txt-record><txt-record>pdl=application/pdf,image/jpeg</txt-record></service></service-group>
X
`, spec.Driver, spec.Driver, kind, port, path, spec.Driver)
	}
	path := "/run/devices.sh"
	_, err := m.run("cat > "+path+" <<'END_OF_IT'\n"+script.String()+"\nsystemctl restart avahi-daemon\nEND_OF_IT\nsh "+path, time.Minute)
	return err
}

// plainDebian compares how long a start takes with Debian, an X server and
// Chromium alone, on the same virtual machine: until a page is on the screen.
func (t *trial) plainDebian(ctx context.Context) error {
	ours, err := t.newDisk(ctx, "1.0.0", "ours.img")
	if err != nil {
		return err
	}
	defer os.Remove(ours)
	if err := withoutKeys(ctx, ours); err != nil {
		return err
	}
	for _, one := range []struct{ name, disk string }{{"our image", ours}, {"plain Debian with Chromium", filepath.Join(t.image, "plain.img")}} {
		m, err := start(ctx, options{name: "compare", dir: t.dir, disk: snapshot(one.disk), screen: true})
		if err != nil {
			return err
		}
		err = t.shown(m, "compare")
		took := m.up()
		m.off()
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		t.note("from power on to a page on the screen: "+one.name, "ok", seconds(took))
	}
	for _, pattern := range []string{"pointnum_1.0.0.img", "releases/2.0.0/*"} {
		files, err := filepath.Glob(filepath.Join(t.image, pattern))
		if err != nil {
			return err
		}
		var size int64
		for _, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				return err
			}
			size += info.Size()
		}
		t.note("size of "+pattern, "ok", fmt.Sprintf("%d MB", size/1e6))
	}
	return nil
}

// installation: the image runs from one disk, which stands for the stick, and
// puts itself on another; that one starts alone.
func (t *trial) installation(ctx context.Context) error {
	stick, err := t.newDisk(ctx, "1.0.0", "stick.img")
	if err != nil {
		return err
	}
	defer os.Remove(stick)
	if err := withoutKeys(ctx, stick); err != nil {
		return err
	}
	disk := filepath.Join(t.dir, "installed.img")
	f, err := os.Create(disk)
	if err != nil {
		return err
	}
	defer os.Remove(disk)
	if err := errors.Join(f.Truncate(diskSize), f.Close()); err != nil {
		return err
	}
	m, err := start(ctx, options{name: "stick", dir: t.dir, disk: raw(stick), shell: true, verbose: true,
		extra: []string{"-drive", "if=none,id=d1,format=raw,file=" + disk, "-device", "virtio-blk-pci,drive=d1"}})
	if err != nil {
		return err
	}
	defer func() { m.off() }()
	if err := m.ready(bootLimit); err != nil {
		return err
	}
	began := time.Now()
	answer, told, err := m.steward("install", `{"disk":"/dev/vdb","confirm":"EFFACER"}`)
	if err != nil {
		return err
	}
	if !strings.Contains(answer, `"ok"`) {
		return fmt.Errorf("imagetest: not installed: %s: %s", told, answer)
	}
	t.note("installed on another disk, as the set-up asks for it", "ok", seconds(time.Since(began)))
	if err := m.power(); err != nil {
		return err
	}
	var took time.Duration
	if m, took, err = t.boot(ctx, disk, "installed"); err != nil {
		return err
	}
	t.note("the installed disk starts alone, the agent answers", "ok", seconds(took))
	return m.power()
}
