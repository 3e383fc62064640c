package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The firmware of the virtual machines: Debian's ovmf.
const (
	firmware       = "/usr/share/OVMF/OVMF_CODE_4M.fd"
	secureFirmware = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
	variables      = "/usr/share/OVMF/OVMF_VARS_4M.fd"
)

// options say what a virtual machine has.
type options struct {
	name    string
	dir     string   // for its sockets, log and firmware variables
	disk    []string // arguments for its disk, with the node or drive "d0"
	memory  int      // MiB
	screen  bool     // 1080×1920 and a touch panel
	secure  bool     // Secure Boot and a TPM
	verbose bool     // the kernel speaks on the first serial line (not under Secure Boot)
	shell   bool     // root's shell on the second serial line
	extra   []string
}

// machine is a running virtual machine. It is emulated in software: no host
// has to offer more. The system in it is the one that kiosks get, unchanged:
// the shell comes by a credential of the virtual firmware (systemd.system-credentials(7)),
// which on a kiosk nobody can give.
type machine struct {
	options
	cmd     *exec.Cmd
	began   time.Time
	console *line // kernel and loader
	root    *line // the shell
	port    int   // on the host, for 8480 in the machine
	ended   chan struct{}
	tpm     *exec.Cmd
	stderr  bytes.Buffer
}

const shellUnit = `[Unit]
Description=Shell of the image's test
DefaultDependencies=no
ConditionPathExists=!/etc/initrd-release
[Service]
ExecStart=/bin/bash -c 'echo shell-is-there; exec env PS1= PS2= /bin/bash --norc --noprofile'
Environment=PS1= PS2= TERM=dumb PAGER=cat SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 HOME=/root LC_ALL=C.UTF-8
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Restart=always
`

// credential gives a credential to the system, as an SMBIOS string.
func credential(name, text string) []string {
	return []string{"-smbios", "type=11,value=io.systemd.credential.binary:" + name + "=" + base64.StdEncoding.EncodeToString([]byte(text))}
}

// start turns a machine on. The caller ends it, by off or wait.
func start(ctx context.Context, o options) (*machine, error) {
	if o.memory == 0 {
		o.memory = 3072
	}
	m := &machine{options: o, ended: make(chan struct{})}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	m.port = port
	vars := m.path("vars")
	if _, err := os.Stat(vars); err != nil {
		if err := copyFile(variables, vars); err != nil {
			return nil, err
		}
	}
	code, kind := firmware, "q35"
	args := []string{}
	if o.secure {
		code, kind = secureFirmware, "q35,smm=on"
		args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1")
		tpm, err := m.startTPM(ctx)
		if err != nil {
			return nil, err
		}
		args = append(args, tpm...)
	}
	args = append(args, "-accel", "tcg,thread=multi", "-cpu", "max", "-M", kind, "-m", strconv.Itoa(o.memory), "-smp", "2",
		"-nodefaults", "-display", "none", "-no-user-config", "-no-reboot",
		"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+code,
		"-drive", "if=pflash,format=raw,unit=1,file="+vars,
		"-chardev", "socket,id=s0,server=on,wait=off,path="+m.path("console")+",logfile="+m.path("log"), "-serial", "chardev:s0",
		"-chardev", "socket,id=s1,server=on,wait=off,path="+m.path("shell"), "-serial", "chardev:s1",
		"-qmp", "unix:"+m.path("qmp")+",server=on,wait=off",
		"-netdev", fmt.Sprintf("user,id=n0,hostfwd=tcp:127.0.0.1:%d-:8480", port), "-device", "virtio-net-pci,netdev=n0,romfile=",
		"-device", "virtio-rng-pci", "-smbios", "type=1,uuid=706f696e-746e-4000-8000-000000000001",
		"-device", "virtio-blk-pci,drive=d0,bootindex=0")
	if o.screen {
		args = append(args, "-device", "virtio-vga,xres=1080,yres=1920", "-device", "qemu-xhci", "-device", "usb-tablet")
	}
	if o.verbose && !o.secure {
		args = append(args, "-smbios", "type=11,value=io.systemd.stub.kernel-cmdline-extra=console=ttyS0,,115200 loglevel=6")
	}
	if o.shell {
		args = append(args, credential("systemd.extra-unit.pointnum-test.service", shellUnit)...)
		args = append(args, credential("systemd.unit-dropin.systemd-udevd.service", "[Unit]\nWants=pointnum-test.service\n")...)
	}
	args = append(args, credential("tmpfiles.extra", "w+ /etc/hosts - - - - "+host+" "+name+"\\n\n")...)
	args = append(append(args, o.disk...), o.extra...)
	for _, name := range []string{"console", "shell", "qmp"} {
		if err := os.Remove(m.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	m.cmd = exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.cmd.Stderr = &m.stderr
	m.began = time.Now()
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("imagetest: %w", err)
	}
	go func() { _ = m.cmd.Wait(); close(m.ended) }()
	if m.console, err = m.open("console"); err == nil {
		m.root, err = m.open("shell")
	}
	if err != nil {
		m.off()
		return nil, err
	}
	return m, nil
}

func (m *machine) path(kind string) string { return filepath.Join(m.dir, m.name+"."+kind) }

// up is how long the machine has been on.
func (m *machine) up() time.Duration { return time.Since(m.began) }

// off takes its power.
func (m *machine) off() {
	_ = m.cmd.Process.Kill()
	m.wait(time.Minute)
}

// wait waits until it is off, and says whether it is.
func (m *machine) wait(limit time.Duration) bool {
	select {
	case <-m.ended:
	case <-time.After(limit):
		return false
	}
	if m.tpm != nil {
		_ = m.tpm.Process.Kill()
		_ = m.tpm.Wait()
		m.tpm = nil
	}
	return true
}

func (m *machine) startTPM(ctx context.Context) ([]string, error) {
	dir := m.path("tpm")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "socket")
	_ = os.Remove(socket)
	m.tpm = exec.CommandContext(ctx, "swtpm", "socket", "--tpm2", "--tpmstate", "dir="+dir, "--ctrl", "type=unixio,path="+socket)
	m.tpm.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.tpm.Start(); err != nil {
		return nil, fmt.Errorf("imagetest: %w", err)
	}
	for range 200 {
		if _, err := os.Stat(socket); err == nil {
			return []string{"-chardev", "socket,id=ct,path=" + socket, "-tpmdev", "emulator,id=t0,chardev=ct", "-device", "tpm-crb,tpmdev=t0"}, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.New("imagetest: swtpm does not start")
}

// line is a serial line: what came over it, and what was already looked at.
type line struct {
	conn net.Conn
	mu   sync.Mutex
	text []byte
	read int
	over bool
	news chan struct{}
}

func (m *machine) open(name string) (*line, error) {
	for range 200 {
		c, err := net.Dial("unix", m.path(name))
		if err == nil {
			l := &line{conn: c, news: make(chan struct{}, 1)}
			go l.follow()
			return l, nil
		}
		select {
		case <-m.ended:
			return nil, fmt.Errorf("imagetest: qemu ended: %s", m.stderr.Bytes())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, fmt.Errorf("imagetest: no serial line %s", name)
}

func (l *line) follow() {
	b := make([]byte, 64<<10)
	for {
		n, err := l.conn.Read(b)
		l.mu.Lock()
		l.text = append(l.text, b[:n]...)
		l.over = err != nil
		l.mu.Unlock()
		select {
		case l.news <- struct{}{}:
		default:
		}
		if err != nil {
			_ = l.conn.Close()
			return
		}
	}
}

// expect waits for a pattern behind the last one that was found.
func (l *line) expect(pattern string, limit time.Duration) ([]string, error) {
	re := regexp.MustCompile(pattern)
	deadline := time.After(limit)
	for {
		l.mu.Lock()
		rest := l.text[l.read:]
		at := re.FindSubmatchIndex(rest)
		var found []string
		if at != nil {
			for _, g := range re.FindSubmatch(rest) {
				found = append(found, string(g))
			}
			l.read += at[1]
		}
		over, tail := l.over, string(rest[max(0, len(rest)-500):])
		l.mu.Unlock()
		switch {
		case found != nil:
			return found, nil
		case over:
			return nil, fmt.Errorf("imagetest: the machine went off before %q; last: %q", pattern, tail)
		}
		select {
		case <-l.news:
		case <-time.After(time.Second):
		case <-deadline:
			return nil, fmt.Errorf("imagetest: no %q in %s; last: %q", pattern, limit, tail)
		}
	}
}

// ready waits for the shell. Nothing is typed before it is there: the loader
// would take it for keys of its menu.
func (m *machine) ready(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	if _, err := m.root.expect("shell-is-there", limit); err != nil {
		return err
	}
	for time.Now().Before(deadline) {
		if _, err := fmt.Fprint(m.root.conn, "stty -echo; echo here-$((40+2))\n"); err != nil {
			return err
		}
		_, err := m.root.expect(`here-42`, 5*time.Second)
		if err == nil {
			return nil
		}
		select {
		case <-m.ended:
			return err
		default:
		}
	}
	return fmt.Errorf("imagetest: no shell in %s", limit)
}

// run runs a line in root's shell and returns what it printed; a status that
// is not 0 is an error.
func (m *machine) run(command string, limit time.Duration) (string, error) {
	m.root.mu.Lock()
	m.root.read = len(m.root.text)
	m.root.mu.Unlock()
	mark := fmt.Sprintf("mark%d", time.Now().UnixNano())
	if _, err := fmt.Fprintf(m.root.conn, "{ %s; } 2>&1 </dev/null; echo \"%s\"\"%s:$?:\"\n", command, mark[:5], mark[5:]); err != nil {
		return "", err
	}
	found, err := m.root.expect(`(?s)^(.*?)`+mark+`:(\d+):`, limit)
	if err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	out := strings.TrimSpace(strings.ReplaceAll(found[1], "\r", ""))
	if found[2] != "0" {
		return out, fmt.Errorf("imagetest: %s: status %s: %s", command, found[2], out)
	}
	return out, nil
}

// ask is one command of QEMU's own protocol.
func (m *machine) ask(command string, arguments map[string]any) error {
	c, err := net.Dial("unix", m.path("qmp"))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	for _, x := range []map[string]any{nil, {"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}} {
		if x != nil {
			if err := json.NewEncoder(c).Encode(x); err != nil {
				return err
			}
		}
		for {
			raw, err := in.ReadBytes('\n')
			if err != nil {
				return fmt.Errorf("imagetest: qmp: %w", err)
			}
			if bytes.Contains(raw, []byte(`"error"`)) {
				return fmt.Errorf("imagetest: %s: %s", command, raw)
			}
			if !bytes.Contains(raw, []byte(`"event"`)) {
				break
			}
		}
	}
	return nil
}

// picture saves what the screen shows, as PNG.
func (m *machine) picture(path string) error {
	return m.ask("screendump", map[string]any{"filename": path, "format": "png"})
}

// outside opens the agent's screen to the host, once it is there: in the
// system as it is, only the kiosk itself reaches it. The firewall is made
// again when the configuration has changed, so it is asked each time.
func (m *machine) outside() error {
	_, err := m.run("systemctl is-active -q kioskd pointnum-firewall && { nft list chain inet pointnum input | grep -q 8480 || "+
		"nft insert rule inet pointnum input tcp dport 8480 accept; } && { systemctl is-active -q outside || "+
		"systemd-run --quiet --unit=outside /usr/bin/systemd-socket-activate -l 8480 /usr/lib/systemd/systemd-socket-proxyd 127.0.0.1:8088; }", time.Minute)
	return err
}

// get asks the agent's screen from outside of the machine.
func (m *machine) get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", m.port, path), nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = "127.0.0.1:8088"
	client := http.Client{Timeout: 20 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, string(raw), err
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}
