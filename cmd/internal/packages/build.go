package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/config"
	"pointnum/kiosk/portal"
)

// crossCompiler is Debian's C compiler for an architecture that is not ours.
const crossCompiler = "aarch64-linux-gnu-gcc"

// build builds a program for the kiosks: with its version, and without a path
// of this machine in it.
func (j *job) build(ctx context.Context, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X pointnum/cmd/internal/agent.Version="+j.Version,
		"-o", filepath.Join(j.stage, program), "./cmd/"+program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOOS=linux", "GOARCH="+j.Arch)
	if j.Arch != runtime.GOARCH {
		cmd.Env = append(cmd.Env, "CC="+crossCompiler)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return nil
}

// policies writes those of a kiosk that shows every portal of the catalogue:
// they hold where its own configuration can't be read.
func (j *job) policies() error {
	p := policy.Make(portal.Default(), []string{"http://" + config.Default().Listen})
	return j.write("policies.json", p.JSON())
}
