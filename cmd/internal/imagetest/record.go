package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// recorded is a time in a kiosk's life of which every write was kept.
type recorded struct {
	name  string
	base  string // disk before it
	log   string
	from  int64  // offset in the log where it begins
	known int64  // offset in the log where the supervision knew the kiosk; only of an enrolment
	kiosk string // its ID there
	parts []part

	decide []string // where most is decided: partitions
}

// logged are the arguments for a disk whose writes are kept. It takes no
// "write zeroes": QEMU 7.2 spoils its log when other writes come meanwhile.
// Nor are its requests merged: QEMU adds the log's own block to a request that
// has all the pieces the host takes at once, and the guest gets an error.
func logged(disk, log string, more bool) []string {
	how := "log-sector-size=512"
	if more {
		how = "log-append=on"
	}
	return []string{
		"-blockdev", "driver=file,filename=" + disk + ",node-name=f0", "-blockdev", "driver=raw,file=f0,node-name=r0",
		"-blockdev", "driver=file,filename=" + log + ",node-name=l0",
		"-blockdev", "driver=blklogwrites,file=r0,log=l0,node-name=d0," + how,
		"-global", "virtio-blk-device.write-zeroes=off", "-global", "virtio-blk-device.discard=off",
		"-global", "virtio-blk-device.request-merging=off",
	}
}

// recordUpdate updates from a stick, as the supervision is not what is tried.
func (t *trial) recordUpdate(ctx context.Context) (*recorded, error) {
	base, _, err := t.newKiosk(ctx, "cut-base.img")
	if err != nil {
		return nil, err
	}
	// A first start, so that what happens only then is over.
	m, _, err := t.boot(ctx, base, "cut-first")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.devices(m), setUp(m), m.power()); err != nil {
		m.off()
		return nil, err
	}
	r := &recorded{name: "update", base: base, log: filepath.Join(t.dir, "cut.writes"), decide: []string{"esp", "partition table"}}
	disk := filepath.Join(t.dir, "cut.img")
	if _, err := output(ctx, "cp", "--sparse=always", base, disk); err != nil {
		return nil, err
	}
	defer os.Remove(disk)
	if err := os.WriteFile(r.log, nil, 0o600); err != nil {
		return nil, err
	}
	stick, err := t.stick(ctx, map[string]string{"pointnum-update": t.releaseDir("2.0.0")})
	if err != nil {
		return nil, err
	}
	for round := range 2 {
		if m, err = start(ctx, options{name: "cut", dir: t.dir, disk: logged(disk, r.log, round > 0), screen: true, shell: true, verbose: true, extra: stick}); err != nil {
			return nil, err
		}
		if err := t.recordRound(m, r, round); err != nil {
			m.off()
			return nil, err
		}
	}
	r.parts, err = partitions(ctx, base)
	return r, err
}

func (t *trial) recordRound(m *machine, r *recorded, round int) error {
	if err := m.ready(bootLimit); err != nil {
		return err
	}
	if err := setUp(m); err != nil {
		return err
	}
	if round == 1 {
		if out, err := m.run("timeout 400 sh -c 'until ls /efi/EFI/Linux/pointnum_2.0.0.efi; do sleep 2; done'; sync", bootLimit); err != nil {
			return fmt.Errorf("imagetest: never confirmed: %s, %w", out, err)
		}
		return m.power()
	}
	if _, err := m.run("sync; mkdir -p /run/stick && mount -o ro,uid=970,gid=970 /dev/vdb /run/stick", time.Minute); err != nil {
		return err
	}
	info, err := os.Stat(r.log)
	if err != nil {
		return err
	}
	r.from = info.Size()
	if out, err := m.run("kioskctl update --from /run/stick/pointnum-update; kioskctl update now", bootLimit); err != nil {
		select {
		case <-m.ended:
		case <-time.After(time.Minute):
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	if !m.wait(bootLimit) {
		return errors.New("imagetest: no new start after the update")
	}
	return nil
}

// setUp waits until the kiosk is set up and its agent serves visits: only then
// it knows of updates.
func setUp(m *machine) error {
	out, err := m.run("timeout 350 sh -c 'until kioskctl update; do sleep 2; done' 2>&1 | tail -1", bootLimit)
	if err == nil && strings.Contains(out, "404") {
		err = errors.New("imagetest: never set up: " + out)
	}
	return err
}

// recordEnrolment records a first start with a code.
func (t *trial) recordEnrolment(ctx context.Context) (*recorded, error) {
	base, _, err := t.newKiosk(ctx, "cut-enrol.img")
	if err != nil {
		return nil, err
	}
	r := &recorded{name: "enrolment", base: base, log: filepath.Join(t.dir, "cut.writes"), decide: []string{"pointnum-data", "KIOSK-CONF"}}
	disk := filepath.Join(t.dir, "cut.img")
	if _, err := output(ctx, "cp", "--sparse=always", base, disk); err != nil {
		return nil, err
	}
	defer os.Remove(disk)
	if err := os.WriteFile(r.log, nil, 0o600); err != nil {
		return nil, err
	}
	before, err := t.kiosks(ctx)
	if err != nil {
		return nil, err
	}
	m, err := start(ctx, options{name: "cut", dir: t.dir, disk: logged(disk, r.log, false), screen: true, shell: true, verbose: true})
	if err != nil {
		return nil, err
	}
	defer m.off()
	if err := m.ready(bootLimit); err != nil {
		return nil, err
	}
	if err := t.devices(m); err != nil {
		return nil, err
	}
	if r.kiosk, err = t.enrolled(ctx, before); err != nil {
		return nil, err
	}
	info, err := os.Stat(r.log)
	if err != nil {
		return nil, err
	}
	r.known = info.Size()
	if err := t.until(m, "enrolled", func(s status) bool { return s.Fleet != nil && s.Fleet.Link != "down" }); err != nil {
		return nil, err
	}
	if _, err := m.run("sync", time.Minute); err != nil {
		return nil, err
	}
	r.parts, err = partitions(ctx, disk) // as the first start made them
	return r, err
}

// enrolled waits for a kiosk that the supervision did not know before.
func (t *trial) enrolled(ctx context.Context, before []string) (string, error) {
	for deadline := time.Now().Add(bootLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		now, err := t.kiosks(ctx)
		if err != nil {
			return "", err
		}
		for _, id := range now {
			if !slices.Contains(before, id) {
				return id, nil
			}
		}
	}
	return "", errors.New("imagetest: no kiosk enrols")
}
