// Package program is how a program that holds visitors' papers starts.
package program

import (
	"fmt"
	"os"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk/document"
)

// Main runs a command that runs an agent, and ends the process: it is all that
// a main function holds. What such a program needs before anything else comes
// first: it may have been started by itself to read a file (document.IsChild),
// and its freed memory holds nothing (agent.ForgetFreed).
func Main(c cli.Command) {
	if document.IsChild() {
		document.RunChild()
	}
	if err := agent.ForgetFreed(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(cli.ExitFailed)
	}
	cli.Main(cli.Single(c))
}
