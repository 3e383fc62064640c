package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

// The bounds of systemd-sysupdate.
const (
	programTimeout = 30 * time.Minute // a slow disk writes a root in some
	programGrace   = 20 * time.Second // from SIGTERM to SIGKILL
	maxSaid        = 8 << 10          // bytes of its last words
)

// run has systemd-sysupdate write a version and returns what it said.
func run(ctx context.Context, program, version string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, programTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--definitions="+Definitions, "update", version)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin", "LANG=C.UTF-8", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = programGrace
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	text := said.text()
	if err == nil {
		return text, nil
	}
	code := provisioning.CodeUpdateInstall
	switch {
	case errors.Is(err, context.Canceled):
		code = kiosk.CodeCanceled
	case errors.Is(err, os.ErrNotExist):
		code = provisioning.CodeUpdateForeign
	}
	return "", &kiosk.Error{Code: code, Op: "install", Err: fmt.Errorf("%w: %s", err, text)}
}

// tail keeps the last bytes written to it.
type tail struct{ b []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - maxSaid; over > 0 {
		t.b = t.b[over:]
	}
	return len(p), nil
}

// text is what was written, as lines that a terminal shows as they are.
func (t *tail) text() string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r >= ' ' && r != 0x7f {
			return r
		}
		return -1
	}, strings.ToValidUTF8(string(t.b), "?")))
}
