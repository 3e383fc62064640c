package agent_test

import (
	"os"
	"strings"
	"testing"

	"pointnum/cmd/internal/agent"
)

// A program that is one already is not started again: it would be for ever.
func TestAProgramThatForgetsIsLeftAsItIs(t *testing.T) {
	t.Setenv("GODEBUG", "madvdontneed=1,clobberfree=1")
	if err := agent.ForgetFreed(); err != nil || !strings.HasPrefix(os.Getenv("GODEBUG"), "madvdontneed=1,") {
		t.Errorf("%v, GODEBUG is %q", err, os.Getenv("GODEBUG"))
	}
}
