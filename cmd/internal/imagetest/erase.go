package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pointnum/kiosk/dispose"
	"pointnum/provisioning/fleet"
)

// newKiosk makes a disk of 1.0.0 with a technician's KIOSK-CONF and a code.
func (t *trial) newKiosk(ctx context.Context, name string) (disk, code string, err error) {
	if disk, err = t.newDisk(ctx, "1.0.0", name); err != nil {
		return "", "", err
	}
	if err := withoutKeys(ctx, disk); err != nil {
		return "", "", err
	}
	if code, err = t.code(ctx); err != nil {
		return "", "", err
	}
	return disk, code, putConf(ctx, disk, map[string]string{"borne.txt": fmt.Sprintf(borne, t.server, code), "lieu.pem": string(t.ca)})
}

// steward has root do what the agent asks, in the confinement of the unit that
// does it, and returns its answer and what it told on the way.
func (m *machine) steward(what, request string) (answer, told string, err error) {
	out, err := m.run(`until systemctl is-active -q local-fs.target; do sleep 1; done; `+
		`printf %s '`+request+`' >/run/ask; `+
		`sed 's,^StandardInput=.*,StandardInput=file:/run/ask,; s,^StandardOutput=.*,StandardOutput=file:/run/answer\nType=oneshot,' `+
		`/usr/lib/systemd/system/pointnum-`+what+`@.service >/run/systemd/system/try.service; systemctl daemon-reload; systemctl start try; `+
		`journalctl -o cat -u try | tr '\r' '\n' | grep -v % | tail -20; echo; echo ANSWER; cat /run/answer`, 2*bootLimit)
	told, answer, _ = strings.Cut(out, "ANSWER\n")
	return answer, told, err
}

// erasing: the end of a kiosk's life, as its menu asks for it. The disk is then
// read from outside, and starts as a new one.
func (t *trial) erasing(ctx context.Context) error {
	before, err := t.kiosks(ctx)
	if err != nil {
		return err
	}
	disk, _, err := t.newKiosk(ctx, "erase.img")
	if err != nil {
		return err
	}
	defer os.Remove(disk)
	m, _, err := t.boot(ctx, disk, "erase")
	if err != nil {
		return err
	}
	defer func() { m.off() }()
	if err := t.devices(m); err != nil {
		return err
	}
	id, err := t.enrolled(ctx, before)
	if err != nil {
		return err
	}
	if err := setUp(m); err != nil {
		return err
	}
	began := time.Now()
	answer, told, err := m.steward("dispose", `{"confirm":"EFFACER"}`)
	if err != nil {
		return err
	}
	var reply struct{ Answer dispose.Proof }
	if err := json.Unmarshal([]byte(answer), &reply); err != nil || !reply.Answer.Verdict || !reply.Answer.Revoked || reply.Answer.Kiosk != id {
		return fmt.Errorf("imagetest: not erased: %s: %s, %w", told, answer, err)
	}
	t.note("a kiosk in service erases itself, and proves it", "ok", seconds(time.Since(began)))
	m.off() // as a person does
	k, err := t.known(ctx, id)
	if err != nil || k.Revoked.IsZero() {
		return fmt.Errorf("imagetest: fleetd still takes the kiosk, %w", err)
	}
	if err := t.erased(ctx, disk, id); err != nil {
		return err
	}
	t.note("fleetd refuses it; from outside: data is zero, KIOSK-CONF has the proof alone", "ok", "")
	var took time.Duration
	if m, took, err = t.boot(ctx, disk, "erased"); err != nil {
		return err
	}
	if s, err := m.status(); err != nil || s.Fleet != nil {
		return fmt.Errorf("imagetest: after the erasing: %+v, %w", s, err)
	}
	t.note("it starts as a new one", "ok", "agent after "+seconds(took))
	return m.power()
}

// known is a kiosk as the supervision has it.
func (w *world) known(ctx context.Context, id string) (_ fleet.Kiosk, err error) {
	s, _, err := w.fleet(ctx)
	if err != nil {
		return fleet.Kiosk{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Kiosk(ctx, fleet.Scope{All: true}, id)
}

// erased reads a disk whose kiosk was erased.
func (t *trial) erased(ctx context.Context, disk, id string) error {
	parts, err := partitions(ctx, disk)
	if err != nil {
		return err
	}
	data, err := find(parts, "pointnum-data")
	if err != nil {
		return err
	}
	conf, err := find(parts, "KIOSK-CONF")
	if err != nil {
		return err
	}
	f, err := os.Open(disk)
	if err != nil {
		return err
	}
	defer f.Close()
	in := io.NewSectionReader(f, data.Start*512, data.Size*512)
	for b := make([]byte, 1<<20); ; {
		n, err := io.ReadFull(in, b)
		for _, c := range b[:n] {
			if c != 0 {
				return errors.New("imagetest: the data partition is not all zero")
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	at := fmt.Sprintf("%s@@%d", disk, conf.Start*512)
	list, err := output(ctx, "mdir", "-b", "-/", "-i", at, "::/")
	if err != nil || strings.TrimSpace(list) != "::/PREUVE.TXT" {
		return fmt.Errorf("imagetest: KIOSK-CONF has %q, %w", list, err)
	}
	proof, err := output(ctx, "mtype", "-i", at, "::/PREUVE.TXT")
	if err != nil || !strings.Contains(proof, id) {
		return fmt.Errorf("imagetest: the proof is %q, %w", proof, err)
	}
	return nil
}
