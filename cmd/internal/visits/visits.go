// Package visits makes whole visits on a kiosk as its screen does, to measure
// them: papers are scanned and made fit, the test portal is opened and given
// the file, everything is erased. The agent runs in a process of its own with a
// memory file system of its own, so that what it holds is its alone. It needs
// root, Chromium and a go command.
package visits

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"pointnum/cmd/internal/hardware"
	"pointnum/cmd/internal/testportal"
	"pointnum/cmd/internal/trial"
	"pointnum/kiosk/watch"
)

// mark is the variable by which the agent's processes are known.
const mark = "POINTNUM_VISITS"

// patience is for anything that a visitor would wait for.
const patience = 60 * time.Second

// Kiosk is a running one, with its portal and virtual hardware.
type Kiosk struct {
	Portal *testportal.Portal

	id     string
	bench  *hardware.Bench
	agent  *exec.Cmd
	said   chan string // the agent's lines
	stderr bytes.Buffer
	pid    int // the agent's
	client http.Client
	host   string
	socket *websocket.Conn
	views  watch.Value[view]
	seen   view // the last one that was waited for
	stop   context.CancelFunc
	work   sync.WaitGroup
	failed error // of the hardware
}

// Start builds the agent into dir, starts everything and waits until the
// screen answers. The caller closes the kiosk.
func Start(ctx context.Context, dir string) (_ *Kiosk, err error) {
	k := &Kiosk{id: strconv.FormatInt(time.Now().UnixNano(), 36), said: make(chan string, 16)}
	ctx, k.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, k.Close())
		}
	}()
	program := filepath.Join(dir, "trialagent")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "pointnum/cmd/internal/trialagent").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("visits: build the agent: %w: %s", err, out)
	}
	if k.Portal, err = testportal.Start(testportal.Options{}); err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	if k.bench, err = hardware.New(ctx, hardware.Options{Dir: filepath.Join(dir, "out"), PageTime: 20 * time.Millisecond, SideTime: 20 * time.Millisecond}); err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	k.work.Go(func() { k.failed = k.bench.Run(ctx) })
	config := filepath.Join(dir, "kiosk.yaml")
	if err := os.WriteFile(config, k.config(dir), 0o600); err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	if err := k.startAgent(program, config); err != nil {
		return nil, err
	}
	return k, k.connect(ctx)
}

// config is what the agent shall have: one scanner, and nobody who waits.
func (k *Kiosk) config(dir string) []byte {
	scanner := k.bench.Specs(false)[0]
	return fmt.Appendf(nil, "place:\n  name: x\nlisten: 127.0.0.1:0\nspool: /dev/shm/spool\ncontrol: %q\nbrowser:\n  enabled: oui\n  headless: oui\ndevices:\n  - id: %q\n    driver: %q\n    uri: %q\n",
		filepath.Join(dir, "control.sock"), string(scanner.ID), scanner.Driver, scanner.URI)
}

// startAgent starts the agent where /dev/shm is its own.
func (k *Kiosk) startAgent(program, config string) error {
	const alone = `mount -t tmpfs -o size=1g,mode=1777 tmpfs /dev/shm && exec "$0" "$@"`
	k.agent = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", alone,
		program, "-config", config, "-portal", k.Portal.Addr(), "-spki", k.Portal.SPKI(), "-address", "https://"+testportal.HostPortal+"/mesure")
	k.agent.Env = append(os.Environ(), mark+"="+k.id)
	k.agent.Stderr = &k.stderr
	k.agent.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := k.agent.StdoutPipe()
	if err != nil {
		return fmt.Errorf("visits: agent: %w", err)
	}
	if err := k.agent.Start(); err != nil {
		k.agent = nil
		return fmt.Errorf("visits: agent: %w", err)
	}
	k.pid = k.agent.Process.Pid // unshare and sh are replaced by it
	k.work.Go(func() {
		defer close(k.said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			k.said <- lines.Text()
		}
	})
	return nil
}

// line is the agent's next one.
func (k *Kiosk) line(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case l, ok := <-k.said:
		if !ok {
			return "", errors.New("visits: the agent has ended")
		}
		return l, nil
	case <-ctx.Done():
		return "", fmt.Errorf("visits: the agent says nothing: %w", ctx.Err())
	}
}

// connect reads the screen's address and follows its views.
func (k *Kiosk) connect(ctx context.Context) error {
	address, err := k.line(ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(address, "http://%s", &k.host); err != nil {
		return fmt.Errorf("visits: address %q: %w", address, err)
	}
	k.host = k.host[:len(k.host)-1] // the slash
	if _, _, err := net.SplitHostPort(k.host); err != nil {
		return fmt.Errorf("visits: %w", err)
	}
	// A browser asks again when a connection that it kept was closed; this
	// client keeps none.
	k.client = http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	d := websocket.Dialer{HandshakeTimeout: patience}
	socket, r, err := d.DialContext(ctx, "ws://"+k.host+"/socket", http.Header{"Origin": {"http://" + k.host}})
	if err != nil {
		return fmt.Errorf("visits: screen: %w", err)
	}
	_ = r.Body.Close() // empty
	k.socket = socket
	k.work.Go(k.follow)
	return k.until(ctx, "the welcome screen", func(v view) bool { return v.Section == "welcome" && v.Scan.OK })
}

// Close ends everything. The agent has to end by itself, without a fault.
func (k *Kiosk) Close() error {
	var errs []error
	if k.socket != nil {
		_ = k.socket.Close() // the agent closes it as well
	}
	if k.agent != nil {
		kill := time.AfterFunc(patience, func() { _ = k.agent.Process.Kill() })
		errs = append(errs, k.agent.Process.Signal(syscall.SIGTERM))
		for range k.said { // until it has ended
		}
		if err := k.agent.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("visits: agent: %w: %s", err, k.stderr.String()))
		}
		kill.Stop()
	}
	k.stop()
	k.work.Wait()
	errs = append(errs, k.failed)
	if k.Portal != nil {
		errs = append(errs, k.Portal.Close())
	}
	return errors.Join(errs...)
}

// act touches the screen and posts an action, as the screen's script does.
func (k *Kiosk) act(ctx context.Context, name, body string) error {
	if err := k.socket.WriteMessage(websocket.TextMessage, []byte("touch")); err != nil {
		return fmt.Errorf("visits: %s: %w", name, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.host+"/act/"+name, bytes.NewReader([]byte(body)))
	if err != nil {
		return fmt.Errorf("visits: %s: %w", name, err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := k.client.Do(r)
	if err != nil {
		return fmt.Errorf("visits: %s: %w", name, err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("visits: %s: %s on screen %s", name, answer.Status, k.seen.Section)
	}
	return nil
}

// portalID is the portal's in the agent's catalogue.
const portalID = trial.ID
