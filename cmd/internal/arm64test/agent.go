package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
)

// agent starts the agent as the packages configure it, and asks it what it can
// be asked without a screen.
func (t *trial) agent(ctx context.Context) error {
	out, err := t.in(ctx, "/usr/bin/kioskd", "-check")
	t.check("the configuration that comes with it is right", err == nil, detail(out, err))
	began := time.Now()
	k, err := t.startAgent(ctx)
	if err != nil {
		return err
	}
	page, err := k.screen(ctx)
	t.check("the agent answers at its address", err == nil && bytes.Contains(page, []byte("<html")), detail(string(page), err))
	t.say("screen of %d bytes, %.1f s after the start", len(page), time.Since(began).Seconds())
	out, err = t.in(ctx, "/usr/bin/kioskctl", "status", "--json")
	t.check("kioskctl reaches it", err == nil && json.Valid([]byte(out)), detail(out, err))
	t.health(ctx)
	t.child()
	err = k.stop()
	t.check("it ends when asked to", err == nil, detail(k.said.String(), err))
	return nil
}

// health is the agent's own trial; the screen's part needs one.
func (t *trial) health(ctx context.Context) {
	out, err := t.in(ctx, "/usr/bin/kioskctl", "health", "--json")
	var list []control.Check
	if e := json.Unmarshal([]byte(out), &list); e != nil {
		t.check("kioskctl health", false, detail(out, err))
		return
	}
	got := map[string]control.Check{}
	for _, c := range list {
		got[c.Name] = c
	}
	t.check("health: a page becomes a file ("+got["page"].Detail+")", got["page"].OK, out)
	t.check("health: memory, and the wipe", got["memory"].OK, out)
}

// child looks at the process that opens strangers' files, from outside. What
// closes its network and its system calls the emulator has not; the limits it
// hands on to the kernel.
func (t *trial) child() {
	names, err := filepath.Glob(filepath.Join(t.tree, "proc/[0-9]*/cmdline"))
	if err != nil {
		t.check("the child that opens files", false, err.Error())
		return
	}
	for _, name := range names {
		if line, err := os.ReadFile(name); err != nil || !bytes.Contains(line, []byte("pointnum-document")) {
			continue
		}
		limits, err := os.ReadFile(filepath.Join(filepath.Dir(name), "limits"))
		t.check("the child that opens files may write none", err == nil && field(limits, "Max file size") == "0", string(limits))
		return
	}
	t.check("the child that opens files is there", false, "")
}

// field gives the first word after a name.
func field(text []byte, name string) string {
	_, after, _ := strings.Cut(string(text), name)
	if f := strings.Fields(after); len(f) > 0 {
		return f[0]
	}
	return ""
}

// agent is the kiosk's, while it runs.
type agent struct {
	cmd   *exec.Cmd
	said  bytes.Buffer // to be read when it has ended
	ended chan error
}

func (t *trial) startAgent(ctx context.Context) (*agent, error) {
	k := &agent{cmd: t.command(ctx, "/usr/bin/kioskd"), ended: make(chan error, 1)}
	k.cmd.Stdout, k.cmd.Stderr = &k.said, &k.said
	k.cmd.Cancel = func() error { return k.cmd.Process.Signal(syscall.SIGTERM) }
	k.cmd.WaitDelay = time.Minute
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	go func() { k.ended <- k.cmd.Wait() }()
	return k, nil
}

// screen gets the agent's page, as soon as it is there.
func (k *agent) screen(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		page, err := get(ctx, "http://"+config.Default().Listen+"/")
		if err == nil {
			return page, nil
		}
		select {
		case end := <-k.ended:
			k.ended <- end
			return nil, fmt.Errorf("it has ended: %w", end)
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// stop ends the agent as a service manager does.
func (k *agent) stop() error {
	if err := k.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-k.ended:
		return err
	case <-time.After(patience):
		_ = k.cmd.Process.Kill()
		<-k.ended
		return fmt.Errorf("it does not end within %v", patience)
	}
}

// detail is what a program said, and how it ended.
func detail(out string, err error) string {
	if err != nil {
		return err.Error() + "\n" + out
	}
	return out
}
