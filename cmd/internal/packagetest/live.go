package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is for whatever a slow machine takes its time for.
const patience = 4 * time.Minute

// room makes what the rooms of LibreOffice and tesseract are made of, and mounts
// in it.
const room = "ExecStartPre=/usr/bin/unshare --user --mount --pid --net --ipc --uts --fork --map-root-user /usr/bin/mount -t tmpfs none /tmp\n"

// page is a PDF of one line.
const page = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 56>>stream
BT /F 28 Tf 72 700 Td (ATTESTATION DE PAIEMENT) Tj ET   
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
`

// prepare writes the trial's own files beside the packages': there is no
// screen, so the X server is one without, under the same unit; and a conversion
// and a room's namespaces are tried under the unit of the agent.
func (t *trial) prepare() error {
	unit, err := os.ReadFile(filepath.Join(t.tree, "usr/lib/systemd/system/kioskd.service"))
	if err != nil {
		return err
	}
	var convert strings.Builder
	for line := range strings.Lines(string(unit)) {
		switch key, _, _ := strings.Cut(line, "="); key {
		case "ExecStart":
			line = room + "ExecStart=/usr/bin/kioskctl convert --portal caf -o /run/trial/out.pdf /run/trial/in.pdf\n"
		case "RuntimeDirectory":
			line = "RuntimeDirectory=trial\nRuntimeDirectoryPreserve=yes\n"
		case "Type":
			line = "Type=oneshot\n"
		case "Restart", "ExecStopPost", "RuntimeDirectoryPreserve", "Wants", "After", "OnFailure":
			continue
		}
		convert.WriteString(line)
	}
	dir := filepath.Join(t.tree, "etc/systemd/system/pointnum-display.service.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(t.tree, "mnt/in.pdf"), []byte(page), 0o644),
		os.WriteFile(filepath.Join(t.tree, "etc/systemd/system/trial.service"), []byte(convert.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "trial.conf"), []byte(`[Service]
StandardInput=null
TTYPath=
TTYReset=no
TTYVHangup=no
TTYVTDisallocate=no
ExecStart=
ExecStart=/usr/bin/Xvfb :0 -screen 0 1080x1920x24 -nolisten tcp -noreset -auth /run/pointnum-display/authority
`), 0o644))
}

// machine is the tree while its systemd runs.
type machine struct {
	cmd    *exec.Cmd
	leader int // its first process, as the host numbers it
	said   bytes.Buffer
	ended  chan error
}

// boot starts the tree's systemd and waits until it has started everything.
func (t *trial) boot(ctx context.Context) (*machine, error) {
	if err := t.prepare(); err != nil {
		return nil, err
	}
	m := &machine{ended: make(chan error, 1)}
	m.cmd = exec.Command("systemd-nspawn", "-q", "-D", t.tree, "--register=no", "--keep-unit", "--private-network",
		"--boot", "--console=pipe", "--kill-signal=SIGRTMIN+3")
	m.cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { m.ended <- m.cmd.Wait() }()
	var last string
	err := eventually(ctx, func() bool {
		if m.leader == 0 {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", m.cmd.Process.Pid, m.cmd.Process.Pid))
			for _, f := range strings.Fields(string(b)) {
				if name, _ := os.ReadFile("/proc/" + f + "/comm"); strings.TrimSpace(string(name)) == "systemd" {
					m.leader, _ = strconv.Atoi(f)
				}
			}
			return false
		}
		last, _ = m.in(ctx, "systemctl", "is-system-running")
		return last == "running" || last == "degraded"
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the tree does not boot (%s): %w\n%s", last, err, m.said.String()), m.stop())
	}
	return m, nil
}

// in runs a program in the machine, as root.
func (m *machine) in(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nsenter", append([]string{"-t", strconv.Itoa(m.leader), "-a"}, args...)...).CombinedOutput()
	return string(bytes.TrimSpace(out)), err
}

// as runs a shell's line in the machine as one of its users.
func (m *machine) as(ctx context.Context, user, line string) (string, error) {
	return m.in(ctx, "setpriv", "--reuid", user, "--clear-groups", "bash", "-c", line)
}

func (m *machine) stop() error {
	_ = m.cmd.Process.Signal(syscall.SIGTERM) // it ends its own first
	select {
	case <-m.ended:
	case <-time.After(time.Minute):
		_ = m.cmd.Process.Kill()
		<-m.ended
	}
	return nil
}

// eventually waits until something is so.
func eventually(ctx context.Context, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		if so() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// live runs the kiosk under its units.
func (t *trial) live(ctx context.Context) (err error) {
	began := time.Now()
	m, err := t.boot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	t.say("the tree has booted in %.1f s", time.Since(began).Seconds())
	out, err := m.in(ctx, "kioskd", "-check")
	t.check("the configuration that comes with it is right", err == nil, out)
	out, err = m.in(ctx, "kioskctl", "health", "--wait", "3m")
	t.check("health: a page becomes a file and is wiped, the screen is open", err == nil, out)
	out, err = m.in(ctx, "kioskctl", "selftest")
	t.check("self-test, with a visit of the portal browser", err == nil, out)
	t.convert(ctx, m)
	t.rights(ctx, m)
	t.network(ctx, m)
	t.display(ctx, m)
	t.roots(ctx, m)
	t.again(ctx, m)
	out, _ = m.in(ctx, "systemctl", "--plain", "--no-legend", "--state=failed", "list-units")
	t.check("no unit has failed", out == "", out)
	t.scores(ctx, m)
	return nil
}
