package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk/browser"
)

// otherUser has another user of the machine try to reach a browser in use: its
// DevTools, its memory, its files, and the proxy.
func (h *house) otherUser(ctx context.Context, done func(result)) error {
	var results []result
	for _, p := range probes() {
		if h.meant(p.id) {
			results = append(results, result{ID: p.id, Kind: "utilisateur", What: p.what, Verdict: holding})
		}
	}
	if len(results) == 0 {
		return nil
	}
	found := map[string]string{}
	if h.cage.user != "" {
		if err := h.ready(ctx); err != nil {
			return err
		}
		in, err := browser.Look(h.visit.Browsing)
		if err != nil {
			return err
		}
		if found, err = h.probe(ctx, in.Devtools.PID(), filepath.Dir(in.Devtools.Profile())); err != nil {
			return err
		}
	}
	for _, r := range results {
		said, tried := found[r.ID]
		switch {
		case !tried:
			r.Verdict = untried
			r.heldBy("needs root: there is no other user")
		case strings.HasPrefix(said, "out: "):
			r.escape("%s", strings.TrimPrefix(said, "out: "))
		default:
			r.heldBy(said)
		}
		done(r)
	}
	return nil
}

// probe runs this program as the other user and reads what it found.
func (h *house) probe(ctx context.Context, pid int, cell string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", probeArg, strconv.Itoa(pid), cell, h.proxy.Addr(), strconv.Itoa(h.cage.uid))
	other := uint32(h.cage.uid + 1)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}, Pdeathsig: syscall.SIGKILL}
	cmd.Dir = "/"
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run as another user: %w: %s", err, complaint.Bytes())
	}
	found := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		if id, said, ok := strings.Cut(lines.Text(), "\t"); ok {
			found[id] = said
		}
	}
	return found, lines.Err()
}

// probeArg starts this program as the other user.
const probeArg = "as-another-user"

// prey is the browser as the other user is told of it.
type prey struct {
	pid, uid    int
	cell, proxy string
}

// probeOne is one try of the other user. It returns what it reached, or an
// error that says what held.
type probeOne struct {
	id, what string
	try      func(prey) (string, error)
}

func probes() []probeOne {
	return []probeOne{
		{"user-port", "Un autre utilisateur se connecte au port de DevTools", listening},
		{"user-pipe", "Un autre utilisateur ouvre le tuyau de DevTools", pipe},
		{"user-memory", "Un autre utilisateur lit la mémoire du navigateur", memory},
		{"user-trace", "Un autre utilisateur s’attache au navigateur (ptrace)", trace},
		{"user-cell", "Un autre utilisateur lit le dossier du navigateur", cellFolder},
		{"user-socket", "Un autre utilisateur se connecte aux prises locales du navigateur", unixSockets},
		{"user-proxy", "Un autre utilisateur passe par le mandataire de la borne", throughProxy},
		{"user-kill", "Un autre utilisateur termine le navigateur", kill},
	}
}

// probeFor is the other user's process. args are those that probe gives.
func probeFor(args []string, w io.Writer) int {
	if len(args) != 4 {
		return 2
	}
	pid, err1 := strconv.Atoi(args[0])
	uid, err2 := strconv.Atoi(args[3])
	if errors.Join(err1, err2) != nil {
		return 2
	}
	b := prey{pid: pid, uid: uid, cell: args[1], proxy: args[2]}
	for _, p := range probes() {
		got, err := p.try(b)
		if err != nil {
			fmt.Fprintf(w, "%s\t%s\n", p.id, strings.ReplaceAll(err.Error(), "\n", "; "))
		} else {
			fmt.Fprintf(w, "%s\tout: %s\n", p.id, got)
		}
	}
	return 0
}

// listening connects to every TCP port on which a process of the browser's
// user listens (proc_net_tcp(5): state 0A, the user in the eighth field).
func listening(b prey) (string, error) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table)
		if errors.Is(err, os.ErrNotExist) {
			continue // no IPv6
		}
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			if len(f) > 7 && f[3] == "0A" && f[7] == strconv.Itoa(b.uid) {
				return "the browser's user listens on " + f[1], nil
			}
		}
	}
	return "", errors.New("no port listens")
}

func pipe(b prey) (string, error) {
	var err error
	for _, fd := range []string{"3", "4"} {
		var f *os.File
		if f, err = os.OpenFile(filepath.Join("/proc", strconv.Itoa(b.pid), "fd", fd), os.O_RDWR, 0); err == nil {
			f.Close()
			return "descriptor " + fd, nil
		}
	}
	return "", err
}

func memory(b prey) (string, error) {
	for _, name := range []string{"mem", "environ", "maps"} {
		f, err := os.Open(filepath.Join("/proc", strconv.Itoa(b.pid), name))
		if err != nil {
			continue
		}
		defer f.Close()
		if _, err := f.Read(make([]byte, 1)); err == nil {
			return name, nil
		}
	}
	return "", errors.New("the kernel refuses")
}

func trace(b prey) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.PtraceAttach(b.pid); err != nil {
		return "", err
	}
	_ = unix.PtraceDetach(b.pid) // refused until it has stopped; our end detaches it (ptrace(2))
	return "attached", nil
}

func cellFolder(b prey) (string, error) {
	if _, err := os.ReadDir(b.cell); err != nil {
		return "", err
	}
	return b.cell, nil
}

// unixSockets connects to every local socket that has the cell's folder or
// Chromium in its name (proc_net_unix(5): the path is the last field).
func unixSockets(b prey) (string, error) {
	raw, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) < 8 || !strings.Contains(strings.ToLower(f[7]), "chrom") && !strings.Contains(f[7], filepath.Base(b.cell)) {
			continue
		}
		if c, err := net.DialTimeout("unix", f[7], time.Second); err == nil {
			c.Close()
			return f[7], nil
		}
	}
	return "", errors.New("none lets us in")
}

func throughProxy(b prey) (string, error) {
	c, err := net.DialTimeout("tcp", b.proxy, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	host := portalHosts()[0] + ":443"
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host, host); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the proxy hangs up: %w", err)
	}
	if strings.Contains(line, " 200 ") {
		return "a tunnel", nil
	}
	return "", errors.New("the proxy answers " + strings.TrimSpace(line))
}

func kill(b prey) (string, error) {
	if err := syscall.Kill(b.pid, 0); err != nil {
		return "", err
	}
	return "it may be ended", nil
}
