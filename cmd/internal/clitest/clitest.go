// Package clitest builds commands for the tests that run them.
package clitest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Main builds the given commands into a folder of their own, which it names in
// bin, and runs the tests: TestMain exits with what it returns.
func Main(m *testing.M, bin *string, commands ...string) int {
	dir, err := os.MkdirTemp("", "pointnum-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*bin = dir
	if out, err := exec.Command("go", append([]string{"build", "-o", dir}, commands...)...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
