// Package drivertest holds one conformance suite for every driver of a kind,
// and the means to start the real counterparts the suites run against.
package drivertest

import (
	"os/exec"
	"testing"
)

// Tool returns the path of a program that a test needs. A missing program
// fails the test: a test is never skipped because a part is missing.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: run 'make deps' first", name)
	}
	return path
}
