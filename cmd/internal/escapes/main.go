// Command escapes tries to leave the locked browser and prints what held: one
// line for every try of the test portal's page of escapes, for every key that
// leads out of an ordinary Chromium, and for another user of the machine who
// wants to reach the browser.
//
// It starts the test portal, the egress proxy, a stand-in for the kiosk's own
// screen and package browser with real Chromium under the managed policies,
// all in a mount namespace of its own with empty /tmp, /var/tmp and /dev/shm:
// nothing of the machine changes, and whatever file the browser writes is
// seen. As root the browser gets a user of its own, with its sandbox; without
// root it runs as who starts the command.
//
// Its exit code is 1 when anything got out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

// mode is how the browser is seen.
type mode string

// The modes.
const (
	window   mode = "window"   // on a bare X server, with real keys and a mouse
	headless mode = "headless" // without any, by touches over DevTools
)

// options are the command's.
type options struct {
	modes []mode
	only  *regexp.Regexp // of ids; nil is all
	json  bool
	out   string // file; "" is standard output
	// slower is how many times slower the machine is than a kiosk.
	slower int
	open   bool // lets everything out: what is judged is seen to be seen
}

const usage = `Usage: escapes [--window | --headless] [--only REGEXP] [--slower N] [--json] [--out FILE]

Tries to leave the locked browser in every way known and prints a table: what
was tried, what held it, and hold or ESCAPE. Without --window and --headless
both are tried, which takes about half an hour. Its exit code is 0 when
nothing got out, 1 when something did, and 2 when it could not be tried.

`

func main() {
	if len(os.Args) > 1 && os.Args[1] == probeArg {
		os.Exit(probeFor(os.Args[2:], os.Stdout))
	}
	o := options{}
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	noWindow := flag.Bool("headless", false, "without a window only: touches over DevTools, no keys")
	noHeadless := flag.Bool("window", false, "in a window on a bare X server only: with real keys")
	only := flag.String("only", "", "only the tries whose id matches this `regexp`")
	flag.IntVar(&o.slower, "slower", 1, "how many times slower this machine is than a kiosk: every limit is as many times longer")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.StringVar(&o.out, "out", "", "print into this `file`")
	flag.Parse()
	if *noWindow == *noHeadless || *noHeadless {
		o.modes = append(o.modes, window)
	}
	if *noWindow == *noHeadless || *noWindow {
		o.modes = append(o.modes, headless)
	}
	if *only != "" {
		re, err := regexp.Compile(*only)
		if err != nil {
			fail(err)
		}
		o.only = re
	}
	escaped, err := command(o)
	if err != nil {
		fail(err)
	}
	if escaped {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "escapes:", err)
	os.Exit(2)
}

// command runs it all; escaped says that something got out.
func command(o options) (escaped bool, err error) {
	var out io.Writer = os.Stdout
	if o.out != "" {
		// Before /tmp is another one.
		f, err := os.OpenFile(o.out, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return false, err
		}
		defer f.Close()
		if inside() {
			if err := f.Truncate(0); err != nil {
				return false, err
			}
		}
		out = f
	}
	c, err := enter()
	if err != nil {
		return false, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var results []result
	for _, m := range o.modes {
		some, err := tries(ctx, c, o, m)
		results = append(results, some...)
		if err != nil {
			return false, errors.Join(fmt.Errorf("%s: %w", m, err), table(out, results))
		}
	}
	if len(results) == 0 {
		return false, errors.New("no try has such an id")
	}
	print := table
	if o.json {
		print = printJSON
	}
	return count(results, escaping) > 0, print(out, results)
}

// tries makes the tries of one mode.
func tries(ctx context.Context, c *cage, o options, m mode) (results []result, err error) {
	h, err := start(ctx, c, o, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	return h.all(ctx, progress)
}

// progress says on standard error how far it is.
func progress(r result) {
	fmt.Fprintf(os.Stderr, "%-8s %-9s %-24s %5d ms  %s\n", r.Mode, r.Verdict, r.ID, r.Away.Milliseconds(), strings.Join(append(r.Out, r.HeldBy...), "; "))
}
